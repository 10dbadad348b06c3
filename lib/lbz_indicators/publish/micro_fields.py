"""The columns of a hospital's micro file: what each is called and means, in Dutch and English.

The patient's pseudonym is no column: the hospital knows its admissions by their number, and everything that is linked by the
pseudonym (readmissions elsewhere) would say more of a patient than the figures need.
"""

from __future__ import annotations

from lbz_indicators.publish.contributions import CONTRIBUTORS
from lbz_indicators.publish.layout import Field, Kind, Words

COVARIATE_TITLES = {
    "age": Words("Leeftijdsklasse", "Age class"),
    "sex": Words("Geslacht", "Sex"),
    "ses": Words("Sociaaleconomische klasse", "Socio-economic class"),
    "severity": Words("Ernstklasse hoofddiagnose", "Severity of main diagnosis"),
    "urgency": Words("Urgentie", "Urgency"),
    "comorbidity": Words("Comorbiditeiten", "Comorbidities"),
    "source": Words("Herkomst", "Source of admission"),
    "discharge_year": Words("Jaar van ontslag", "Year of discharge"),
    "admission_month": Words("Maanden van opname", "Months of admission"),
}
_COVARIATE_MEANINGS = {
    "age": Words("Voltooide jaren bij opname, in klassen", "Completed years at admission, in classes"),
    "sex": Words("Onbekend telt als vrouw", "Unknown counts as female"),
    "ses": Words("Vijfde deel van de bevolking naar de score van de postcode", "Fifth of the population by the postcode's score"),
    "severity": Words(
        "Landelijke sterfte van de hoofddiagnose in eerdere jaren: [.02,.05) is 2 tot 5%",
        "National mortality of the main diagnosis in earlier years: [.02,.05) is 2 to 5%",
    ),
    "urgency": Words("Acuut of gepland", "Acute or planned"),
    "comorbidity": Words(
        "Charlson-aandoeningen onder de nevendiagnosen, zonder complicaties en de hoofddiagnose zelf",
        "Charlson conditions among the secondary diagnoses, without complications and the main diagnosis itself",
    ),
    "source": Words("Waar de patiënt vandaan kwam", "Where the patient came from"),
    "discharge_year": Words("Kalenderjaar van ontslag", "Calendar year of discharge"),
    "admission_month": Words("Twee maanden samen", "Two months together"),
}


def _text(name: str, nl: str, en: str, meaning_nl: str, meaning_en: str, required: bool = False) -> Field:
    return Field(name, Kind.TEXT, Words(nl, en), Words(meaning_nl, meaning_en), required)


_KEY = (
    _text("admission_id", "Opnamenummer", "Admission", "Zoals aangeleverd", "As delivered", True),
    _text("hospital_id", "Ziekenhuis", "Hospital", "Dat de opname heeft aangeleverd", "That delivered the admission", True),
)
_DATES = (
    Field("admission_date", Kind.DAY, Words("Opnamedatum", "Admitted"), Words("Dag van opname", "Day of admission"), True),
    Field("discharge_date", Kind.DAY, Words("Ontslagdatum", "Discharged"), Words("Dag van ontslag", "Day of discharge"), True),
)
_STAY_DATES = (
    Field("begins", Kind.DAY, Words("Begin", "Begins"), Words("Dag van de eerste opname", "Day of its first admission"), True),
    Field("ends", Kind.DAY, Words("Einde", "Ends"), Words("Laatste ontslagdag", "Latest day of discharge"), True),
)
_PLACE = (
    _text("specialty", "Specialisme", "Specialty", "Van ontslag; leeg is onbekend", "Of discharge; empty is unknown"),
    _text("main_diagnosis", "Hoofddiagnose", "Main diagnosis", "ICD-10, zonder punt", "ICD-10, without the dot", True),
    _text(
        "diagnosis_group",
        "Diagnosegroep",
        "Diagnosis group",
        "Nummer; elke groep heeft een eigen model",
        "Number; each group has a model of its own",
        True,
    ),
    _text("diagnosis_group_label", "Naam diagnosegroep", "Name of group", "Naam van de groep", "Name of the group", True),
)
_FLAGS = (
    _text(
        "flags",
        "Opmerkingen",
        "Flags",
        "Regels waardoor de opname opviel maar is behouden (methoden, hoofdstuk 2)",
        "Rules that flagged the admission, which was kept (methods, section 2)",
    ),
    Field(
        "unseen_classes",
        Kind.WHOLE,
        Words("Onbekende klassen", "Unseen classes"),
        Words(
            "Kenmerken waarvan het model de klasse niet kende, aantal", "Covariates whose class the model had not seen, number"
        ),
        True,
        0,
    ),
    _text(
        "no_expected_reason",
        "Waarom geen verwachting",
        "Why nothing expected",
        "no_model: de groep heeft geen model; de opname telt niet mee",
        "no_model: the group has no model; the admission counts in neither",
    ),
)


def _observed(name: str, title: Words, meaning: Words) -> tuple[Field, ...]:
    expected = Words(
        "Kans volgens het model; leeg: geen model. De som is het verwachte aantal",
        "Probability by the model; empty: no model. Their sum is the expected number",
    )
    return (
        Field(name, Kind.YES_NO, title, meaning, True),
        Field("expected", Kind.DECIMAL, Words("Verwacht", "Expected"), expected, False, 0, 1, 6),
    )


_CLASSES = tuple(
    Field(name, Kind.TEXT, COVARIATE_TITLES[name], _COVARIATE_MEANINGS[name], required=name != "comorbidity")
    for name in CONTRIBUTORS
)
_RISK = (
    Field(
        "intercept",
        Kind.DECIMAL,
        Words("Basisrisico van de groep", "Risk the group begins with"),
        Words(
            "Log odds van de referentieklassen; leeg: geen model, of een groep waarin niemand of iedereen de uitkomst had",
            "Log odds of the reference classes; empty: no model, or a group in which nobody or everybody had the outcome",
        ),
        decimals=6,
    ),
    *(
        Field(
            f"contribution_{name}",
            Kind.DECIMAL,
            Words(f"Bijdrage {COVARIATE_TITLES[name].nl.lower()}", f"Contribution of {COVARIATE_TITLES[name].en.lower()}"),
            Words(
                "Log odds tegenover de referentieklasse: 0,69 verdubbelt de odds, -0,69 halveert ze",
                "Log odds against the reference class: 0.69 doubles the odds, -0.69 halves them",
            ),
            decimals=6,
        )
        for name in CONTRIBUTORS
    ),
    Field(
        "log_odds",
        Kind.DECIMAL,
        Words("Log odds", "Log odds"),
        Words(
            "Som van basisrisico en bijdragen; verwacht = 1 / (1 + e^-som)",
            "Sum of the contributions and what the group begins with; expected = 1 / (1 + e^-sum)",
        ),
        decimals=6,
    ),
)

MORTALITY = (
    *_KEY,
    *_DATES,
    *_PLACE,
    *_observed(
        "died", Words("Overleden", "Died"), Words("In het ziekenhuis, tijdens deze opname", "In hospital, during this admission")
    ),
    *_CLASSES,
    *_RISK,
    *_FLAGS,
)
READMISSIONS = (
    *_KEY,
    *_STAY_DATES,
    *_PLACE,
    *_observed(
        "readmitted",
        Words("Heropgenomen", "Readmitted"),
        Words("Binnen de termijn, volgens de instellingen", "Within the window, by the settings"),
    ),
    *_CLASSES,
    *_RISK,
    *_FLAGS,
)
LONG_STAYS = (
    *_KEY,
    *_DATES,
    *_PLACE,
    _text("main_procedure", "Hoofdverrichting", "Main procedure", "Leeg: geen", "Empty: none"),
    _text("age", "Leeftijdsklasse", "Age class", *_COVARIATE_MEANINGS["age"], True),
    Field(
        "nights", Kind.WHOLE, Words("Nachten", "Nights"), Words("Opnameduur, minstens 1", "Length of stay, at least 1"), True, 1
    ),
    Field(
        "expected_nights",
        Kind.DECIMAL,
        Words("Verwachte nachten", "Expected nights"),
        Words("Landelijk gemiddelde van gelijke opnamen", "National mean of like admissions"),
        True,
        0,
        None,
        4,
    ),
    Field(
        "long_stay",
        Kind.YES_NO,
        Words("Onverwacht lang", "Unexpectedly long"),
        Words("Langer dan de regel toestaat ten opzichte van verwacht", "Longer than the rule allows against what is expected"),
        True,
    ),
    _text(
        "level",
        "Vergeleken met",
        "Compared with",
        "Hoe fijn de groep van gelijke opnamen is (methoden, hoofdstuk 7)",
        "How fine the group of like admissions is (methods, section 7)",
        True,
    ),
    Field(
        "expected_nights_gamma",
        Kind.DECIMAL,
        Words("Verwachte nachten, gammamodel", "Expected nights, gamma model"),
        Words("Tweede schatting, ter vergelijking", "Second estimate, for comparison"),
        True,
        0,
        None,
        4,
    ),
    Field(
        "long_stay_gamma",
        Kind.YES_NO,
        Words("Onverwacht lang, gammamodel", "Unexpectedly long, gamma model"),
        Words("Dezelfde regel met de tweede schatting", "The same rule with the second estimate"),
        True,
    ),
    _FLAGS[0],
)
