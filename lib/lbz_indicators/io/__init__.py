"""The only reader and writer of storage: Delta tables (`tables`, `changes`), delivered and work files (`files`)."""

from __future__ import annotations

from lbz_indicators.io.changes import CHANGE
from lbz_indicators.io.tables import Store, Written, require_place

__all__ = ["CHANGE", "Store", "Written", "require_place"]
