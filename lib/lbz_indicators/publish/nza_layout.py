"""The columns of the file for the NZa. The regulation asks for the figures and prescribes no file: the layout is ours."""

from __future__ import annotations

from lbz_indicators.publish.layout import Field, Kind, Words

_YEARS = (1990, 2100)

NZA = (
    Field(
        "publication_year",
        Kind.WHOLE,
        Words("Publicatiejaar", "Year of publication"),
        Words(
            "Jaar u waarin de cijfers uiterlijk 31 december gepubliceerd zijn", "Year u by whose 31 December they are published"
        ),
        True,
        *_YEARS,
    ),
    Field(
        "hospital_id",
        Kind.TEXT,
        Words("Ziekenhuisnummer", "Hospital number"),
        Words(
            "Zoals aangeleverd; een gefuseerd ziekenhuis onder het nummer van het geheel", "As delivered; merged: of the whole"
        ),
        True,
    ),
    Field(
        "hospital_name",
        Kind.TEXT,
        Words("Ziekenhuis", "Hospital"),
        Words("Naam zoals aangeleverd", "Name as delivered"),
        True,
    ),
    Field(
        "exempt",
        Kind.YES_NO,
        Words("Vrijgesteld", "Exempt"),
        Words("Hoeft niet te publiceren; dan één regel zonder cijfers", "Need not publish; one row without figures then"),
        True,
    ),
    Field(
        "clinical_deaths",
        Kind.WHOLE,
        Words("Klinische sterfgevallen", "Clinical deaths"),
        Words(
            "Sterfgevallen onder de klinische opnamen van u-1, vóór uitsluitingen: minder dan 60 is vrijgesteld",
            "Deaths among the clinical admissions of u-1, before exclusions: fewer than 60 is exempt",
        ),
        True,
        0,
    ),
    Field(
        "indicator",
        Kind.TEXT,
        Words("Indicator", "Indicator"),
        Words("hsmr: alle diagnosegroepen; smr: één groep", "hsmr: all diagnosis groups; smr: one of them"),
        choices=("hsmr", "smr"),
    ),
    Field(
        "diagnosis_group",
        Kind.TEXT,
        Words("Diagnosegroep", "Diagnosis group"),
        Words("Nummer van de groep; leeg bij de HSMR", "Number of the group; empty for the HSMR"),
    ),
    Field(
        "diagnosis_group_name",
        Kind.TEXT,
        Words("Naam diagnosegroep", "Name of group"),
        Words("Naam van de groep", "Name of the group"),
    ),
    Field(
        "first_year",
        Kind.WHOLE,
        Words("Eerste jaar", "First year"),
        Words(
            "Eerste jaar van ontslag: u-1 bij de HSMR, u-3 (of u-1) bij SMR's",
            "Of discharge: u-1 for HSMR, u-3 (or u-1) for SMRs",
        ),
        True,
        *_YEARS,
    ),
    Field(
        "last_year",
        Kind.WHOLE,
        Words("Laatste jaar", "Last year"),
        Words("Laatste jaar van ontslag: u-1", "Last year of discharge: u-1"),
        True,
        *_YEARS,
    ),
    Field(
        "admissions",
        Kind.WHOLE,
        Words("Opnamen", "Admissions"),
        Words("Opnamen in het cijfer", "Admissions in the figure"),
        minimum=0,
    ),
    Field(
        "observed",
        Kind.WHOLE,
        Words("Werkelijke sterfte", "Observed deaths"),
        Words(
            "Sterfgevallen in het ziekenhuis; kleine aantallen zijn niet onderdrukt",
            "In hospital; small counts are not suppressed",
        ),
        minimum=0,
    ),
    Field(
        "expected",
        Kind.DECIMAL,
        Words("Verwachte sterfte", "Expected deaths"),
        Words("Som van de kansen volgens het model", "Sum of the model's probabilities"),
        minimum=0,
        decimals=4,
    ),
    Field(
        "value",
        Kind.DECIMAL,
        Words("HSMR of SMR", "HSMR or SMR"),
        Words(
            "100 x werkelijk / verwacht; leeg waar niets verwacht wordt",
            "100 x observed / expected; empty if nothing is expected",
        ),
        False,
        0.0,
        decimals=2,
    ),
    Field(
        "lower",
        Kind.DECIMAL,
        Words("Ondergrens", "Lower limit"),
        Words("Ondergrens van het betrouwbaarheidsinterval", "Lower confidence limit"),
        False,
        0.0,
        decimals=2,
    ),
    Field(
        "upper",
        Kind.DECIMAL,
        Words("Bovengrens", "Upper limit"),
        Words("Bovengrens van het betrouwbaarheidsinterval", "Upper confidence limit"),
        False,
        0.0,
        decimals=2,
    ),
    Field(
        "confidence",
        Kind.DECIMAL,
        Words("Betrouwbaarheid", "Confidence"),
        Words("0,95 bij de HSMR, 0,98 bij SMR's", "0.95 for the HSMR, 0.98 for SMRs"),
        False,
        0.5,
        1.0,
        decimals=2,
    ),
    Field(
        "interval_method",
        Kind.TEXT,
        Words("Soort interval", "Kind of interval"),
        Words("Hoe de grenzen zijn berekend: exact volgens Poisson", "How the limits were made: exact Poisson"),
        choices=("exact_poisson",),
    ),
    Field(
        "significance",
        Kind.TEXT,
        Words("Oordeel", "Verdict"),
        Words(
            "higher, lower of none: of 100 buiten de (niet afgeronde) grenzen ligt; leeg: niet beoordeeld",
            "higher, lower or none: whether 100 lies outside the unrounded limits; empty: not judged",
        ),
        choices=("higher", "lower", "none"),
    ),
)
PLACE = {field.name: place for place, field in enumerate(NZA)}
