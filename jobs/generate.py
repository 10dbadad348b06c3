"""A synthetic nation with known truth (docs/synthetic-nation.md).

Reads: nothing.
Writes: OUTPUT/delivery, OUTPUT/truth and, where records are broken on purpose, OUTPUT/correction.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/generate.py --output OUTPUT --hospitals 75 --admissions-per-year 1800000
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["generate", *sys.argv[1:]])
