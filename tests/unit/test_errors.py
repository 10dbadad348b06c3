"""Failures: one message in three parts, and the exit status of ARCHITECTURE section 5."""

from __future__ import annotations

import pytest

from lbz_indicators import cli
from lbz_indicators.errors import DeliveryError, LbzError, ModelError, SettingsError, StorageError


@pytest.mark.parametrize(("kind", "status"), [(SettingsError, 2), (DeliveryError, 3), (ModelError, 4), (StorageError, 5)])
def test_exit_status(kind: type[LbzError], status: int) -> None:
    """Truth: ARCHITECTURE section 5, 'Exit status'."""
    assert kind("what").exit_status == status
    assert issubclass(kind, LbzError)


def test_message_has_what_where_and_mend() -> None:
    error = DeliveryError("Two columns are missing.", where="admissions", mend="deliver them.")
    assert str(error) == "Two columns are missing.\nWhere: admissions\nMend: deliver them."
    assert str(DeliveryError("Two columns are missing.")) == "Two columns are missing."
    assert str(DeliveryError("Two columns are missing.", mend="deliver them.")) == "Two columns are missing.\nMend: deliver them."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctor", "--set", "models.engin=glum"], "models.engin: no such setting"),
        (["run", "--config", "absent.yml"], "absent.yml is not there"),
        (["run", "--year", "2019"], "--year"),
        (["publish-everything"], "publish-everything"),
    ],
)
def test_wrong_arguments_end_a_command_with_status_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    output = capsys.readouterr()
    assert ended.value.code == 2
    assert said in output.err and output.err.startswith("error: ")
    assert "Traceback" not in output.err and output.out == ""


def test_help_ends_with_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    assert "doctor" in capsys.readouterr().out
