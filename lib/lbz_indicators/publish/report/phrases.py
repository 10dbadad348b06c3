"""Figures in words: names of their parts, verdicts, lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lbz_indicators.publish.report.figures import AGE, CLUSTER, GROUP, MAIN_DIAGNOSIS, Figure, Period
from lbz_indicators.publish.report.labels import Labels
from lbz_indicators.publish.report.numerals import years_text
from lbz_indicators.publish.report.words import Words

_NAMED_BY_LISTS = (GROUP, CLUSTER, MAIN_DIAGNOSIS)


def period_text(period: Period) -> str:
    """2022, or 2020–2022."""
    return years_text(period.first, period.last)


def listed(items: Sequence[str], words: Words) -> str:
    """a, b and c."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {words.say('and')} {items[-1]}"


def part_name(breakdown: str, value: str | None, labels: Labels, words: Words) -> str:
    """The name of a value of a breakdown; a code without a name is shown as it is."""
    if value is None:
        return words.say("unknown")
    if breakdown in _NAMED_BY_LISTS:
        return labels.name(breakdown, value) or value
    if breakdown == AGE:
        return words.say("age_class", value=value.replace("-", "–"))
    return words.one_of(breakdown, value)


def figure_name(figure: Figure, breakdown: str, labels: Labels, words: Words) -> str:
    """The same, with its years where some of the period have no admissions."""
    name = part_name(breakdown, figure.breakdown_value, labels, words)
    if not figure.is_partial:
        return name
    return words.say("only_years", name=name, years=listed([str(year) for year in figure.years_included], words))


def mark(figure: Figure, own_reference_share: float, words: Words) -> str:
    """The verdict in a column: sign and word, nothing where it does not differ, an asterisk where the own share is large."""
    if figure.value is None:
        return ""
    found = words.say(f"mark.{figure.verdict or 'null'}")
    share = figure.own_reference_share
    if figure.verdict is None or share is None or share < own_reference_share:
        return found
    return words.say("mark.own", mark=found).strip()


def verdict(figure: Figure, words: Words, kind: str = "verdict") -> str:
    """The verdict in full: against what is expected (`verdict`), against the nation (`against`), in a sentence (`sentence`)."""
    return words.say(f"{kind}.{(figure.verdict if figure.value is not None else None) or 'null'}")


def confidence_text(figures: Iterable[Figure], words: Words) -> str:
    """95% or 99,8%: with which confidence the limits of these figures are made; empty where none has limits."""
    found = sorted({figure.confidence for figure in figures if figure.lower is not None and figure.confidence is not None})
    percents = [round(100 * confidence, 6) for confidence in found]
    return "/".join(f"{words.numbers.decimal(percent, 0 if percent == int(percent) else 1)}%" for percent in percents)


def limits_head(figures: Iterable[Figure], words: Words) -> str:
    """The head of a column of limits."""
    confidence = confidence_text(figures, words)
    return words.say("limits.head", confidence=confidence) if confidence else words.say("limits.plain")


def differs(figure: Figure) -> bool:
    """Whether the verdict is higher or lower."""
    return figure.verdict in ("higher", "lower")
