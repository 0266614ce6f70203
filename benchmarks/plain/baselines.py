"""The plain system as a competent user writes it without an engine: NumPy, pandas, polars.

Each `run_*` takes the data as loaded by its `load_*` and returns (columns kept, answers).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import generate
import numpy as np
import rules as R  # noqa: N812 - parameters stand for themselves in formulas

Array = np.ndarray[Any, Any]
Answers = dict[str, float]
BANDS = list(zip(R.BRACKETS[1:], [*R.BRACKETS[2:], np.inf], R.RATES[1:], strict=True))
SUMMED = ["wage", "self", "pension", "sic_ee", "sic_er", "tax", "child", "spension"]


def fgt(y: Array, w: Array, z: float) -> list[float]:
    """Return headcount, gap and severity; poor is who has the line or less."""
    gap = np.where(y <= z, (z - y) / z, 0.0)
    total = w.sum()
    return [
        float((w * (y <= z)).sum() / total),
        float((w * gap).sum() / total),
        float((w * gap * gap).sum() / total),
    ]


def median_and_gini(y: Array, w: Array) -> tuple[float, float]:
    """Return the weighted median and the Gini coefficient."""
    order = np.argsort(y, kind="stable")
    ys, ws = y[order], w[order]
    cw = np.cumsum(ws)
    median = float(ys[np.searchsorted(cw, 0.5 * cw[-1])])
    t = ys * ws
    gini = float((2 * (t * cw).sum() - (ws * t).sum()) / (cw[-1] * t.sum()) - 1)
    return median, gini


def finish(table: Array, y0: Array, y1: Array, w: Array) -> Answers:
    """Return the answers from the totals [item, region] and the resources before and after."""
    median, gini = median_and_gini(y1, w)
    out = {f"total_{item}": float(table[i].sum()) for i, item in enumerate(R.ITEMS)}
    for z in R.LINES:
        for g, (a, b) in enumerate(zip(fgt(y0, w, z), fgt(y1, w, z), strict=True)):
            out[f"fgt{g}_pre_{z:.0f}"], out[f"fgt{g}_post_{z:.0f}"] = a, b
    out["median"], out["gini"] = median, gini
    for g, a in enumerate(fgt(y1, w, 0.6 * median)):
        out[f"fgt{g}_60med"] = a
    out["region3_assist"] = float(table[R.ITEMS.index("assist"), 3])
    return out


# -- NumPy --------------------------------------------------------------------------------------


def load_numpy(folder: Path) -> Any:  # noqa: ANN401
    """Return columns as arrays."""
    return generate.load(folder)


def person_part(age: Array, st: Array, wage: Array, pension: Array) -> tuple[Array, ...]:
    """Return contributions of employee and employer, tax, child benefit, social pension."""
    base = np.where(st == R.FORMAL, np.clip(wage, R.PENSION_FLOOR, R.PENSION_CEILING), 0.0)
    health, family = np.minimum(wage, R.HEALTH_CEILING), np.minimum(wage, R.FAMILY_CEILING)
    sic_ee = R.EMPLOYEE_PENSION * base + R.EMPLOYEE_HEALTH * health
    sic_er = R.EMPLOYER_PENSION * base + R.EMPLOYER_HEALTH * health
    sic_er = sic_er + (R.EMPLOYER_FAMILY + R.EMPLOYER_INJURY) * family
    net = 12.0 * np.maximum(wage - sic_ee, 0.0)
    taxable = net - np.minimum(R.WAGE_ABATEMENT * net, R.WAGE_ABATEMENT_LIMIT)
    taxable = taxable + 12.0 * (1 - R.PENSION_ABATEMENT) * pension
    tax = np.zeros_like(taxable)
    for low, high, rate in BANDS:
        tax += rate * np.clip(taxable - low, 0.0, high - low)
    tax /= 12.0
    child = np.select([age < a for a, _ in R.CHILD], [v for _, v in R.CHILD], 0.0)
    social = np.maximum(0.0, R.SOCIAL_PENSION - np.maximum(0.0, pension - R.DISREGARD))
    return sic_ee, sic_er, tax, child, np.where(age >= R.PENSION_AGE, social, 0.0)


def run_numpy(d: dict[str, Array]) -> tuple[Any, Answers]:
    """Compute everything with NumPy."""
    persons = person_part(d["p_age"], d["p_status"], d["p_wage"], d["p_pension"])
    start = d["h_start"]

    def add(x: Array) -> Array:
        return np.add.reduceat(x, start)

    kids = add((d["p_age"] < R.CHILD_AGE).astype(np.float64))
    size = d["h_size"].astype(np.float64)
    scale = 1.0 + R.PER_ADULT * np.maximum(size - kids - 1.0, 0.0)
    scale = scale + R.PER_CHILD * np.minimum(kids, size - 1.0)
    own = [d["p_wage"], d["p_self"], d["p_pension"], *persons]
    h = {name: add(x) for name, x in zip(SUMMED, own, strict=True)}
    h["other"] = d["h_other"]
    market = h["wage"] + h["self"] + h["other"] + h["pension"]
    before = market - h["sic_ee"] - h["tax"] + h["spension"]
    gap = R.TAPER * np.maximum(0.0, R.MINIMUM * scale - before)
    h["assist"] = np.where(gap >= R.SMALLEST, gap, 0.0)
    h["disposable"] = before + h["child"] + h["assist"]
    w = d["h_weight"]
    table = np.stack([np.bincount(d["h_region"], w * h[k], R.REGIONS) for k in R.ITEMS])
    return (persons, h), finish(table, market / size, h["disposable"] / size, w * size)


# -- pandas -------------------------------------------------------------------------------------


def load_pandas(folder: Path) -> Any:  # noqa: ANN401
    """Return persons and households as data frames."""
    import pandas as pd

    return pd.read_parquet(folder / "persons.parquet"), pd.read_parquet(
        folder / "households.parquet"
    )


def run_pandas(frames: Any) -> tuple[Any, Answers]:  # noqa: ANN401
    """Compute everything with pandas; person formulas on the arrays under its columns."""
    p, households = frames
    p = p.copy(deep=False)
    columns = [p[name].to_numpy() for name in ("age", "status", "wage", "pension")]
    for name, x in zip(SUMMED[3:], person_part(*columns), strict=True):
        p[name] = x
    p["kid"] = (p["age"] < R.CHILD_AGE).astype(float)
    h = p.groupby("hh", sort=False)[[*SUMMED, "kid"]].sum()
    h = households.set_index("hh").join(h)
    size = h["size"].astype(float)
    scale = 1.0 + R.PER_ADULT * (size - h["kid"] - 1.0).clip(lower=0)
    scale = scale + R.PER_CHILD * np.minimum(h["kid"], size - 1.0)
    h["market"] = h["wage"] + h["self"] + h["other"] + h["pension"]
    before = h["market"] - h["sic_ee"] - h["tax"] + h["spension"]
    gap = R.TAPER * (R.MINIMUM * scale - before).clip(lower=0)
    h["assist"] = gap.where(gap >= R.SMALLEST, 0.0)
    h["disposable"] = before + h["child"] + h["assist"]
    items = list(R.ITEMS)
    table = h[items].mul(h["weight"], axis=0).groupby(h["region"].to_numpy()).sum()
    y0, y1 = (h["market"] / size).to_numpy(), (h["disposable"] / size).to_numpy()
    return (p, h), finish(table.to_numpy().T, y0, y1, (h["weight"] * size).to_numpy())


# -- polars -------------------------------------------------------------------------------------


def load_polars(folder: Path) -> Any:  # noqa: ANN401
    """Return persons and households as polars frames."""
    import polars as pl

    return pl.read_parquet(folder / "persons.parquet"), pl.read_parquet(
        folder / "households.parquet"
    )


def run_polars(frames: Any) -> tuple[Any, Answers]:  # noqa: ANN401
    """Compute everything with polars, lazily where that helps it."""
    p = _polars_persons(frames[0])
    h = _polars_households(p, frames[1])
    return (p, h), _polars_answers(h)


def _polars_persons(p: Any) -> Any:  # noqa: ANN401
    import polars as pl

    c = pl.col
    base = c("wage").clip(R.PENSION_FLOOR, R.PENSION_CEILING)
    base = pl.when(c("status") == R.FORMAL).then(base).otherwise(0.0)
    health = c("wage").clip(upper_bound=R.HEALTH_CEILING)
    family = c("wage").clip(upper_bound=R.FAMILY_CEILING)
    net = 12.0 * (c("wage") - c("sic_ee")).clip(lower_bound=0.0)
    bands = [(low, min(high, 1e18), rate) for low, high, rate in BANDS]
    tax: Any = pl.lit(0.0)
    for low, high, rate in bands:
        tax = tax + rate * (c("taxable") - low).clip(0.0, high - low)
    child: Any = pl
    for age, amount in R.CHILD:
        child = child.when(c("age") < age).then(amount)
    above = (c("pension") - R.DISREGARD).clip(lower_bound=0.0)
    social = (R.SOCIAL_PENSION - above).clip(lower_bound=0.0)
    social = pl.when(c("age") >= R.PENSION_AGE).then(social).otherwise(0.0)
    employer = R.EMPLOYER_PENSION * base + R.EMPLOYER_HEALTH * health
    employer = employer + (R.EMPLOYER_FAMILY + R.EMPLOYER_INJURY) * family
    abated = (R.WAGE_ABATEMENT * c("net")).clip(upper_bound=R.WAGE_ABATEMENT_LIMIT)
    return (
        p.lazy()
        .with_columns(
            sic_ee=R.EMPLOYEE_PENSION * base + R.EMPLOYEE_HEALTH * health,
            sic_er=employer,
            child=child.otherwise(0.0),
            spension=social,
        )
        .with_columns(net=net)
        .with_columns(taxable=c("net") - abated + 12.0 * (1 - R.PENSION_ABATEMENT) * c("pension"))
        .with_columns(tax=tax / 12.0)
        .drop("net", "taxable")
        .collect()
    )


def _polars_households(p: Any, households: Any) -> Any:  # noqa: ANN401
    import polars as pl

    c = pl.col
    sums = [c(k).sum() for k in SUMMED]
    adults = (c("sz") - c("kid") - 1.0).clip(lower_bound=0.0)
    children = pl.min_horizontal(c("kid"), c("sz") - 1.0)
    gap = R.TAPER * (R.MINIMUM * c("eq") - c("before")).clip(lower_bound=0.0)
    disposable = c("before") + c("child") + c("assist")
    return (
        p.lazy()
        .group_by("hh")
        .agg(*sums, kid=(c("age") < R.CHILD_AGE).sum().cast(pl.Float64))
        .join(households.lazy(), on="hh")
        .with_columns(sz=c("size").cast(pl.Float64))
        .with_columns(
            eq=1.0 + R.PER_ADULT * adults + R.PER_CHILD * children,
            market=c("wage") + c("self") + c("other") + c("pension"),
        )
        .with_columns(before=c("market") - c("sic_ee") - c("tax") + c("spension"))
        .with_columns(a=gap)
        .with_columns(assist=pl.when(c("a") >= R.SMALLEST).then(c("a")).otherwise(0.0))
        .with_columns(
            disposable=disposable,
            y1=disposable / c("sz"),
            y0=c("market") / c("sz"),
            pw=c("weight") * c("sz"),
        )
        .collect()
    )


def _polars_answers(h: Any) -> Answers:  # noqa: ANN401
    import polars as pl

    c = pl.col
    totals = [(c("weight") * c(k)).sum().alias(k) for k in R.ITEMS]
    table = h.lazy().group_by("region").agg(*totals).sort("region").collect()
    out = {f"total_{k}": float(table[k].sum()) for k in R.ITEMS}
    out["region3_assist"] = float(table.filter(c("region") == 3)["assist"][0])
    ordered = h.lazy().select("y1", "pw").sort("y1")
    ordered = ordered.with_columns(cw=c("pw").cum_sum(), t=c("y1") * c("pw")).collect()
    persons = ordered["cw"][-1]
    out["median"] = float(ordered.filter(c("cw") >= 0.5 * persons)["y1"][0])
    g = ordered.select(n=2 * (c("t") * c("cw")).sum() - (c("pw") * c("t")).sum(), s=c("t").sum())
    out["gini"] = float(g["n"][0] / (persons * g["s"][0]) - 1)
    wanted = [(f"pre_{z:.0f}", "y0", z) for z in R.LINES]
    wanted += [(f"post_{z:.0f}", "y1", z) for z in R.LINES]
    wanted.append(("60med", "y1", 0.6 * out["median"]))
    found = []
    for tag, y, z in wanted:
        gap = pl.when(c(y) <= z).then((z - c(y)) / z).otherwise(0.0)
        terms = (c("pw") * (c(y) <= z), c("pw") * gap, c("pw") * gap * gap)
        found += [(x.sum() / persons).alias(f"fgt{k}_{tag}") for k, x in enumerate(terms)]
    row = h.select(found).row(0, named=True)
    return out | {name: float(x) for name, x in row.items()}
