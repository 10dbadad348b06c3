"""Functions of arrays over columns of figures. Figures are aggregates, so Python sees none of the admissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import pandas_udf


def with_columns(rows: DataFrame, function: Callable[..., pd.DataFrame], added: T.StructType, *values: Column) -> DataFrame:
    """Adds the columns `added`, which `function` gives as a DataFrame for the values as Series. Grain unchanged.

    Only the values are sent to Python and back, not the rows.
    """
    make: Any = pandas_udf  # its types know of no function that gives several columns
    return rows.withColumn("_added", make(function, added)(*values)).select(*rows.columns, "_added.*")
