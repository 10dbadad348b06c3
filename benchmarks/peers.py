"""The same fits by other programs, on the identical designs: R's glm (two cores), statsmodels and glum (one process).

Designs are the work files of the fit that was timed, written out once per diagnosis group: one byte per admission and
term (class number of a covariate, 0 = reference; 0/1 of a comorbidity) and one for the outcome. Only fits are timed; what
each peer needs to read and to build its own matrix from these bytes is told apart.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
Floats = NDArray[np.float64]


@dataclass
class Group:
    """codes (n, t): class numbers of t terms; sizes (t,): columns of each; y (n,)."""

    name: str
    codes: NDArray[np.uint8]
    sizes: list[int]
    y: NDArray[np.uint8]

    def columns(self) -> Any:
        """The design (n, k) as a sparse matrix, intercept first, in the program's column order."""
        from scipy import sparse

        n = len(self.y)
        rows, places = [np.arange(n)], [np.zeros(n, dtype=np.int64)]
        offset = 1
        for term, size in enumerate(self.sizes):
            on = np.flatnonzero(self.codes[:, term])
            rows.append(on)
            places.append(offset + self.codes[on, term].astype(np.int64) - 1)
            offset += size
        index = np.concatenate(rows), np.concatenate(places)
        return sparse.csc_matrix((np.ones(len(index[0])), index), shape=(n, offset))


class Kept:
    """Designs, work files and raw coefficients of the fits that the benchmark timed."""

    def __init__(self) -> None:
        self.designs: list[Any] = []
        self.fits: dict[str, dict[str, Any]] = {}
        self.folder: str | None = None

    def watch(self, fitting: Any) -> None:
        """Looks over the shoulder of the program's fitting module; the work files of the first fit stay."""
        run_engine, remove = fitting._run_engine, fitting.Workbench.remove

        def watched(engine: str, work: Any, designs: Sequence[Any], progress: Any) -> Any:
            fits = run_engine(engine, work, designs, progress)
            # Deaths are fitted first; the models of readmissions are no peer's business.
            self.fits.setdefault(engine, fits)
            if not self.designs:
                self.designs = [d for d in designs if len(d.columns) > 1]
                work.rows(designs)
                self.folder = work._written[1].path
            return fits

        def removed(work: Any) -> None:
            if work._written is None or work._written[1].path != self.folder:
                remove(work)

        fitting._run_engine, fitting.Workbench.remove = watched, removed

    def export(self, folder: Path) -> None:
        """Writes one file of bytes per group and an index; the work files go."""
        import pyarrow.parquet as pq

        folder.mkdir(parents=True)
        by_name = {design.group: design for design in self.designs}
        index = []
        for pack in sorted(Path(str(self.folder)).glob("pack=*")):
            table = pq.ParquetDataset(pack).read(columns=["diagnosis_group", "label", "columns"])
            names = table["diagnosis_group"].combine_chunks().dictionary_encode()
            for code, name in enumerate(names.dictionary.to_pylist()):
                if name in by_name:
                    part = table.take(np.flatnonzero(names.indices.to_numpy() == code))
                    index.append(_write_group(folder, by_name[name], part, len(index)))
        (folder / "index.json").write_text(json.dumps(index))
        lines = [f"{g['file']},{g['n']},{'-'.join(map(str, g['sizes']))}" for g in index]
        (folder / "index.csv").write_text("\n".join(["file,n,sizes", *lines]) + "\n")
        shutil.rmtree(Path(str(self.folder)).parent, ignore_errors=True)

    def engine_difference(self) -> dict[str, float]:
        """Largest |difference| of raw coefficients between MLlib and glum, before any Newton step of the program."""
        one, other = self.fits["mllib"], self.fits["glum"]
        shared = [g for g in one if g in other and one[g].iterations is not None]
        return {"coefficients": max(float(np.abs(one[g].coefficients - other[g].coefficients).max()) for g in shared)}


def _write_group(folder: Path, design: Any, part: Any, number: int) -> dict[str, Any]:
    columns = design.columns[1:]
    keys = [c.id if c.covariate == "comorbidity" else c.covariate for c in columns]
    terms = list(dict.fromkeys(keys))
    term_of = np.array([0, *(terms.index(key) for key in keys)])
    place_of = np.array([0, *(keys[: i + 1].count(key) for i, key in enumerate(keys))])
    lists = part["columns"].combine_chunks()
    flat, lengths = lists.values.to_numpy(), np.diff(lists.offsets.to_numpy())
    rows = np.repeat(np.arange(len(lengths)), lengths)
    codes = np.zeros((len(lengths), len(terms)), dtype=np.uint8, order="F")
    on = flat > 0
    codes[rows[on], term_of[flat[on]]] = place_of[flat[on]]
    y = part["label"].to_numpy().astype(np.uint8)
    file = f"{number}.bin"
    (folder / file).write_bytes(y.tobytes() + codes.tobytes(order="F"))
    return {"group": design.group, "file": file, "n": len(y), "sizes": [keys.count(term) for term in terms]}


def load(folder: Path) -> list[Group]:
    groups = []
    for entry in json.loads((folder / "index.json").read_text()):
        raw = np.fromfile(folder / entry["file"], dtype=np.uint8)
        n, sizes = entry["n"], entry["sizes"]
        groups.append(Group(entry["group"], raw[n:].reshape((n, len(sizes)), order="F"), sizes, raw[:n]))
    return groups


def run(folder: Path, kept: Kept) -> dict[str, Any]:
    """Seconds of every peer, and how far its coefficients are from the program's."""
    groups = load(folder)
    truth = {name: fit.coefficients for name, fit in kept.fits["mllib"].items()}
    result: dict[str, Any] = {
        "groups": len(groups),
        "admissions": sum(len(g.y) for g in groups),
        "columns": sum(1 + sum(g.sizes) for g in groups),
    }
    for name, peer in (("glum, one process", _glum), ("statsmodels, one process", _statsmodels)):
        result[name] = _timed(name, peer, groups, truth)
    if shutil.which("Rscript"):
        for kind in ("glm", "glm.fit"):
            result[f"R {kind}, mclapply on two cores"] = _r(folder, groups, truth, kind)
    return result


def _timed(name: str, peer: Any, groups: Sequence[Group], truth: dict[str, Floats]) -> dict[str, float]:
    seconds = building = difference = 0.0
    for group in groups:
        start = time.monotonic()
        x = group.columns()
        y = group.y.astype(float)
        middle = time.monotonic()
        beta = peer(x, y)
        seconds += time.monotonic() - middle
        building += middle - start
        difference = max(difference, float(np.abs(beta - truth[group.name]).max()))
    print(f"{name:44} {seconds:8.1f} s", flush=True)
    return {"seconds": round(seconds, 1), "building_seconds": round(building, 1), "coefficient_difference": difference}


def _glum(x: Any, y: Floats) -> Floats:
    import glum

    model = glum.GeneralizedLinearRegressor(family="binomial", alpha=0, fit_intercept=True, gradient_tol=1e-8, max_iter=200)
    model.fit(x[:, 1:], y)
    return np.r_[model.intercept_, model.coef_]


def _statsmodels(x: Any, y: Floats) -> Floats:
    import statsmodels.api as sm

    return np.asarray(sm.GLM(y, x.toarray(), family=sm.families.Binomial()).fit().params)


def _r(folder: Path, groups: Sequence[Group], truth: dict[str, Floats], kind: str) -> dict[str, float]:
    done = subprocess.run(
        ["Rscript", str(HERE / "peers.R"), str(folder), kind], check=True, capture_output=True, text=True
    ).stdout  # fmt: skip
    seconds, reading = (float(value) for value in done.split()[-2:])
    difference = 0.0
    for number, group in enumerate(groups):
        text = (folder / f"{number}.{kind}.txt").read_text().split()
        theirs = np.array([float(v) if v != "NA" else np.nan for v in text])
        difference = max(difference, float(np.nanmax(np.abs(theirs - truth[group.name]))))
    print(f"R {kind:42} {seconds:8.1f} s", flush=True)
    return {"seconds": round(seconds, 1), "reading_seconds": round(reading, 1), "coefficient_difference": difference}
