"""The contract of every table: columns with type, meaning and unit, key, partitions.

`SCHEMAS[table]` is checked before every write; the data dictionary is generated from it.
"""

from __future__ import annotations

from lbz_indicators.schemas import (
    bronze,
    gold,
    gold_cells,
    gold_comparison,
    gold_eligibility,
    gold_models,
    gold_packages,
    gold_published,
    gold_registration,
    silver,
)
from lbz_indicators.schemas.contract import TABLE_VERSION, Column, TableSchema
from lbz_indicators.tables import Table

_GOLD = (
    *gold_models.SCHEMAS,
    *gold_cells.SCHEMAS,
    *gold.SCHEMAS,
    *gold_comparison.SCHEMAS,
    *gold_registration.SCHEMAS,
    *gold_eligibility.SCHEMAS,
    *gold_published.SCHEMAS,
    *gold_packages.SCHEMAS,
)
_LAYERS = (*bronze.SCHEMAS, *silver.SCHEMAS, *_GOLD)
SCHEMAS: dict[Table, TableSchema] = {schema.table: schema for schema in _LAYERS}

__all__ = ["SCHEMAS", "TABLE_VERSION", "Column", "TableSchema"]
