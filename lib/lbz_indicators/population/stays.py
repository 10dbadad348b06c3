"""Stays: the clinical admissions of a patient in one hospital merged, linked to what follows (METHOD section 6).

Known limitations: a patient without a pseudonym cannot be followed; a person who dies at home is followed as if alive; a
transfer is judged from dates alone. Windows are per patient, each row carried once: a patient with very many admissions
costs as many rows as other patients with as many admissions together.
"""

from __future__ import annotations

import datetime as dt
from enum import Enum

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lbz_indicators.config import ReadmissionSettings
from lbz_indicators.hashing import hash_of
from lbz_indicators.schemas import SCHEMAS
from lbz_indicators.tables import GOLD_INDEX_STAYS, SILVER_STAYS

INDEX = "index"
_PATIENT = ("_linked", "_patient")
_WORD = 1 << 32
"""Two numbers in one long: the one that decides an order times this, plus the other."""


class NoIndex(str, Enum):
    """Why a stay in the population is no index stay, in the order in which it is judged; first comes the exclusion
    reason of its first admission (population.exclusions)."""

    COVID_MAIN_DIAGNOSIS = "covid_main_diagnosis"
    """COVID-19 as main diagnosis, discharged in a year of readmission.covid_excluded_years [report]."""
    GROUP_LEFT_OUT = "group_left_out"
    """Its diagnosis group is in readmission.left_out_groups [report]: 123 groups take part, which is not public."""
    NOT_LINKABLE = "not_linkable"
    """No pseudonym."""
    DIED = "died"
    """One of its admissions ended in death."""
    TRANSFERRED_OUT = "transferred_out"
    """The next stay is in another hospital and begins by the day after the end [ours]."""
    FOLLOW_UP_INCOMPLETE = "follow_up_incomplete"
    """End + window + settle_days is after delivered_until: a return might be unseen."""


def with_stay(admissions: DataFrame) -> DataFrame:
    """Numbers the stays of every patient. Grain: one clinical admission.

    `admissions`: hospital_id, admission_id, reporting_hospital_id, patient_id, admission_date, discharge_date, died,
    urgency, discharge_destination. Adds `stay` (1, 2, ... within the patient), `_begins_stay`, and `_overlap`: began
    before the running end of the stay it joined.
    """
    own = F.concat_ws("\x00", "hospital_id", "admission_id")
    rows = admissions.select(
        F.col("patient_id").isNotNull().alias("_linked"),
        F.coalesce("patient_id", own).alias("_patient"),
        "hospital_id",
        "admission_id",
        "reporting_hospital_id",
        F.unix_date("admission_date").alias("_from"),
        F.unix_date("discharge_date").alias("_to"),
        "died",
        (F.col("urgency") == "acute").alias("_urgent"),
        (F.col("discharge_destination") == "hospital").alias("_to_hospital"),
    )
    in_order = Window.partitionBy(*_PATIENT).orderBy("_from", "_to", "admission_id", "hospital_id")
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    until_here = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    moved = ~F.col("reporting_hospital_id").eqNullSafe(F.lag("reporting_hospital_id").over(in_order))
    rows = rows.withColumn("_row", F.row_number().over(in_order)).withColumn("_moved", moved)
    rows = rows.withColumn("_sojourn", F.count_if("_moved").over(until_here))
    # The running end of a sojourn (admissions in one hospital without another's between) is that of its last stay, for a
    # stay begins only after all before it have ended. The number of the sojourn in front makes it a maximum over the patient.
    running = F.max(F.col("_sojourn") * _WORD + F.col("_to")).over(before) - F.col("_sojourn") * _WORD
    rows = rows.withColumn("_running_end", running)
    begins = F.col("_moved") | (F.col("_from") > F.col("_running_end"))
    return (
        rows.withColumn("_begins_stay", begins)
        .withColumn("_overlap", ~F.col("_begins_stay") & (F.col("_from") < F.col("_running_end")))
        .withColumn("stay", F.count_if("_begins_stay").over(until_here).cast("int"))
    )


def stays(numbered: DataFrame) -> DataFrame:
    """One row per stay, of its first admission. `numbered` is what with_stay gives.

    Columns: key and reporting hospital of the first admission, stay, begins, ends (days since 1970), died, _urgent,
    _to_hospital (the admission that ended it was discharged to a hospital), merged_overlap, joined (keys of its others).
    """
    stay = Window.partitionBy(*_PATIENT, "stay")
    # Whose discharge ended the stay: the latest, of equal ones the last in order.
    last = F.max(F.col("_to") * (2 * _WORD) + F.col("_row") * 2 + F.col("_to_hospital").cast("int")).over(stay)
    whole = numbered.withColumns(
        {
            "ends": F.max("_to").over(stay),
            "died": F.max("died").over(stay),
            "joined": F.collect_list(F.when(~F.col("_begins_stay"), F.struct("hospital_id", "admission_id"))).over(stay),
            "merged_overlap": F.max("_overlap").over(stay),
            "_to_hospital": last.bitwiseAND(F.lit(1).cast("bigint")) == 1,
        }
    )
    return whole.where("_begins_stay").select(
        *_PATIENT, "hospital_id", "admission_id", "reporting_hospital_id", "stay", F.col("_from").alias("begins"), "ends",
        "died", "_urgent", "_to_hospital", "merged_overlap", F.array_sort("joined").alias("joined"),
    )  # fmt: skip


def with_next(rows: DataFrame) -> DataFrame:
    """Adds to stays what comes before and after: overlaps_earlier_stay, transferred_out, destination_disagrees."""
    in_order = Window.partitionBy(*_PATIENT).orderBy("stay")
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    elsewhere = F.lead("reporting_hospital_id").over(in_order) != F.col("reporting_hospital_id")
    soon = F.lead("begins").over(in_order) <= F.col("ends") + 1
    return rows.withColumns(
        {
            "overlaps_earlier_stay": F.coalesce(F.col("begins") < F.max("ends").over(before), F.lit(False)),
            "transferred_out": F.coalesce(elsewhere & soon, F.lit(False)),
        }
    ).withColumn("destination_disagrees", F.col("_linked") & ~F.col("died") & (F.col("_to_hospital") != F.col("transferred_out")))


RETURNS = {
    "days_to_return": (False, False),
    "days_to_return_same": (True, False),
    "days_to_urgent_return": (False, True),
    "days_to_urgent_return_same": (True, True),
}
"""Columns of returns: whether only the same hospital, and only urgent ones, count."""


def _counted_return(settings: ReadmissionSettings) -> str:
    return next(name for name, kind in RETURNS.items() if kind == (settings.hospital == "same", settings.urgent_only))


def with_returns(rows: DataFrame, settings: ReadmissionSettings) -> DataFrame:
    """Adds to stays the days to the first later stay that begins on the day of its end or after, for every kind of return,
    and return_stay_number, that of the kind that the settings name.

    Every stay is put twice in the order of days: where it begins, and, as the one that asks, where it ends. Read from the
    last day backwards, the stay seen last before the one that asks is the first after it. One pass, however many stays a
    patient has.
    """
    asks = F.struct(F.col("ends").alias("day"), F.lit(True).alias("asks"))
    begins = F.struct(F.col("begins").alias("day"), F.lit(False).alias("asks"))
    events = rows.withColumn("_event", F.explode(F.array(begins, asks)))
    backwards = [F.desc("_event.day"), F.desc("stay"), F.desc("_event.asks")]
    seen = (Window.unboundedPreceding, Window.currentRow)
    anywhere = Window.partitionBy(*_PATIENT).orderBy(*backwards).rowsBetween(*seen)
    here = Window.partitionBy(*_PATIENT, "reporting_hospital_id").orderBy(*backwards).rowsBetween(*seen)
    found = {}
    for name, (same, urgent) in RETURNS.items():
        counts = ~F.col("_event.asks") & F.col("_urgent") if urgent else ~F.col("_event.asks")
        place = F.col("begins") * _WORD + F.col("stay")
        found[name] = F.last(F.when(counts, place), ignorenulls=True).over(here if same else anywhere)
    answered = events.withColumns(found).where("_event.asks")
    answered = answered.withColumn("return_stay_number", F.pmod(F.col(_counted_return(settings)), F.lit(_WORD)).cast("int"))
    days = {name: (F.shiftright(F.col(name), 32) - F.col("ends")).cast("int") for name in RETURNS}
    return answered.withColumns(days).drop("_event")


def stay_rows(linked: DataFrame, covariates: DataFrame, settings: ReadmissionSettings, delivered_until: dt.date) -> DataFrame:
    """silver.stays from stays with what follows and silver.covariates of their first admissions. Grain: one stay.

    `delivered_until`: the last day of discharge that all hospitals have delivered.
    """
    schema = SCHEMAS[SILVER_STAYS]
    narrow = linked.drop("reporting_hospital_id", "_urgent").withColumn("patient_id", F.when(F.col("_linked"), F.col("_patient")))
    rows = narrow.join(covariates.drop("row_hash", "died"), on=["admission_id", "hospital_id"], how="inner")
    rows = rows.withColumns(
        {
            "begins": F.date_from_unix_date("begins"),
            "ends": F.date_from_unix_date("ends"),
            "stay_number": F.col("stay"),
        }
    )
    rows = rows.withColumn("no_index_reason", _no_index_reason(settings, delivered_until))
    within = F.coalesce(F.col(_counted_return(settings)) <= settings.window_days, F.lit(False))
    rows = rows.withColumn("readmitted", F.when(F.col("no_index_reason").isNull(), within))
    typed = rows.select(*[F.col(c.name).cast(c.type).alias(c.name) for c in schema.columns if c.name != "row_hash"])
    return typed.withColumn("row_hash", hash_of(schema.hashed)).select(*schema.names)


def last_followed_day(settings: ReadmissionSettings, delivered_until: dt.date) -> dt.date:
    """The last day on which a stay may end so that every return within the window is seen."""
    return delivered_until - dt.timedelta(days=settings.window_days + settings.settle_days)


def _no_index_reason(settings: ReadmissionSettings, delivered_until: dt.date) -> Column:
    last_end = last_followed_day(settings, delivered_until)
    covid = F.col("discharge_year").isin(*settings.covid_excluded_years)
    conditions = {
        NoIndex.COVID_MAIN_DIAGNOSIS: covid & F.col("covid_main_diagnosis"),
        NoIndex.GROUP_LEFT_OUT: F.col("diagnosis_group").isin(*settings.left_out_groups),
        NoIndex.NOT_LINKABLE: F.col("patient_id").isNull(),
        NoIndex.DIED: F.col("died"),
        NoIndex.TRANSFERRED_OUT: F.col("transferred_out") & F.lit(settings.transfers == "linked"),
        NoIndex.FOLLOW_UP_INCOMPLETE: F.col("ends") > F.lit(last_end),
    }
    own = [F.when(condition, F.lit(name.value)) for name, condition in conditions.items()]
    return F.coalesce("exclusion_reason", *own)


def linked_stays(admissions: DataFrame, settings: ReadmissionSettings) -> DataFrame:
    """Stays with what follows them, from valid admissions with their reporting hospital; see with_stay. Grain: one stay."""
    clinical = admissions.where(F.col("care_type") == "K")
    return with_returns(with_next(stays(with_stay(clinical))), settings)


def count_index_stays(rows: DataFrame, settings: ReadmissionSettings) -> DataFrame:
    """gold.index_stays from silver.stays."""
    anywhere, here = (
        F.col("no_index_reason").isNull() & (F.col(name) <= settings.window_days)
        for same in (False, True)
        for name, kind in RETURNS.items()
        if kind == (same, settings.urgent_only)
    )
    return (
        rows.groupBy(
            F.col("reporting_hospital_id").alias("hospital_id"),
            "discharge_year",
            F.coalesce("no_index_reason", F.lit(INDEX)).alias("reason"),
        )
        .agg(
            F.count("*").alias("stays"),
            F.sum(1 + F.size("joined")).alias("admissions"),
            F.count_if("merged_overlap").alias("merged_overlaps"),
            F.count_if("overlaps_earlier_stay").alias("overlapping_stays"),
            F.count_if("destination_disagrees").alias("destination_disagreements"),
            F.count_if("readmitted").alias("readmitted"),
            F.count_if(anywhere).alias("readmitted_any"),
            F.count_if(here).alias("readmitted_same"),
        )
        .select(*SCHEMAS[GOLD_INDEX_STAYS].names)
    )
