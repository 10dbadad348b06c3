"""What may go wrong, each with the exit status the command ends with.

An error is one message in three parts: what is wrong, where (table, column, number of rows), and how to mend it.
It never holds a value taken from a patient record.
"""

from __future__ import annotations


class LbzError(Exception):
    """An expected failure. `exit_status` is what the process returns; see README, "Exit status"."""

    exit_status = 1

    def __init__(self, what: str, *, where: str | None = None, mend: str | None = None) -> None:
        self.what, self.where, self.mend = what, where, mend
        parts = [what, f"Where: {where}" if where else None, f"Mend: {mend}" if mend else None]
        super().__init__("\n".join(part for part in parts if part))


class SettingsError(LbzError):
    """Wrong arguments, settings or environment (Java, Python, memory, jars)."""

    exit_status = 2


class DeliveryError(LbzError):
    """The delivery as a whole cannot be used; single broken records are rejected, not raised."""

    exit_status = 3


class ModelError(LbzError):
    """A model could not be fitted, certified or verified, or none is there to score with."""

    exit_status = 4


class StorageError(LbzError):
    """A table could not be read or written, or does not have the columns its contract names."""

    exit_status = 5


class ReproductionError(LbzError):
    """A published figure, computed again from what was frozen, is not what it was."""

    exit_status = 4


class ErasedError(LbzError):
    """A publication cannot be reproduced as a whole, for rows of it were erased by law; nothing else about it changed."""

    exit_status = 6
