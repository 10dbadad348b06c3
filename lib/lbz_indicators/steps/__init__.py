"""The steps of a run, in order, and those of model maintenance: the table of contents of this program.

| step | reads | writes | the rules are in |
|---|---|---|---|
| ingest | the delivered folder | bronze.*, last bronze.deliveries, with which it counts (`delivered`) | `ingest.sources`, `ingest.small_tables` |
| validate | bronze.* | silver.admissions, .diagnoses, .rejected_admissions, .quality, .delivered_months, .validation | `ingest.rules`, `ingest.in_force`, `ingest.validate`, `ingest.diagnoses`, `ingest.quality` |
| validate, of what arrived alone (`validate_arrived`) | the same, and silver before it | the same rows as validate | `ingest.touched`, `ingest.arrived` |
| derive | silver.admissions, .diagnoses, bronze small tables | silver.covariates, .stays, gold.exclusions, .index_stays | `population.exclusions`, `.diagnosis_groups`, `.comorbidity`, `.covariates`, `.stays` |
| fit | silver.covariates, .stays | gold.models, .model_*, .stay_cells, .stay_coefficients, .stay_fit | `steps.predicted`, `.fitting`, `.stay_fitting`, `.workbench`, `models.collapse`, `.design`, `.packing`, `.mllib`, `.glum`, `.certify`, `.information`, `.stay_cells`, `.stay_gamma`, `stats.logistic`, `.gamma` |
| score | silver.covariates, .stays, the current models | gold.expected, .expected_nights, .olo_agreement | `models.score`, `.stay_cells` |
| indicators | gold.expected, .expected_nights, silver.covariates, .stays, the current models | gold.figure_cells, .weight_cells, .indicators, .indicator_history, .interval_variants, .month_figures | `steps.figure_cells`, `.figure_history`, `indicators.mortality`, `.months`, `.readmission`, `.length_of_stay`, `.figures`, `.variance`, `.limits`, `stats.intervals` |

A night (`nightly`) takes the same steps over what changed since each was done last, or over all where it must:
`steps.last_done`, `.moved`, `.derive_touched`, `.touched`, `.figure_cells`.

| maintenance | reads | writes | the rules are in |
|---|---|---|---|
| severity | silver.admissions, bronze small tables | gold.severity_versions, .severity_classes; used by the next derive | `population.severity` |
| freeze | gold.indicators, what it was made of, the current models | gold.published_figures, .published_covariates, .published_stay_cells, .publications | `figure_basis`, `recomputed`, `figure_agreement`, `digests` |
| reproduce | what was frozen, or former table versions; stored coefficients | nothing | `reproduction`, `recomputed`, `figure_agreement` |
| maintain, erase, rotate-pseudonyms | bronze.admissions | every table with a row of an admission, gold.erasures | `retention`, `erasure`, `removal`, `rotation`, `maintenance`, `leftovers` |
| site (`lbz-indicators site`) | gold.indicators, .month_figures, bronze.hospitals | an HTML file | `publish.site`, `publish.disclosure` |
| handing over (`handing_over`, no Spark) | the files of packages, the table of authorised people | encrypted packages, messages; rows of gold.packages, .package_messages | `publish.authorised`, `.package`, `.archive`, `.passwords`, `.messages`, `.names` |
| migrate | every table of an older layout | the same | `migration`, `io.layout` |
"""

from __future__ import annotations

from collections.abc import Callable

from lbz_indicators.config import Settings
from lbz_indicators.io import Store
from lbz_indicators.progress import Progress
from lbz_indicators.steps import derive, fit, indicators, ingest, score, severity, validate
from lbz_indicators.steps.outcome import Outcome

Step = Callable[[Store, Settings, Progress, str], Outcome]

STEPS: dict[str, Step] = {
    "ingest": ingest.step,
    "validate": validate.step,
    "derive": derive.step,
    "fit": fit.step,
    "score": score.step,
    "indicators": indicators.step,
}
"""Every step by the name of its command; each is called with (store, settings, progress, run_id)."""

MAINTENANCE: dict[str, Step] = {"severity": severity.step}
"""Steps that prepare models and are no part of every run; called alike."""
