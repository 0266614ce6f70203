"""The plain system in the rule language: from arrays to columns, totals and indicators."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import generate
import numpy as np
import rules as R  # noqa: N812 - parameters stand for themselves in formulas

from microsim.indicators.distribution import distribution, quantile
from microsim.indicators.inequality import gini
from microsim.indicators.poverty import foster_greer_thorbecke
from microsim.policy.loading import load_system
from microsim.simulation.arrays import ArrayRules, compile_rules

SYSTEM = Path(__file__).with_name("system.yaml")
PERSONS = (
    "employee_contribution", "employer_contribution", "income_tax", "child_benefit",
    "social_pension_benefit",
)  # fmt: skip
ITEMS = {
    "wage": "wages", "self": "self_incomes", "pension": "pensions", "other": "other_income",
    "sic_ee": "employee_contributions", "sic_er": "employer_contributions", "tax": "income_taxes",
    "child": "child_benefits", "spension": "social_pensions", "assist": "assistance",
    "disposable": "disposable",
}  # fmt: skip
PER_HEAD = ("market_per_head", "disposable_per_head")
Answers = dict[str, float]


def compiled() -> ArrayRules:
    """Return the rules under the law of January 2024."""
    items = tuple(ITEMS.values())
    return compile_rules(
        load_system(SYSTEM), 2024, 1, persons=PERSONS, households=(*items, *PER_HEAD), totals=items
    )


def load_ours(folder: Path) -> Any:  # noqa: ANN401
    """Return compiled rules and columns as arrays."""
    return compiled(), generate.load(folder)


def evaluate(rules: ArrayRules, d: dict[str, Any], threads: int, into: Any = None) -> Any:  # noqa: ANN401
    """Return columns and totals by region."""
    persons = {
        "age": d["p_age"], "status": d["p_status"], "wage": d["p_wage"],
        "self_income": d["p_self"], "pension": d["p_pension"],
    }  # fmt: skip
    return rules.evaluate(
        d["h_size"], persons, {"other": d["h_other"]},
        weight=d["h_weight"], group=d["h_region"], n_groups=R.REGIONS, threads=threads, into=into,
    )  # fmt: skip


def load_ours_again(folder: Path) -> Any:  # noqa: ANN401
    """Return compiled rules, columns as arrays and no earlier answer yet."""
    return [*load_ours(folder), None]


def run_ours_again(data: Any) -> tuple[Any, Answers]:  # noqa: ANN401
    """Compute everything, writing columns where those of the time before are."""
    found, answers = run_ours(data[:2], 2, data[2])
    data[2] = found.columns
    return found, answers


def run_ours(data: Any, threads: int = 2, into: Any = None) -> tuple[Any, Answers]:  # noqa: ANN401
    """Compute everything; households are sorted once."""
    rules, d = data
    found = evaluate(rules, d, threads, into)
    if found.faults:
        raise ValueError(f"households that could not be computed: {found.faults}")
    table = [found.totals[ITEMS[item]] for item in R.ITEMS]
    out = {f"total_{item}": float(table[i].sum()) for i, item in enumerate(R.ITEMS)}
    out["region3_assist"] = float(table[R.ITEMS.index("assist")][3])
    persons = d["h_weight"] * d["h_size"]
    before, after = (found.households[name] for name in PER_HEAD)
    with ThreadPoolExecutor(threads) as pool:
        gaps = pool.submit(lambda: [fgt(y, persons, R.LINES) for y in (before, after)])
        d1 = distribution(after, persons)
        indices = gaps.result()
    out["median"], out["gini"] = quantile(d1, 0.5), gini(d1)
    indices.append(fgt(after, persons, [0.6 * out["median"]]))
    names = [*[f"pre_{z:.0f}" for z in R.LINES], *[f"post_{z:.0f}" for z in R.LINES], "60med"]
    for tag, row in zip(names, np.concatenate(indices), strict=True):
        out |= {f"fgt{k}_{tag}": float(x) for k, x in enumerate(row)}
    return found, out


def fgt(y: Any, persons: Any, lines: Any) -> Any:  # noqa: ANN401
    """Return headcount, gap and severity by line; poor is who has the line or less."""
    return foster_greer_thorbecke(y, persons, lines, include_line=True)
