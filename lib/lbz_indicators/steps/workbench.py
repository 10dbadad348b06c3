"""The work files of a fit: the design of whichever groups are being fitted, written once for all that read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.io.work import WorkFolder
from lbz_indicators.models import packing
from lbz_indicators.models.packing import D, Pack


class Workbench(Generic[D]):
    """`make` gives the design rows of packs; `more` are columns they have beside those of packing.ROW_SCHEMA."""

    def __init__(
        self,
        store: Store,
        name: str,
        settings: Settings,
        make: Callable[[Sequence[Pack[D]]], DataFrame],
        more: Sequence[T.StructField] = (),
    ) -> None:
        self._store = store
        self._name = f"{name}-{utc_now():%Y%m%dT%H%M%S%f}"
        self.settings = settings
        self._make = make
        self._more = list(more)
        self._parts = 0
        self._written: tuple[tuple[Pack[D], ...], WorkFolder] | None = None

    def vectors(self, packs: Sequence[Pack[D]]) -> DataFrame:
        """The rows of these packs as MLlib reads them, written unless they are there."""
        return self._folder(packs).read(T.StructType([*packing.VECTOR_SCHEMA.fields, *self._more]))

    def rows(self, designs: Sequence[D]) -> DataFrame:
        """The rows of these groups with their own column numbers, written unless they are there."""
        models = self.settings.models
        packs = packing.pack_groups([d for d in designs if len(d.columns) > 1], models.pack_columns, models.pack_rows)
        # An intercept alone needs no engine, but its certificate needs its rows.
        closed = [d for d in designs if len(d.columns) == 1]
        packs += [packing.place(len(packs), closed)] if closed else []
        return self._folder(packs).read(T.StructType([*packing.ROW_SCHEMA.fields, *self._more]))

    def _folder(self, packs: Sequence[Pack[D]]) -> WorkFolder:
        """A folder that holds at least these packs: the last one written, where it does, for a write takes seconds."""
        if self._written is not None and all(pack in self._written[0] for pack in packs):
            return self._written[1]
        self._parts += 1
        folder = WorkFolder(self._store, f"{self._name}/{self._parts}")
        folder.write(self._make(packs), "pack")
        self._written = (tuple(packs), folder)
        return folder

    def remove(self) -> None:
        """Deletes the work files."""
        WorkFolder(self._store, self._name).remove()
