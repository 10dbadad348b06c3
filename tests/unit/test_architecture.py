"""The layout of the package: imports point down, nothing starts at import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import lbz_indicators

PACKAGE = "lbz_indicators"
ROOT = Path(lbz_indicators.__file__).parent

LEVELS = [
    {"", "errors", "failures", "conf", "clock", "places", "logs", "interrupts"},
    {"config", "hashing", "digests", "joins", "tables", "schemas", "references", "progress"},
    {"stats"},
    {"ingest", "population", "models", "indicators", "publish"},
    {"synthetic"},
    {"environment", "session", "io"},
    {"steps"},
    {"commands", "cli", "show", "show_runs", "registry_views", "printing"},
]
"""From the ground up; "" is the package's own __init__, conf its data files.

A module may import from its own level and from those before it.
"""


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_module(path): path for path in sorted(ROOT.rglob("*.py"))}


def _level(module: str) -> int:
    return next(level for level, names in enumerate(LEVELS) if module.split(".")[0] in names)


def _imports(path: Path) -> set[str]:
    """Modules of the package that a module imports, anywhere in it, also inside functions and for types only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                found.add(below if below.removeprefix(f"{PACKAGE}.") in MODULES else str(node.module))
    return {name.removeprefix(PACKAGE).removeprefix(".") for name in found if name.split(".")[0] == PACKAGE}


def _external(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def test_modules_are_found() -> None:
    """The walk sees modules, packages, and imports inside functions."""
    assert {"errors", "stats.logistic", "models.mllib", "steps", "cli"} <= MODULES.keys()
    assert "steps.run" in _imports(MODULES["commands.steps"])
    assert {"tables", "config", "io"} <= _imports(MODULES["show"])


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_level(module: str) -> None:
    assert any(module.split(".")[0] in names for names in LEVELS), f"give {module} a place in LEVELS"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    upward = {name for name in _imports(MODULES[module]) if _level(name) > _level(module)}
    assert not upward, f"{module} imports from above: {', '.join(sorted(upward))}"


def test_no_module_imports_itself_in_a_circle() -> None:
    imports = {module: _imports(path) - {module} for module, path in MODULES.items()}
    order = list(TopologicalSorter(imports).static_order())  # CycleError where there is none
    assert all(order.index(below) < order.index(module) for module, names in imports.items() for below in names)


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "stats"])
def test_statistics_know_no_spark(module: str) -> None:
    """Arrays in, arrays out; NumPy and SciPy only."""
    allowed = {"numpy", "scipy", PACKAGE} | set(sys.stdlib_module_names)
    assert _external(MODULES[module]) <= allowed


@pytest.mark.parametrize("module", [name for name in MODULES if name != "session"])
def test_only_the_session_looks_behind_spark(module: str) -> None:
    """No SparkContext, RDD or JVM elsewhere, so that the same code runs on Spark Connect."""
    assert not re.search(r"sparkContext|\._jvm|\._jsc|\.rdd\b|DeltaTable\b", MODULES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", [name for name in MODULES if name != "session"])
def test_only_the_session_builds_a_session(module: str) -> None:
    assert not re.search(r"SparkSession\s*\.\s*builder|getOrCreate|getActiveSession", MODULES[module].read_text(encoding="utf-8"))


OF_WHOLE_BRONZE = {f"steps.{name}" for name in ("delivered", "loading", "erasure", "removal", "rotation", "retention")}
"""Modules that load records or remove them: theirs are all that lie there."""


@pytest.mark.parametrize("module", [name for name in MODULES if name not in OF_WHOLE_BRONZE])
def test_only_what_was_delivered_whole_counts(module: str) -> None:
    """Bronze is read through steps.delivered, which leaves out deliveries whose load broke off."""
    assert not re.search(r"\.(read|read_or_empty|find)\(\s*(tables\.)?BRONZE_", MODULES[module].read_text(encoding="utf-8"))


def test_importing_everything_starts_no_spark() -> None:
    """In a process of its own: no gateway to Java, no active context or session after every module is imported."""
    program = f"""
import importlib
for name in {[f"{PACKAGE}.{name}".rstrip(".") for name in MODULES]!r}:
    importlib.import_module(name)
from pyspark import SparkContext
from pyspark.sql import SparkSession
assert SparkContext._gateway is None and SparkContext._active_spark_context is None
assert SparkSession._instantiatedSession is None
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
