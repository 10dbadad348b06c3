"""The readmission ratio (METHOD section 6).

Official title: heropnameratio, ratio of readmissions within 30 days.
Numerator: index stays followed by a readmission, by the settings that its definition names. Denominator: readmissions
expected by the model of the year before, the sum of its probabilities over the index stays.
Value: 100 x observed / expected. Compared with the nation's ratio of the same year, for against a frozen model nearly every
hospital may lie on one side of 100.
Exclusions: population.stays.NoIndex, after those of the population; index stays of a group without a model count in neither.
Window: year of discharge of the stay's first admission.
Known limitations: who dies at home, or returns to a hospital abroad, is no readmission; planned returns count unless only
urgent ones are asked for; a patient without a pseudonym cannot be followed.
"""

from __future__ import annotations

from lbz_indicators.indicators.figures import CLUSTER, GROUP, MAIN_DIAGNOSIS, NONE, SPECIALTY

READMISSION_RATIO = "readmission_ratio"
BREAKDOWNS = (NONE, GROUP, CLUSTER, SPECIALTY, MAIN_DIAGNOSIS)
