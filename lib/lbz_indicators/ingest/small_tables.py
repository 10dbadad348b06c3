"""The small delivered tables (hospitals, months, SES, severity, withdrawals): strict, since a wrong row moves many figures.

A delivery whose small tables hold an unusable value is refused as a whole, before anything is stored. Bronze keeps
them per delivery; the row in force is that of the latest delivery which has its key.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.errors import DeliveryError
from lbz_indicators.tables import Table

KEYS: dict[Table, tuple[str, ...]] = {
    tables.BRONZE_HOSPITALS: ("hospital_id",),
    tables.BRONZE_HOSPITAL_YEARS: ("hospital_id", "year"),
    tables.BRONZE_HOSPITAL_MONTHS: ("hospital_id", "year", "month"),
    tables.BRONZE_SES: ("postcode4",),
    tables.BRONZE_SEVERITY: ("diagnosis_code",),
    tables.BRONZE_WITHDRAWALS: ("hospital_id", "year", "month", "admission_id"),
}

MERGERS_FOLLOWED = 3

_BOOLEAN = "lower({0}) IN ('true', 'false')"
_YEAR = "try_cast({0} AS INT) BETWEEN 1900 AND 2200"
_MONTH = "try_cast({0} AS INT) BETWEEN 1 AND 12"
_RULES: dict[Table, dict[str, str]] = {
    tables.BRONZE_HOSPITALS: {
        # `nation` is what the figures over all hospitals are called.
        "hospital_id": "lower({0}) != 'nation'",
        "hospital_type": "{0} IN ('general', 'university', 'specialised')",
        "cbs_authorised": _BOOLEAN,
        "specific_population": _BOOLEAN,
    },
    tables.BRONZE_HOSPITAL_YEARS: {
        "hospital_id": "{0} IS NOT NULL",
        "year": _YEAR,
        "delivered_on": "{0} IS NULL OR try_to_date({0}, 'yyyy-MM-dd') IS NOT NULL",
        "deadline": "{0} IS NULL OR try_to_date({0}, 'yyyy-MM-dd') IS NOT NULL",
    },
    tables.BRONZE_HOSPITAL_MONTHS: {
        "hospital_id": "{0} IS NOT NULL",
        "year": _YEAR,
        "month": _MONTH,
        "complete": _BOOLEAN,
        "validated": _BOOLEAN,
    },
    tables.BRONZE_SES: {
        "postcode4": "{0} RLIKE '^[0-9]{{4}}$'",
        "ses_score": "{0} IS NULL OR try_cast({0} AS DOUBLE) BETWEEN -1e9 AND 1e9",
        "inhabitants": "{0} IS NULL OR try_cast({0} AS DOUBLE) BETWEEN 0 AND 1e9",
    },
    tables.BRONZE_SEVERITY: {
        "diagnosis_code": "{0} IS NOT NULL",
        "severity_class": "try_cast({0} AS INT) BETWEEN 0 AND 8",
    },
    tables.BRONZE_WITHDRAWALS: {
        "hospital_id": "{0} IS NOT NULL",
        # A row that names neither month nor admission would withdraw a whole hospital.
        "year": f"CASE WHEN {{0}} IS NULL THEN month IS NULL AND admission_id IS NOT NULL ELSE {_YEAR} END",
        "month": f"CASE WHEN {{0}} IS NULL THEN year IS NULL ELSE {_MONTH} END",
    },
}


def require_usable(frames: Mapping[Table, DataFrame]) -> None:
    """DeliveryError listing every column with unusable values, and every key given twice with different rows."""
    problems: list[str] = []
    for table, frame in frames.items():
        rows = frame.where("defect IS NULL OR defect = 'malformed_record'")
        bad = [
            F.count_if(~F.coalesce(F.expr(rule.format(f"`{name}`")), F.lit(False))).alias(name)
            for name, rule in _RULES[table].items()
        ]
        malformed = F.count_if(F.col("defect").isNotNull()).alias("malformed lines")
        counts = rows.agg(*bad, malformed).collect()[0].asDict()
        problems += [f"{table.name}: {what} in {n} row(s)" for what, n in counts.items() if n]
        named = rows.drop("record", "file").withColumns({key: _spelled_alike(key) for key in KEYS[table]})
        twice = named.distinct().groupBy(*KEYS[table]).count().where("count > 1").count()
        problems += [f"{table.name}: {twice} key(s) ({', '.join(KEYS[table])}) given twice with different rows"] * (twice > 0)
    hospitals = frames.get(tables.BRONZE_HOSPITALS)
    if hospitals is not None:
        problems += _merger_problems(hospitals)
    if problems:
        raise DeliveryError(
            "The delivery's small tables hold unusable values: " + "; ".join(problems) + ".",
            mend="correct these columns; what they may hold stands in docs/data-dictionary.md.",
        )


def _merger_problems(hospitals: DataFrame) -> list[str]:
    merged = hospitals.where("reports_as IS NOT NULL AND reports_as != hospital_id").select("hospital_id", "reports_as")
    into = hospitals.select(F.col("hospital_id").alias("reports_as"), F.col("reports_as").alias("next"))
    followed = merged.join(into, on="reports_as", how="left").select(
        F.count_if(F.col("next").isNotNull() & (F.col("next") != F.col("reports_as")))
    )
    chained = followed.collect()[0][0]
    absent = merged.join(into, on="reports_as", how="left_anti").count()
    return [
        *[f"hospitals: {chained} reports_as lead(s) to a hospital that itself reports as another"] * (chained > 0),
        *[f"hospitals: {absent} reports_as name(s) no hospital of the table"] * (absent > 0),
    ]


def in_force(bronze: DataFrame, table: Table) -> DataFrame:
    """Grain: the table's key. The row of the latest delivery that has the key; filtered records are left out."""
    identity = [_IDENTITY.get(name, F.col)(name) for name in KEYS[table]]
    latest = Window.partitionBy(*identity).orderBy(F.desc("loaded_at"), F.desc("delivery_id"), F.asc("record"))
    usable = bronze.where("defect IS NULL").withColumn("_rank", F.row_number().over(latest))
    return usable.where("_rank = 1").drop("_rank")


def hospitals(bronze: DataFrame) -> DataFrame:
    """Grain: hospital_id. Columns hospital_id, reporting_hospital_id (the hospital it merged into, else itself)."""
    own = in_force(bronze, tables.BRONZE_HOSPITALS).select(
        "hospital_id", F.coalesce("reports_as", "hospital_id").alias("reporting_hospital_id")
    )
    into = own.select(F.col("hospital_id").alias("reporting_hospital_id"), F.col("reporting_hospital_id").alias("_next"))
    # Mergers told by several deliveries can follow on each other.
    for _ in range(MERGERS_FOLLOWED):
        followed = own.join(into, on="reporting_hospital_id", how="left")
        own = followed.select("hospital_id", F.coalesce("_next", "reporting_hospital_id").alias("reporting_hospital_id"))
    return own


def hospital_months(bronze: DataFrame) -> DataFrame:
    """Grain: hospital_id, discharge_year, discharge_month (1..12). Columns complete, year_validated.

    A year is validated only if all its delivered months are.
    """
    rows = in_force(bronze, tables.BRONZE_HOSPITAL_MONTHS)
    year = Window.partitionBy("hospital_id", F.col("year").cast("int"))
    return rows.select(
        "hospital_id",
        F.col("year").cast("int").alias("discharge_year"),
        F.col("month").cast("int").alias("discharge_month"),
        _true("complete").alias("complete"),
        F.min(_true("validated")).over(year).alias("year_validated"),
    )


def ses_scores(bronze: DataFrame) -> DataFrame:
    """Grain: postcode4. Columns ses_score (double, null = unknown), inhabitants (double, 0 where unknown)."""
    return in_force(bronze, tables.BRONZE_SES).select(
        "postcode4",
        F.col("ses_score").cast("double").alias("ses_score"),
        F.coalesce(F.col("inhabitants").cast("double"), F.lit(0.0)).alias("inhabitants"),
    )


def severity_classes(bronze: DataFrame) -> DataFrame:
    """Grain: diagnosis_code (upper case, no dot). Column severity: class 0..8."""
    rows = in_force(bronze, tables.BRONZE_SEVERITY)
    return rows.select(_code("diagnosis_code").alias("main_diagnosis"), F.col("severity_class").cast("byte").alias("severity"))


def _code(name: str) -> Column:
    return F.upper(F.replace(F.col(name), F.lit("."), F.lit("")))


def _whole(name: str) -> Column:
    return F.col(name).try_cast("int")


_IDENTITY = {"year": _whole, "month": _whole, "diagnosis_code": _code}
"""Keys that can be spelled in several ways: 03 is month 3, i21.0 is I210."""


def _spelled_alike(name: str) -> Column:
    """A key column as text, in one spelling; a value that cannot be one stays as it is."""
    return F.coalesce(_IDENTITY.get(name, F.col)(name).cast("string"), F.col(name))


def _true(name: str) -> Column:
    return F.lower(name) == F.lit("true")
