"""Which messages were handed over: a file per message, written when it was, so that no rerun sends it again."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

from lbz_indicators.errors import StorageError
from lbz_indicators.failures import storage_errors
from lbz_indicators.io.private import folder_in, write_private
from lbz_indicators.publish.package import MessageRecord

FOLDER = "_messages"
_MEND = "see to the folder; without the file the message is sent once more."


class Notices:
    """The records below the folder of the packages, by the key of the message."""

    def __init__(self, packages: Path) -> None:
        self._folder = folder_in(packages, FOLDER)

    def find(self, key: str) -> MessageRecord | None:
        """The record of a message that was handed over; None where it was not."""
        path = self._folder / f"{key}.json"
        if not path.exists():
            return None
        with storage_errors("The record of a message cannot be read.", str(path), _MEND):
            text = path.read_text(encoding="utf-8")
        try:
            row = json.loads(text)
            return MessageRecord(**{**row, "sent_at": dt.datetime.fromisoformat(row["sent_at"])})
        except (ValueError, TypeError, KeyError) as error:
            raise StorageError("The record of a message is damaged.", where=str(path), mend=_MEND) from error

    def add(self, record: MessageRecord) -> None:
        """Keeps that it was."""
        text = json.dumps(asdict(record), default=str, indent=1, ensure_ascii=False) + "\n"
        write_private(self._folder, f"{record.message_id}.json", lambda file: file.write(text.encode()))
