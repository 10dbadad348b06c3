"""Step 2: bronze to valid, rejected and flagged records.

Reads: bronze.*.
Writes: silver.admissions, silver.diagnoses, silver.rejected_admissions, silver.quality; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/validate.py --config FILE --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["validate", *sys.argv[1:]])
