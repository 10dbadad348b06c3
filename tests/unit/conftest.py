"""Fast tests: no Spark is started here, and any attempt to start it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import pytest
from hypothesis import settings
from pyspark import SparkContext

from lbz_indicators.models.classes import EITHER, Count, GroupCounts, Slot, slots
from lbz_indicators.population.covariates import COMORBIDITY

settings.register_profile("unit", deadline=None, derandomize=True, database=None, max_examples=100)
settings.load_profile("unit")

MODEL_YEARS = (2016, 2017, 2018, 2019)


Pair = tuple[int, int]
CountsBuilder = Callable[..., GroupCounts]


@pytest.fixture(scope="module", autouse=True)
def _no_spark() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a unit test tried to start Spark")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SparkContext, "_ensure_initialized", refuse)
        yield


@pytest.fixture(scope="session")
def model_years() -> tuple[int, ...]:
    return MODEL_YEARS


@pytest.fixture(scope="session")
def group_counts() -> CountsBuilder:
    """Counts of one group from (admissions, events); a covariate that is not given has all admissions in its class 0."""

    def build(
        total: Pair,
        covariates: Mapping[str, Mapping[int, Pair]] | None = None,
        conditions: Mapping[int, Pair] | None = None,
        either: Mapping[int, Pair] | None = None,
        group: str = "100",
    ) -> GroupCounts:
        given = dict(covariates or {}) | {COMORBIDITY: conditions or {}, EITHER: either or {}}
        by_slot = {}
        for slot in slots(MODEL_YEARS):
            whole = {} if slot.covariate in (COMORBIDITY, EITHER) else {0: total}
            by_slot[slot] = Count(*given.get(slot.covariate, whole).get(slot.class_code, (0, 0)))
        unknown = [Slot(name, code) for name, classes in given.items() for code in classes if Slot(name, code) not in by_slot]
        assert not unknown, unknown
        return GroupCounts(group, Count(*total), 3, by_slot)

    return build
