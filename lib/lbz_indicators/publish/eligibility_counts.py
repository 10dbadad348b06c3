"""What the criteria of METHOD section 8 count, per reporting hospital and year of discharge, in one pass each.

Every transform has the grain (hospital_id, year); hospital_id is the reporting hospital. `hospital_years` joins them to what
publish.eligibility.HospitalYear holds. Included: no exclusion reason (METHOD section 3). Nothing depends on partitions.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import EligibilitySettings
from lbz_indicators.ingest.small_tables import in_force
from lbz_indicators.population.exclusions import Exclusion, begins_with_any

KEY = ("hospital_id", "year")
COUNTS = ("valid_admissions", "clinical_deaths", "admissions", "acute", "deaths", "diagnosed_admissions", "vague_diagnoses")
_ADMISSION = ("admission_id", "hospital_id")
_MONTHS = 12
_DECIMALS = 9


def admission_counts(covariates: DataFrame, admissions: DataFrame, settings: EligibilitySettings) -> DataFrame:
    """Adds up `COUNTS`; hospital-years without a valid admission have no row.

    valid_admissions: every row. clinical_deaths: died with care type K, whatever the exclusion, but not in a specialty of
    rehabilitation. admissions, acute, deaths: included ones. diagnosed_admissions: included ones and those whose exclusion is
    diagnosis_group_unknown, the last reason of all, so that they meet every other rule; vague_diagnoses: of these, the main
    diagnosis begins with a vague code or has no group.

    `covariates` is silver.covariates (one valid admission), `admissions` silver.admissions, for the main diagnosis as coded.
    """
    coded = admissions.select(*_ADMISSION, "discharge_year", "main_diagnosis")
    rows = covariates.join(coded, on=[*_ADMISSION, "discharge_year"], how="inner")
    unknown = F.col("exclusion_reason") == Exclusion.DIAGNOSIS_GROUP_UNKNOWN.value
    diagnosed = _included() | F.coalesce(unknown, F.lit(False))
    vague = begins_with_any(F.col("main_diagnosis"), settings.vague_codes) | F.col("diagnosis_group").isNull()
    rehabilitation = F.coalesce(F.col("specialty").isin(*settings.rehabilitation_specialties), F.lit(False))
    counted = {
        "valid_admissions": F.lit(True),
        "clinical_deaths": (F.col("care_type") == "K") & F.col("died") & ~rehabilitation,
        "admissions": _included(),
        "acute": _included() & (F.col("urgency") == 1),
        "deaths": _included() & F.col("died"),
        "diagnosed_admissions": diagnosed,
        "vague_diagnoses": diagnosed & vague,
    }
    grouped = rows.groupBy(F.col("reporting_hospital_id").alias("hospital_id"), F.col("discharge_year").alias("year"))
    return grouped.agg(*[F.count_if(counted[name]).alias(name) for name in COUNTS])


def secondary_diagnoses(covariates: DataFrame, admissions: DataFrame, diagnoses: DataFrame) -> DataFrame:
    """Adds up secondary_diagnoses: of included admissions the distinct codes other than the main diagnosis, complications
    counted. Hospital-years without any have no row.

    A code that is delivered both as complication and not is one. `diagnoses` is silver.diagnoses; those of another delivery
    than the admission's are not the admission's.
    """
    key = [*_ADMISSION, "delivery_id"]
    included = covariates.where(_included()).select(*_ADMISSION, "reporting_hospital_id", "discharge_year")
    coded = admissions.select(*key, "discharge_year", "main_diagnosis")
    of = included.join(coded, on=[*_ADMISSION, "discharge_year"], how="inner")
    listed = of.join(diagnoses.select(*key, "diagnosis_code"), on=key, how="inner")
    distinct = listed.where("diagnosis_code != main_diagnosis").dropDuplicates([*key, "diagnosis_code"])
    grouped = distinct.groupBy(F.col("reporting_hospital_id").alias("hospital_id"), F.col("discharge_year").alias("year"))
    return grouped.agg(F.count("*").alias("secondary_diagnoses"))


def complete_months(months: DataFrame, hospitals: DataFrame, unlisted: DataFrame, years: Sequence[int]) -> DataFrame:
    """Counts complete_months, 0..12, of every reporting hospital and year.

    A month is complete where a member of the hospital has a row for it and no member's says otherwise: one that merged has no
    rows any more. Where no member has any month, nor a delivery that came with months, all are complete.

    `months` is what ingest.small_tables.hospital_months gives, `hospitals` hospital_id and reporting_hospital_id, `unlisted`
    the hospital_id of those without months whose deliveries came with some.
    """
    spread = F.explode(F.array(*[F.lit(year) for year in years])).alias("year")
    every = hospitals.select(F.col("reporting_hospital_id").alias("hospital_id")).distinct().select("hospital_id", spread)
    named = _reporting(months.select("hospital_id").unionByName(unlisted.select("hospital_id")), hospitals).distinct()
    rows = _reporting(
        months.select("hospital_id", F.col("discharge_year").alias("year"), "discharge_month", "complete"), hospitals
    )
    by_month = rows.groupBy(*KEY, "discharge_month").agg(F.min("complete").alias("complete"))
    counted = by_month.groupBy(*KEY).agg(F.count_if("complete").cast("int").alias("_complete"))
    judged = every.join(named.withColumn("_named", F.lit(True)), on="hospital_id", how="left").join(
        counted, on=list(KEY), how="left"
    )
    said = F.when(F.col("_named"), F.coalesce("_complete", F.lit(0))).otherwise(F.lit(_MONTHS))
    return judged.select(*KEY, said.alias("complete_months"))


def delivery_days(bronze_years: DataFrame, hospitals: DataFrame) -> DataFrame:
    """delivered_on and deadline: the days of the member that was furthest behind its deadline; both null where no row has both.

    `bronze_years` is bronze.hospital_years; the row in force is the latest delivered. Hospital-years without a row have none.
    """
    rows = in_force(bronze_years, tables.BRONZE_HOSPITAL_YEARS).select(
        "hospital_id",
        F.col("year").cast("int").alias("year"),
        F.to_date("delivered_on").alias("delivered_on"),
        F.to_date("deadline").alias("deadline"),
    )
    behind = F.datediff("delivered_on", "deadline")
    latest = F.max(F.when(behind.isNotNull(), F.struct(behind.alias("behind"), "delivered_on", "deadline"))).alias("_row")
    grouped = _reporting(rows, hospitals).groupBy(*KEY).agg(latest)
    return grouped.select(*KEY, "_row.delivered_on", "_row.deadline")


def case_mix_deviation(cells: DataFrame) -> DataFrame:
    """case_mix_deviation, 0..1: half the sum over diagnosis groups of |hospital's share - national share| of expected deaths.

    `cells` has hospital_id (reporting), year, diagnosis_group and expected_fixed (whole numbers, 10^-12 deaths; null = no
    model), one row each: the cells by diagnosis group of gold.figure_cells. The nation is all hospitals of the year, this one
    among them. Null where nothing is expected. Rounded to nine decimals, so that the order of adding does not show.
    """
    fixed = F.col("expected_fixed").cast("decimal(38,0)").alias("expected_fixed")
    known = cells.where("expected_fixed IS NOT NULL").select(*KEY, "diagnosis_group", fixed)
    nation = known.groupBy("year", "diagnosis_group").agg(F.sum("expected_fixed").alias("_nation"))
    national = nation.groupBy("year").agg(F.sum("_nation").alias("_nation_all"))
    own = known.groupBy(*KEY).agg(F.sum("expected_fixed").alias("_own_all"))
    # Every group of the nation, also those in which the hospital expects nobody.
    grid = own.join(nation, on="year", how="inner").join(national, on="year", how="inner")
    filled = grid.join(known, on=[*KEY, "diagnosis_group"], how="left").withColumn("_own", F.coalesce("expected_fixed", F.lit(0)))
    difference = F.abs(_quotient("_own", "_own_all") - _quotient("_nation", "_nation_all"))
    return filled.groupBy(*KEY).agg(F.round(F.sum(difference) / 2, _DECIMALS).alias("case_mix_deviation"))


def hospital_standing(bronze_hospitals: DataFrame) -> DataFrame:
    """authorised and specific_population of every hospital that reports as itself. Grain: hospital_id.

    What is said of a hospital that merged into another one counts no more.
    """
    rows = in_force(bronze_hospitals, tables.BRONZE_HOSPITALS)
    return rows.where("reports_as IS NULL OR reports_as = hospital_id").select(
        "hospital_id",
        (F.lower("cbs_authorised") == "true").alias("authorised"),
        (F.lower("specific_population") == "true").alias("specific_population"),
    )


def hospital_years(
    standing: DataFrame, months: DataFrame, days: DataFrame, counts: DataFrame, coded: DataFrame, deviation: DataFrame
) -> DataFrame:
    """The fields of HospitalYear, of every reporting hospital and every year of `months`; what has no row counts 0.

    From hospital_standing, complete_months, delivery_days, admission_counts, secondary_diagnoses and case_mix_deviation.
    """
    rows = standing.join(months, on="hospital_id", how="inner")
    for frame in (days, counts, coded, deviation):
        rows = rows.join(frame, on=list(KEY), how="left")
    return rows.select(
        *KEY,
        "authorised",
        "specific_population",
        "delivered_on",
        "deadline",
        "complete_months",
        *[F.coalesce(name, F.lit(0)).alias(name) for name in (*COUNTS, "secondary_diagnoses")],
        "case_mix_deviation",
    ).orderBy(*KEY)


def _included() -> Column:
    return F.col("exclusion_reason").isNull()


def _reporting(rows: DataFrame, hospitals: DataFrame) -> DataFrame:
    """Rows of members as rows of the hospital they report as. Members that no table of hospitals has are left out."""
    own = hospitals.select("hospital_id", "reporting_hospital_id")
    joined = rows.join(F.broadcast(own), on="hospital_id", how="inner").drop("hospital_id")
    return joined.withColumnRenamed("reporting_hospital_id", "hospital_id")


def _quotient(part: str, whole: str) -> Column:
    return F.try_divide(F.col(part).cast("double"), F.col(whole).cast("double"))
