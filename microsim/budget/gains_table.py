"""Makes table D6: who gains and who loses from a reform, and who crosses a poverty line."""

from __future__ import annotations

import numpy as np

from microsim.budget.households import Households
from microsim.budget.inequality_table import DECILES
from microsim.budget.rows import TableRows, difference_name
from microsim.indicators.gains import gains, transitions
from microsim.results.contents import Row

COLUMNS = (*DECILES, "all")


def gains_table(households: Households) -> list[Row]:
    """Return table D6 for each reform: % gaining and losing by decile, and poverty transitions."""
    contents = households.contents
    table = TableRows("D6", contents.year)
    for scenario in range(1, len(contents.scenarios)):
        _reform(table, households, scenario)
    return table.rows


def _reform(table: TableRows, households: Households, scenario: int) -> None:
    contents, r = households.contents, households.records
    name = difference_name(contents.scenarios[scenario], contents.scenarios[0])
    before, after = r.welfare[0], r.welfare[scenario]
    found = gains(households.deciles, 10, households.persons, before, after)
    n = np.append(np.bincount(households.deciles, minlength=10), households.n)
    for row, values, unit in (
        ("Gaining more than 1 %", 100 * found.gaining[:, 0], "%"),
        ("Gaining more than 5 %", 100 * found.gaining[:, 1], "%"),
        ("Losing more than 1 %", 100 * found.losing[:, 0], "%"),
        ("Losing more than 5 %", 100 * found.losing[:, 1], "%"),
        ("Mean change of welfare", found.mean_change, "LCU/month"),
        ("Mean change of welfare, %", 100 * found.relative_change, "%"),
    ):
        for i, column in enumerate(COLUMNS):
            table.add(name, row, float(values[i]), unit, column=column, n=int(n[i]))
    for line, amount in contents.poverty_lines.items():
        moved = transitions(households.persons, before, after, amount)
        for row, persons in (
            ("Poor before and after", moved.stays_poor),
            ("Leaving poverty", moved.leaves_poverty),
            ("Entering poverty", moved.enters_poverty),
            ("Not poor before and after", moved.stays_out),
        ):
            column = f"line {line}"
            table.add(name, row, persons, "persons", column=column, n=households.n)
