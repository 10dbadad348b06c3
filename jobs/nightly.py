"""A night: what arrived since the last time, and only that.

Reads: the delivered folder, or a folder of deliveries; bronze, silver and gold as the last time left them.
Writes: the tables of a run, rows of what is touched; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/nightly.py --config FILE --input FOLDER --output ROOT
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["nightly", *sys.argv[1:]])
