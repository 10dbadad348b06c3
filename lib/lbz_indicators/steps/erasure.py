"""Erasing patients, by pseudonym: their admissions go from every table and frozen set; figures and their hashes stay.

No pseudonym is written, logged or shown. A delivery that holds the patient again brings the patient back: the source must erase
first.
"""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lbz_indicators import tables
from lbz_indicators.clock import utc_now
from lbz_indicators.errors import SettingsError
from lbz_indicators.ingest.sources import FILTERED
from lbz_indicators.ingest.validate import day
from lbz_indicators.io import Store
from lbz_indicators.joins import look_up
from lbz_indicators.steps import leftovers, removal, validation
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.removal import Doomed


def read_pseudonyms(path: str) -> list[str]:
    """A pseudonym per line, blank lines left out, each once; SettingsError where there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            "The file of pseudonyms cannot be read.", where=path, mend="give a text file, one to a line."
        ) from error
    found = sorted({line.strip() for line in lines} - {""})
    if not found:
        raise SettingsError("The file of pseudonyms holds none.", where=path, mend="write one pseudonym to a line.")
    return found


def erase(store: Store, pseudonyms: list[str], note: str, run_id: str) -> Outcome:
    """Removes every admission that was ever delivered with one of the pseudonyms, after what broke off before is finished."""
    cleared = leftovers.clear(store)
    asked = store.spark.createDataFrame([(one,) for one in pseudonyms], "patient_id string")
    bronze = store.read(tables.BRONZE_ADMISSIONS)
    gone = bronze.join(F.broadcast(asked), on="patient_id", how="left_semi").localCheckpoint()
    patients = gone.select("patient_id").distinct().count()
    if not patients:
        none = f"none of the {len(pseudonyms)} pseudonym(s) is in the tables; nothing was erased"
        return Outcome(" ".join([*cleared, none]), 0, 0)
    doomed = Doomed.of(store, [*removal.published_parts(store, gone), *removal.parts_of(store, gone)])
    _keep_months(store, bronze, gone)
    validation.mark_unfinished(store, run_id)
    removal.remove(store, doomed, removal.PATIENT, patients, note, run_id)
    counts = ", ".join(f"{name} {number:,}" for name, number in sorted(doomed.by_table.items()))
    published = f" Of {len(doomed.by_publication)} publication(s) `reproduce` will say so." if doomed.by_publication else ""
    total = sum(doomed.by_table.values())
    said = [*cleared, f"{patients} of {len(pseudonyms)} pseudonym(s) erased; rows: {counts}.{published}"]
    said.append("Published figures stay; the next run makes the current ones anew.")
    said.append(f"Former versions of the tables go when `maintain` runs on or after {removal.kept_until(store)}.")
    return Outcome(" ".join(said), total, total)


def _keep_months(store: Store, bronze: DataFrame, gone: DataFrame) -> None:
    """Marks the hospital-months of which a delivery loses its last record, by a record that holds nothing else.

    A delivery replaces the months it has records of: without the mark an earlier one, which it had corrected, would come back.
    """
    month = F.when(day("discharge_date").isNotNull(), F.substring("discharge_date", 1, 7)).alias("_month")
    place = ("delivery_id", "hospital_id", "file", "load_date", "loaded_at")
    of_month = [F.col("delivery_id"), F.col("hospital_id"), month]
    lost = gone.groupBy(*of_month).agg(F.count("*").alias("_gone"), *[F.first(name).alias(name) for name in place[2:]])
    held = bronze.groupBy(*of_month).agg(F.count("*").alias("_held"))
    keys = ["delivery_id", "hospital_id", "_month"]
    emptied = look_up(lost, held, keys, how="inner").where("_gone = _held").orderBy(*keys).collect()
    stamp = int(utc_now().timestamp() * 1_000_000)
    columns = store.columns(tables.BRONZE_ADMISSIONS)
    rows = []
    for number, row in enumerate(emptied):
        known = {name: row[name] for name in place}
        day_one = f"{row['_month']}-01" if row["_month"] else None
        known |= {"discharge_date": day_one, "record": -stamp - number, "defect": f"{FILTERED}{removal.ERASED}"}
        rows.append([known.get(name) for name in columns])
    if rows:
        store.append(tables.BRONZE_ADMISSIONS, store.frame(tables.BRONZE_ADMISSIONS, rows))
