"""A night: what arrived since the last time, and only that; or, where something else moved, all of it, and why.

The steps are those of a run, each restricted to what is touched, and their tables are row by row those of a whole run with the
same model versions. The models of deaths and readmissions are fitted anew only for new settings, lists, severity classes or
years. Of long stays every touched year is estimated and judged anew: one correction moves the means of the nation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lbz_indicators import __version__, tables
from lbz_indicators.clock import utc_now
from lbz_indicators.config import Settings
from lbz_indicators.io import ABSENT, Store
from lbz_indicators.io.files import delivery_folders
from lbz_indicators.progress import Progress
from lbz_indicators.references import load_references
from lbz_indicators.steps import (
    derivation,
    derive,
    fit,
    indicators,
    ingest,
    score,
    severity,
    validate,
)
from lbz_indicators.steps.current import Versions
from lbz_indicators.steps.delivered import read_delivered_or_empty
from lbz_indicators.steps.derive_touched import Changed, derive_touched
from lbz_indicators.steps.last_done import Done, last_done, left_by, settings_moved
from lbz_indicators.steps.moved import MonthStates, months_moved, small_tables_moved
from lbz_indicators.steps.outcome import Outcome
from lbz_indicators.steps.predicted import predicted_events
from lbz_indicators.steps.touched import FOLLOWED, Touched, too_many
from lbz_indicators.steps.validate_arrived import arrived_deliveries, needs_all, validate_arrived
from lbz_indicators.tables import Table

Step = Callable[[Store, Settings, Progress, str], Outcome]
RESTRICTED = ("validate", "derive", "fit", "score", "indicators")
"""The steps after the load, all of which must have been done before a night can go on from them."""
REWRITING = ("erase", "rotate-pseudonyms", "migrate")
"""Commands after which neither change feeds nor former versions tell what was."""
_MODELS = (tables.GOLD_MODELS, tables.GOLD_MODEL_EVENTS)
COMPARED_BY: Mapping[str, tuple[Table, ...]] = {
    "derive": (tables.BRONZE_DELIVERIES, tables.BRONZE_HOSPITALS, tables.BRONZE_HOSPITAL_MONTHS, tables.BRONZE_SES),
    "score": _MODELS,
    "indicators": (*_MODELS, *FOLLOWED, tables.GOLD_EXPECTED),
}
"""Tables of which a step of a night reads the version that it read last, by step."""
GROWING = {"silver.derivation", "silver.validation", "gold.indicator_history", "gold.month_figures", "gold.lease"}
"""Tables that say themselves whether they are complete, or only grow."""
_OTHERS = (
    "bronze.", "gold.model", "gold.severity", "gold.reference", "gold.publi", "gold.package", "gold.erasures", "gold.runs",
    "gold.eligibility", "gold.funnel", "gold.monitoring", "gold.signal", "gold.registration", "gold.frozen",
)  # fmt: skip
"""How the names of tables begin that only grow, or that other commands write too, and that no night goes on from."""


@dataclass
class Night:
    """The steps of one night, which share what is found out once the deliveries are loaded."""

    _everything: str | None = field(default=None, init=False)
    _done: dict[str, Done] = field(default_factory=dict, init=False)

    @cached_property
    def steps(self) -> dict[str, Step]:
        """By name, in order."""
        return {
            "ingest": _ingest,
            "validate": self._validate,
            "derive": self._derive,
            "fit": fit.step,
            "score": self._score,
            "indicators": self._indicators,
        }

    def _validate(self, store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
        self._done = last_done(store)
        self._everything = why_everything(store, settings, self._done)
        if self._everything:
            progress.say(f"all is done anew: {self._everything}")
            return validate.step(store, settings, progress, run_id)
        deliveries = arrived_deliveries(store)
        if whole := needs_all(store, settings, deliveries):
            progress.say(f"all is validated anew: {whole}")
            return validate.step(store, settings, progress, run_id)
        if not deliveries:
            return Outcome("nothing arrived", 0, 0)
        return validate_arrived(store, settings, progress, run_id, deliveries)

    def _derive(self, store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
        changed = self._changed(store, settings, progress)
        if changed is None:
            return derive.step(store, settings, progress, run_id)
        references, classes = load_references(settings.references), severity.classes_in_force(store, settings)
        return derive_touched(store, settings, references, classes, changed, run_id)

    def _changed(self, store: Store, settings: Settings, progress: Progress) -> Changed | None:
        """What changed since the last derivation; None where all is to be derived."""
        if self._everything:
            return None
        changed = None
        self._everything = why_derive_all(store, self._done["derive"])
        if not self._everything:
            changed = _changed_since(store, settings, self._done["derive"].read)
            self._everything = too_many(store, changed.number)
        if self._everything:
            progress.say(f"all is derived anew: {self._everything}")
            return None
        return changed

    def _score(self, store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
        return score.step(store, settings, progress, run_id, self._touched(store, settings, "score", progress))

    def _indicators(self, store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
        return indicators.step(store, settings, progress, run_id, self._touched(store, settings, "indicators", progress))

    def _touched(self, store: Store, settings: Settings, step: str, progress: Progress) -> Touched | None:
        """What changed since the step was done last; None where it is to do all."""
        if self._everything:
            return None
        read = self._done[step].read
        # Here and not at the beginning, for the steps before have written some of these tables.
        other = no_longer_kept(store, read, COMPARED_BY[step]) or models_moved(store, settings, _then(store, read))
        if other:
            progress.say(f"all is done anew: {other}")
            return None
        names = (*FOLLOWED, tables.GOLD_EXPECTED)
        touched = Touched.since(store, {str(table): read.get(str(table), ABSENT) for table in names})
        if many := too_many(store, touched.number):
            progress.say(f"all is done anew: {many}")
            return None
        return touched


def _changed_since(store: Store, settings: Settings, before: Mapping[str, int]) -> Changed:
    """`before`: the Delta versions that the last derivation read."""
    then, now = (
        MonthStates.of(read_delivered_or_empty(one, tables.BRONZE_HOSPITAL_MONTHS)) for one in (_then(store, before), store)
    )
    months = months_moved(then, now, settings.population_years)
    admissions, diagnoses = (before[str(table)] for table in (tables.SILVER_ADMISSIONS, tables.SILVER_DIAGNOSES))
    return Changed.since(store, settings, admissions, diagnoses, months)


def _ingest(store: Store, settings: Settings, progress: Progress, run_id: str) -> Outcome:
    """Every delivery of the folder, or what is loaded already where none is named."""
    if not settings.delivery.input:
        return Outcome("no folder named; what was loaded since the last time is taken", 0, 0)
    outcomes = []
    for folder in delivery_folders(settings.delivery.input):
        delivery = settings.delivery.model_copy(update={"input": folder})
        outcomes.append(ingest.step(store, settings.model_copy(update={"delivery": delivery}), progress, run_id))
        progress.say(outcomes[-1].message)
    rows_in, rows_out = (sum(getattr(one, name) or 0 for one in outcomes) for name in ("rows_in", "rows_out"))
    return Outcome(f"{len(outcomes)} deliveries in {settings.delivery.input}", rows_in, rows_out)


def of_a_night(settings: Settings) -> Settings:
    """The settings with which models are fitted anew for maintenance only, unless they say never."""
    refit = "never" if settings.models.refit == "never" else "maintenance"
    return settings.model_copy(update={"models": settings.models.model_copy(update={"refit": refit})})


def why_everything(store: Store, settings: Settings, done: Mapping[str, Done]) -> str | None:
    """Why a night cannot go on from what is there; None where it can. `done` in the order in which steps were done last."""
    if missing := [step for step in RESTRICTED if step not in done]:
        return f"{', '.join(missing)} was never done"
    wanted = settings.model_dump(mode="json")
    for step in RESTRICTED:
        if done[step].code_version != __version__:
            return f"{step} was done by version {done[step].code_version} of the program"
        if moved := settings_moved(done[step].settings, wanted):
            return f"new settings: {'; '.join(moved)}"
    order = list(done)
    first = min(order.index(step) for step in RESTRICTED)
    if removed := [step for step in REWRITING if step in order[first:]]:
        return f"{', '.join(removed)} rewrote rows and their history"
    oldest, now = min(done[step].started_at for step in RESTRICTED), utc_now()
    if now < oldest:
        return f"the last time was {oldest:%Y-%m-%d %H:%M} by a clock that was set back since: how long ago cannot be told"
    if now - oldest > dt.timedelta(days=settings.storage.retention_days - 1):
        return f"the last time was {oldest:%Y-%m-%d}, longer ago than Delta keeps versions (storage.retention_days)"
    references = load_references(settings.references)
    _, severity_version = severity.classes_in_force(store, settings)
    if other := derivation.differences(store, settings, references, severity_version):
        return "; ".join(other)
    return _written_since(store, done)


def _written_since(store: Store, done: Mapping[str, Done]) -> str | None:
    """Which tables are not as the last step left them: after a night that broke off, or where rows were removed by law."""
    known = {str(table): table for table in tables.ALL}
    left = {known[name]: version for name, version in left_by(done).items() if name in known and _is_followed(name)}
    other = [str(table) for table, version in left.items() if not store.is_as_left(table, version)]
    return f"{', '.join(other)} changed outside of the last steps" if other else None


def _is_followed(name: str) -> bool:
    """Whether only the steps of a run write the table, and a night goes on from what they left."""
    return not name.startswith(_OTHERS) and name not in GROWING


def why_derive_all(store: Store, done: Done) -> str | None:
    """Why every admission is to be derived anew, although the settings are the same."""
    gone = no_longer_kept(store, done.read, COMPARED_BY["derive"])
    return gone or "; ".join(small_tables_moved(store, _then(store, done.read))) or None


def no_longer_kept(store: Store, read: Mapping[str, int], compared: Sequence[Table]) -> str | None:
    """Which of these tables, as a step read them last, Delta no longer has: the last version of one that was not written for
    storage.retention_days goes when it is written again."""
    versions = {table: read.get(str(table), ABSENT) for table in compared}
    gone = [f"{table} {version}" for table, version in versions.items() if not store.keeps(table, version)]
    return f"Delta no longer keeps {', '.join(gone)}, older than storage.retention_days" if gone else None


def models_moved(store: Store, settings: Settings, then: Store) -> str | None:
    """Whether another model of deaths or readmissions is current than when the figures were made."""
    now, before = Versions.read(store), Versions.read(then)
    for event in predicted_events(settings):
        one, other = before.current(event.family), now.current(event.family)
        if (one.name if one else None) != (other.name if other else None):
            return f"the current model of {event.indicator} is {other.name if other else 'none'}"
    return None


def _then(store: Store, read: Mapping[str, int]) -> Store:
    """The tables as a step read them; one it did not read was not there."""
    return store.pinned({str(table): read.get(str(table), ABSENT) for table in tables.ALL})
