"""Makes tables A2 and T2: how the population came from the year before, and what lives reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.frame_tables import POPULATION, first_scenarios
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import Sums, add_up
from microsim.results.contents import SEXES, Contents, Row

OPENING, CLOSING, NET = "Opening", "Closing", "Net migration"
LEFT_OUT = "of which in no table: rules not computed"
ROWS = {
    OPENING: (),
    "Births": ("births",),
    "Deaths": ("deaths",),
    NET: ("immigrants", "emigrants"),
    "Immigrants": ("immigrants",),
    "Emigrants": ("emigrants",),
    CLOSING: (),
}


def population_account(sums: Sums, before: Sums) -> list[Row]:
    """Return table A2: opening + births - deaths + net migration = closing, by sex, persons.

    Persons whose household a rule could not be computed for live on and are in this table; no other
    table has them, so that their number stands below.

    Parameters
    ----------
    sums, before
        Of this year and of the year before.
    """
    table = TableRows("A2", sums.contents.year)
    for scenario, name in first_scenarios(sums):
        for group, sexes in (("", SEXES), *((f"sex={sex}", (sex,)) for sex in SEXES)):
            flows = [sums.contents.flows.get((name, sex)) for sex in sexes]
            if any(of is None for of in flows):
                continue
            for row, parts in ROWS.items():
                if parts:
                    signs = (1.0, -1.0) if row == NET else (1.0,)
                    value = math.fsum(
                        sign * of[part]
                        for of in flows
                        if of is not None
                        for sign, part in zip(signs, parts, strict=True)
                    )
                else:
                    at = before if row == OPENING else sums
                    cells = at.persons(scenario, POPULATION)
                    value = math.fsum(add_up(cells[SEXES.index(sex)]) for sex in sexes)
                    value = math.fsum((value, left_out(at.contents, name, sexes)))
                table.add(name, row, value, "persons", group=group)
            if sums.contents.left_out:
                value = left_out(sums.contents, name, sexes)
                table.add(name, LEFT_OUT, value, "persons", group=group)
    return table.rows


def left_out(contents: Contents, scenario: str, sexes: Sequence[str] = SEXES) -> float:
    """Return the persons of these sexes who are in no other table of the year."""
    return math.fsum(contents.left_out.get((scenario, sex), 0.0) for sex in sexes)


def alignment(contents: Contents) -> list[Row]:
    """Return table T2: what lives were made to reach in the year, and what they reached.

    Beside a miss stand what chance may do to it (one standard error of persons drawn one by one)
    and, where the target is not the rates' own, how far off these are in expectation.
    """
    table = TableRows("T2", contents.year)
    for one in contents.alignment:
        size = abs(one.target)
        columns = [
            ("target", one.target, one.unit),
            ("achieved", one.achieved, one.unit),
            ("miss", one.miss, one.unit),
            ("miss, %", 100 * ratio(one.miss, size), "%"),
        ]
        if one.expected is not None:
            of_rates = one.expected - one.target
            columns.append(("of which the rates, %", 100 * ratio(of_rates, size), "%"))
        if one.chance is not None:
            columns.append(("chance, %", 100 * ratio(one.chance, size), "%"))
        for column, value, unit in columns:
            table.add(
                contents.scenarios[0], one.what, value, unit, column=column,
                missing="not applicable",
            )  # fmt: skip
    return table.rows


def assumptions(contents: Contents) -> list[Row]:
    """Return table A5: each driver of the projection with its basis and source."""
    table = TableRows("A5", contents.year)
    for one in contents.assumptions:
        row = f"{one.driver} ({one.basis}: {one.source})"
        for column, value in (("baseline", one.baseline), ("low", one.low), ("high", one.high)):
            table.add(contents.scenarios[0], row, value, one.unit, column=column)
    return table.rows
