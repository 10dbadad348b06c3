"""All steps: from a delivery to the tables of indicators, as `lbz-indicators run`.

Reads: the delivered folder. Writes: every table of bronze, silver and gold.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/run_all.py --config FILE --input FOLDER --output ROOT --delivered-until DAY
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
