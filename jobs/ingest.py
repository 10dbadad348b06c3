"""Step 1: a delivered folder to bronze.

Reads: the delivered folder.
Writes: bronze.*; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/ingest.py --config FILE --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["ingest", *sys.argv[1:]])
