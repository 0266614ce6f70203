"""The closed code lists of the tables and the views on them, as shipped with the results schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from microsim.errors import InputError
from microsim.shipped import folder


@cache
def classifications() -> dict[str, Any]:
    """Return the code lists and mapping matrices of `results_schema/v1/classifications.json`."""
    text = (folder("results_schema") / "v1" / "classifications.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def function_labels() -> dict[str, str]:
    """Return the label of each function code, in table order."""
    return {entry["code"]: entry["label"] for entry in classifications()["functions"]}


@cache
def receipt_labels() -> dict[str, str]:
    """Return the label of each receipt line (rows 1 to 10 of the scheme account), by code."""
    return {entry["code"]: entry["label"] for entry in classifications()["receipts"]}


def account_row(number: int) -> str:
    """Return the label of row `number` (1 to 28) of the scheme account."""
    label: str = classifications()["account"][number - 1]
    return label


def view(name: str, amounts: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Regroup amounts by (function, kind) into another classification.

    Parameters
    ----------
    name
        `c102`, `esspros` or `ssi`.
    amounts
        Amount by (function code, kind of benefit), any unit.

    Returns
    -------
    dict
        Amount by member of the view, in its order; the total is unchanged.

    Raises
    ------
    InputError
        No view has this name.
    """
    views = classifications()["views"]
    if name not in views:
        raise InputError(f"unknown view {name!r}; expected one of {', '.join(views)}.")
    columns = views[name]["columns"]
    result = dict.fromkeys(views[name]["members"], 0.0)
    for (function, kind), amount in amounts.items():
        column = columns.get(function) or columns[f"{function}:{kind}"]
        for member, share in column.items():
            result[member] += share * amount
    return result
