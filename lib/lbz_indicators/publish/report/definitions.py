"""What an indicator counts, in words, from the definition that its figures carry: a report never says what a setting changed."""

from __future__ import annotations

import re

from lbz_indicators.publish.report.figures import OLO, READMISSION, Figure
from lbz_indicators.publish.report.words import Words

_READMISSION = re.compile(r"(any|same)_(\d+)d(_urgent)?(_transfers)?")
_LONG_STAY = re.compile(r"(cell_mean|gamma_model)_(over|from)_(\d+)")


def indicator_text(indicator: str, figure: Figure, year: int, said: Words) -> str:
    """One paragraph on the indicator; a definition that is not known is shown by its name."""
    if indicator == READMISSION and (found := _READMISSION.fullmatch(figure.definition)):
        hospital, days, urgent, transfers = found.groups()
        return said.say(
            "lbz.what.readmission_ratio",
            days=days,
            kind=said.say(f"readmission.{'urgent' if urgent else 'all'}"),
            hospital=said.say(f"readmission.{hospital}"),
            transfers=said.say(f"readmission.{'counted' if transfers else 'linked'}"),
        )
    if indicator == OLO and (found := _LONG_STAY.fullmatch(figure.definition)):
        estimator, bound, percent = found.groups()
        longer = said.say(f"long_stay.{bound}", percent=percent)
        return said.say("lbz.what.olo", longer=longer, estimator=said.say(f"long_stay.{estimator}"))
    if indicator in (READMISSION, OLO):
        return said.say("lbz.what.other", definition=figure.definition)
    return said.say(f"lbz.what.{indicator}", year=year)
