"""Source mappings: any file layout to the delivery contract (METHOD section 2).

A mapping (`conf/sources/<name>.yml`) names per contract table a file pattern, row filters with their reasons, and one
Spark SQL expression per contract column. A table it leaves out has the contract's own columns in a file of its name.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lbz_indicators.config import CONF, Section, explain, load_yaml
from lbz_indicators.errors import DeliveryError, SettingsError
from lbz_indicators.schemas.bronze import DATES, DELIVERY_TABLES
from lbz_indicators.tables import Table

MALFORMED = "malformed_record"
FILTERED = "filtered:"
CORRUPT = "_corrupt_record"
FILE = "_file"
REPLACEMENT_CHARACTER = "\ufffd"
_DAY_NANOSECONDS = 86_400_000_000_000


class FileFormat(Section):
    """How CSV files are written."""

    delimiter: Annotated[str, Field(min_length=1, max_length=2)] = ","
    encoding: str = "UTF-8"
    quote: Annotated[str, Field(min_length=1, max_length=1)] = '"'


class SourceTable(Section):
    """Where one contract table comes from."""

    file: str | None = None
    drop: dict[str, str] = {}
    explode: str | None = None
    distinct: bool = False
    columns: dict[str, str] | None = None


class SourceMapping(Section):
    """A whole source: its file format and its tables by contract name."""

    format: FileFormat = FileFormat()
    tables: dict[str, SourceTable] = {}

    def table(self, table: Table) -> SourceTable:
        return self.tables.get(table.name, SourceTable())


def load_source(name: str) -> SourceMapping:
    """The shipped mapping of that name, or the mapping in the YAML file of that path; SettingsError where it is wrong."""
    shipped = CONF.joinpath("sources", f"{Path(name).name}.yml")
    path = Path(name)
    if path.suffix in {".yml", ".yaml"} and path.is_file():
        content = path.read_bytes()
    elif "/" not in name and shipped.is_file():
        content = shipped.read_bytes()
    else:
        known = sorted(item.name.removesuffix(".yml") for item in CONF.joinpath("sources").iterdir())
        raise SettingsError(
            f"There is no source {name!r}.", mend=f"use one of {', '.join(known)}, or the path of a mapping file (.yml)."
        )
    mend = "correct the mapping; conf/sources/sih.yml is an example of one."
    try:
        mapping = SourceMapping.model_validate(load_yaml(content.decode()))
    except ValidationError as error:
        wrong = "; ".join(explain(item) for item in error.errors())
        raise SettingsError(f"The source mapping {name!r} is wrong: {wrong}.", mend=mend) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(
            f"The source mapping {name!r} is wrong: no valid YAML.", where=" ".join(str(error).split()), mend=mend
        ) from error
    problems = [f"no table {key} in the contract" for key in mapping.tables if key not in _CONTRACT]
    for key, source in mapping.tables.items():
        if source.columns is not None and key in _CONTRACT:
            problems += [f"{key}: no expression for {c}" for c in _CONTRACT[key] if c not in source.columns]
            problems += [f"{key}: no column {c} in the contract" for c in source.columns if c not in _CONTRACT[key]]
    if problems:
        raise SettingsError(f"The source mapping {name!r} is wrong: {'; '.join(problems)}.", mend=mend)
    return mapping


_CONTRACT = {table.name: [column.name for column in columns] for table, columns in DELIVERY_TABLES.items()}


def layout_problems(files: Sequence[str], table: Table, source: SourceTable) -> list[str]:
    """A table that is there in several layouts, such as .csv and .csv.gz: which one counts cannot be known."""
    layouts = {re.sub(r"/.*", "/", file) for file in files}
    return (
        [f"{table.name}: delivered more than once: {', '.join(sorted(layouts))}"] if len(layouts) > 1 and not source.file else []
    )


def expression_problems(raw: DataFrame, table: Table, source: SourceTable) -> list[str]:
    """Expressions of the mapping that do not fit the delivered columns, with Spark's name of what is wrong."""
    problems = []
    for name, expression in {**(source.columns or {}), **source.drop}.items():
        try:
            _ = raw.select(F.expr(expression)).schema
        except PySparkException as error:
            problems.append(f"{table.name}.{name}: {expression} ({error.getCondition() or type(error).__name__})")
    return problems


def matching_files(files: Sequence[str], table: Table, source: SourceTable) -> list[str]:
    """Paths, relative to the delivery, of the files of a table, sorted."""
    name = table.name
    patterns = [source.file] if source.file else [
        f"{name}.csv", f"{name}.csv.gz", f"{name}.parquet", f"{name}/*", f"{name}.csv/*", f"{name}.parquet/*"
    ]  # fmt: skip
    visible = [file for file in files if not Path(file).name.startswith(("_", "."))]
    return sorted(file for file in visible if any(fnmatch.fnmatchcase(file, pattern) for pattern in patterns))


def column_problems(raw: T.StructType, table: Table, source: SourceTable, delimiter: str) -> list[str]:
    """Contract columns that a file with the contract's own layout lacks, or gives in an unusable type."""
    if source.columns is not None:
        return []
    found = {field.name.lower(): field.dataType for field in raw.fields}
    wanted = _CONTRACT[table.name]
    missing = [name for name in wanted if name not in found]
    problems = [f"{table.name}: column {name} is missing" for name in missing]
    header = raw.fieldNames()[0] if raw.fields else ""
    other = next((mark for mark in (";", "\t", "|", ",") if mark != delimiter and mark in header), None)
    if missing and other:
        problems = [f"{table.name}: the header is separated by {other!r}, not by {delimiter!r}"]
    unusable = (T.ArrayType, T.MapType, T.StructType, T.BinaryType)
    problems += [
        f"{table.name}: column {name} is {found[name].simpleString()}, not a plain value"
        for name in wanted
        if isinstance(found.get(name), unusable)
    ]
    return problems


def map_to_contract(raw: DataFrame, table: Table, source: SourceTable, maximum_field_characters: int) -> DataFrame:
    """The contract's columns as text, with `defect` and `file`. Grain: one row per delivered record.

    Blank text becomes null. A record that a row filter drops stays, with the defect `filtered:<reason>`; one whose
    line was malformed, or holds a field longer than allowed (cut there), has the defect `malformed_record`.
    """
    wanted = _CONTRACT[table.name]
    if source.columns is None:
        values = {name: _plain_value(raw, name) for name in wanted}
    else:
        values = {name: F.expr(expression) for name, expression in source.columns.items()}
    corrupt = F.col(CORRUPT).isNotNull() if CORRUPT in raw.columns else F.lit(False)
    filtered = F.coalesce(*[F.expr(f"CASE WHEN {rule} THEN '{FILTERED}{name}' END") for name, rule in source.drop.items()],
                          F.lit(None).cast("string"))  # fmt: skip
    kept = raw.withColumn("_filtered", filtered).withColumn("_corrupt", corrupt)
    if source.explode:
        kept = kept.withColumn("exploded", F.explode(F.expr(source.explode)))
    texts = [F.nullif(F.trim(values[name].cast("string")), F.lit("")).alias(name) for name in wanted]
    mapped = kept.select(*texts, "_filtered", "_corrupt", F.col(FILE).alias("file"))
    too_long = F.greatest(*[F.coalesce(F.length(name), F.lit(0)) for name in wanted]) > maximum_field_characters
    defect = F.when(F.col("_corrupt") | too_long, F.lit(MALFORMED)).otherwise(F.col("_filtered"))
    cut = [F.substring(name, 1, maximum_field_characters).alias(name) for name in wanted]
    mapped = mapped.select(*cut, defect.alias("defect"), "file")
    if not source.distinct:
        return mapped
    return mapped.where("defect IS NULL").groupBy(*wanted, "defect").agg(F.min("file").alias("file"))


def _plain_value(raw: DataFrame, name: str) -> Column:
    """A column of a typed file as the contract writes it.

    Libraries store dates as timestamps (midnight), some as nanoseconds since 1970 in a long, times with seconds, and whole
    numbers with gaps as fractions: 2019-03-10 00:00:00 is 2019-03-10, 12:30:00 is 12:30, and 50.0 is 50. A value that is
    not a date or a whole number stays as it is, for validation to refuse the record.
    """
    value = F.col(f"`{name}`")
    kind = next(field.dataType for field in raw.schema.fields if field.name.lower() == name)
    if isinstance(kind, (T.FloatType, T.DoubleType)):
        return F.when(value == F.floor(value), value.cast("long").cast("string")).otherwise(value.cast("string"))
    if isinstance(kind, (T.TimestampType, T.TimestampNTZType)):
        day = value.cast("date")
        return F.when(day.cast(kind) == value, day.cast("string")).otherwise(value.cast("string"))
    if isinstance(kind, T.TimeType):
        return F.substring(value.cast("string"), 1, len("HH:MM"))
    if isinstance(kind, T.LongType) and name in DATES:
        day = F.date_from_unix_date(F.expr(f"CAST(`{name}` DIV {_DAY_NANOSECONDS} AS INT)"))
        whole = (value % _DAY_NANOSECONDS == 0) & (value != 0)
        return F.when(whole, day.cast("string")).otherwise(value.cast("string"))
    return value


def is_filtered() -> Column:
    """Whether a record of bronze is one that the source's row filter drops."""
    return F.coalesce(F.col("defect").startswith(FILTERED), F.lit(False))


def undecodable(table: Table) -> Column:
    """Whether a record holds the mark that decoding puts where bytes are not valid in the file's encoding."""
    return F.greatest(*[F.coalesce(F.col(name).contains(REPLACEMENT_CHARACTER), F.lit(False)) for name in _CONTRACT[table.name]])


def content(table: Table) -> tuple[Column, Column]:
    """Aggregates: records, and the sum of the hashes of their contract columns and defect, free of files and order."""
    record = F.xxhash64(*_CONTRACT[table.name], "defect")
    return F.count("*").alias("records"), F.sum(record.cast("decimal(38,0)")).alias("hash")


def require_records(table: Table, records: int) -> None:
    """DeliveryError for a table without records."""
    if records == 0:
        raise DeliveryError(
            f"The delivery's {table.name} holds no record.", where=table.name, mend="deliver a file with records."
        )


def require_decodable(table: Table, records: int, undecodable_records: int) -> None:
    """DeliveryError for a table that is not in the encoding it claims."""
    if undecodable_records:
        raise DeliveryError(
            f"{undecodable_records} of {records} records of {table.name} are not valid UTF-8.",
            where=table.name,
            mend="save the file as UTF-8, or name its encoding in the source mapping (format: encoding).",
        )
