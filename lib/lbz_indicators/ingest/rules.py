"""Every rule of validation (METHOD section 2), once: its name, and what it says.

Rejected records are kept apart with all their reasons; flagged ones stay in. Both are counted per hospital.
"""

from __future__ import annotations

from enum import Enum


class Rule(str, Enum):
    """A rule: its name in the tables, and the sentence that says what it means to whoever delivered."""

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Rule:
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member


class Rejection(Rule):
    """Why a record is not used. Its value is the name in silver.rejected_admissions.reasons."""

    MALFORMED_RECORD = ("malformed_record", "The line has too few, too many or over-long fields.")
    MISSING_KEY = ("missing_key", "admission_id or hospital_id is missing.")
    DUPLICATE_IDENTICAL = ("duplicate_identical", "The same record again in one delivery; one of them stays.")
    DUPLICATE_CONFLICTING = ("duplicate_conflicting", "Different records with one key in one delivery; none stays.")
    SUPERSEDED = ("superseded_by_later_delivery", "A later delivery holds a record with this key, in another month.")
    UNKNOWN_HOSPITAL = ("unknown_hospital", "hospital_id is not in the table of hospitals.")
    UNREADABLE_ADMISSION_DATE = ("unreadable_admission_date", "admission_date is missing or no date of the form yyyy-MM-dd.")
    UNREADABLE_DISCHARGE_DATE = ("unreadable_discharge_date", "discharge_date is missing or no date of the form yyyy-MM-dd.")
    DISCHARGE_BEFORE_ADMISSION = ("discharge_before_admission", "The patient left before coming.")
    DISCHARGE_AFTER_LOAD_DATE = ("discharge_after_load_date", "Discharged after the delivery was loaded.")
    AGE_OUT_OF_RANGE = ("age_out_of_range", "age_years is missing, no whole number, or outside 0..120.")
    UNKNOWN_CARE_TYPE = ("unknown_care_type", "care_type is none of K, O, D.")
    UNKNOWN_URGENCY = ("unknown_urgency", "urgency is neither acute nor planned.")
    UNKNOWN_DIED = ("unknown_died", "died is neither true nor false.")
    MISSING_MAIN_DIAGNOSIS = ("missing_main_diagnosis", "main_diagnosis is missing.")


class Flag(Rule):
    """What is odd about a record that stays. Its value is the name in silver.admissions.flags."""

    UNKNOWN_SEX = ("unknown_sex", "sex is neither M nor F; counted as female.")
    LONG_STAY = ("stay_over_365_days", "Between admission and discharge lie more than 365 days.")
    DESTINATION_DISAGREES_WITH_DIED = (
        "destination_disagrees_with_died",
        "The destination is deceased without died, or the reverse; died wins.",
    )
    UNKNOWN_ORIGIN = ("unknown_origin", "origin is not home, institution or hospital; taken as home.")
    UNKNOWN_DESTINATION = ("unknown_discharge_destination", "discharge_destination is unknown; taken as other.")
    UNKNOWN_RESIDENT = ("unknown_resident", "resident is neither true nor false; taken as true.")
    UNREADABLE_TIME = ("unreadable_time", "A time is given but is no HH:MM; taken as unknown.")
    UNREADABLE_POSTCODE = ("unreadable_postcode", "postcode4 is given but has no four digits; taken as unknown.")
    MAIN_DIAGNOSIS_NOT_IN_TREE = (
        "main_diagnosis_not_in_who_tree",
        "The main diagnosis is no code of the WHO ICD-10 tree; its stem may tell.",
    )
    TWO_HOSPITALS_AT_ONCE = ("patient_in_two_hospitals", "The patient lies in another hospital when this admission begins.")


class DiagnosisRule(Rule):
    """Rules on secondary diagnoses, counted in silver.quality; the first three leave the row out of silver."""

    MALFORMED_RECORD = ("diagnosis_malformed_record", "The line has too few, too many or over-long fields, or no key or no code.")
    DUPLICATE = ("diagnosis_given_twice", "The same code again for one admission; it stands once.")
    OF_REJECTED_ADMISSION = ("diagnosis_of_rejected_admission", "Its admission is rejected or superseded.")
    WITHOUT_ADMISSION = ("diagnosis_without_admission", "Its delivery holds no such admission; kept, never used.")
    UNKNOWN_IS_COMPLICATION = ("unknown_is_complication", "is_complication is neither true nor false; taken as false.")
    NOT_IN_TREE = ("diagnosis_not_in_who_tree", "The code is none of the WHO ICD-10 tree.")


class WithdrawalRule(Rule):
    """What is counted of withdrawals in silver.quality, per delivery that withdraws and hospital."""

    ASKED = ("withdrawals", "Rows of the delivered table withdrawals.")
    WITHOUT_RECORD = ("withdrawal_without_record", "No earlier delivery holds a record that the row names.")


def sentence_of(name: str) -> str:
    """What the rule of that name means; empty for totals, and for a source's own row filters."""
    kinds: tuple[type[Rule], ...] = (Rejection, Flag, DiagnosisRule, WithdrawalRule)
    return next((rule.sentence for kind in kinds for rule in kind if rule.value == name), "")
