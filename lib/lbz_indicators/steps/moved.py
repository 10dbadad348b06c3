"""Small delivered tables as they were at the last derivation against now: months that are complete or validated otherwise,
hospitals that report as another, SES scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame

from lbz_indicators import tables
from lbz_indicators.ingest import small_tables
from lbz_indicators.io import Store
from lbz_indicators.models import registry
from lbz_indicators.steps.delivered import read_delivered, read_delivered_or_empty

Month = tuple[str, int, int]
"""hospital_id, year, month of discharge."""


@dataclass(frozen=True)
class MonthStates:
    """What exclusions know of months: `complete` by hospital, year and month, `validated` by hospital and year."""

    complete: Mapping[Month, bool] = field(default_factory=dict)
    validated: Mapping[tuple[str, int], bool] = field(default_factory=dict)

    @classmethod
    def of(cls, bronze: DataFrame) -> MonthStates:
        """From bronze.hospital_months: hospitals x months, collected."""
        rows = small_tables.hospital_months(bronze).collect()
        complete = {(r["hospital_id"], r["discharge_year"], r["discharge_month"]): r["complete"] for r in rows}
        validated: dict[tuple[str, int], bool] = {}
        for row in rows:
            place = (row["hospital_id"], row["discharge_year"])
            validated[place] = validated.get(place, True) and row["year_validated"]
        return cls(complete, validated)

    @property
    def hospitals(self) -> set[str]:
        """Hospitals with any month: their months without a row are incomplete."""
        return {hospital for hospital, _, _ in self.complete}


def months_moved(before: MonthStates, now: MonthStates, years: Sequence[int]) -> list[Month]:
    """Hospital-months of these years whose admissions may be excluded otherwise than before."""
    named = before.hospitals & now.hospitals

    def state(states: MonthStates, month: Month) -> tuple[bool, bool]:
        return states.complete.get(month, False), states.validated.get(month[:2], True)

    moved = {m for m in {*before.complete, *now.complete} if m[0] in named and state(before, m) != state(now, m)}
    places = {*before.validated, *now.validated}
    of_year = {place for place in places if before.validated.get(place, True) != now.validated.get(place, True)}
    moved |= {(hospital, year, month) for hospital, year in of_year for month in range(1, 13)}
    renamed = before.hospitals ^ now.hospitals
    moved |= {(hospital, year, month) for hospital in renamed for year in years for month in range(1, 13)}
    return sorted(month for month in moved if month[1] in set(years))


def hospitals_moved(before: Iterable[tuple[str, str]], now: Iterable[tuple[str, str]]) -> list[str]:
    """Hospitals that were known and are not, or report as another. Pairs of hospital and reporting hospital."""
    reports_as = dict(now)
    return sorted(hospital for hospital, as_ in before if reports_as.get(hospital) != as_)


def small_tables_moved(store: Store, then: Store) -> list[str]:
    """Why every admission is to be derived anew; `then` has the tables as the last derivation read them."""
    found = []
    pairs = [small_tables.hospitals(read_delivered(one, tables.BRONZE_HOSPITALS)).collect() for one in (then, store)]
    if moved := hospitals_moved(*[[(row[0], row[1]) for row in rows] for rows in pairs]):
        found.append(f"{len(moved)} hospital(s) report as another")
    columns = ["postcode4", "ses_score", "inhabitants"]
    ses = [small_tables.ses_scores(read_delivered_or_empty(one, tables.BRONZE_SES)) for one in (then, store)]
    scores = [registry.content_fingerprint(rows, columns) for rows in ses]
    if scores[0] != scores[1]:
        found.append("the SES scores are others")
    return found
