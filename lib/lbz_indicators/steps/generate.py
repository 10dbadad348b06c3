"""Making a synthetic nation: patients to admissions, level by level, then delivery, correction and truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame, SparkSession

from lbz_indicators import tables
from lbz_indicators.config import Settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.io.generated import GeneratedFolder
from lbz_indicators.progress import Progress
from lbz_indicators.schemas.bronze import DELIVERY_TABLES
from lbz_indicators.synthetic import defects, delivery, lives, targets, truth
from lbz_indicators.synthetic.admissions import describe_admission
from lbz_indicators.synthetic.outcomes import with_outcome
from lbz_indicators.synthetic.patients import make_episodes
from lbz_indicators.synthetic.plan import Plan, make_plan
from lbz_indicators.synthetic.returns import first_admissions, following_admissions, with_what_follows
from lbz_indicators.synthetic.stays import with_stay
from lbz_indicators.synthetic.work import discharged_within, work_rows

COLLAPSING = "org.apache.spark.sql.catalyst.optimizer.CollapseProject"
RETURNS_OF_RECORDS = 0.15
"""Roughly how many records a level has of those of the level before."""


def output_folder(settings: Settings) -> str:
    """Where a nation is written; SettingsError where that is not said."""
    if not settings.storage.root:
        raise SettingsError("It is not said where to write the nation.", mend="add --output DIR.")
    return settings.storage.root


def generate(spark: SparkSession, settings: Settings, progress: Progress) -> Plan:
    """Writes delivery/, truth/ and, with dirt, correction/ below the output folder."""
    root = output_folder(settings)
    plan = make_plan(settings)
    folder = GeneratedFolder(spark, root)
    folder.clear()
    with jit_friendly(spark):
        rows = _make_admissions(spark, plan, folder, progress)
        with progress.step("records and truth", 2, 2):
            _write_records(rows, plan, folder)
        _write_small_tables(plan, folder)
    folder.remove_work()
    return plan


def compare_with_targets(spark: SparkSession, settings: Settings) -> list[targets.Comparison]:
    """The generated nation of the output folder beside the published figures."""
    folder = GeneratedFolder(spark, output_folder(settings))
    types = {row["hospital_id"]: row["hospital_type"] for row in folder.read("truth/hospital_effects").collect()}
    synthetic = settings.synthetic
    records = synthetic.admissions_per_year * (1 - synthetic.day_admission_share)
    return targets.compare(folder.read("truth/admissions"), types, records)


def partitions(records: float, plan: Plan) -> int:
    """Parts of a table of that many rows."""
    return max(1, math.ceil(records / plan.settings.synthetic.rows_per_partition))


@contextmanager
def jit_friendly(spark: SparkSession) -> Iterator[None]:
    """Lets Spark compile a method per expression and a class per projection, as the plans are written.

    Code for a whole stage, or for projections merged into one, would outgrow the 64 KB that Java allows a method or the
    8,000 bytes that it compiles: Spark then interprets the expressions, many times slower.
    """
    wanted = {"spark.sql.codegen.wholeStage": "false", "spark.sql.optimizer.excludedRules": COLLAPSING}
    before = {key: spark.conf.get(key, None) for key in wanted}
    for key, value in wanted.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            spark.conf.unset(key) if old is None else spark.conf.set(key, old)


def _make_admissions(spark: SparkSession, plan: Plan, folder: GeneratedFolder, progress: Progress) -> DataFrame:
    """All admissions with their outcome, a level of returns at a time, from work files."""
    records = plan.settings.synthetic.admissions_per_year * plan.calendar.normal_years
    contexts = first_admissions(make_episodes(spark, plan))
    names = []
    with progress.step("admissions", 1, 2):
        for level in range(plan.settings.synthetic.longest_chain + 1):
            stays = with_stay(describe_admission(contexts, plan), plan)
            rows = work_rows(with_what_follows(with_outcome(stays, plan), plan))
            names.append(f"_work/level_{level}")
            folder.write(names[-1], rows if level == 0 else rows.coalesce(partitions(records * RETURNS_OF_RECORDS**level, plan)))
            progress.say(f"level {level} written")
            contexts = following_admissions(discharged_within(folder.read(names[-1]), plan), plan)
    return discharged_within(folder.read(*names), plan)


def _write_records(rows: DataFrame, plan: Plan, folder: GeneratedFolder) -> None:
    records = plan.settings.synthetic.admissions_per_year * plan.calendar.normal_years
    folder.write("_work/lives", lives.later_lives(rows, max(2, partitions(records, plan))))
    people = delivery.with_person(rows, folder.read("_work/lives"), plan)
    form = plan.settings.synthetic.format
    marked_people = defects.with_defect(people, plan)
    marked = delivery.admission_records(marked_people, plan)
    folder.write("delivery/admissions", defects.broken_admissions(marked, plan), form)
    folder.write("delivery/diagnoses", defects.broken_diagnoses(delivery.diagnosis_records(marked, plan)), form)
    if plan.settings.synthetic.dirt > 0:
        later = defects.correction_records(marked, plan).coalesce(1)
        folder.write("correction/admissions", defects.broken_admissions(later, plan), form)
        folder.write("correction/diagnoses", defects.broken_diagnoses(delivery.diagnosis_records(later, plan)), form)
    folder.write("truth/admissions", truth.admission_truth(marked_people, plan))


def _write_small_tables(plan: Plan, folder: GeneratedFolder) -> None:
    small = {
        tables.BRONZE_HOSPITALS: delivery.hospital_rows(plan),
        tables.BRONZE_HOSPITAL_YEARS: delivery.year_rows(plan),
        tables.BRONZE_HOSPITAL_MONTHS: delivery.month_rows(plan),
        tables.BRONZE_SES: delivery.ses_rows(plan),
    }
    if plan.settings.synthetic.severity_file:
        small[tables.BRONZE_SEVERITY] = delivery.severity_rows(plan)
    for table, rows in small.items():
        folder.write_csv(f"delivery/{table.name}.csv", [column.name for column in DELIVERY_TABLES[table]], rows)
    if plan.settings.synthetic.dirt > 0:
        hospitals = [column.name for column in DELIVERY_TABLES[tables.BRONZE_HOSPITALS]]
        folder.write_csv("correction/hospitals.csv", hospitals, small[tables.BRONZE_HOSPITALS])
    folder.write_table("truth/coefficients", truth.coefficient_rows(plan), truth.COEFFICIENTS)
    folder.write_table("truth/stays", truth.stay_rows(plan), truth.STAYS)
    folder.write_table("truth/hospital_effects", truth.effect_rows(plan), truth.EFFECTS)
    folder.write_table("truth/events", truth.event_rows(plan), truth.EVENTS)
    folder.write_table("truth/codes", truth.code_rows(plan), truth.CODES)
