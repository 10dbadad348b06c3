"""Step 6: HSMR and SMR, readmission ratio, unexpectedly long stay, with their limits.

Reads: gold.expected, gold.expected_nights, silver.covariates, silver.stays, the current models.
Writes: gold.indicators, gold.indicator_history, gold.interval_variants; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/indicators.py --config FILE --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["indicators", *sys.argv[1:]])
