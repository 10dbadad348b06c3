"""Secondary diagnoses: how frequent the 17 Charlson conditions are by age, and the codes they and others are written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lbz_indicators.population.comorbidity import CONDITIONS, bit, condition_prefixes
from lbz_indicators.references import References
from lbz_indicators.synthetic.draws import Floats, Integers
from lbz_indicators.synthetic.profiles import AGE_MIDDLE

MOST_CODES = 12
AT_75 = np.array([0.07, 0.10, 0.06, 0.07, 0.05, 0.14, 0.03, 0.012, 0.016, 0.17, 0.05, 0.016, 0.15, 0.10, 0.0008, 0.05, 0.006])
"""Share of patients aged 75 who have each condition, among those who come to a hospital."""
MIDDLE_AGE = np.array([68, 76, 70, 72, 84, 60, 55, 60, 50, 58, 62, 62, 72, 62, 20, 60, 48], dtype=float)
"""Age at which the rise of each condition is steepest."""
RISE_YEARS = 9.0
METASTASES, METASTASES_WITH_CANCER = 16, 0.25
"""Metastatic cancer beside a main diagnosis of the cluster neoplasms, as a share."""
CODING_DEPTH = 0.75
"""Share of a patient's conditions that an admission's record names, in a hospital without a planted event."""

OTHER_CODES = (
    "I10", "E780", "E785", "Z921", "Z867", "Z864", "E669", "D649", "K219", "Z950", "E039", "I489", "H919", "N40", "Z720",
    "Z966", "F329", "M819", "R33", "E876", "Z853", "Z922", "I259", "Z951", "R54", "K590", "R296", "D509", "E559", "Z880",
)  # fmt: skip
COMPLICATION_CODES = (
    "T814", "N390", "J189", "T810", "N179", "A419", "F050", "I489", "K913", "L899", "I269", "T845", "R339", "J960", "E871",
    "I500", "I219", "I639",
)  # fmt: skip
"""Heart failure, myocardial infarction and stroke are Charlson conditions: they count where the flag is left out."""
PALLIATIVE_CODE = "Z515"


def prevalence() -> Floats:
    """Share with each condition by age class, shape (17, 21)."""
    rise = 1 / (1 + np.exp(-(AGE_MIDDLE[None, :] - MIDDLE_AGE[:, None]) / RISE_YEARS))
    at_75 = 1 / (1 + np.exp(-(75 - MIDDLE_AGE[:, None]) / RISE_YEARS))
    shares: Floats = np.minimum(AT_75[:, None] * rise / at_75, 0.6)
    return shares


@dataclass(frozen=True)
class SecondaryCodes:
    """Numbers of codes in the code book to draw secondary diagnoses from.

    Condition c has `condition_sizes[c-1]` codes in `condition_codes` from `condition_offsets[c-1]` on; `other` and
    `complication` are drawn evenly; `complication_masks` has the Charlson mask of every complication.
    """

    condition_sizes: Integers
    condition_offsets: Integers
    condition_codes: Integers
    other: Integers
    complication: Integers
    complication_masks: Integers
    palliative: int


def charlson_masks(codes: Sequence[str], references: References) -> Integers:
    """Mask of the Charlson conditions that a code names as secondary diagnosis, shape (codes,)."""
    prefixes = condition_prefixes(references.charlson.rows)
    masks = np.zeros(len(codes), dtype=np.int64)
    for length, named in prefixes.items():
        masks |= np.array([named.get(code[:length], 0) if len(code) >= length else 0 for code in codes])
    return masks


def make_secondary_codes(codes: Sequence[str], references: References) -> SecondaryCodes:
    """Per condition its first codes that name it alone."""
    masks = charlson_masks(codes, references)
    place = {code: number for number, code in enumerate(codes)}
    members = [np.flatnonzero(masks == bit(condition))[:MOST_CODES] for condition in range(1, CONDITIONS + 1)]
    sizes = np.array([len(numbers) for numbers in members])
    plain = np.array([place[code] for code in OTHER_CODES if code in place and masks[place[code]] == 0])
    complications = np.array([place[code] for code in COMPLICATION_CODES if code in place])
    return SecondaryCodes(
        condition_sizes=sizes,
        condition_offsets=np.cumsum(sizes) - sizes,
        condition_codes=np.concatenate(members),
        other=plain,
        complication=complications,
        complication_masks=masks[complications],
        palliative=place[PALLIATIVE_CODE],
    )
