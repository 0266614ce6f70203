"""Shows benefits by function in another classification: C102 branches, ESSPROS, ILO SSI."""

from __future__ import annotations

from collections.abc import Sequence

from microsim.results.classifications import classifications, view
from microsim.results.contents import KINDS, Row


def benefits_in_view(rows: Sequence[Row], name: str) -> list[Row]:
    """Return table C2 regrouped, one row for each member of the view, LCU million.

    Parameters
    ----------
    rows
        Tables with C2 among them.
    name
        `c102`, `esspros` or `ssi`.

    Raises
    ------
    InputError
        No view has this name.
    """
    view(name, {})
    found: list[Row] = []
    cells = [row for row in rows if row.table == "C2" and row.column == "total"]
    by_budget: dict[tuple[str, int], list[Row]] = {}
    for row in cells:
        by_budget.setdefault((row.scenario, row.year), []).append(row)
    for (scenario, year), of in by_budget.items():
        amounts = {
            (r.function, r.row): r.value for r in of if r.function != "ALL" and r.row in KINDS
        }
        regrouped = {**view(name, amounts), "Total": sum(amounts.values())}
        found += [
            Row(
                scenario=scenario, year=year, table="C2", row=member, column=name,
                unit="LCU million", value=value, scheme="ALL",
            )
            for member, value in regrouped.items()
        ]  # fmt: skip
    return found


def view_names() -> tuple[str, ...]:
    """Return the names of the views."""
    return tuple(classifications()["views"])
