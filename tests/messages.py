"""The command line inside a test: its exit status, and that it says what went wrong in one message."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lbz_indicators.cli import main

OF_JAVA = ("Traceback", "at org.apache", "py4j", "java.", "Exception", "Logging error")


def exit_status(*arguments: str) -> int:
    """Exit status of a command line, run in this process."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def assert_one_message(printed: str, wanted: Sequence[str], values: Sequence[str] = ()) -> None:
    """One message with these texts and how to mend it, without a stack trace and without these values of records."""
    assert printed.count("error:") == 1, printed
    message = printed[printed.index("error:") :]
    assert [text for text in wanted if text not in message] == [], message
    assert "Mend:" in message, message
    assert [text for text in (*OF_JAVA, *values) if text in printed] == [], printed
