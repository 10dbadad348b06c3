"""Step 4: the national models, one per diagnosis group: of deaths, of readmissions, of the stay.

Reads: silver.covariates, silver.stays.
Writes: gold.models, gold.model_events, gold.model_coefficients, _fit, _covariates, _information, _calibration,
gold.stay_cells, gold.stay_coefficients, gold.stay_fit; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/fit.py --config FILE --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["fit", *sys.argv[1:]])
