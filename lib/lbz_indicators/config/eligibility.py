"""Who gets a report, and who must publish: the limits of METHOD section 8. Values stand in method.yml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lbz_indicators.config.sections import Section

Code = Annotated[str, Field(pattern=r"^[A-Za-z][0-9A-Za-z.]{1,9}$")]
Percent = Annotated[float, Field(ge=0, le=100)]


class EligibilitySettings(Section):
    """Limits of the criteria of a hospital-year, and of the exemption from publishing. A value on its limit is met, but where
    the name says `above`."""

    minimum_complete_months: Annotated[int, Field(ge=0, le=12)]
    acute_above_percent: Percent
    vague_codes: Annotated[tuple[Code, ...], Field(min_length=1)]
    maximum_vague_percent: Percent
    minimum_secondary_diagnoses: Annotated[float, Field(ge=0, le=50)]
    minimum_deaths: Annotated[int, Field(ge=0)]
    maximum_case_mix_deviation: Annotated[float, Field(ge=0, le=1)]
    exempt_below_deaths: Annotated[int, Field(ge=0)]
    rehabilitation_specialties: tuple[str, ...]
