"""Names of diagnosis groups, clusters and main diagnoses for a reader, from the reference lists of the run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from lbz_indicators.population.diagnosis_groups import (
    category_lookups,
    cluster_labels,
    cluster_of_group,
    group_labels,
    group_of_category,
)
from lbz_indicators.publish.report.figures import CLUSTER, GROUP, MAIN_DIAGNOSIS
from lbz_indicators.references import References

_FOLDER = resources.files("lbz_indicators.publish.report").joinpath("texts")
_TRANSLATED = "nl"


@dataclass(frozen=True)
class Labels:
    """Names by breakdown and value, and the cluster of a diagnosis group. A value without a name is shown as it is."""

    names: Mapping[str, Mapping[str, str]]
    cluster_of: Mapping[str, str]

    def name(self, breakdown: str, value: str) -> str | None:
        """The name of a value; None where the lists have none."""
        return self.names.get(breakdown, {}).get(value)


def labels_of(references: References, grouping: str, language: str) -> Labels:
    """Names by the lists of a run and its grouping (groups, ccs).

    A main diagnosis of three characters has the name of its diagnosis group, for the lists hold no titles of the ICD-10. Names of
    the shipped list are translated for Dutch; a list that a site puts in its place is shown in its own words.
    """
    rows = references.diagnosis_groups.rows
    translate = translations(language)
    groups = {value: translate.get(name, name) for value, name in group_labels(rows, grouping).items()}
    clusters = {value: translate.get(name, name) for value, name in cluster_labels(rows).items()}
    group_of = group_of_category(rows, grouping)
    _, by_stem = category_lookups(references.diagnosis_codes.rows)
    diagnoses = {stem: groups[group_of[category]] for stem, category in by_stem.items() if category in group_of}
    return Labels(
        {GROUP: groups, CLUSTER: clusters, MAIN_DIAGNOSIS: diagnoses},
        cluster_of_group(rows, grouping),
    )


def translations(language: str) -> dict[str, str]:
    """Names in the language by the names of the shipped list, which are English."""
    if language != _TRANSLATED:
        return {}
    text = _FOLDER.joinpath(f"diagnoses_{language}.csv").read_text(encoding="utf-8")
    return {row["name"]: row["translation"] for row in csv.DictReader(io.StringIO(text))}
