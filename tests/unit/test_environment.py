"""What the machine must have: each finding with what was found and how to mend it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lbz_indicators import environment
from lbz_indicators.environment import Finding
from lbz_indicators.errors import SettingsError

GIB = 1024**3

ANSWERS = {
    "8": 'java version "1.8.0_392"\nJava(TM) SE Runtime Environment (build 1.8.0_392-b08)',
    "11": 'openjdk version "11.0.21" 2023-10-17\nOpenJDK Runtime Environment (build 11.0.21+9)',
    "17": 'openjdk version "17.0.9" 2023-10-17\nOpenJDK Runtime Environment (build 17.0.9+9-Debian-1deb12u1)',
    "21": 'openjdk version "21" 2023-09-19\nOpenJDK Runtime Environment (build 21+35-2513)',
}
"""First lines of `java -version`, which writes to standard error."""


def _fake_java(home: Path, answer: str, mode: int = 0o755) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{answer}\nEND\n", encoding="utf-8")
    program.chmod(mode)
    return program


@pytest.mark.parametrize(("major", "good"), [("8", False), ("11", False), ("17", True), ("21", False)])
def test_java_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, major: str, good: bool) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    program = _fake_java(tmp_path, ANSWERS[major])
    finding = environment.java_finding()
    assert (finding.found, finding.needed, finding.good) == (f"{major} ({program})", "17", good)
    assert "openjdk-17" in finding.remedy and "JAVA_HOME" in finding.remedy


def test_java_options_before_the_version_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    _fake_java(tmp_path, f"Picked up JAVA_TOOL_OPTIONS: -Xmx4g\n{ANSWERS['17']}")
    assert environment.java_finding().good


def test_java_of_the_path_where_java_home_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    program = _fake_java(tmp_path, ANSWERS["17"])
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert environment.java_finding().found == f"17 ({program})"


def test_no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    finding = environment.java_finding()
    assert not finding.good and "gone" in finding.found
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (environment.java_finding().good, environment.java_finding().found) == (False, "none")


def test_java_that_says_nothing_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    _fake_java(tmp_path, "Segmentation fault")
    finding = environment.java_finding()
    assert not finding.good and "unreadable version" in finding.found


def test_java_that_cannot_be_started_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME on a file that may not be executed: `doctor` must say so, not break."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    _fake_java(tmp_path, ANSWERS["17"], mode=0o644)
    assert not environment.java_finding().good


@pytest.mark.parametrize(("text", "size"), [("8g", 8 * GIB), ("512m", GIB // 2), ("1g", GIB)])
def test_memory_bytes(text: str, size: int) -> None:
    assert environment.memory_bytes(text) == size


@pytest.mark.parametrize(
    ("wanted", "machine", "good"), [("8g", 16, True), ("8g", 8, False), ("9g", 10, True), ("10g", 10, False)]
)
def test_memory_must_fit_into_90_percent(monkeypatch: pytest.MonkeyPatch, wanted: str, machine: int, good: bool) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": machine * GIB // 4096}
    monkeypatch.setattr(environment.os, "sysconf", sizes.__getitem__)
    finding = environment.memory_finding(wanted)
    assert (finding.good, finding.found) == (good, f"{machine}.0 GiB")
    assert f"spark.memory={machine // 2}g" in finding.remedy


@pytest.mark.parametrize(
    ("version", "good"), [((3, 9), False), ((3, 10), True), ((3, 11), True), ((3, 12), True), ((3, 13), False)]
)
def test_python_version(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], good: bool) -> None:
    class Version(tuple):  # type: ignore[type-arg]
        major, minor = version

    monkeypatch.setattr(environment.sys, "version_info", Version((*version, 0)))
    finding = environment.python_finding()
    assert (finding.good, finding.found) == (good, f"{version[0]}.{version[1]}")


def test_package_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"pyspark": "4.2.0", "delta-spark": "4.4.0"}
    monkeypatch.setattr(environment.metadata, "version", found.__getitem__)
    spark, delta = environment.package_findings()
    assert (spark.good, spark.remedy, delta.good) == (False, "pip install pyspark==4.1.4", True)


def test_absent_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise environment.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment.metadata, "version", absent)
    assert [finding.found for finding in environment.package_findings()] == ["none", "none"]


def test_require_names_everything_missing_in_one_sentence_with_the_remedies() -> None:
    findings = [
        Finding("Java", "11 (/java)", "17", False, "install OpenJDK 17"),
        Finding("Python", "3.11", "3.10, 3.11, 3.12", True, "use another"),
        Finding("memory", "4.0 GiB", "spark.memory 8g within 90% of it", False, "give Spark less"),
    ]
    with pytest.raises(SettingsError) as caught:
        environment.require(findings)
    assert caught.value.exit_status == 2
    assert caught.value.what == (
        "Java 17 is needed, found: 11 (/java); memory spark.memory 8g within 90% of it is needed, found: 4.0 GiB."
    )
    assert caught.value.mend == "install OpenJDK 17; give Spark less. `lbz-indicators doctor` shows all."


def test_only_what_is_not_good_is_required() -> None:
    good, bad = Finding("Java", "17", "17", True, "install"), Finding("Python", "3.9", "3.10", False, "another")
    with pytest.raises(SettingsError) as caught:
        environment.require([good, bad])
    assert caught.value.what == "Python 3.10 is needed, found: 3.9."


def test_every_finding_of_doctor_is_one_line_with_a_remedy() -> None:
    findings = environment.examine("1g")
    assert {"Java", "Python", "pyspark", "delta-spark", "memory", "Delta jar"} == {finding.name for finding in findings}
    for finding in findings:
        assert finding.found and finding.needed and finding.remedy
        assert "\n" not in finding.found + finding.needed + finding.remedy
