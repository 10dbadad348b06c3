"""Golden test set with all nine covariates: a seeded delivery and its independent truth.

    python make_golden.py --reference DIR [--out DIR]

DIR of --reference holds icd10_who_to_ccs.csv, diagnosis_groups.csv and charlson_icd10.csv.
Part 1 writes <out>/delivery, part 2 reads the written files back (knowing nothing of part 1) and writes <out>/expected.
Part 2 is plain pandas and numpy after METHOD sections 2-5; the fits are R's glm (fit.R), cross-checked with statsmodels.
It shares no code with the program under test. Part 3 asserts that the delivery exercises what README.md says it does.
"""
import argparse, datetime as dt, gzip, io, pathlib, subprocess, sys, tempfile, warnings
import numpy as np
import pandas as pd
import scipy
import statsmodels
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20240611
MODEL_YEARS = [2016, 2017, 2018, 2019]
FROZEN_YEAR = 2020
NZA_FROM = 2017
GROUP_COLUMN, CLUSTER_COLUMN = "diagnosis_group", "cluster"


def write(frame, path):
    """CSV with repr doubles; a .gz without time stamp, so that the same data gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = frame.to_csv(index=False, lineterminator="\n").encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as handle:
            handle.write(text)
        text = buffer.getvalue()
    path.write_bytes(text)


# ------------------------------------------------------------------------------------------------------------------
# 1. The delivery
# ------------------------------------------------------------------------------------------------------------------
HOSPITALS = {"H01": .22, "H02": .18, "H03": .15, "H04": .13, "H05": .09, "H06": .08, "H07": .09, "H08": .06}
HOSPITAL_EFFECT = {"H01": -.15, "H02": .05, "H03": .25, "H04": 0., "H05": -.25, "H06": .15, "H07": .1, "H08": -.05}
SEVERITY_EFFECT = [-1.6, -1.1, -.6, 0., .5, .9, 1.3, 1.7, .2]
SES_EFFECT = [.3, .15, 0., -.15, -.3, .35]
MONTH_EFFECT = [.35, .1, 0., -.2, -.1, .25]
YEAR_EFFECT = {2015: .1, 2016: .15, 2017: .05, 2018: 0., 2019: -.15, 2020: .05}
SOURCE_EFFECT = {"home": 0., "institution": .5, "hospital": .4}
CHARLSON_EFFECT = {1: .4, 2: .6, 3: .4, 4: .45, 5: .5, 6: .35, 7: .4, 8: .2, 9: .6, 10: .3, 11: .5, 12: .4, 13: .45, 14: .6, 15: .5, 16: 1.1, 17: 1.}
CHARLSON_CODES = {1: "I252 I219 I258", 2: "I500 I509 I501", 3: "I739 I714 I702", 4: "I639 I64 I694", 5: "F03 F009 F051", 6: "J449 J440 J459",
                  7: "M059 M069 M329", 8: "K259 K269", 9: "K703 K746 K739", 10: "E119 E109 E149", 11: "E112 E114 E113", 12: "G819 G820",
                  13: "N189 N184 N19", 14: "C349 C189 C61 C509", 15: "B24 B20", 16: "C787 C795 C80", 17: "K729 K766 K721"}
CHARLSON_CODES = {k: [c for c in v.split() if c != "I702"] for k, v in CHARLSON_CODES.items()}
OTHER_SECONDARY = "I10 E780 N390 Z921 D649 I489 E876 F329 Z515 E110 M819 H269".split()  # E110 stands in no Charlson prefix
USUAL = {1: .05, 2: .09, 3: .05, 4: .06, 5: .05, 6: .11, 7: .025, 8: .012, 9: .012, 10: .14, 11: .035, 12: .01, 13: .09, 14: .08, 15: .002, 16: .035, 17: .005}

# code -> severity class (8 = other, listed); codes that are not listed are "other" too
SEVERITY = {"J180": 4, "J181": 3, "J189": 4, "J150": 5, "J159": 6, "J129": 2, "J157": 1, "J13": 3, "I500": 4, "I501": 5, "I509": 3,
            "I210": 5, "I211": 4, "I212": 3, "I213": 6, "I214": 2, "I219": 4, "I221": 8, "J440": 4, "J441": 3, "J448": 2, "J449": 3, "J439": 2, "J47": 1,
            "S720": 3, "S721": 4, "S722": 2, "C180": 2, "C182": 1, "C184": 3, "C187": 2, "C189": 4, "K701": 5, "K703": 4, "K704": 6, "K709": 3,
            "N10": 1, "N12": 2, "N390": 3, "N300": 0, "N170": 4, "N171": 5, "N179": 8, "R02": 5, "J850": 6, "I469": 7, "I461": 7,
            "M222": 0, "S832": 0, "A419": 5, "A415": 6, "Z380": 0, "U071": 5}

# diagnosis groups: fit years' sizes, size 2020, level, ages (mean, sd, low, high), share of children, female, acute, origins, codes, comorbidity, ses
GROUPS = {
    "pneumonia": dict(sizes=[1320, 1260, 1230, 1220], last=1050, level=-3.5, age=(62, 14, 0, 103), children=.09, female=.47, acute=.82,
                      origins=(.78, .15, .07), codes="J180 .12 J181 .18 J189 .35 J150 .06 J159 .06 J129 .07 J157 .05 J13 .04 J14 .05 J18 .02",
                      comorbidity={9: .022, 17: .008, 11: .009, 10: .15}, ses="unknown"),
    "heart failure": dict(sizes=[980, 980, 970, 960], last=850, level=-3.75, age=(77, 11, 35, 101), female=.5, acute=.75, origins=(.82, .12, .06),
                          codes="I500 .38 I501 .22 I509 .39 I508 .01", comorbidity={1: .2, 2: .03, 11: .1, 13: .25, 10: .2}, ses="unknown"),
    "myocardial infarction": dict(sizes=[560, 560, 540, 540], last=450, level=-3.5, age=(68, 13, 30, 98), female=.36, acute=.86, origins=(.72, .04, .24),
                                  codes="I210 .18 I211 .2 I212 .08 I213 .08 I214 .3 I219 .15 I221 .01", comorbidity={1: .03, 15: .001}, ses="few"),
    "copd": dict(sizes=[470, 470, 460, 450], last=400, level=-3.4, age=(70, 11, 40, 95), female=.46, acute=.7, origins=(.88, .12, 0.),
                 codes="J440 .25 J441 .35 J448 .12 J449 .18 J439 .06 J47 .04", comorbidity={9: .014, 17: .021, 15: 0.}, both=.45, ses="unknown"),
    "hip": dict(sizes=[520, 520, 520, 520], last=480, level=-3.7, age=(80, 10, 50, 102), female=.7, acute=.8, origins=(.68, .28, .04),
                codes="S720 .55 S721 .33 S722 .12", comorbidity={5: .2, 15: 0.}, ses="no average"),
    "colon": dict(sizes=[330, 330, 320, 320], last=280, level=-3.1, age=(69, 11, 35, 95), female=.46, acute=.22, origins=(.7, .22, .08),
                  codes="C180 .2 C182 .2 C184 .15 C187 .3 C189 .15", comorbidity={14: .06, 16: .22, 9: .06, 17: 0.}, ses="known", aliased=True),
    "alcoholic liver": dict(sizes=[200, 200, 190, 190], last=170, level=-3.0, age=(56, 11, 25, 85), female=.33, acute=.7, origins=(.85, .07, .08),
                            codes="K701 .2 K703 .45 K704 .15 K709 .2", comorbidity={9: .025, 17: .32, 8: .08}, both=.06, ses="unknown", mostly="H01"),
    "urinary": dict(sizes=[30, 95, 95, 100], last=70, level=-2.4, age=(70, 16, 18, 99), female=.6, acute=.65, origins=(.75, .2, .05),
                    codes="N390 .55 N10 .15 N12 .15 N300 .15", comorbidity={}, ses="unknown"),
    "renal failure": dict(sizes=[72, 72, 76, 0], last=25, level=-2.5, age=(70, 13, 25, 95), female=.45, acute=.6, origins=(.8, .15, .05),
                          codes="N179 .8 N170 .13 N171 .07", comorbidity={}, ses="unknown"),
    "gangrene": dict(sizes=[18, 18, 17, 17], last=10, level=-2.3, age=(70, 12, 40, 92), female=.4, acute=.6, origins=(.8, .15, .05),
                     codes="R02 .7 J850 .3", comorbidity={}, ses="unknown", only=["H03", "H08"]),
    "cardiac arrest": dict(sizes=[3, 3, 3, 3], last=3, level=99., age=(66, 14, 40, 90), female=.4, acute=1., origins=(1., 0., 0.), codes="I469 .7 I461 .3",
                           comorbidity={}, ses="known"),
    "knee": dict(sizes=[14, 14, 14, 14], last=12, level=-99., age=(35, 14, 15, 80), female=.4, acute=.3, origins=(1., 0., 0.), codes="M222 .4 S832 .5 S73 .1",
                 comorbidity={}, ses="known"),
    "sepsis": dict(sizes=[0, 0, 0, 0], last=35, level=-2.0, age=(70, 14, 30, 95), female=.45, acute=.9, origins=(.8, .12, .08), codes="A419 .7 A415 .3",
                   comorbidity={}, ses="unknown"),
}
SPECIALTY = {"pneumonia": "0322", "copd": "0322", "heart failure": "0320", "myocardial infarction": "0320", "cardiac arrest": "0320", "hip": "0305",
             "knee": "0305", "colon": "0303", "gangrene": "0303", "urinary": "0306"}
PROCEDURE = {"hip": "038565", "colon": "335770"}
ADMISSION_COLUMNS = ("hospital_id admission_id patient_id admission_date admission_time discharge_date discharge_time care_type urgency origin "
                     "discharge_destination died sex age_years postcode4 resident specialty main_diagnosis main_procedure").split()


def ses_table(rng):
    """40 postcodes; equal scores, one without inhabitants inside and one at the top, one without a score. 9999 is not in the table."""
    codes = [str(1011 + 23 * i) for i in range(40)]
    score = np.round(np.sort(rng.normal(0, .4, 40)), 3)
    people = rng.integers(800, 12000, 40)
    score[9] = score[10] = score[8]                      # three postcodes with the same score
    people[20] = 0                                       # no inhabitants, in the middle
    people[39] = 0                                       # no inhabitants, highest score: floor gives 5, at most 4
    frame = pd.DataFrame({"postcode4": codes, "ses_score": [repr(float(s)) for s in score], "inhabitants": people.astype(str)})
    frame.loc[40] = ["2500", "", "650"]                  # no score
    return frame.sample(frac=1, random_state=3).reset_index(drop=True)


def clock(minutes):
    return "%02d:%02d" % (minutes // 60, minutes % 60)


def deliver_code(rng, code):
    if len(code) > 3 and rng.random() < .3:
        code = code[:3] + "." + code[3:]
    return code.lower() if rng.random() < .05 else code


def generate(rng, class_of_postcode):
    """Ordinary admissions, as dictionaries of strings, with their secondary diagnoses under the key "dx"."""
    by_class = {k: sorted(p for p, c in class_of_postcode.items() if c == k) for k in range(6)}
    rows = []
    for name, g in GROUPS.items():
        parts = g["codes"].split()
        codes, weights = parts[::2], np.array([float(w) for w in parts[1::2]])
        for year, size in zip(MODEL_YEARS + [FROZEN_YEAR, 2015], g["sizes"] + [g["last"], g["sizes"][0] // 60]):
            frozen = year == FROZEN_YEAR
            for _ in range(size):
                if "only" in g:
                    hospital = g["only"][int(rng.random() < .4)]
                elif "mostly" in g and rng.random() < .7:
                    hospital = g["mostly"]
                else:
                    hospital = str(rng.choice(list(HOSPITALS), p=list(HOSPITALS.values())))
                mean, sd, low, high = g["age"]
                age = int(rng.integers(0, 12)) if rng.random() < g.get("children", 0) else int(rng.normal(mean, sd))
                age = min(max(age, low), high)
                if name == "hip" and frozen and rng.random() < .03:
                    age = int(rng.choice([0, 37, 43]))           # age classes the fit has not seen
                sex = "F" if rng.random() < g["female"] else "M"
                acute = rng.random() < g["acute"]
                origin = str(rng.choice(["home", "institution", "hospital"], p=g["origins"]))
                if g.get("aliased") and not frozen:              # institution exactly when acute
                    origin = "institution" if acute else ("home" if rng.random() < .87 else "hospital")
                if name == "copd" and frozen and rng.random() < .04:
                    origin = "hospital"
                code = str(rng.choice(codes, p=weights / weights.sum()))
                if name == "copd" and frozen and rng.random() < .03:
                    code = "J42"                                 # severity other, unseen in the fit
                chance = {"unknown": .045, "few": .013, "no average": .012, "known": .05 if frozen else 0.}[g["ses"]]
                ses = 5 if rng.random() < chance else int(rng.choice([0, 1, 3, 4] if g["ses"] == "no average" and not frozen else 5))
                postcode = str(rng.choice(by_class[ses])) if ses < 5 else str(rng.choice(["", "9999", "2500"]))
                odds = {**USUAL, **g["comorbidity"]}
                if frozen and name in ("hip", "copd"):
                    odds[15] = .012                              # unseen comorbidity
                if frozen and name == "colon":
                    odds[17] = .02
                flags = {c for c, p in odds.items() if rng.random() < p}
                for second, first in ((17, 9), (11, 10)):
                    if second in flags and rng.random() < g.get("both", .35):
                        flags.add(first)
                dx = []
                for c in sorted(flags):
                    pick = [x for x in CHARLSON_CODES[c] if x != code]
                    flag = str(rng.choice(["false", "", "true"], p=[.95, .02, .03]))
                    dx.append((deliver_code(rng, str(rng.choice(pick))), flag))
                counted = {c for c, (_, f) in zip(sorted(flags), dx) if f != "true"}
                dx += [(deliver_code(rng, str(rng.choice(OTHER_SECONDARY))), "false") for _ in range(rng.poisson(.4))]
                out = dt.date(year, 1, 1) + dt.timedelta(int(rng.integers(0, 365)))
                if rng.random() < .03:
                    dx.append((deliver_code(rng, code), "false"))  # equal to the main diagnosis
                kind = rng.random()
                start, stop = 5 * int(rng.integers(84, 276)), 5 * int(rng.integers(96, 240))
                care = "K"
                if kind < .035:                                    # observation, one day
                    care, nights = "O", 0
                    start = 5 * int(rng.integers(96, 150))
                    stop = start + 5 * int(rng.integers(18, 110))
                elif kind < .055:                                  # clinical, one day
                    nights, start = 0, 5 * int(rng.integers(84, 160))
                    stop = start + 5 * int(rng.integers(12, 90))
                else:
                    nights = 1 + int(rng.geometric(.17))
                if rng.random() < .015:
                    care = "D"
                day = out - dt.timedelta(nights)
                severity = SEVERITY.get(code, 8)
                eta = (g["level"] + .038 * (age - 65) + (-.4 if sex == "F" else 0.) + SES_EFFECT[ses] + SEVERITY_EFFECT[severity] + (.6 if acute else 0.)
                       + sum(CHARLSON_EFFECT[c] for c in counted) + SOURCE_EFFECT[origin] + YEAR_EFFECT[year] + MONTH_EFFECT[(day.month - 1) // 2]
                       + HOSPITAL_EFFECT[hospital])
                died = rng.random() < 1 / (1 + np.exp(-eta))
                to = "deceased" if died else str(rng.choice(["home", "institution", "hospital", "other", ""], p=[.76, .17, .04, .02, .01]))
                rows.append(dict(
                    hospital_id=hospital, admission_date=day.isoformat(), admission_time="" if rng.random() < .015 else clock(start),
                    discharge_date=out.isoformat(), discharge_time="" if rng.random() < .015 else clock(stop), care_type=care,
                    urgency="acute" if acute else "planned", origin="" if origin == "home" and rng.random() < .01 else origin,
                    discharge_destination=to, died="true" if died else "false", sex="" if rng.random() < .004 else sex, age_years=str(age),
                    postcode4=postcode, resident=str(rng.choice(["true", "", "false"], p=[.985, .007, .008])), specialty=SPECIALTY.get(name, "0313"),
                    main_diagnosis=deliver_code(rng, code), main_procedure=PROCEDURE.get(name, ""), dx=dx))
    return rows


def handmade(rows):
    """Cases made by hand: every rule at its boundary. Returns (rows, cases); expected values are written by hand, not computed."""
    base = dict(hospital_id="H01", patient_id="", admission_date="2018-05-10", admission_time="10:00", discharge_date="2018-05-15", discharge_time="12:00",
                care_type="K", urgency="acute", origin="home", discharge_destination="home", died="false", sex="M", age_years="70", postcode4="",
                resident="true", specialty="0322", main_diagnosis="J18.9", main_procedure="", dx=[])
    day = dict(discharge_date="2018-05-10", discharge_time="18:00")
    late = dict(admission_time="20:00", discharge_date="2018-05-10", discharge_time="22:15", died="true", discharge_destination="deceased")
    short = dict(care_type="O", admission_time="10:00", discharge_date="2018-05-10", discharge_time="13:59")
    year = lambda y, **more: dict(admission_date=f"{y}-05-10", discharge_date=f"{y}-05-15", **more)
    same = lambda y, case: dict(case, admission_date=f"{y}-05-10", discharge_date=f"{y}-05-10")
    made, cases = [], []

    def add(what, reason, check="", **change):
        row = dict(base, **change)
        row["admission_id"] = "X%03d" % (len(made) + 1)
        made.append(row)
        cases.append(dict(hospital_id=row["hospital_id"], admission_id=row["admission_id"], what=what, exclusion_reason=reason, check=check))

    add("base case, 5 nights", "")
    add("day admission", "care_type_not_included", care_type="D")
    add("day admission discharged 2015: first reason wins", "care_type_not_included", **year(2015, care_type="D"))
    add("discharged 2015-12-31", "outside_period", admission_date="2015-12-30", discharge_date="2015-12-31")
    add("admitted 2015, discharged 2016-01-01", "", "discharge_year=2016", admission_date="2015-12-30", discharge_date="2016-01-01")
    add("admitted 2020, discharged 2021-01-02", "outside_period", admission_date="2020-12-30", discharge_date="2021-01-02")
    add("unvalidated year, in its unvalidated month", "hospital_year_not_validated", hospital_id="H05", admission_date="2018-02-01", discharge_date="2018-02-04")
    add("unvalidated year, in another month", "hospital_year_not_validated", hospital_id="H05")
    add("unvalidated year and incomplete month: first reason wins", "hospital_year_not_validated", hospital_id="H05", admission_date="2018-09-01",
        discharge_date="2018-09-04")
    add("same hospital, validated year", "", **year(2017, hospital_id="H05"))
    add("month without a row, by discharge", "month_incomplete", hospital_id="H06", admission_date="2017-02-27", discharge_date="2017-03-02")
    add("admitted in the month without a row, discharged later", "", hospital_id="H06", admission_date="2017-03-28", discharge_date="2017-04-02")
    add("year without any row", "month_incomplete", **year(2016, hospital_id="H06"))
    add("month with complete = false", "month_incomplete", hospital_id="H07", admission_date="2020-11-03", discharge_date="2020-11-09")
    add("admitted 20:00 exactly, died the same day", "nza_died_same_evening", **late)
    add("admitted 19:59, died the same day", "", **dict(late, admission_time="19:59"))
    add("planned at 20:30, died the same day", "nza_died_same_evening", **dict(late, admission_time="20:30", urgency="planned"))
    add("admission time unknown, died the same day", "", **dict(late, admission_time=""))
    add("discharge time unknown, admitted 21:00, died the same day", "nza_died_same_evening", **dict(late, admission_time="21:00", discharge_time=""))
    add("admitted 23:30, died the next day", "", **dict(late, admission_time="23:30", discharge_date="2018-05-11", discharge_time="00:10"))
    add("admitted 20:00, died the same day, 2016: rule not yet", "", **same(2016, late))
    add("observation of 1h15 from 21:00, died: both evening and short, first wins", "nza_died_same_evening", **dict(late, care_type="O", admission_time="21:00"))
    add("observation acute 3h59", "nza_short_acute_observation", **short)
    add("observation acute 4h00", "", **dict(short, discharge_time="14:00"))
    add("observation planned 3h59", "", **dict(short, urgency="planned"))
    add("observation acute, admission time unknown", "", **dict(short, admission_time=""))
    add("observation acute, discharge time unknown", "", **dict(short, discharge_time=""))
    add("observation acute 3h30 across midnight", "nza_short_acute_observation", **dict(short, admission_time="22:30", discharge_date="2018-05-11", discharge_time="02:00"))
    add("observation acute 3h59, died at noon", "nza_short_acute_observation", **dict(short, died="true", discharge_destination="deceased"))
    add("observation acute 3h59, 2016: rule not yet", "", **same(2016, short))
    add("observation acute 3h59, 2020", "nza_short_acute_observation", **same(2020, short))
    add("clinical acute same day home", "nza_acute_same_day_home", **day)
    add("clinical acute same day home, times unknown: only the dates count", "nza_acute_same_day_home", **dict(day, admission_time="", discharge_time=""))
    add("clinical acute same day to an institution", "", **dict(day, discharge_destination="institution"))
    add("clinical acute same day to a hospital", "", **dict(day, discharge_destination="hospital"))
    add("clinical acute same day, destination unknown: taken as other", "", **dict(day, discharge_destination=""))
    add("clinical acute same day, destination deceased but died false", "", "died=0", **dict(day, discharge_destination="deceased"))
    add("clinical acute same day, destination home but died true: died wins", "", "died=1", **dict(day, died="true"))
    add("clinical planned same day home", "", **dict(day, urgency="planned"))
    add("clinical acute same day home, 2016: rule not yet", "", **same(2016, day))
    add("not resident", "not_resident", resident="false")
    add("resident unknown: taken as resident", "", resident="")
    add("COVID-19 U07.1 in 2020", "covid_main_diagnosis", **year(2020, main_diagnosis="U07.1"))
    add("COVID-19 u072 in 2020", "covid_main_diagnosis", **year(2020, main_diagnosis="u072"))
    add("COVID-19 U10.9 in 2020", "covid_main_diagnosis", **year(2020, main_diagnosis="U10.9"))
    add("COVID-19 in 2020, not resident: first reason wins", "not_resident", **year(2020, main_diagnosis="U07.1", resident="false"))
    add("U07.0 in 2020: no COVID code, but its stem's majority category is COVID; no model", "", "diagnosis_group=158", **year(2020, main_diagnosis="U07.0"))
    for code in ("Z38.0", "z381", "Z763", "Z76.4"):
        add(f"healthy person {code}", "healthy_person", main_diagnosis=code, age_years="0" if code[0:3].upper() == "Z38" else "40")
    for code in ("XYZ.1", "U04.9", "E90", "U8"):
        add(f"no category for {code}", "diagnosis_group_unknown", main_diagnosis=code)
    add("J18 by stem majority", "", "diagnosis_group=63;severity=8", main_diagnosis="J18")
    add("j18.3 by stem majority", "", "diagnosis_group=63;severity=8", main_diagnosis="j18.3")
    add("J18.20 by stem majority, not by its first four characters", "", "diagnosis_group=63;severity=8", main_diagnosis="J18.20")
    add("J13.0 by its first three characters; severity by the full code: other", "", "diagnosis_group=63;severity=8", main_diagnosis="J13.0")
    add("S73: tie of two categories, the lowest number", "", "diagnosis_group=130", main_diagnosis="S73", age_years="30")
    add("lower case with dot", "", "diagnosis_group=54;severity=3", main_diagnosis="i50.9")
    mask = lambda *c: "comorbidity=%d" % sum(1 << (x - 1) for x in c)
    heart = dict(main_diagnosis="I50.0")
    add("secondary flagged as complication", "", mask(), dx=[("I50.0", "true")])
    add("complication flag unknown: counts", "", mask(2), dx=[("I50.0", "")])
    add("same code twice, once as complication: counts", "", mask(2), dx=[("I50.0", "true"), ("i500", "false")])
    add("secondary equal to the main diagnosis but for dot and case", "", mask(), dx=[("i500", "false")], **heart)
    add("secondary of the same condition, another code than the main", "", mask(2), dx=[("I50.1", "false")], **heart)
    add("secondary without an entry", "", mask(), dx=[("QQ9.9", "false")])
    add("secondary outside the WHO list, but with a Charlson prefix", "", mask(2), dx=[("I50.99", "false")])
    add("E11.0 has no Charlson prefix", "", mask(), dx=[("E11.0", "false")])
    add("9 and 17 both", "", mask(9, 17), dx=[("K70.3", "false"), ("K729", "false")])
    add("10 and 11 both, 10 twice", "", mask(10, 11), dx=[("E11.9", "false"), ("E10.9", "false"), ("e11.2", "false")])
    add("sex unknown: female", "", "sex=1", sex="")
    add("origin unknown: home", "", "source=0", origin="")
    add("age 0", "", "age=0", age_years="0")
    add("age 1", "", "age=1", age_years="1")
    add("age 4", "", "age=1", age_years="4")
    add("age 5", "", "age=2", age_years="5")
    add("age 94", "", "age=19", age_years="94")
    add("age 95", "", "age=20", age_years="95")
    add("age 120", "", "age=20", age_years="120")
    add("postcode of the highest score without inhabitants", "", "ses=4", postcode4=str(1011 + 23 * 39))
    add("postcode without a score", "", "ses=5", postcode4="2500")
    add("postcode not in the table", "", "ses=5", postcode4="9999")
    add("admitted in February, discharged in March", "", "admission_month=0", admission_date="2018-02-27", discharge_date="2018-03-02")
    add("merged hospital: in its own key, counted with H03", "", hospital_id="H08")

    rejected = []

    def reject(reasons, **change):
        row = dict(base, admission_id="R%03d" % (len(rejected) + 1))
        row.update(change)
        rejected.append((row, reasons))

    reject("unreadable_admission_date", admission_date="2018-02-30", discharge_date="2018-03-05")
    reject("unreadable_admission_date", admission_date="")
    reject("unreadable_discharge_date", discharge_date="unknown")
    reject("discharge_before_admission", discharge_date="2018-05-09")
    reject("age_out_of_range", age_years="400")
    reject("age_out_of_range", age_years="-1")
    reject("age_missing", age_years="")
    reject("unknown_urgency", urgency="semi-acute")
    reject("unknown_care_type", care_type="X")
    reject("unknown_died", died="")
    reject("missing_main_diagnosis", main_diagnosis="")
    reject("unknown_hospital", hospital_id="H99")
    reject("age_out_of_range;discharge_before_admission;unknown_urgency", age_years="121", discharge_date="2018-01-01", urgency="")
    reject("missing_admission_id", admission_id="")
    reject("duplicate_conflicting", admission_id="R050", age_years="70")
    reject("duplicate_conflicting", admission_id="R050", age_years="71")
    for _ in range(2):                                   # three identical rows: one stays
        reject("duplicate_identical", admission_id="R051", dx=[])
    kept = dict(base, admission_id="R051", dx=[("I50.1", "false")])
    cases.append(dict(hospital_id="H01", admission_id="R051", what="three identical rows: one stays", exclusion_reason="", check=mask(2)))
    made += [kept] + [row for row, _ in rejected]
    # other excluded records in bulk
    for i in range(60):
        made.append(dict(base, admission_id="Y%03d" % i, hospital_id=["H01", "H02", "H04"][i % 3], age_years="0",
                         main_diagnosis=["Z38.0", "Z381", "Z38.3"][i % 3], urgency="planned", **year(2016 + i % 5)))
    for i in range(24):
        made.append(dict(base, admission_id="Z%03d" % i, hospital_id=["H01", "H02", "H07"][i % 3], main_diagnosis="U07.1",
                         died="true" if i % 6 == 0 else "false", discharge_destination="deceased" if i % 6 == 0 else "home", **year(2020)))
    expected = pd.DataFrame([dict(hospital_id=r["hospital_id"], admission_id=r["admission_id"], reasons=x) for r, x in rejected])
    return made, pd.DataFrame(cases), expected


def make_delivery(folder):
    rng = np.random.default_rng(SEED)
    ses = ses_table(rng)
    rows = generate(rng, ses_classes(ses))
    rows.sort(key=lambda r: (r["hospital_id"], r["admission_date"], r["discharge_date"], r["main_diagnosis"]))
    count, patient = {}, 0
    for r in rows:                                       # the same admission_ids in every hospital: the key is the pair
        count[r["hospital_id"]] = count.get(r["hospital_id"], 0) + 1
        r["admission_id"] = "A%05d" % count[r["hospital_id"]]
        patient += 1
        r["patient_id"] = "" if rng.random() < .01 else "P%06d" % (patient - (int(rng.integers(1, 300)) if patient > 300 and rng.random() < .08 else 0))
    made, cases, rejected = handmade(rows)
    rows += made
    write(pd.DataFrame(rows)[ADMISSION_COLUMNS], folder / "delivery" / "admissions.csv.gz")
    dx = [(r["hospital_id"], r["admission_id"], code, flag) for r in rows for code, flag in r["dx"]]
    dx += [("H02", "NOBODY", "I50.0", "false"), ("H02", "X001", "C78.7", "false")]   # no such admission (X001 is one of H01)
    write(pd.DataFrame(dx, columns="hospital_id admission_id diagnosis_code is_complication".split()), folder / "delivery" / "diagnoses.csv.gz")
    write(ses, folder / "delivery" / "ses.csv")
    write(pd.DataFrame(sorted(SEVERITY.items()), columns=["diagnosis_code", "severity_class"]), folder / "delivery" / "severity.csv")
    write(pd.DataFrame([dict(hospital_id=h, name=f"Hospital {h}", hospital_type="university" if h == "H01" else "general", cbs_authorised="true",
                             specific_population="false", reports_as="H03" if h == "H08" else "") for h in HOSPITALS]), folder / "delivery" / "hospitals.csv")
    months = []
    for h in HOSPITALS:
        for y in range(2015, 2021):
            for m in range(1, 13):
                if h == "H06" and (y == 2016 or (y, m) == (2017, 3)):
                    continue
                complete = not ((h, y) == ("H07", 2020) and m >= 11) and (h, y, m) != ("H05", 2018, 9)
                months.append((h, y, m, str(complete).lower(), str((h, y, m) != ("H05", 2018, 2)).lower()))
    write(pd.DataFrame(months, columns="hospital_id year month complete validated".split()), folder / "delivery" / "hospital_months.csv")
    return cases, rejected


# ------------------------------------------------------------------------------------------------------------------
# 2. The truth, from the written files only
# ------------------------------------------------------------------------------------------------------------------
REASONS = ("care_type_not_included outside_period hospital_year_not_validated month_incomplete nza_died_same_evening nza_short_acute_observation "
           "nza_acute_same_day_home not_resident covid_main_diagnosis healthy_person diagnosis_group_unknown").split()
# covariate -> number of classes, in the column order of METHOD 4.3 (comorbidity stands between urgency and source)
CLASSES = {"age": 21, "sex": 2, "ses": 6, "severity": 9, "urgency": 2, "source": 3, "discharge_year": 4, "admission_month": 6}
LONE = {"ses": 5, "severity": 8}
ORDER = ["age", "sex", "ses", "severity", "urgency", "comorbidity", "source", "discharge_year", "admission_month"]
SECOND_OF = {17: 9, 11: 10}
MINIMUM = 50


def ses_classes(ses, without_score=False):
    """postcode -> 0..4, whole numbers only: floor(5 x (below + own/2) / all), equal scores together.
    all = the inhabitants of postcodes with a score (without_score: of every postcode; coverage() asserts it makes no difference here)."""
    known = ses[ses.ses_score != ""]
    score, people = known.ses_score.astype(float), known.inhabitants.replace("", "0").astype(int)
    total = int((ses.inhabitants.astype(int) if without_score else people).sum())
    out = {}
    for postcode, s in zip(known.postcode4, score):
        below, own = int(people[score < s].sum()), int(people[score == s].sum())
        out[postcode] = min(4, 5 * (2 * below + own) // (2 * total))
    return out


def normal_code(code):
    return code.replace(".", "").strip().upper()


class Lists:
    def __init__(self, folder):
        read = lambda name: pd.read_csv(pathlib.Path(folder) / name, dtype=str, keep_default_na=False)
        icd = read("icd10_who_to_ccs.csv")
        icd = icd[icd.ccs != ""]                          # a code is in the table only if it has a category
        self.category = dict(zip(icd.icd10, icd.ccs))
        groups = read("diagnosis_groups.csv")
        self.group = dict(zip(groups.ccs, groups[GROUP_COLUMN]))
        self.cluster = dict(zip(groups[GROUP_COLUMN], groups[CLUSTER_COLUMN]))
        self.label = dict(zip(groups[GROUP_COLUMN], groups[GROUP_COLUMN + "_label"]))
        number = lambda c: (0, int(c)) if c.isdigit() else (1, 0)
        self.stem = {}
        for stem, cats in icd.ccs.groupby(icd.icd10.str[:3]):
            counts = cats.value_counts()
            self.stem[stem] = min((c for c in counts.index if counts[c] == counts.max()), key=number)
        charlson = read("charlson_icd10.csv")
        self.prefixes = [(p, int(c)) for p, c in zip(charlson.icd10_prefix, charlson.condition)]
        self.bits = {}

    def diagnosis_group(self, code):
        for key, table in ((code, self.category), (code[:3], self.category), (code[:3], self.stem)):
            if key in table:
                return self.group.get(table[key], "")
        return ""

    def conditions(self, code):
        if code not in self.bits:
            mask = 0
            for prefix, condition in self.prefixes:
                if code.startswith(prefix):
                    mask |= 1 << (condition - 1)
            self.bits[code] = mask
        return self.bits[code]


def parse_date(text):
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def parse_time(text):
    return int(text[:2]) * 60 + int(text[3:]) if text else None


def validate(adm, hospitals):
    """All reasons per row; ('hospital_id', 'admission_id') is the key."""
    known = set(hospitals.hospital_id)
    key = list(zip(adm.hospital_id, adm.admission_id))
    whole = [tuple(r) for r in adm.itertuples(index=False)]
    variants, seen = {}, set()
    for k, w in zip(key, whole):
        variants.setdefault(k, set()).add(w)
    reasons = []
    for k, w, r in zip(key, whole, adm.itertuples(index=False)):
        why = []
        if not r.admission_id:
            why.append("missing_admission_id")
        elif len(variants[k]) > 1:
            why.append("duplicate_conflicting")
        elif w in seen:
            why.append("duplicate_identical")
        seen.add(w)
        if r.hospital_id not in known:
            why.append("unknown_hospital")
        start, stop = parse_date(r.admission_date), parse_date(r.discharge_date)
        if start is None:
            why.append("unreadable_admission_date")
        if stop is None:
            why.append("unreadable_discharge_date")
        if start and stop and stop < start:
            why.append("discharge_before_admission")
        if r.age_years == "":
            why.append("age_missing")
        elif not 0 <= int(r.age_years) <= 120:
            why.append("age_out_of_range")
        for column, allowed in (("care_type", "K D O"), ("urgency", "acute planned"), ("died", "true false")):
            if getattr(r, column) not in allowed.split():
                why.append(f"unknown_{column}")
        if not r.main_diagnosis:
            why.append("missing_main_diagnosis")
        reasons.append(";".join(sorted(why)))
    return pd.Series(reasons, index=adm.index)


def exclusion(r, months, unvalidated, period):
    """The first reason of METHOD 3 that applies, or ''. months: set of complete (hospital, year, month), or None."""
    if r.care_type == "D":
        return "care_type_not_included"
    y = r.stop.year
    if y not in period:
        return "outside_period"
    if months is not None:
        if (r.hospital_id, y) in unvalidated:
            return "hospital_year_not_validated"
        if (r.hospital_id, y, r.stop.month) not in months:
            return "month_incomplete"
    died, acute = r.died == "true", r.urgency == "acute"
    if y >= NZA_FROM:
        start, stop = parse_time(r.admission_time), parse_time(r.discharge_time)
        if start is not None and start >= 20 * 60 and died and r.stop == r.start:
            return "nza_died_same_evening"
        if r.care_type == "O" and acute and start is not None and stop is not None and (r.stop - r.start).days * 1440 + stop - start < 240:
            return "nza_short_acute_observation"
        if r.care_type == "K" and acute and not died and r.discharge_destination == "home" and r.stop == r.start:
            return "nza_acute_same_day_home"
    if r.resident == "false":
        return "not_resident"
    if r.code in ("U071", "U072", "U109") and y in (2020, 2021):
        return "covid_main_diagnosis"
    if r.code.startswith("Z38") or r.code in ("Z763", "Z764"):
        return "healthy_person"
    return "" if r.diagnosis_group else "diagnosis_group_unknown"


def covariates(adm, dx, ses, severity, months, lists, period):
    adm = adm.copy()
    adm["start"] = [parse_date(d) for d in adm.admission_date]
    adm["stop"] = [parse_date(d) for d in adm.discharge_date]
    adm["code"] = [normal_code(c) for c in adm.main_diagnosis]
    adm["diagnosis_group"] = [lists.diagnosis_group(c) for c in adm.code]
    complete = unvalidated = None
    if months is not None:
        complete = {(h, int(y), int(m)) for h, y, m, c in zip(months.hospital_id, months.year, months.month, months.complete) if c == "true"}
        unvalidated = {(h, int(y)) for h, y, v in zip(months.hospital_id, months.year, months.validated) if v == "false"}
    adm["exclusion_reason"] = [exclusion(r, complete, unvalidated, period) for r in adm.itertuples(index=False)]
    of_postcode = ses_classes(ses) if ses is not None else {}
    of_code = {} if severity is None else {normal_code(c): int(s) for c, s in zip(severity.diagnosis_code, severity.severity_class)}
    main = dict(zip(zip(adm.hospital_id, adm.admission_id), adm.code))
    mask = dict.fromkeys(main, 0)
    for h, a, code, flag in zip(dx.hospital_id, dx.admission_id, dx.diagnosis_code, dx.is_complication):
        code = normal_code(code)
        if (h, a) in main and flag != "true" and code != main[h, a]:
            mask[h, a] |= lists.conditions(code)
    age = adm.age_years.astype(int)
    return pd.DataFrame({
        "hospital_id": adm.hospital_id, "admission_id": adm.admission_id, "discharge_year": [d.year for d in adm.stop],
        "age": np.where(age == 0, 0, np.where(age < 5, 1, np.minimum(20, 1 + age // 5))), "sex": np.where(adm.sex == "M", 0, 1),
        "ses": [of_postcode.get(p, 5) for p in adm.postcode4], "severity": [of_code.get(c, 8) for c in adm.code],
        "urgency": np.where(adm.urgency == "acute", 1, 0), "comorbidity": [mask[k] for k in zip(adm.hospital_id, adm.admission_id)],
        "source": [{"institution": 1, "hospital": 2}.get(o, 0) for o in adm.origin], "admission_month": [(d.month - 1) // 2 for d in adm.start],
        "diagnosis_group": adm.diagnosis_group, "exclusion_reason": adm.exclusion_reason, "died": np.where(adm.died == "true", 1, 0)}).reset_index(drop=True)


def deficient(n, deaths):
    return n < MINIMUM or deaths == 0 or deaths == n


def nearest(position, candidates):
    return min(candidates, key=lambda c: (abs(c - position), c))


def collapse(count, deaths, lone):
    """METHOD 4.2 for one covariate. count, deaths: per original class. Returns a list of classes, each a list of original codes, in order,
    and for every original code the index of the class it is scored with."""
    ordinary = [[c] for c in range(len(count)) if c != lone and count[c] > 0]
    special = [lone] if lone is not None and count[lone] > 0 else None
    n = lambda cls: sum(count[c] for c in cls)
    d = lambda cls: sum(deaths[c] for c in cls)
    bad = lambda cls: deficient(n(cls), d(cls))
    alone = [c[0] for c in ordinary]
    home = None                                           # the ordinary original class that unknown / other is like
    if lone is not None and alone:
        home = nearest(2, alone) if lone == 5 else min(alone, key=lambda c: (-count[c], c))
    if special and ordinary and bad(special):
        next(c for c in ordinary if c[0] == home).append(lone)
        special = None
    while any(bad(c) for c in ordinary) and len(ordinary) + (special is not None) > 1:
        if len(ordinary) == 1:                            # only the lone class is left beside it
            ordinary[0] += special
            special = None
            break
        i = min((k for k in range(len(ordinary)) if bad(ordinary[k])), key=lambda k: (n(ordinary[k]), k))
        j = min((k for k in (i - 1, i + 1) if 0 <= k < len(ordinary)), key=lambda k: (n(ordinary[k]), k))
        low, high = min(i, j), max(i, j)
        ordinary[low] += ordinary.pop(high)
    final = ordinary + ([special] if special else [])
    where = {c: k for k, cls in enumerate(final) for c in cls}
    for c in range(len(count)):
        if c not in where:
            if c == lone:
                where[c] = where[home] if home is not None else 0
            elif alone:
                where[c] = where[nearest(c, alone)]
            else:
                where[c] = 0
    return final, where


class Group:
    """The design of one diagnosis group: the classes left, the comorbidity terms and the columns."""

    def __init__(self, cohort):
        self.cohort, y = cohort, cohort.died.to_numpy()
        self.y, self.n, self.events = y, len(y), int(y.sum())
        self.status = "no_events" if self.events == 0 else "all_events" if self.events == self.n else "fitted"
        self.classes, self.where, self.counts = {}, {}, {}
        for name, size in CLASSES.items():
            code = self.code(cohort, name)
            count, deaths = np.bincount(code, minlength=size), np.bincount(code, weights=y, minlength=size).astype(int)
            self.counts[name] = (count, deaths)
            self.classes[name], self.where[name] = collapse(count, deaths, LONE.get(name))
        self.reference = {}
        for name, classes in self.classes.items():
            sizes = [sum(self.counts[name][0][c] for c in cls) for cls in classes]
            self.reference[name] = sizes.index(max(sizes))
        # comorbidity: terms = tuples of conditions
        flag = {c: self.flag(cohort, (c,)) for c in range(1, 18)}
        self.seen = {c: int(f.sum()) for c, f in flag.items()}
        self.flag_deaths = {c: int((f * y).sum()) for c, f in flag.items()}
        term = {c: (c,) for c in flag if self.seen[c] > 0}
        for second, first in SECOND_OF.items():
            if second in term and self.bad_term(flag[second]):
                pair = (first, second)
                term.pop(second), term.pop(first, None)
                term[first] = pair
        self.candidates = [term[c] for c in sorted(term)]
        self.terms = [t for t in self.candidates if not self.bad_term(self.flag(cohort, t))]
        # columns in the order of METHOD 4.3: (covariate, key), key = index of the class or the comorbidity term
        self.columns = [("intercept", 0)]
        for name in ORDER:
            if name == "comorbidity":
                self.columns += [(name, t) for t in self.terms]
            else:
                self.columns += [(name, k) for k in range(len(self.classes[name])) if k != self.reference[name]]
        self.x = self.design(cohort)

    @staticmethod
    def code(frame, name):
        return frame.discharge_year.to_numpy() - MODEL_YEARS[0] if name == "discharge_year" else frame[name].to_numpy()

    @staticmethod
    def flag(frame, conditions):
        bits = sum(1 << (c - 1) for c in conditions)
        return ((frame.comorbidity.to_numpy() & bits) != 0).astype(int)

    def bad_term(self, flag):
        n, d = int(flag.sum()), int((flag * self.y).sum())
        return deficient(n, d) or deficient(self.n - n, self.events - d)

    def design(self, frame):
        parts = []
        for name, key in self.columns:
            if name == "intercept":
                parts.append(np.ones(len(frame)))
            elif name == "comorbidity":
                parts.append(self.flag(frame, key).astype(float))
            else:
                parts.append(np.isin(self.code(frame, name), self.classes[name][key]).astype(float))
        return np.column_stack(parts)

    def aliased(self):
        """Columns in the span of earlier ones (tolerance 1e-7), in order."""
        basis, out = [], []
        for j in range(self.x.shape[1]):
            v = self.x[:, j].copy()
            size = np.linalg.norm(v)
            for _ in range(2):
                for q in basis:
                    v -= q * (q @ v)
            if np.linalg.norm(v) < 1e-7 * size:
                out.append(j)
            else:
                basis.append(v / np.linalg.norm(v))
        return out

    def take(self, coefficient, r_error, deviance):
        """Keep R's coefficients, check them against statsmodels, and add the information at the stored coefficients."""
        self.dropped = [j for j, b in enumerate(coefficient) if np.isnan(b)]
        assert self.dropped == self.aliased(), (self.dropped, self.aliased())
        self.kept = [j for j in range(len(self.columns)) if j not in self.dropped]
        x, b = self.x[:, self.kept], np.array([coefficient[j] for j in self.kept])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            glm = sm.GLM(self.y, x, family=sm.families.Binomial())
            other = glm.fit(tol=0, maxiter=30)
            # its standard errors rest on the weights of the step before the last (1.3e-7 off in group 63): once more from its own solution
            other = glm.fit(start_params=other.params, tol=0, maxiter=30)
        eta = x @ b
        self.p = 1 / (1 + np.exp(-eta))
        self.max_eta = float(np.abs(eta).max())
        assert self.max_eta < 12, self.max_eta
        w = self.p * (1 - self.p)
        self.information = x.T @ (x * w[:, None])
        self.inverse = np.linalg.inv(self.information)
        error = np.sqrt(np.diag(self.inverse))
        score = x.T @ (self.y - self.p)
        self.decrement = float(score @ self.inverse @ score)
        assert self.decrement < 1e-16, self.decrement
        self.deviance = float(-2 * np.log(np.where(self.y == 1, self.p, 1 - self.p)).sum())
        r_error = np.array([r_error[j] for j in self.kept])
        for what, mine, theirs in (("coefficients, statsmodels", b, other.params), ("errors, statsmodels", error, other.bse), ("errors, R", error, r_error),
                                   ("deviance, statsmodels", self.deviance, other.deviance), ("deviance, R", self.deviance, deviance)):
            gap = float(np.max(np.abs(np.asarray(mine) - theirs) / np.maximum(1, np.abs(theirs))))
            assert gap < 1e-7, (what, gap)
            self.gap = max(getattr(self, "gap", 0.), gap)
        self.b = np.zeros(len(self.columns))
        self.b[self.kept] = b
        self.error = np.full(len(self.columns), np.nan)
        self.error[self.kept] = error
        self.deviance = deviance
        rank = stats.rankdata(self.p)
        d = self.events
        self.c_statistic = (rank[self.y == 1].sum() - d * (d + 1) / 2) / (d * (self.n - d))

    def coefficient_rows(self):
        at = {c: j for j, c in enumerate(self.columns)}
        rows = [("intercept", 0, self.b[0], self.error[0], False)]
        for name in ORDER:
            if name == "comorbidity":
                for c in range(1, 18):
                    term = next((t for t in self.terms if c in t), None)
                    rows.append((name, c, self.b[at[name, term]], self.error[at[name, term]], False) if term else (name, c, 0., np.nan, False))
            else:
                for c in range(CLASSES[name]):
                    k = self.where[name][c]
                    code = c + MODEL_YEARS[0] if name == "discharge_year" else c
                    j = at.get((name, k))
                    rows.append((name, code, 0., np.nan, True) if j is None else (name, code, self.b[j], self.error[j], False))
        return rows

    def wald_rows(self):
        rows = []
        place = {j: i for i, j in enumerate(self.kept)}

        def test(name, columns):
            idx = [place[j] for j in columns if j in place]
            if idx:
                b, v = self.b[[self.kept[i] for i in idx]], self.inverse[np.ix_(idx, idx)]
                chi2 = float(b @ np.linalg.solve(v, b))
                rows.append((name, chi2, len(idx), float(stats.chi2.sf(chi2, len(idx)))))
        for name in ORDER:
            columns = [j for j, c in enumerate(self.columns) if c[0] == name]
            test(name, columns)
            if name == "comorbidity":
                for j in columns:
                    test(f"comorbidity_{self.columns[j][1][0]}", [j])
        return rows


def fit_all(groups, folder):
    """R fits every group that has deaths and survivors."""
    fitted = {g: m for g, m in groups.items() if m.status == "fitted"}
    with tempfile.TemporaryDirectory(dir=folder, prefix="fit-") as work:
        work = pathlib.Path(work)
        for g, m in fitted.items():
            frame = pd.DataFrame(m.x.astype(int), columns=[f"c{j}" for j in range(m.x.shape[1])])
            frame.insert(0, "y", m.y)
            frame.to_csv(work / f"{g}.csv", index=False)
        (work / "groups.txt").write_text("".join(f"{g}\n" for g in fitted))
        done = subprocess.run(["Rscript", str(HERE / "fit.R"), str(work)], capture_output=True, text=True)
        if done.returncode:
            sys.exit("fit.R failed:\n" + done.stdout + done.stderr)
        meta = pd.read_csv(work / "meta.out", dtype={"group": str}, float_precision="round_trip").set_index("group")
        for g, m in fitted.items():
            out = pd.read_csv(work / f"{g}.out", float_precision="round_trip")
            m.take(out.estimate.tolist(), out.standard_error.tolist(), float(meta.deviance[g]))
            m.iterations = int(meta.iterations[g])
            assert meta["rank"][g] == len(m.kept)
    return done.stdout.strip()


def score(frame, group, table):
    """METHOD 4.4 by the written coefficient table: a dict (covariate, class) -> estimate, and the terms of two conditions."""
    estimate, pairs = table
    eta = np.full(len(frame), estimate["intercept", 0])
    for name in ORDER:
        if name == "comorbidity":
            mask = frame.comorbidity.to_numpy()
            for c in range(1, 18):
                has = (mask >> (c - 1)) & 1
                first = next((p for p in pairs if c == p[1]), None)
                if first:                                 # second of a pair: only where the first has not been added
                    has = has & ~(mask >> (first[0] - 1)) & 1
                eta = eta + has * estimate[name, c]
        else:
            code = np.minimum(frame[name].to_numpy(), MODEL_YEARS[-1]) if name == "discharge_year" else frame[name].to_numpy()
            eta = eta + np.array([estimate[name, int(c)] for c in code])
    return 1 / (1 + np.exp(-eta))


def limits(observed, expected, alpha):
    lower = 0. if observed == 0 else stats.chi2.ppf(alpha / 2, 2 * observed) / 2
    return 100 * lower / expected, 100 * stats.chi2.ppf(1 - alpha / 2, 2 * observed + 2) / 2 / expected


def byar(observed, expected, alpha):
    z, o = stats.norm.ppf(1 - alpha / 2), observed
    lower = 0. if o == 0 else o * (1 - 1 / (9 * o) - z / (3 * np.sqrt(o))) ** 3
    upper = (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * np.sqrt(o + 1))) ** 3
    return 100 * lower / expected, 100 * upper / expected


def model_limits(observed, expected, variance, alpha):
    k = variance / expected
    lower = 0. if observed == 0 else 100 * k * stats.chi2.ppf(alpha / 2, 2 * observed / k) / (2 * expected)
    return lower, 100 * k * stats.chi2.ppf(1 - alpha / 2, 2 * observed / k + 2) / (2 * expected)


def indicator_rows(groups, lists, report_as):
    """HSMR and SMR per reporting hospital and nation, 2017, 2018, 2019 and the three together."""
    pieces = {}                                           # (hospital, period, group) -> n, O, E, D, share of the fit
    periods = [("2017", [2017]), ("2018", [2018]), ("2019", [2019]), ("2017-2019", [2017, 2018, 2019])]
    for g, m in groups.items():
        hospital = m.cohort.hospital_id.map(lambda h: report_as.get(h) or h).to_numpy()
        year = m.cohort.discharge_year.to_numpy()
        for h in [""] + sorted(set(hospital)):
            for label, years in periods:
                cell = np.isin(year, years) & ((hospital == h) | (h == ""))
                if not cell.any():
                    continue
                p, var, share = m.p[cell], 0., 0.
                if m.status == "fitted":
                    w = p * (1 - p)
                    c = w @ m.x[np.ix_(cell, m.kept)]
                    var, share = float(w.sum()), float(c @ m.inverse @ c)
                pieces[h, label, g] = np.array([cell.sum(), m.y[cell].sum(), p.sum(), var, share])
    cells = {}
    for (h, label, g), v in pieces.items():
        for kind, key in (("hsmr", ""), ("diagnosis_group", g), ("diagnosis_cluster", lists.cluster[g])):
            cells[kind, key, h, label] = cells.get((kind, key, h, label), 0) + v
    rows, gaps = [], []
    rank = {"hsmr": 0, "diagnosis_group": 1, "diagnosis_cluster": 2}
    for kind, key, h, label in sorted(cells, key=lambda k: (rank[k[0]], int(k[1] or 0), k[2], k[3])):
        n, o, e, d, s = cells[kind, key, h, label]
        n, o = int(n), int(o)
        alpha = .05 if kind == "hsmr" else .02
        row = dict(indicator="hsmr" if kind == "hsmr" else "smr", breakdown="" if kind == "hsmr" else kind, class_value=key, hospital_id=h, period=label,
                   admissions=n, observed=o, expected=float(e), confidence=round(1 - alpha, 2))
        if e > 0:
            row["value"] = 100 * o / e
            row["lower"], row["upper"] = limits(o, e, alpha)
            row["byar_lower"], row["byar_upper"] = byar(o, e, alpha)
        if d > 0:
            gaps.append((d - s) / d)
            v = d - s if (d - s) / d > 1e-9 else 0.       # the cell is a class of the model: O - E is 0 by construction
            row["variance"], row["own_reference_share"] = v, s / d
            if v > 0:
                row["model_lower"], row["model_upper"] = model_limits(o, e, v, alpha)
        elif e > 0:
            row["variance"] = 0.
        rows.append(row)
    gaps = np.array(gaps)
    assert not ((np.abs(gaps) > 1e-11) & (gaps < 1e-6)).any(), "V is neither 0 nor clearly positive"
    columns = ("indicator breakdown class_value hospital_id period admissions observed expected value lower upper confidence byar_lower byar_upper "
               "model_lower model_upper variance own_reference_share").split()
    return pd.DataFrame(rows)[columns]


def model(fit):
    return {g: Group(fit[fit.diagnosis_group == g].reset_index(drop=True)) for g in sorted(set(fit.diagnosis_group), key=int)}


def close(a, b, tolerance=1e-9):
    return abs(a - b) <= tolerance * max(1, abs(a), abs(b))


def invariants(groups, tables):
    """Expected = observed per group and per class left; scoring by the table = fitted values."""
    worst = 0.
    for g, m in groups.items():
        if m.status != "fitted":
            m.p = np.full(m.n, float(m.status == "all_events"))
            continue
        assert close(m.p.sum(), m.events), g
        for name, classes in m.classes.items():
            code = m.code(m.cohort, name)
            for cls in classes:
                cell = np.isin(code, cls)
                worst = max(worst, abs(m.p[cell].sum() - m.y[cell].sum()))
                assert close(m.p[cell].sum(), m.y[cell].sum()), (g, name, cls)
        for t in m.terms:
            cell = m.flag(m.cohort, t) == 1
            assert close(m.p[cell].sum(), m.y[cell].sum()), (g, t)
        assert np.max(np.abs(score(m.cohort, g, tables[g]) - m.p)) < 1e-12, g
    return worst


def truth(folder, reference):
    read = lambda name: pd.read_csv(folder / "delivery" / name, dtype=str, keep_default_na=False)
    adm, dx, hospitals = read("admissions.csv.gz"), read("diagnoses.csv.gz"), read("hospitals.csv")
    lists, out = Lists(reference), folder / "expected"
    why = validate(adm, hospitals)
    rejected = adm[why != ""][["hospital_id", "admission_id"]].assign(reasons=why[why != ""]).sort_values(["hospital_id", "admission_id"])
    write(rejected, out / "rejected.csv")
    period = MODEL_YEARS + [FROZEN_YEAR]
    cov = covariates(adm[why == ""], dx, read("ses.csv"), read("severity.csv"), read("hospital_months.csv"), lists, period)
    died = cov.died
    write(cov.drop(columns="died").assign(died=died), out / "covariates.csv.gz")
    counted = cov.assign(reason=cov.exclusion_reason.replace("", "included")).groupby(["discharge_year", "reason"]).size()
    full = pd.MultiIndex.from_product([sorted(set(cov.discharge_year)), REASONS + ["included"]], names=["discharge_year", "reason"])
    write(counted.reindex(full, fill_value=0).rename("admissions").reset_index(), out / "exclusions.csv")

    population = cov[cov.exclusion_reason == ""]
    groups = model(population[population.discharge_year.isin(MODEL_YEARS)])
    r_version = fit_all(groups, folder)
    fitted = {g: m for g, m in groups.items() if m.status == "fitted"}
    coefficients, wald = [], []
    for g, m in fitted.items():
        coefficients += [(g,) + row for row in m.coefficient_rows()]
        wald += [(g,) + row for row in m.wald_rows()]
    coefficients = pd.DataFrame(coefficients, columns="diagnosis_group covariate class estimate standard_error is_reference".split())
    tables = {g: ({(c, int(k)): e for c, k, e in zip(t.covariate, t["class"], t.estimate)}, [x for x in groups[g].terms if len(x) == 2])
              for g, t in coefficients.groupby("diagnosis_group")}
    worst = invariants(groups, tables)
    coefficients["is_reference"] = coefficients.is_reference.map({True: "true", False: "false"})
    write(coefficients, out / "coefficients.csv")
    write(pd.DataFrame(wald, columns="diagnosis_group covariate wald_chi2 df p_value".split()), out / "wald.csv")
    write(pd.DataFrame([dict(diagnosis_group=g, admissions=m.n, events=m.events, status=m.status,
                             estimated_columns=len(m.kept) if m.status == "fitted" else 0, deviance=m.deviance if m.status == "fitted" else np.nan,
                             c_statistic=m.c_statistic if m.status == "fitted" else np.nan,
                             aliased=" ".join(f"{m.columns[j][0]}:{'+'.join(map(str, classes_of(m, j)))}" for j in m.dropped) if m.status == "fitted" else "")
                        for g, m in groups.items()]), out / "fit.csv")
    write(class_table(fitted), out / "classes.csv")
    report_as = dict(zip(hospitals.hospital_id, hospitals.reports_as))
    indicators = indicator_rows(groups, lists, report_as)
    write(indicators, out / "indicators.csv")

    frozen = population[population.discharge_year == FROZEN_YEAR].copy()
    frozen["observed"], frozen["expected"], frozen["reason"] = frozen.died, np.nan, "no_model"
    unseen = []
    for g, m in groups.items():
        rows = frozen.diagnosis_group == g
        if not rows.any():
            continue
        frozen.loc[rows, "expected"] = score(frozen[rows], g, tables[g]) if m.status == "fitted" else float(m.status == "all_events")
        frozen.loc[rows, "reason"] = ""
        if m.status == "fitted":
            for name in [c for c in ORDER if c != "comorbidity"]:
                # discharge year 2020 is scored as the last model year: unseen only where that year is
                code = np.minimum(m.code(frozen[rows], name), CLASSES[name] - 1) if name == "discharge_year" else m.code(frozen[rows], name)
                for c in sorted(set(code)):
                    if m.counts[name][0][c] == 0:
                        unseen.append((g, name, c + MODEL_YEARS[0] if name == "discharge_year" else c, int((code == c).sum())))
            unseen += [(g, "comorbidity", c, int(m.flag(frozen[rows], (c,)).sum())) for c in range(1, 18)
                       if m.seen[c] == 0 and m.flag(frozen[rows], (c,)).any()]
    write(frozen[["hospital_id", "admission_id", "diagnosis_group", "observed", "expected", "reason"]], out / "frozen_score.csv.gz")
    unseen = pd.DataFrame(unseen, columns="diagnosis_group covariate class admissions_2020".split())
    write(unseen, out / "unseen_2020.csv")
    return dict(ses=read("ses.csv"), cov=cov, rejected=rejected, groups=groups, lists=lists, unseen=unseen, frozen=frozen, indicators=indicators, r_version=r_version, worst=worst)


def classes_of(m, j):
    name, key = m.columns[j]
    return list(key) if name == "comorbidity" else [0] if name == "intercept" else \
        [c + MODEL_YEARS[0] if name == "discharge_year" else c for c in sorted(m.classes[name][key])]


def class_table(fitted):
    """Where every original class of the fit went (help for finding a difference)."""
    rows = []
    for g, m in fitted.items():
        for name in CLASSES:
            shift = MODEL_YEARS[0] if name == "discharge_year" else 0
            for c in range(CLASSES[name]):
                k = m.where[name][c]
                used = len(m.classes[name]) > 1
                rows.append((g, name, c + shift, m.counts[name][0][c], m.counts[name][1][c],
                             "+".join(str(x + shift) for x in sorted(m.classes[name][k])) if used else "", "" if used else "covariate dropped"))
        for c in range(1, 18):
            term = next((t for t in m.terms if c in t), None)
            note = "" if term else "unseen" if m.seen[c] == 0 else "term dropped"
            rows.append((g, "comorbidity", c, m.seen[c], m.flag_deaths[c], "+".join(map(str, term)) if term else "", note))
    return pd.DataFrame(rows, columns="diagnosis_group covariate class admissions deaths scored_with note".split())


# ------------------------------------------------------------------------------------------------------------------
# 3. What the delivery must exercise
# ------------------------------------------------------------------------------------------------------------------
def coverage(r, cases, rejected):
    cov, groups, unseen = r["cov"], r["groups"], r["unseen"]
    keyed = cov.set_index(["hospital_id", "admission_id"])
    assert keyed.index.is_unique
    for case in cases.itertuples(index=False):
        row = keyed.loc[(case.hospital_id, case.admission_id)]
        assert row.exclusion_reason == case.exclusion_reason, (case, row.exclusion_reason)
        for rule in filter(None, case.check.split(";")):
            name, value = rule.split("=")
            assert str(row[name]) == value, (case, name, row[name])
    by = ["hospital_id", "admission_id", "reasons"]
    a, b = rejected.sort_values(by)[by].values.tolist(), r["rejected"].sort_values(by)[by].values.tolist()
    assert a == b, (a, b)
    assert set(REASONS) <= set(cov.exclusion_reason)
    of_postcode = ses_classes(r["ses"])
    assert of_postcode == ses_classes(r["ses"], without_score=True) and set(of_postcode.values()) == set(range(5))
    for y in (2017, 2018, 2019, 2020):
        assert {"nza_short_acute_observation", "nza_acute_same_day_home", "not_resident"} <= set(cov.exclusion_reason[cov.discharge_year == y])
    pn, hf, ami, copd, hip, colon, liver, uti, arf, gang, arrest, knee = (groups[g] for g in "63 54 48 67 131 9 84 92 90 145 53 130".split())
    assert [m.status for m in (arrest, knee)] == ["all_events", "no_events"] and "2" not in groups and "158" not in groups
    assert all(len(m.classes["discharge_year"]) == 4 for m in (pn, hf, ami, copd, hip, colon, liver))
    assert uti.counts["discharge_year"][0][0] < 50 and len(uti.classes["discharge_year"]) == 3
    assert arf.counts["discharge_year"][0][3] == 0 and len(arf.classes["discharge_year"]) > 1
    assert (9, 17) in pn.terms and (10, 11) in pn.terms and min(pn.seen[17], pn.seen[11]) > 0 and max(pn.seen[17], pn.seen[11]) < 50
    for pair in ((9, 17), (10, 11)):
        assert (pn.flag(pn.cohort, pair[:1]) & pn.flag(pn.cohort, pair[1:])).sum() > 3
    assert (9, 17) in copd.terms and copd.seen[9] < 50 and copd.seen[17] < 50 and (copd.flag(copd.cohort, (9,)) & copd.flag(copd.cohort, (17,))).sum() > 5
    assert (11,) in hf.terms and (10,) in hf.terms and (17,) in liver.terms and 0 < liver.seen[9] < 50 and not any(9 in t for t in liver.terms)
    assert [5] in pn.classes["ses"] and [5] in hf.classes["ses"] and [8] in pn.classes["severity"]
    assert [2, 5] in ami.classes["ses"] and 0 < ami.counts["ses"][0][5] < 50
    assert hip.counts["ses"][0][2] == 0 and [1, 5] in hip.classes["ses"]
    biggest = int(np.argmax(hf.counts["severity"][0][:8]))
    assert 0 < hf.counts["severity"][0][8] < 50 and [biggest, 8] in hf.classes["severity"]
    assert 0 < ami.counts["severity"][0][8] < 50
    assert len(pn.classes["age"][0]) > 1 and len(pn.classes["age"][-1]) > 1 and 0 in pn.classes["age"][0] and 20 in pn.classes["age"][-1]
    assert arf.counts["severity"][0][8] >= 50 and len(arf.classes["severity"]) == 1
    assert len(gang.columns) == 1 and [c for c in colon.dropped] == [colon.columns.index(("source", 1))]
    assert any(len(c) == 1 for m in (uti, arf) for c in m.classes.values()) and 3 <= len(arf.columns) <= 12
    lost = [t for m in (pn, hf, ami, copd, hip, colon, liver) for t in m.candidates if t not in m.terms]
    assert len(lost) > 10
    seen = {(a, b, int(c)) for a, b, c in unseen[["diagnosis_group", "covariate", "class"]].itertuples(index=False)}
    assert {("131", "age", 0), ("131", "ses", 2), ("9", "ses", 5), ("67", "severity", 8), ("67", "source", 2), ("131", "comorbidity", 15),
            ("67", "comorbidity", 15), ("9", "comorbidity", 17), ("90", "discharge_year", 2019)} <= seen, seen
    assert (9,) in colon.terms and len(copd.classes["source"]) == 2 and len(hip.classes["ses"]) > 2
    frozen = r["frozen"]
    assert set(frozen.diagnosis_group[frozen.reason == "no_model"]) == {"2", "158"}
    # an aliased source met in 2020 without its twin, and both flags of a merged pair in 2020
    assert ((frozen.diagnosis_group == "9") & (frozen.source == 1) & (frozen.urgency == 0)).any()
    for g, pair in (("63", (10, 11)), ("63", (9, 17)), ("67", (9, 17))):
        part = frozen[frozen.diagnosis_group == g]
        assert (Group.flag(part, pair[:1]) & Group.flag(part, pair[1:])).any(), (g, pair)
    ind = r["indicators"]
    assert (ind.own_reference_share[ind.hospital_id == "H01"] >= .5).any() and "H08" not in set(ind.hospital_id)
    assert (ind.observed[(ind.expected > 0)] == 0).any() and ((ind.variance == 0) & (ind.expected > 0)).any()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", required=True, help="folder of icd10_who_to_ccs.csv, diagnosis_groups.csv, charlson_icd10.csv")
    parser.add_argument("--out", default=str(HERE), help="folder for delivery/ and expected/ (default: beside this script)")
    options = parser.parse_args()
    folder = pathlib.Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    cases, rejected = make_delivery(folder)
    r = truth(folder, options.reference)
    write(cases, folder / "expected" / "handmade.csv")
    print(r["r_version"], "| statsmodels", statsmodels.__version__, "| numpy", np.__version__, "| scipy", scipy.__version__, "| pandas", pd.__version__)
    print("largest |E - O| per class left:", r["worst"], "| largest gap between R, statsmodels and numpy:",
          max(m.gap for m in r["groups"].values() if m.status == "fitted"))
    for g, m in r["groups"].items():
        line = f"{g:>4} {r['lists'].label[g][:42]:42} n {m.n:5} events {m.events:4} {m.status}"
        if m.status == "fitted":
            line += (f" columns {len(m.columns)} (aliased {len(m.dropped)}) c {m.c_statistic:.3f} max|eta| {m.max_eta:.2f} decrement {m.decrement:.1e} | "
                     + " ".join(f"{n}:{len(c)}" for n, c in m.classes.items()) + " terms " + " ".join("+".join(map(str, t)) for t in m.terms))
        print(line)
    print(r["unseen"].to_string(index=False))
    coverage(r, cases, rejected)
    print("coverage: all asserted")


if __name__ == "__main__":
    main()
