"""Admissions and stays as a model version would have them: with its settings, reference lists and severity classes."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.config import PopulationSettings, ReadmissionSettings, Settings
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.steps import derivation, judged, severity
from lbz_indicators.steps.current import Version
from lbz_indicators.steps.delivered import read_delivered
from lbz_indicators.steps.kept_references import kept_references
from lbz_indicators.steps.predicted import Predicted


def rows_as_for(
    store: Store, settings: Settings, version: Version, event: Predicted, years: tuple[int, ...], hospital: str | None
) -> DataFrame:
    """Rows of `event.table`, in the population or not, as the version would have them. Grain: one admission, or one stay.

    Those in the tables where they were derived alike and for these years; else derived now, of the hospital alone where one is
    named, with `years` as the period.
    """
    stored = derivation.stored_basis(store, settings)
    if stored and set(years) <= set(stored.years) and not version.differences(stored.derived, of_fit=False):
        return store.read(event.table)
    made = json.loads(version.settings)
    chosen = settings.model_copy(update={"population": PopulationSettings.model_validate(made["population"])})
    if event.indicator == registry.READMISSION:
        outcome = settings.readmission.model_dump() | made["readmission"]
        chosen = chosen.model_copy(update={"readmission": ReadmissionSettings.model_validate(outcome)})
    references = kept_references(store, json.loads(version.references))
    classes = severity.kept_classes(store, made["severity"]["table"])
    admissions = store.read(tables.SILVER_ADMISSIONS)
    if hospital is not None:
        admissions = _of_hospital(store, admissions, hospital, whole_patients=event.indicator == registry.READMISSION)
    derived = judged.with_covariates(store, chosen, references, admissions, classes, years)
    if event.indicator == registry.READMISSION:
        return judged.stays_of(store, chosen, admissions, derived)
    return derived


def _of_hospital(store: Store, admissions: DataFrame, hospital: str, *, whole_patients: bool) -> DataFrame:
    """The hospital's admissions, of the hospitals that report as it too; or all admissions of its patients, wherever."""
    reporting = small_tables.hospitals(read_delivered(store, tables.BRONZE_HOSPITALS)).where(
        F.col("reporting_hospital_id") == hospital
    )
    own = admissions.join(F.broadcast(reporting.select("hospital_id")), on="hospital_id", how="left_semi")
    if not whole_patients:
        return own
    patients = own.where("patient_id IS NOT NULL").select("patient_id").distinct()
    linked = admissions.join(patients, on="patient_id", how="left_semi").select(*admissions.columns)
    return linked.unionByName(own.where("patient_id IS NULL"))
