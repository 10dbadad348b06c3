"""Step 3: exclusions, diagnosis groups and covariates; stays and their returns.

Reads: silver.admissions, silver.diagnoses, bronze.hospitals, .hospital_months, .ses, .severity.
Writes: silver.covariates, silver.stays, silver.derivation, gold.exclusions, gold.index_stays; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/derive.py --config FILE --output ROOT --delivered-until DAY
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["derive", *sys.argv[1:]])
