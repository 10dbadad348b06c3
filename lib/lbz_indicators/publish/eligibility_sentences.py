"""Why there is no report and what must be published, as lines for a letter, in Dutch and English."""

from __future__ import annotations

from lbz_indicators.config import EligibilitySettings
from lbz_indicators.publish.eligibility import Criterion, Duty, HospitalYear, Reason, publication_duty
from lbz_indicators.publish.wording import against, day, number, plain

_REASONS = {
    "nl": {
        Reason.NO_AUTHORISATION: "Het ziekenhuis heeft het CBS niet schriftelijk gemachtigd.",
        Reason.SPECIFIC_POPULATION: "De patiënten van het ziekenhuis zijn met die van geen ander ziekenhuis te vergelijken.",
        Reason.NO_LBZ_DATA: "Over {year} zijn geen bruikbare opnamen aangeleverd.",
        Reason.LATE_DELIVERY: "De gegevens over {year} zijn aangeleverd op {delivered_on}, na de uiterste dag {deadline}.",
        Reason.INCOMPLETE_REGISTRATION: "Volledig geregistreerde maanden van {year}: {value}; nodig: {limit} of meer.",
        Reason.FEW_ACUTE: "Van de {admissions} meegetelde opnamen van {year} waren er {acute} acuut ({value}%); nodig: meer dan "
        "{limit}%.",
        Reason.VAGUE_DIAGNOSES: "Van de {diagnosed} opnamen van {year} hadden er {vague} een vage of onbekende hoofddiagnose "
        "({value}%); toegestaan: ten hoogste {limit}%.",
        Reason.FEW_SECONDARY_DIAGNOSES: "Bij de {admissions} meegetelde opnamen van {year} zijn {secondary} nevendiagnosen "
        "geregistreerd, {value} per opname; nodig: {limit} of meer.",
        Reason.FEW_DEATHS: "Sterfgevallen onder de meegetelde opnamen van {year}: {value}; nodig: {limit} of meer.",
        Reason.DEVIANT_CASE_MIX: "De verwachte sterfte van {year} is anders over de diagnosegroepen verdeeld dan landelijk: de "
        "afwijking is {value}; toegestaan: ten hoogste {limit}.",
    },
    "en": {
        Reason.NO_AUTHORISATION: "The hospital has not authorised CBS in writing.",
        Reason.SPECIFIC_POPULATION: "The hospital's patients cannot be compared with those of any other hospital.",
        Reason.NO_LBZ_DATA: "No usable admissions of {year} were delivered.",
        Reason.LATE_DELIVERY: "The data of {year} were delivered on {delivered_on}, after the last day, {deadline}.",
        Reason.INCOMPLETE_REGISTRATION: "Completely registered months of {year}: {value}; needed: {limit} or more.",
        Reason.FEW_ACUTE: "Of the {admissions} included admissions of {year}, {acute} were acute ({value}%); needed: more than "
        "{limit}%.",
        Reason.VAGUE_DIAGNOSES: "Of the {diagnosed} admissions of {year}, {vague} had a vague or unknown main diagnosis "
        "({value}%); allowed: at most {limit}%.",
        Reason.FEW_SECONDARY_DIAGNOSES: "With the {admissions} included admissions of {year}, {secondary} secondary "
        "diagnoses were registered, {value} per admission; needed: {limit} or more.",
        Reason.FEW_DEATHS: "Deaths among the included admissions of {year}: {value}; needed: {limit} or more.",
        Reason.DEVIANT_CASE_MIX: "The expected deaths of {year} are spread over the diagnosis groups unlike the nation's: the "
        "deviation is {value}; allowed: at most {limit}.",
    },
}
_DECIMALS = {Reason.FEW_ACUTE: 1, Reason.VAGUE_DIAGNOSES: 1, Reason.FEW_SECONDARY_DIAGNOSES: 2, Reason.DEVIANT_CASE_MIX: 2}

_DUTIES = {
    "nl": {
        Duty.MUST: "Het ziekenhuis moet de HSMR van {year} en de SMR's uiterlijk 31 december {published} publiceren en aan de "
        "NZa sturen: {deaths} sterfgevallen onder de klinische opnamen van {year}.",
        Duty.EXEMPT: "Het ziekenhuis hoeft de sterftecijfers van {year} niet te publiceren: {deaths} sterfgevallen onder de "
        "klinische opnamen van {year} in {months} volledig geregistreerde maanden, minder dan {limit}.",
        Duty.UNKNOWN: "Of het ziekenhuis de sterftecijfers van {year} moet publiceren, is niet te zeggen: er zijn geen bruikbare "
        "opnamen aangeleverd.",
    },
    "en": {
        Duty.MUST: "The hospital must publish the HSMR of {year} and the SMRs by 31 December {published}, and send them to the "
        "NZa: {deaths} deaths among the clinical admissions of {year}.",
        Duty.EXEMPT: "The hospital need not publish the mortality figures of {year}: {deaths} deaths among the clinical "
        "admissions of {year} in {months} completely registered months, fewer than {limit}.",
        Duty.UNKNOWN: "Whether the hospital must publish the mortality figures of {year} cannot be said: no usable admissions "
        "were delivered.",
    },
}


def reason_sentence(criterion: Criterion, of: HospitalYear, language: str) -> str:
    """Why a criterion of this hospital-year is not met. ValueError for one that is met, or not judged."""
    if criterion.met is not False:
        raise ValueError(f"{criterion.name} keeps nobody from a report")
    value = criterion.value or 0.0
    return _REASONS[language][criterion.reason].format(
        year=of.year,
        value=against(value, criterion.limit, language, _DECIMALS.get(criterion.reason, 0)),
        limit=plain(criterion.limit, language),
        delivered_on=day(of.delivered_on, language) if of.delivered_on else "",
        deadline=day(of.deadline, language) if of.deadline else "",
        admissions=number(of.admissions, language),
        acute=number(of.acute, language),
        diagnosed=number(of.diagnosed_admissions, language),
        vague=number(of.vague_diagnoses, language),
        secondary=number(of.secondary_diagnoses, language),
    )


def duty_sentence(of: HospitalYear, limits: EligibilitySettings, language: str) -> str:
    """Whether the figures of this hospital-year must be published, and why."""
    return _DUTIES[language][publication_duty(of, limits)].format(
        year=of.year,
        published=of.year + 1,
        deaths=number(of.clinical_deaths, language),
        months=of.complete_months,
        limit=plain(limits.exempt_below_deaths, language),
    )
