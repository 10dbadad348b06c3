"""Step 5: the expected probability of death and of readmission, and the expected nights, of every admission.

Reads: silver.covariates, silver.stays, the current models.
Writes: gold.expected, gold.expected_nights, gold.olo_agreement; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/score.py --config FILE --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["score", *sys.argv[1:]])
