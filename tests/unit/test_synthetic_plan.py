"""What a synthetic nation is made of, before the first patient: NumPy only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from lbz_indicators.config import load_settings
from lbz_indicators.ingest.rules import DiagnosisRule, Flag, Rejection
from lbz_indicators.population.comorbidity import bit
from lbz_indicators.population.diagnosis_groups import category_lookups, group_of_category
from lbz_indicators.synthetic import defects
from lbz_indicators.synthetic.codes import OTHER, SEVERITY_BOUNDS, severity_class
from lbz_indicators.synthetic.comorbidities import charlson_masks, prevalence
from lbz_indicators.synthetic.draws import AliasTables, alias_table
from lbz_indicators.synthetic.events import EFFECTS, Kind
from lbz_indicators.synthetic.mix import age_sex_shares, group_shares
from lbz_indicators.synthetic.nation import hospital_kinds
from lbz_indicators.synthetic.plan import Plan, make_plan
from lbz_indicators.synthetic.profiles import load_calendar, load_profiles, read_rows
from lbz_indicators.synthetic.risks import Risk, Sample, calibrate_intercept, calibrate_severity


def _plan(*overrides: str) -> Plan:
    return make_plan(load_settings(None, ["period.years=2019-2022", *overrides]))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return _plan()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).filter(lambda weights: sum(weights) > 1e-3))
def test_an_alias_table_holds_the_weights(weights: list[float]) -> None:
    """Walker: what each place keeps and what comes to it by alias adds up to its share."""
    keep, alias = alias_table(np.array(weights))
    share = np.zeros(len(weights))
    np.add.at(share, np.arange(len(weights)), keep / len(weights))
    np.add.at(share, alias, (1 - keep) / len(weights))
    np.testing.assert_allclose(share, np.array(weights) / sum(weights), atol=1e-8)


def test_alias_tables_stay_within_their_own_places() -> None:
    tables = AliasTables.of([np.array([1.0, 0, 3]), np.array([5.0, 1]), np.array([1.0])])
    assert tables.offsets.tolist() == [0, 3, 5]
    for offset, size in zip(tables.offsets, tables.sizes, strict=True):
        assert ((tables.alias[offset : offset + size] >= offset) & (tables.alias[offset : offset + size] < offset + size)).all()


def test_groups_ages_and_sexes_have_their_totals() -> None:
    profiles = load_profiles()
    shares = group_shares(profiles)
    np.testing.assert_allclose(shares.sum(axis=0), age_sex_shares(), atol=1e-12)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), profiles.weight / profiles.weight.sum(), atol=1e-9)
    birth = profiles.groups.index("115")
    assert shares[birth, :, 0].sum() == 0 and shares[birth, 12:].sum() == 0
    assert shares[profiles.groups.index("128"), 1:].sum() == 0


def test_months_have_the_published_totals() -> None:
    """METHOD section 3: all records of a year against 2019; COVID-19 40,430 and 60,228 of them."""
    total = {2019: 1_784_657, 2020: 1_584_297, 2021: 1_624_687, 2022: 1_651_963}
    calendar = load_calendar(tuple(total))
    volume = dict(zip(total, calendar.volume.reshape(4, 12).mean(axis=1), strict=True))
    covid = dict(zip(total, (calendar.volume * calendar.covid).reshape(4, 12).mean(axis=1), strict=True))
    for year, records in total.items():
        assert volume[year] == pytest.approx(records / total[2019], abs=0.003)
    assert covid[2020] * total[2019] == pytest.approx(40_430, rel=0.02)
    assert covid[2021] * total[2019] == pytest.approx(60_228, rel=0.02)
    assert covid[2019] == 0 and calendar.nza[0] == pytest.approx(138_310 / total[2019], abs=1e-4)


def test_main_diagnoses_resolve_to_the_group_they_are_drawn_for(plan: Plan) -> None:
    by_code, by_stem = category_lookups(plan.references.diagnosis_codes.rows)
    group = group_of_category(plan.references.diagnosis_groups.rows, "groups")
    codes = plan.codes
    for place, name in enumerate(plan.profiles.groups):
        own = slice(codes.tables.offsets[place], codes.tables.offsets[place] + codes.tables.sizes[place])
        drawn = [codes.codes[number] for number in codes.number[own]]
        assert drawn and {group[by_code[code]] for code in drawn} == {name}
        assert not [code for code in drawn if code.startswith(("Z38", "Z763", "Z764"))]
    unknown = codes.number[codes.tables.offsets[-1] :]
    assert len(unknown) and not [n for n in unknown if codes.codes[n] in by_code or codes.codes[n][:3] in by_stem]


def test_severity_agrees_with_the_codes_own_mortality(plan: Plan) -> None:
    for number in np.flatnonzero(~np.isnan(plan.codes.mortality)):
        assert plan.codes.severity[number] in (OTHER, severity_class(plan.codes.mortality[number]))
    assert [severity_class(value) for value in (0.0, 0.00999, *SEVERITY_BOUNDS, 1.0)] == [0, 0, 1, 2, 3, 4, 5, 6, 7, 7]
    edges = np.array([0, *SEVERITY_BOUNDS, 1.0])
    share, mean = plan.codes.class_share[:, :OTHER], plan.codes.class_mortality[:, :OTHER]
    inside = (mean >= edges[None, :-1]) & (mean < edges[None, 1:])
    assert inside[share > 0].all()


def test_secondary_codes_name_what_they_are_for(plan: Plan) -> None:
    masks = charlson_masks(plan.codes.codes, plan.references)
    secondary = plan.secondary
    for condition in range(1, 18):
        start = secondary.condition_offsets[condition - 1]
        drawn = secondary.condition_codes[start : start + secondary.condition_sizes[condition - 1]]
        assert len(drawn) and (masks[drawn] == bit(condition)).all()
    assert (masks[secondary.other] == 0).all() and len(secondary.other) >= 25
    assert (masks[secondary.complication] == secondary.complication_masks).all() and secondary.complication_masks.any()


def test_comorbidity_rises_with_age() -> None:
    shares = prevalence()
    assert shares.shape == (17, 21)
    assert (np.diff(shares, axis=1) >= 0).all() and (shares < 0.7).all()


def _sample(plan_groups: int = 3, rows: int = 400) -> tuple[Risk, Sample]:
    random = np.random.RandomState(5)
    risk = Risk(
        "mortality",
        {"age": random.standard_normal((plan_groups, 21)), "severity": np.zeros((plan_groups, 9))},
        random.standard_normal((plan_groups, 17)),
    )
    classes = {"age": random.randint(0, 21, (plan_groups, rows)), "severity": random.randint(0, 9, (plan_groups, rows))}
    return risk, Sample(classes, random.random_sample((plan_groups, rows, 17)) < 0.1)


def test_calibration_reaches_the_target_of_every_group() -> None:
    risk, sample = _sample()
    target = np.array([0.001, 0.02, 0.4])
    calibrate_intercept(risk, sample, target)
    np.testing.assert_allclose(expit(risk.intercept[:, None] + risk.terms(sample)).mean(axis=1), target, rtol=1e-4)


def test_calibration_reaches_the_target_of_every_severity_class() -> None:
    """With every patient in one class the mean is that class's target."""
    risk, sample = _sample()
    share, target = np.full((3, 9), 1 / 9), np.tile(np.linspace(0.005, 0.45, 9), (3, 1))
    calibrate_severity(risk, sample, share, target)
    for place in range(9):
        moved = Sample({**sample.classes, "severity": np.full_like(sample.classes["severity"], place)}, sample.conditions)
        np.testing.assert_allclose(expit(risk.intercept[:, None] + risk.terms(moved)).mean(axis=1), target[:, place], rtol=1e-4)


def test_the_plan_is_made_by_the_seed_alone(plan: Plan) -> None:
    again, other = _plan(), _plan("synthetic.seed=2")
    assert (again.mortality.intercept == plan.mortality.intercept).all() and again.nation.events == plan.nation.events
    assert (again.codes.number == plan.codes.number).all()
    assert (other.mortality.comorbidity != plan.mortality.comorbidity).any()
    assert (other.nation.hospitals.mortality != plan.nation.hospitals.mortality).any()


def test_hospitals_in_the_dutch_proportion() -> None:
    kinds = hospital_kinds(75)
    assert [kinds.count(kind) for kind in ("general", "university", "specialised")] == [64, 7, 4]
    assert [hospital_kinds(4).count(kind) for kind in ("general", "university", "specialised")] == [2, 1, 1]


def test_every_kind_of_event_has_a_hospital_of_its_own(plan: Plan) -> None:
    assert {event.kind for event in plan.nation.events} == set(Kind)
    assert len({event.hospital for event in plan.nation.events}) == len(Kind)


def test_a_nation_without_hospital_effects_has_none() -> None:
    flat = _plan("synthetic.hospital_effects=false").nation
    assert not {event.kind for event in flat.events} & EFFECTS
    assert not flat.hospitals.mortality.any() and not flat.hospitals.readmission.any() and not flat.hospitals.stay.any()
    assert not _plan("synthetic.planted_events=false").nation.events


def test_every_rule_of_validation_has_a_defect() -> None:
    """By enumeration: a new rule of ingest.rules fails here until the generator can break it."""
    planned = {*defects.DRAWN, *defects.IN_THE_CORRECTION, *defects.FOLLOWING}
    assert planned == {*Rejection, *Flag, *DiagnosisRule}
    assert len({rule.value for rule in planned}) == len(planned)


def test_targets_are_told_apart() -> None:
    rows = read_rows("targets.csv")
    assert len({row["measure"] for row in rows}) == len(rows)
    assert all(float(row["lowest"]) <= float(row["target"]) <= float(row["highest"]) for row in rows)
