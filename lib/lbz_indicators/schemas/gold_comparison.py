"""Gold, beyond the rules: hospitals compared, followed through the year, and what stands out (METHOD section 9)."""

from __future__ import annotations

from lbz_indicators import tables
from lbz_indicators.schemas.contract import BOOLEAN, DATE, DOUBLE, INTEGER, LONG, STRING, Column, TableSchema
from lbz_indicators.schemas.gold_models import MODEL_VERSION, RUN_ID

_VARIANT = Column("variant", STRING, "definitive, provisional: of the figures compared", required=True)
_INDICATOR = Column("indicator", STRING, "hsmr, smr, readmission_ratio", required=True)
_HOSPITAL = Column("hospital_id", STRING, "Reporting hospital", required=True)
_GROUP = Column("diagnosis_group", STRING, "null = all groups together")
_PERIOD = (
    Column("period_start", DATE, "First day of the period of discharge", required=True),
    Column("period_end", DATE, "Last day of the period of discharge", required=True),
)
_YEAR = Column("year", INTEGER, "Calendar year of discharge", required=True)
_EXPECTED = "Expected events; of provisional figures times the national ratio / 100, so that 100 is the nation"
_SERIES = ("variant", "hospital_id", "diagnosis_group", "year", "model_version")

SCHEMAS = (
    TableSchema(
        tables.GOLD_FUNNEL,
        "ratio of a hospital without breakdown x method of control limits x confidence",
        (
            _INDICATOR,
            Column("definition", STRING, "What counts as the event, as in gold.indicators", required=True),
            _VARIANT,
            _HOSPITAL,
            *_PERIOD,
            MODEL_VERSION,
            Column(
                "method", STRING, "poisson_quantile, inverse_exact, chi_square; shmi, cqc: with over-dispersion", required=True
            ),
            Column("confidence", DOUBLE, "Of the control limits: 0.95, 0.998", required=True),
            Column("observed", LONG, "Observed events", required=True),
            Column("expected", DOUBLE, _EXPECTED),
            Column("value", DOUBLE, "100 x observed / expected; null where nothing is expected"),
            Column("lower", DOUBLE, "Lower control limit, around 100; null = none"),
            Column("upper", DOUBLE, "Upper control limit, around 100; null = none"),
            Column("position", STRING, "higher, lower, none: outside the limits or inside; null = no ratio or no limits"),
            Column("part", STRING, "In the estimate of over-dispersion: kept, trimmed, winsorised, no_observed, no_expected"),
            Column("phi", DOUBLE, "Over-dispersion, mean of z^2; null = not estimated"),
            Column(
                "tau2", DOUBLE, "Variance between hospitals, on the scale of the method; too low by its trimming; null likewise"
            ),
            RUN_ID,
        ),
        (
            "indicator",
            "definition",
            "variant",
            "hospital_id",
            "period_start",
            "period_end",
            "model_version",
            "method",
            "confidence",
        ),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_MONITORING,
        "hospital (and diagnosis group) x day with discharges of the reporting year: VLAD and both CUSUMs at its end",
        (
            _VARIANT,
            _HOSPITAL,
            _GROUP,
            _YEAR,
            Column("day", DATE, "Day of discharge", required=True),
            MODEL_VERSION,
            Column("admissions", LONG, "Admissions of the day with an expected value", required=True),
            Column("observed", LONG, "Deaths among them", required=True),
            Column("expected", DOUBLE, "Expected deaths among them", required=True),
            Column(
                "vlad", DOUBLE, "Deaths fewer than expected since the beginning of the year, at the end of the day", required=True
            ),
            Column("worse_height", DOUBLE, "Highest CUSUM of the day for odds ratio 2", required=True),
            Column("better_height", DOUBLE, "The same for odds ratio 1/2", required=True),
            Column("worse_signals", INTEGER, "Signals of the day of the chart for odds ratio 2", required=True),
            Column("better_signals", INTEGER, "The same for odds ratio 1/2", required=True),
            RUN_ID,
        ),
        ("variant", "hospital_id", "diagnosis_group", "year", "day", "model_version"),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_MONITORING_LIMITS,
        "chart of gold.monitoring: its simulated limit, and how well the simulation knows it",
        (
            *(_VARIANT, _HOSPITAL, _GROUP, _YEAR, MODEL_VERSION),
            Column("odds_ratio", DOUBLE, "Of death that the chart looks out for: 2 (worse), 0.5 (better)", required=True),
            Column("admissions", LONG, "Admissions followed", required=True),
            Column("observed", LONG, "Deaths among them", required=True),
            Column("expected", DOUBLE, "Expected deaths among them", required=True),
            Column("limit", DOUBLE, "Height above which the chart signals", required=True),
            Column("false_alarm", DOUBLE, "Chosen chance of a signal in a year in control", required=True),
            Column("false_alarm_probability", DOUBLE, "That of this limit: at most the chosen one", required=True),
            Column("standard_error", DOUBLE, "Of that probability, by the simulation", required=True),
            Column("limit_lower", DOUBLE, "Lower 95% limit of the height, by the simulation", required=True),
            Column("limit_upper", DOUBLE, "Upper 95% limit of the height", required=True),
            Column("replicates", LONG, "Simulated years", required=True),
            Column("seed", LONG, "Of the simulation: the same draws again", required=True),
            Column("signals", INTEGER, "Signals of the year", required=True),
            Column("first_signal", DATE, "Day of the first; null = none"),
            RUN_ID,
        ),
        (*_SERIES, "odds_ratio"),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_SIGNALS,
        "deviation that a hospital must look into, or may be praised for: its to-do list",
        (
            Column("kind", STRING, "figure (outside its confidence limits), cusum (above its limit)", required=True),
            _INDICATOR,
            _VARIANT,
            _HOSPITAL,
            _GROUP,
            *_PERIOD,
            Column("day", DATE, "Of a cusum: day on which it signalled first"),
            Column("direction", STRING, "higher, lower: more or fewer events than expected", required=True),
            MODEL_VERSION,
            Column("observed", LONG, "Observed events of the period", required=True),
            Column("expected", DOUBLE, _EXPECTED, required=True),
            Column("value", DOUBLE, "100 x observed / expected", required=True),
            Column("p_value", DOUBLE, "Of a figure: exact, two-sided, Poisson; null for a cusum"),
            Column("adjusted_p_value", DOUBLE, "The same by Benjamini-Hochberg over all hospitals and groups of the list"),
            Column("discovery", BOOLEAN, "Adjusted p value at or below the false discovery rate; null for a cusum"),
            Column("signals", INTEGER, "Of a cusum: signals of the year; else null"),
            RUN_ID,
        ),
        (
            *("kind", "indicator", "variant", "hospital_id", "diagnosis_group", "period_start", "period_end", "direction"),
            "model_version",
        ),
        lineage=("run_id",),
    ),
    TableSchema(
        tables.GOLD_SIGNAL_LISTS,
        "list of gold.signals, of a hospital or the nation: how many were looked at, and how many false alarms chance makes",
        (
            Column("kind", STRING, "figure, cusum", required=True),
            _INDICATOR,
            _VARIANT,
            Column("hospital_id", STRING, "Reporting hospital; null = all hospitals"),
            Column("by_group", BOOLEAN, "Of diagnosis groups, and not of all together", required=True),
            *_PERIOD,
            MODEL_VERSION,
            Column("tested", LONG, "Figures or charts looked at", required=True),
            Column("higher", LONG, "In the list: more events than expected", required=True),
            Column("lower", LONG, "In the list: fewer", required=True),
            Column("discoveries", LONG, "Of these at or below the false discovery rate; null for charts"),
            Column("false_higher", DOUBLE, "Expected number by chance alone of those with more", required=True),
            Column("false_lower", DOUBLE, "Expected number by chance alone of those with fewer", required=True),
            RUN_ID,
        ),
        ("kind", "indicator", "variant", "hospital_id", "by_group", "period_start", "period_end", "model_version"),
        lineage=("run_id",),
    ),
)
