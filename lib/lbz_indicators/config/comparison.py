"""Comparing hospitals and following them through the year (METHOD section 9). Values stand in method.yml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lbz_indicators.config.sections import Confidence, Section

Probability = Annotated[float, Field(gt=0, lt=0.5)]
Replicates = Annotated[int, Field(ge=100, le=1_000_000)]


class ComparisonSettings(Section):
    """Confidences of control limits; the rate of false discoveries; whom to follow, with which chance of a false alarm per
    chart and year, simulated by how many replicates; from how many standard errors on a change of registration is flagged."""

    control_confidences: Annotated[tuple[Confidence, ...], Field(min_length=1)]
    false_discovery_rate: Probability
    cusum_false_alarm: Probability
    cusum_replicates: Replicates
    group_replicates: Replicates
    followed_expected_deaths: Annotated[float, Field(ge=0)]
    registration_limit: Annotated[float, Field(gt=0, le=100)]
