"""Hospitals, their regions and postcodes, and how each hospital differs from the others. Made in NumPy from the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lbz_indicators.config import SyntheticSettings
from lbz_indicators.population.covariates import SES, ses_classes
from lbz_indicators.synthetic.comorbidities import CODING_DEPTH
from lbz_indicators.synthetic.draws import DECIMALS, Floats, Integers, generator, rounded
from lbz_indicators.synthetic.events import Event, Kind, plant_events
from lbz_indicators.synthetic.profiles import Profiles

GENERAL, UNIVERSITY, SPECIALISED = "general", "university", "specialised"
DUTCH = {GENERAL: 64, UNIVERSITY: 7, SPECIALISED: 4}
"""Hospitals of the national run over 2019-2022 (CBS report)."""
POSTCODES_PER_REGION = 60
INHABITANTS = 4300
WITHOUT_SCORE, WITHOUT_INHABITANTS = 0.012, 0.004
COMPLICATION_FLAGGED = 0.9
FOCUS = (
    tuple(str(group) for group in range(6, 28)),
    ("121", "122", "123", "130", "134", "135"),
    ("45", "48", "49", "51", "52", "58"),
    ("40", "41", "42", "73", "65"),
)
"""Diagnosis groups of the specialised hospitals: cancer, joints and spine, heart, eye and ear."""
FOCUS_SHARE = 0.14
ACUTE_RANGE = (-0.50, 0.52)
"""Shift of the log odds of an acute admission, from the most planned to the most acute general hospital."""
ACUTE_UNIVERSITY, ACUTE_SPECIALISED = -0.35, -0.2


@dataclass(frozen=True)
class Postcodes:
    """Postcodes by region, each region's `POSTCODES_PER_REGION` in a row; shapes (postcodes,)."""

    code: tuple[str, ...]
    score: tuple[float | None, ...]
    inhabitants: Integers
    ses: Integers


@dataclass(frozen=True)
class Hospitals:
    """Arrays have shape (hospitals,), general ones first: general hospital r serves region r.

    Effects are on the log odds (death, readmission) or the log of the nights, planted events not among them. The usual
    depth is the coding depth without planted events; coding depth, flagged complications and palliative patients have
    shape (hospitals, years).
    """

    code: tuple[str, ...]
    kind: tuple[str, ...]
    region_size: Floats
    old_region: Integers
    acute_shift: Floats
    mortality: Floats
    readmission: Floats
    stay: Floats
    usual_depth: Floats
    coding_depth: Floats
    complication_flagged: Floats
    palliative: Floats

    @property
    def generals(self) -> int:
        return self.kind.count(GENERAL)

    @property
    def universities(self) -> int:
        return self.kind.count(UNIVERSITY)

    @property
    def specialised(self) -> int:
        return self.kind.count(SPECIALISED)


@dataclass(frozen=True)
class Nation:
    """Everything fixed before the first patient."""

    hospitals: Hospitals
    postcodes: Postcodes
    events: tuple[Event, ...]
    focus: Integers
    """Place among the specialised hospitals of every diagnosis group, -1 for none; shape (groups,)."""


def hospital_kinds(hospitals: int) -> tuple[str, ...]:
    """Types in the Dutch proportion, at least one of each."""
    total = sum(DUTCH.values())
    university = max(1, round(hospitals * DUTCH[UNIVERSITY] / total))
    specialised = max(1, round(hospitals * DUTCH[SPECIALISED] / total))
    general = hospitals - university - specialised
    return (GENERAL,) * general + (UNIVERSITY,) * university + (SPECIALISED,) * specialised


def make_nation(settings: SyntheticSettings, profiles: Profiles, years: tuple[int, ...], delivered: tuple[int, ...]) -> Nation:
    """The nation; `years` are those of the run, `delivered` the history years and these."""
    kinds = hospital_kinds(settings.hospitals)
    codes = tuple(f"H{number:03d}" for number in range(1, len(kinds) + 1))
    generals = codes[: kinds.count(GENERAL)]
    events = plant_events(generals, years, delivered[0], settings.hospital_effects) if settings.planted_events else ()
    random = generator(settings.seed, "hospitals")
    hospitals = _hospitals(random, settings, kinds, codes, events, delivered)
    postcodes = _postcodes(generator(settings.seed, "postcodes"), hospitals)
    specialised = kinds.count(SPECIALISED)
    focus = [next((n for n, groups in enumerate(FOCUS[:specialised]) if g in groups), -1) for g in profiles.groups]
    return Nation(hospitals, postcodes, events, np.array(focus))


def _hospitals(
    random: np.random.RandomState,
    settings: SyntheticSettings,
    kinds: tuple[str, ...],
    codes: tuple[str, ...],
    events: tuple[Event, ...],
    years: tuple[int, ...],
) -> Hospitals:
    count, generals = len(kinds), kinds.count(GENERAL)
    on = 1.0 if settings.hospital_effects else 0.0
    effects = [
        rounded(on * spread * random.standard_normal(count), DECIMALS)
        for spread in (settings.mortality_effect_sd, settings.readmission_effect_sd, settings.stay_effect_sd)
    ]
    for event in events:
        if event.kind in (Kind.LONG_STAYS, Kind.SHORT_STAYS):
            effects[2][codes.index(event.hospital)] = 0.0
    usual = rounded(np.clip(CODING_DEPTH + 0.05 * random.standard_normal(count), 0.5, 0.95), DECIMALS)
    depth, flagged, palliative = _coding(usual, codes, events, years)
    shift = np.array([{UNIVERSITY: ACUTE_UNIVERSITY}.get(kind, ACUTE_SPECIALISED) for kind in kinds])
    shift[:generals] = random.permutation(np.linspace(*ACUTE_RANGE, generals))
    return Hospitals(
        code=codes,
        kind=kinds,
        region_size=rounded(np.exp(0.45 * random.standard_normal(generals)), DECIMALS),
        old_region=random.randint(0, 3, generals),
        acute_shift=rounded(shift, DECIMALS),
        mortality=effects[0],
        readmission=effects[1],
        stay=effects[2],
        usual_depth=usual,
        coding_depth=rounded(depth, DECIMALS),
        complication_flagged=flagged,
        palliative=palliative,
    )


def _coding(
    usual: Floats, codes: tuple[str, ...], events: tuple[Event, ...], years: tuple[int, ...]
) -> tuple[Floats, Floats, Floats]:
    """(share of conditions named, share of complications flagged, share palliative), shapes (hospitals, years)."""
    count = len(codes)
    depth = usual[:, None].repeat(len(years), axis=1)
    flagged, palliative = np.full((count, len(years)), COMPLICATION_FLAGGED), np.zeros((count, len(years)))
    for event in events:
        place, since = codes.index(event.hospital), years.index(event.first_day.year)
        if event.kind is Kind.CODES_DEEPER:
            depth[place, since:] = np.linspace(0.5, event.size, len(years) - since)
        elif event.kind is Kind.CODES_HARDLY:
            depth[place, since:] = event.size
        elif event.kind is Kind.FLAGS_NO_COMPLICATION:
            flagged[place, since:] = event.size
        elif event.kind is Kind.PALLIATIVE:
            palliative[place, since:] = event.size
    return depth, flagged, palliative


def _postcodes(random: np.random.RandomState, hospitals: Hospitals) -> Postcodes:
    """Scores vary between regions and within; their classes are those of METHOD's rule on the delivered numbers."""
    regions = hospitals.generals
    count = regions * POSTCODES_PER_REGION
    assert count <= 9000, "more regions than postcodes"
    code = tuple(str(1000 + place * 9000 // count) for place in range(count))
    level = (0.35 * random.standard_normal(regions)).repeat(POSTCODES_PER_REGION)
    score = rounded(level + 0.6 * random.standard_normal(count), 3)
    inhabitants = rounded(INHABITANTS * np.exp(0.6 * random.standard_normal(count)), 0).astype(np.int64)
    inhabitants[random.random_sample(count) < WITHOUT_INHABITANTS] = 0
    without = random.random_sample(count) < WITHOUT_SCORE
    scores = [None if missing else float(value) for value, missing in zip(score, without, strict=True)]
    classes = dict(ses_classes(list(zip(code, scores, inhabitants.astype(float).tolist(), strict=True))))
    unknown = len(SES.labels) - 1
    return Postcodes(code, tuple(scores), inhabitants, np.array([classes.get(name, unknown) for name in code]))
