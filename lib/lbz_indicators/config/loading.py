"""Reading settings: every problem reported at once.

Values come from `method.yml` (the method) and `synthetic.yml`, then the file named by --config, then --set key.path=value;
each later one wins. An unknown key is an error, so that a typing mistake can never silently leave a default in place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from lbz_indicators.config.settings import Settings
from lbz_indicators.errors import SettingsError

CONF = resources.files("lbz_indicators.conf")
SHIPPED = ("method.yml", "synthetic.yml")


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: a day or a clock time is text, checked by the settings' types like any other."""


_Loader.yaml_implicit_resolvers = {
    mark: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in ("timestamp", "int")]
    for mark, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9]\d*)$"), list("-+0123456789"))


def load_yaml(text: str) -> Any:
    """Plain YAML; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)


def recorded_settings(text: str, where: str) -> Settings:
    """Settings of an earlier run from their JSON; what has become a setting since then has its default.

    Raises SettingsError where this version of the program no longer has one of them.
    """
    try:
        return Settings.model_validate(_merge(_shipped(), json.loads(text)))
    except ValidationError as error:
        wrong = "; ".join(explain(item) for item in error.errors())
        raise SettingsError(
            f"The recorded settings are not those of this version of the program: {wrong}.",
            where=where,
            mend="use the version of the program that made the record; it stands beside it (code_version).",
        ) from error


def load_settings(
    config: str | None = None, overrides: Sequence[str] = (), options: Mapping[str, str | None] | None = None
) -> Settings:
    """Settings from the shipped method, a file, options taken literally by key path, and `key.path=value` overrides.

    Raises SettingsError naming every unknown key, wrong type and impossible value in one message.
    """
    merged = _shipped()
    if config is not None:
        merged = _merge(merged, _read_config(config))
    for path, given in (options or {}).items():
        if given is not None:
            merged = _merge(merged, _nested(path.split("."), given))
    problems = []
    for override in overrides:
        path, separator, text = override.partition("=")
        if not separator or not path.strip():
            problems.append(f"--set {override!r}: write key.path=value")
            continue
        try:
            merged = _merge(merged, _nested(path.strip().split("."), load_yaml(text)))
        except yaml.YAMLError:
            problems.append(f"--set {path}: the value is not valid YAML")
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        problems += [explain(item) for item in error.errors()]
    if problems:
        raise SettingsError(
            f"{len(problems)} wrong setting{'s' if len(problems) > 1 else ''}:\n  " + "\n  ".join(problems),
            where=config or "command line",
            mend="the settings and their defaults stand in conf/method.yml, conf/synthetic.yml and docs/operations.md.",
        )
    return settings


def _shipped() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in SHIPPED:
        merged = _merge(merged, _read_yaml(CONF.joinpath(name).read_text(encoding="utf-8"), name))
    return merged


def explain(item: Mapping[str, Any]) -> str:
    """One problem that pydantic found, as: where: what (given: value)."""
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{path}: no such setting"
    return f"{path}: {item['msg'].removeprefix('Value error, ')} (given: {item['input']!r})"


def _read_config(config: str) -> dict[str, Any]:
    path = Path(config)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise SettingsError(f"The settings file {config} {what}.", mend="give an existing file to --config.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {config} cannot be read: {error}.") from error
    return _read_yaml(text, config)


def _read_yaml(text: str, name: str) -> dict[str, Any]:
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"The settings file {name} is not valid YAML.", where=str(error).replace("\n", " ")) from error
    if not isinstance(value, dict):
        raise SettingsError(f"The settings file {name} holds no settings.", mend="write sections such as `spark:`.")
    return value


def _nested(path: list[str], value: object) -> dict[str, Any]:
    return {path[0]: value if len(path) == 1 else _nested(path[1:], value)}


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
