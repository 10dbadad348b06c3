"""Time, memory and Spark jobs of every step on the real sample, and the fit by both engines in the same session.

python benchmarks/sample.py --input FOLDER; results go to benchmarks/results/sample.json and, as a table, to the screen.
Figures of one machine on one day: read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", required=True)
    parser.add_argument("--memory", default="4g")
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lbz-bench-"))
    measure.use_event_log(scratch / "events")
    from lbz_indicators import __version__
    from lbz_indicators.config import load_settings
    from lbz_indicators.io import Store
    from lbz_indicators.progress import SILENT
    from lbz_indicators.session import start_session
    from lbz_indicators.steps import STEPS

    base = [f"delivery.input={arguments.input}", f"storage.root={scratch / 'tables'}", f"spark.memory={arguments.memory}"]
    config = str(HERE.parent / "conf" / "sample.yml")
    settings = load_settings(config, base)
    clock = measure.Clock()
    with clock.span("start of the session"):
        spark = start_session(settings, str(scratch / "spark.log"))
    todo = [(name, name, settings) for name in STEPS]
    todo += [(f"{name}, same delivery again", name, settings) for name in STEPS]
    todo.append(("fit, glum", "fit", load_settings(config, [*base, "models.engine=glum"])))
    # Other class sizes make other model versions, so that each engine fits twice on a warm session.
    for size, engine in [(n, engine) for n in (51, 52) for engine in ("mllib", "glum")]:
        again = load_settings(config, [*base, f"models.minimum_class_admissions={size}", f"models.engine={engine}"])
        todo.append((f"fit warm, {engine}", "fit", again))
    for label, name, chosen in todo:
        store = Store(spark, chosen.storage)
        with clock.span(label) as record:
            record["said"] = STEPS[name](store, chosen, SILENT, "benchmark").message.replace(f" from {arguments.input}", "")
        store.release()
    spark.stop()
    rows = clock.rows(measure.spark_jobs(scratch / "events"))
    result = {"program": __version__, "machine": measure.machine(), "spark_memory": arguments.memory, "rows": rows}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "sample.json").write_text(json.dumps(result, indent=1) + "\n")
    print(measure.table(rows))
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
