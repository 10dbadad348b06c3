"""Model maintenance: the severity class of every main diagnosis, from the years before the model years.

Reads: silver.admissions, bronze.hospitals, .hospital_months; with --input the delivery, loaded and validated first.
Writes: gold.severity_versions, gold.severity_classes; gold.runs.

spark-submit --packages io.delta:delta-spark_4.1_2.13:4.4.0 --driver-memory 8g \\
    --py-files dist/lbz_indicators.zip jobs/severity.py --config FILE --output ROOT --years 2019-2022
"""

import sys

from lbz_indicators.cli import main

if __name__ == "__main__":
    main(["severity", *sys.argv[1:]])
