"""Who gets a report and who must publish: METHOD section 8, at every limit, just below and just above it."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbz_indicators.config import EligibilitySettings, load_settings
from lbz_indicators.errors import SettingsError
from lbz_indicators.publish.eligibility import Duty, HospitalYear, Reason, judge_period, judge_year, publication_duty
from lbz_indicators.publish.eligibility_counts import COUNTS, KEY
from lbz_indicators.publish.eligibility_sentences import duty_sentence, reason_sentence
from lbz_indicators.publish.wording import against, day, number, plain
from lbz_indicators.steps.last_done import NOT_OF_FIGURES

LIMITS = load_settings().eligibility
DEADLINE = dt.date(2023, 3, 31)
SOUND = HospitalYear(
    hospital_id="H01", year=2022, authorised=True, specific_population=False, delivered_on=dt.date(2023, 3, 10), deadline=DEADLINE,
    complete_months=12, valid_admissions=21_000, clinical_deaths=400, admissions=20_000, acute=9_000, deaths=380,
    secondary_diagnoses=30_000, diagnosed_admissions=20_100, vague_diagnoses=201, case_mix_deviation=0.12,
)  # fmt: skip


def _reasons(**changed: Any) -> list[str]:
    return [criterion.reason.value for criterion in judge_year(replace(SOUND, **changed), LIMITS) if criterion.met is False]


def test_the_limits_are_those_of_the_method() -> None:
    """Truth: METHOD section 8."""
    assert EligibilitySettings(
        minimum_complete_months=6, acute_above_percent=30, vague_codes=("R69", "Z769"), maximum_vague_percent=2,
        minimum_secondary_diagnoses=0.5, minimum_deaths=60, maximum_case_mix_deviation=0.6, exempt_below_deaths=60,
        rehabilitation_specialties=("0327", "8418"),
    ) == LIMITS  # fmt: skip
    assert "eligibility" in NOT_OF_FIGURES, "a limit moves no figure"


@pytest.mark.parametrize(
    "override", ["minimum_complete_months=13", "acute_above_percent=101", "maximum_case_mix_deviation=1.1", "vague_codes=[]",
                 "vague_codes=['6%']", "minimum_deaths=-1", "few=1"],
)  # fmt: skip
def test_impossible_limits_are_refused(override: str) -> None:
    with pytest.raises(SettingsError, match="eligibility"):
        load_settings(None, [f"eligibility.{override}"])


def test_a_sound_hospital_year_meets_every_criterion() -> None:
    criteria = judge_year(SOUND, LIMITS)
    assert [criterion.reason for criterion in criteria] == list(Reason), "each once, in the method's order"
    assert all(criterion.met is True for criterion in criteria)
    values = {criterion.name: criterion.value for criterion in criteria}
    assert values == {
        "cbs_authorisation": 1, "specific_population": 0, "valid_admissions": 21_000, "days_after_deadline": -21,
        "complete_months": 12, "acute_percent": 45, "vague_percent": 1, "secondary_per_admission": 1.5, "deaths": 380,
        "case_mix_deviation": 0.12,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"authorised": False}, "no_authorisation"),
        ({"specific_population": True}, "specific_population"),
        ({"delivered_on": dt.date(2023, 4, 1)}, "late_delivery"),
        ({"delivered_on": dt.date(2023, 3, 31)}, None),
        ({"delivered_on": dt.date(2023, 3, 30)}, None),
        ({"complete_months": 5}, "incomplete_registration"),
        ({"complete_months": 6}, None),
        ({"complete_months": 7}, None),
        ({"acute": 5_999}, "few_acute"),
        ({"acute": 6_000}, "few_acute"),  # 30% exactly: "30% or less"
        ({"acute": 6_001}, None),
        ({"vague_diagnoses": 401}, None),
        ({"vague_diagnoses": 402}, None),  # 2% of 20,100 exactly: not "more than 2%"
        ({"vague_diagnoses": 403}, "vague_diagnoses"),
        ({"secondary_diagnoses": 9_999}, "few_secondary_diagnoses"),
        ({"secondary_diagnoses": 10_000}, None),
        ({"secondary_diagnoses": 10_001}, None),
        ({"deaths": 59}, "few_deaths"),
        ({"deaths": 60}, None),
        ({"deaths": 61}, None),
        ({"case_mix_deviation": 0.599999}, None),
        ({"case_mix_deviation": 0.1 + 0.2 + 0.3}, None),  # 0.6000000000000001: on the limit
        ({"case_mix_deviation": 0.600001}, "deviant_case_mix"),
    ],
)
def test_each_limit_at_below_and_above(changed: dict[str, Any], reason: str | None) -> None:
    assert _reasons(**changed) == ([reason] if reason else [])


def test_shares_are_compared_exactly() -> None:
    """A limit of 0.1% is a tenth, though 0.1 in binary is more; 7 of 7,000 is on it."""
    limits = LIMITS.model_copy(update={"acute_above_percent": 0.1, "maximum_vague_percent": 0.1})
    row = replace(SOUND, admissions=7_000, acute=7, diagnosed_admissions=7_000, vague_diagnoses=7, secondary_diagnoses=7_000)
    unmet = [criterion.reason for criterion in judge_year(row, limits) if criterion.met is False]
    assert unmet == [Reason.FEW_ACUTE], "on the limit: acute must be above it, vague may be on it"


def test_all_reasons_at_once() -> None:
    worst = dict(
        authorised=False, specific_population=True, delivered_on=dt.date(2023, 6, 1), complete_months=2, admissions=100, acute=10,
        deaths=3, secondary_diagnoses=5, diagnosed_admissions=110, vague_diagnoses=10, case_mix_deviation=0.9,
    )  # fmt: skip
    assert _reasons(**worst) == [reason.value for reason in Reason if reason is not Reason.NO_LBZ_DATA]


def test_a_hospital_without_data() -> None:
    """Nothing to take a share of: those criteria are not judged, the counts are."""
    none = replace(
        SOUND, valid_admissions=0, clinical_deaths=0, admissions=0, acute=0, deaths=0, secondary_diagnoses=0,
        diagnosed_admissions=0, vague_diagnoses=0, case_mix_deviation=None, delivered_on=None,
    )  # fmt: skip
    criteria = {criterion.reason: criterion for criterion in judge_year(none, LIMITS)}
    assert [reason for reason, criterion in criteria.items() if criterion.met is False] == [Reason.NO_LBZ_DATA, Reason.FEW_DEATHS]
    unjudged = {reason for reason, criterion in criteria.items() if criterion.met is None}
    assert unjudged == {
        Reason.LATE_DELIVERY, Reason.FEW_ACUTE, Reason.VAGUE_DIAGNOSES, Reason.FEW_SECONDARY_DIAGNOSES, Reason.DEVIANT_CASE_MIX
    }  # fmt: skip
    assert all(criteria[reason].value is None for reason in unjudged)
    assert publication_duty(none, LIMITS) is Duty.UNKNOWN, "no data are not few deaths"


@pytest.mark.parametrize("unknown", [{"delivered_on": None}, {"deadline": None}, {"delivered_on": None, "deadline": None}])
def test_an_unknown_day_is_not_late(unknown: dict[str, None]) -> None:
    criterion = judge_year(replace(SOUND, **unknown), LIMITS)[3]  # type: ignore[arg-type]
    assert (criterion.reason, criterion.met, criterion.value) == (Reason.LATE_DELIVERY, None, None)
    assert _reasons(**unknown) == []


def test_the_period_needs_each_year() -> None:
    """A bad year before the reporting year takes the three-year figures, not the report."""
    years = [replace(SOUND, year=2020, deaths=59, complete_months=3), replace(SOUND, year=2021), SOUND]
    found = judge_period(years, LIMITS)
    assert found.reporting_year == 2022 and found.eligible and not found.period_eligible
    assert [(year, criterion.reason.value) for year, criterion in found.reasons] == [
        (2020, "incomplete_registration"),
        (2020, "few_deaths"),
    ]
    worse = judge_period([*years[:2], replace(SOUND, authorised=False)], LIMITS)
    assert not worse.eligible and [year for year, _ in worse.reasons] == [2022, 2020, 2020], "the reporting year first"
    assert judge_period([SOUND], LIMITS).period_eligible


@pytest.mark.parametrize(
    "years",
    [
        [],
        [SOUND, SOUND],
        [replace(SOUND, year=2020), SOUND],
        [replace(SOUND, year=2021, hospital_id="H02"), SOUND],
    ],
)
def test_no_period(years: list[HospitalYear]) -> None:
    with pytest.raises(ValueError, match="no period of one hospital"):
        judge_period(years, LIMITS)


@pytest.mark.parametrize(("deaths", "duty"), [(59, Duty.EXEMPT), (60, Duty.MUST), (61, Duty.MUST), (0, Duty.EXEMPT)])
def test_the_exemption_counts_clinical_deaths_before_exclusions(deaths: int, duty: Duty) -> None:
    """Nothing else: a hospital without authorisation, with few included deaths, still has the duty."""
    assert publication_duty(replace(SOUND, clinical_deaths=deaths), LIMITS) is duty
    assert publication_duty(replace(SOUND, clinical_deaths=deaths, authorised=False, deaths=3), LIMITS) is duty


@given(
    st.builds(
        HospitalYear, st.just("H"), st.just(2022), st.booleans(), st.booleans(), st.none() | st.dates(), st.none() | st.dates(),
        st.integers(0, 12), st.integers(0, 99), st.integers(0, 99), st.integers(0, 50), st.integers(0, 50), st.integers(0, 99),
        st.integers(0, 99), st.integers(0, 60), st.integers(0, 60), st.none() | st.floats(0, 1),
    )
)  # fmt: skip
def test_every_reason_has_a_sentence_in_both_languages_and_nothing_else_has_one(of: HospitalYear) -> None:
    for criterion in judge_year(of, LIMITS):
        for language in ("nl", "en"):
            if criterion.met is False:
                sentence = reason_sentence(criterion, of, language)
                assert sentence.endswith(".") and "{" not in sentence and "None" not in sentence and "  " not in sentence
            else:
                with pytest.raises(ValueError, match="keeps nobody"):
                    reason_sentence(criterion, of, language)
    assert "{" not in duty_sentence(of, LIMITS, "nl") + duty_sentence(of, LIMITS, "en")


def _sentences(reason: Reason, **changed: Any) -> tuple[str, str]:
    of = replace(SOUND, **changed)
    (criterion,) = [one for one in judge_year(of, LIMITS) if one.reason is reason]
    return reason_sentence(criterion, of, "nl"), reason_sentence(criterion, of, "en")


@pytest.mark.parametrize(
    ("reason", "changed", "dutch", "english"),
    [
        (
            Reason.FEW_ACUTE,
            {"acute": 5_999},
            "Van de 20.000 meegetelde opnamen van 2022 waren er 5.999 acuut (29,995%); nodig: meer dan 30%.",
            "Of the 20,000 included admissions of 2022, 5,999 were acute (29.995%); needed: more than 30%.",
        ),
        (
            Reason.FEW_SECONDARY_DIAGNOSES,
            {"secondary_diagnoses": 4_000},
            "Bij de 20.000 meegetelde opnamen van 2022 zijn 4.000 nevendiagnosen geregistreerd, 0,20 per opname; nodig: 0,5 of meer.",
            "With the 20,000 included admissions of 2022, 4,000 secondary diagnoses were registered, 0.20 per admission; needed: 0.5 or more.",
        ),
        (
            Reason.LATE_DELIVERY,
            {"delivered_on": dt.date(2023, 5, 2)},
            "De gegevens over 2022 zijn aangeleverd op 2 mei 2023, na de uiterste dag 31 maart 2023.",
            "The data of 2022 were delivered on 2 May 2023, after the last day, 31 March 2023.",
        ),
        (
            Reason.FEW_DEATHS,
            {"deaths": 59},
            "Sterfgevallen onder de meegetelde opnamen van 2022: 59; nodig: 60 of meer.",
            "Deaths among the included admissions of 2022: 59; needed: 60 or more.",
        ),
        (
            Reason.VAGUE_DIAGNOSES,
            {"vague_diagnoses": 2_010},
            "Van de 20.100 opnamen van 2022 hadden er 2.010 een vage of onbekende hoofddiagnose (10,0%); toegestaan: ten hoogste 2%.",
            "Of the 20,100 admissions of 2022, 2,010 had a vague or unknown main diagnosis (10.0%); allowed: at most 2%.",
        ),
    ],
)
def test_sentences_as_they_stand_in_a_letter(reason: Reason, changed: dict[str, Any], dutch: str, english: str) -> None:
    assert _sentences(reason, **changed) == (dutch, english)


def test_sentences_about_the_duty() -> None:
    few = replace(SOUND, clinical_deaths=59)
    assert duty_sentence(few, LIMITS, "en") == (
        "The hospital need not publish the mortality figures of 2022: 59 deaths among the clinical admissions of 2022 in 12 "
        "completely registered months, fewer than 60."
    )
    assert "uiterlijk 31 december 2023" in duty_sentence(SOUND, LIMITS, "nl")


def test_numbers_and_days_in_two_languages() -> None:
    assert (number(1234567.891, "nl", 2), number(1234567.891, "en", 2)) == ("1.234.567,89", "1,234,567.89")
    assert (plain(0.5, "nl"), plain(30.0, "en"), plain(60, "nl")) == ("0,5", "30", "60")
    assert (day(dt.date(2023, 3, 1), "nl"), day(dt.date(2023, 12, 31), "en")) == ("1 maart 2023", "31 December 2023")
    assert against(2.004, 2, "en", 1) == "2.004" and against(2, 2, "en", 1) == "2.0", "two numbers that differ look different"


def test_the_counts_are_fields_of_a_hospital_year() -> None:
    names = {field.name for field in fields(HospitalYear)}
    assert {*KEY, *COUNTS} <= names
