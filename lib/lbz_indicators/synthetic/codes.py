"""The ICD-10 codes that main diagnoses are drawn from: by diagnosis group, skewed, each with its own mortality."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lbz_indicators.config import PopulationSettings
from lbz_indicators.population.covariates import SEVERITY
from lbz_indicators.population.diagnosis_groups import GROUPS, category_lookups, group_of_category
from lbz_indicators.references import References
from lbz_indicators.synthetic.draws import AliasTables, Floats, Integers, generator
from lbz_indicators.synthetic.profiles import Profiles

SEVERITY_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
OTHER = len(SEVERITY.labels) - 1
RARE_BELOW = 20
"""A code expected fewer times in the history years has severity class other (METHOD section 4.1)."""
SKEW = 1.15
UNSPECIFIED = 2.0
"""Codes ending in 9 (unspecified) are this much more frequent."""
MORTALITY_SPREAD = 0.7
STAY_SPREAD = 0.25
NEWBORN, COMPANION, UNKNOWN = 0, 1, 2
"""Tables of codes after those of the groups: healthy newborns, companions, codes without a diagnosis group."""


@dataclass(frozen=True)
class CodeBook:
    """Codes by their number (place in `codes`), and the tables to draw from.

    `tables` has one table per group and then NEWBORN, COMPANION, UNKNOWN; `number` gives the code of a drawn place,
    shape (places,). By code number, shape (codes,): `group`
    (place of its diagnosis group, -1 none), `severity` true class, `mortality` true mean (NaN: never a main
    diagnosis), `stay_factor` ratio of its three-character category's stay to its group's.
    """

    codes: tuple[str, ...]
    tables: AliasTables
    number: Integers
    group: Integers
    severity: Integers
    mortality: Floats
    stay_factor: Floats
    class_share: Floats
    class_mortality: Floats

    def numbers(self, codes: Sequence[str]) -> Integers:
        """Numbers of codes; those not in the tree are left out."""
        place = {code: number for number, code in enumerate(self.codes)}
        return np.array([place[code] for code in codes if code in place])


def leaf_codes(references: References) -> tuple[str, ...]:
    """Codes of the tree that no other code begins with, sorted: those a hospital may register."""
    known = sorted({row["icd10"].replace(".", "").upper() for row in references.diagnosis_codes.rows})
    return tuple(code for code, after in zip(known, [*known[1:], ""], strict=True) if not after.startswith(code))


def severity_class(mortality: float) -> int:
    """Class 0..7 of a mortality."""
    return sum(mortality >= bound for bound in SEVERITY_BOUNDS)


def make_codes(
    seed: int, references: References, profiles: Profiles, settings: PopulationSettings, mortality: Floats, history: float
) -> CodeBook:
    """The code book. `mortality` is the target of every group, `history` the included admissions of the history years.

    Also per group and severity class its share of the group's admissions and their mean mortality, shape (groups, 9).
    """
    codes = leaf_codes(references)
    members = _members(references, settings, codes)
    random = generator(seed, "codes")
    share = profiles.weight / profiles.weight.sum()
    size = (len(profiles.groups), len(SEVERITY.labels))
    severity, own = np.full(len(codes), OTHER), np.full(len(codes), np.nan)
    weights, class_share, class_mortality = [], np.zeros(size), np.zeros(size)
    for place, group in enumerate(profiles.groups):
        numbers = members[group]
        weight = _skewed(random, [codes[number] for number in numbers])
        relative = np.exp(MORTALITY_SPREAD * random.standard_normal(len(numbers)))
        target = np.minimum(relative * mortality[place] / float((weight * relative).sum()), 0.75)
        expected = weight * share[place] * history
        classes = np.where(expected < RARE_BELOW, OTHER, [severity_class(value) for value in target])
        severity[numbers], own[numbers] = classes, target
        weights.append(weight)
        np.add.at(class_share[place], classes, weight)
        np.add.at(class_mortality[place], classes, weight * target)
    class_mortality = np.divide(class_mortality, class_share, out=np.zeros(size), where=class_share > 0)
    special = _special(references, settings, codes)
    tables = AliasTables.of([*weights, *[np.ones(len(numbers)) for numbers in special]])
    number = np.concatenate([*[members[group] for group in profiles.groups], *special])
    groups = _groups(references, profiles, codes)
    return CodeBook(codes, tables, number, groups, severity, own, _stay_factors(random, codes), class_share, class_mortality)


def _members(references: References, settings: PopulationSettings, codes: Sequence[str]) -> dict[str, Integers]:
    """Numbers of the codes of every group, those apart that mark healthy persons."""
    by_code, _ = category_lookups(references.diagnosis_codes.rows)
    group = group_of_category(references.diagnosis_groups.rows, GROUPS)
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, code in enumerate(codes):
        if code in by_code and not code.startswith(settings.healthy_person_codes):
            found[group[by_code[code]]].append(number)
    return {name: np.array(numbers) for name, numbers in found.items()}


def _groups(references: References, profiles: Profiles, codes: Sequence[str]) -> Integers:
    """Place of the diagnosis group of every code, -1 for those that resolve to none."""
    by_code, by_stem = category_lookups(references.diagnosis_codes.rows)
    group = group_of_category(references.diagnosis_groups.rows, GROUPS)
    place = {name: number for number, name in enumerate(profiles.groups)}
    categories = [by_code.get(code, by_stem.get(code[:3])) for code in codes]
    return np.array([-1 if category is None else place[group[category]] for category in categories])


def _special(references: References, settings: PopulationSettings, codes: Sequence[str]) -> list[Integers]:
    """Codes of healthy newborns, of companions, and codes that resolve to no group, not even by their stem."""
    _, by_stem = category_lookups(references.diagnosis_codes.rows)
    newborn = [n for n, code in enumerate(codes) if code.startswith("Z38")]
    healthy = [n for n, code in enumerate(codes) if code.startswith(settings.healthy_person_codes)]
    unknown = [n for n, code in enumerate(codes) if code[:3] not in by_stem]
    return [np.array(newborn), np.array([n for n in healthy if n not in newborn]), np.array(unknown)]


def _skewed(random: np.random.RandomState, codes: Sequence[str]) -> Floats:
    """Shares of a group's codes: a power law over a random order, total 1."""
    rank = np.argsort(np.argsort(random.random_sample(len(codes))))
    weight = (rank + 1.0) ** -SKEW * np.where([code.endswith("9") for code in codes], UNSPECIFIED, 1.0)
    shares: Floats = weight / weight.sum()
    return shares


def _stay_factors(random: np.random.RandomState, codes: Sequence[str]) -> Floats:
    stems = sorted({code[:3] for code in codes})
    factor = dict(zip(stems, np.exp(STAY_SPREAD * random.standard_normal(len(stems))), strict=True))
    return np.array([factor[code[:3]] for code in codes])
