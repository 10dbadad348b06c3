"""Gold, what was handed over to hospitals: packages and the messages about them. No row of a patient, no password."""

from __future__ import annotations

from pyspark.sql import types as T

from lbz_indicators import tables
from lbz_indicators.schemas.contract import DATE, INTEGER, STRING, TEXT_BY_NAME, TIMESTAMP, Column, TableSchema
from lbz_indicators.schemas.gold_models import RUN_ID

PEOPLE = T.ArrayType(T.StructType([T.StructField("email", STRING), T.StructField("role", STRING)]))
_WHAT = (
    Column("hospital_id", STRING, "Hospital whose package it is", required=True),
    Column("product", STRING, "hsmr, readmissions, olo", required=True),
    Column("year", INTEGER, "Reporting year", required=True),
)
_PACKAGE_ID = Column("package_id", STRING, "SHA-256 of hospital, product, year and the files' hashes", required=True)

SCHEMAS = (
    TableSchema(
        tables.GOLD_PACKAGES,
        "package content x run that handed it over; append-only",
        (
            _PACKAGE_ID,
            *_WHAT,
            Column("publication_id", STRING, "Publication whose figures it shows; null = not frozen"),
            Column("file_name", STRING, "Of the ZIP in the hospital's folder", required=True),
            Column("sha256", TEXT_BY_NAME, "Of every file's plain bytes, by name", required=True),
            Column("people", PEOPLE, "Who was authorised for it on that day", required=True),
            Column("authorised_on", DATE, "The day on which they were authorised", required=True),
            Column("handed_over_at", TIMESTAMP, "When (UTC)", required=True),
            RUN_ID,
        ),
        ("package_id", "run_id"),
    ),
    TableSchema(
        tables.GOLD_PACKAGE_MESSAGES,
        "package content x person: the message that was handed over; append-only",
        (
            Column("message_id", STRING, "Names content and person; first part of the Message-ID", required=True),
            _PACKAGE_ID,
            *_WHAT,
            Column("email", STRING, "To whom", required=True),
            Column("role", STRING, "As what this person is authorised", required=True),
            Column("sent_at", TIMESTAMP, "When (UTC)", required=True),
            Column("sent_through", STRING, "smtp, outbox", required=True),
            RUN_ID,
        ),
        ("message_id",),
    ),
)
