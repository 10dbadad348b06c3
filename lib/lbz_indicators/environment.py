"""What the machine must have: Java, Python, packages, memory. Each finding comes with its remedy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lbz_indicators.errors import SettingsError

JAVA_MAJOR = 17
PYTHON_VERSIONS = ((3, 10), (3, 11), (3, 12))
PACKAGES = {"pyspark": "4.1.4", "delta-spark": "4.4.0"}
DELTA_PACKAGE = f"io.delta:delta-spark_4.1_2.13:{PACKAGES['delta-spark']}"
DELTA_CLASS = "io.delta.sql.DeltaSparkSessionExtension"


@dataclass(frozen=True)
class Finding:
    """One thing a run needs: what was found, what is needed, and how to get it."""

    name: str
    found: str
    needed: str
    good: bool
    remedy: str


def memory_bytes(text: str) -> int:
    """'8g' or '512m' in bytes."""
    unit = {"m": 1024**2, "g": 1024**3}
    return int(text[:-1]) * unit[text[-1]]


def java_finding() -> Finding:
    remedy = "install OpenJDK 17 (Debian: apt-get install openjdk-17-jre-headless) and set JAVA_HOME to it"
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not program or not Path(program).exists():
        return Finding("Java", f"none at JAVA_HOME={home}" if home else "none", f"{JAVA_MAJOR}", False, remedy)
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError as error:
        return Finding("Java", f"{program} that cannot be started ({error.strerror})", f"{JAVA_MAJOR}", False, remedy)
    version = re.search(r'version "(\d+)(?:\.(\d+))?', answer)
    major = int(version[2] or 0) if version and version[1] == "1" else int(version[1]) if version else 0
    return Finding("Java", f"{major or 'unreadable version'} ({program})", f"{JAVA_MAJOR}", major == JAVA_MAJOR, remedy)


def python_finding() -> Finding:
    needed = ", ".join(f"{major}.{minor}" for major, minor in PYTHON_VERSIONS)
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    remedy = "make the environment with one of these: make run PYTHON=python3.11"
    return Finding("Python", found, needed, sys.version_info[:2] in PYTHON_VERSIONS, remedy)


def package_findings() -> list[Finding]:
    findings = []
    for name, needed in PACKAGES.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "none"
        findings.append(Finding(name, found, needed, found == needed, f"pip install {name}=={needed}"))
    return findings


def memory_finding(memory: str) -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    remedy = f"give Spark less, --set spark.memory={max(1, total // 2 // 1024**3)}g, or use a larger machine"
    good = memory_bytes(memory) <= 0.9 * total
    return Finding("memory", f"{total / 1024**3:.1f} GiB", f"spark.memory {memory} within 90% of it", good, remedy)


def jar_finding() -> Finding:
    name = DELTA_PACKAGE.replace(":", "_", 1).replace(":", "-") + ".jar"
    found = next((path for path in sorted(Path.home().glob(f".ivy2*/jars/{name}"))), None)
    text = "fetched" if found else "not fetched yet; the first session fetches it"
    return Finding("Delta jar", text, DELTA_PACKAGE, True, "the machine must reach Maven Central once")


def examine(memory: str) -> list[Finding]:
    """Everything `lbz-indicators doctor` prints."""
    return [java_finding(), python_finding(), *package_findings(), memory_finding(memory), jar_finding()]


def require(findings: list[Finding]) -> None:
    """SettingsError naming every finding that is not good, each with its remedy."""
    bad = [finding for finding in findings if not finding.good]
    if bad:
        raise SettingsError(
            "; ".join(f"{finding.name} {finding.needed} is needed, found: {finding.found}" for finding in bad) + ".",
            mend="; ".join(finding.remedy for finding in bad) + ". `lbz-indicators doctor` shows all.",
        )
