"""Checks a survey's households: every fault with the user's columns, counts and first rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population.readers import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]

SHOWN = 5
LARGEST = 32_767  # positions in a household are 16-bit numbers


def counted(n: int, what: str) -> str:
    """Return a number with its noun: `1 row`, `2 rows`, `2 households`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def rows_text(rows: Iterable[int]) -> str:
    """Return rows (0-based) as `rows 3, 9 and 4 more`; the first data row is row 1."""
    listed = [int(row) + 1 for row in rows]
    word = "row" if len(listed) == 1 else "rows"
    more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
    return f"{word} {', '.join(str(row) for row in listed[:SHOWN])}{more}"


def examples(values: Values, rows: Ints) -> str:
    """Return the first distinct values with their rows: `'x' in rows 2, 5; '7' in row 9`."""
    by_value: dict[str, list[int]] = {}
    for row in rows:
        value = values[row]
        text = f"{value:g}" if isinstance(value, float) else repr(str(value))
        by_value.setdefault(text, []).append(int(row))
    parts = [f"{text} in {rows_text(found)}" for text, found in list(by_value.items())[:SHOWN]]
    left = len(by_value) - SHOWN
    return "; ".join(parts) + (f"; {left:,} more values" if left > 0 else "")


def note_rows(
    faults: FaultList,
    table: Table,
    columns: tuple[str, ...],
    wrong: Mask,
    what: str,
    expected: str = "",
    remedy: str = "",
    rows: Ints | None = None,
    values: Values | None = None,
) -> bool:
    """Note that rows are wrong, if any are; return whether there were any.

    Parameters
    ----------
    wrong
        Shape (n,), which of `rows` (of all rows if None) are wrong.
    what
        What is wrong, to be read after `3 rows`: a verb in the plural first.
    values
        Shape (n_rows,): values to show instead of the row numbers alone.
    """
    if not bool(wrong.any()):
        return False
    bad = np.flatnonzero(wrong) if rows is None else rows[wrong]
    shown = rows_text(bad) if values is None else examples(values, bad)
    if bad.size == 1:
        verb, rest = what.split(" ", 1)
        what = f"{verb}{'es' if verb == 'do' else 's'} {rest}"
    text = f"{counted(bad.size, 'row')} {what}"
    faults.add(table.where(*columns), text, shown, expected, remedy)
    return True


@dataclass(frozen=True)
class Households:
    """Which rows make which household.

    Attributes
    ----------
    of_row
        Shape (n_rows,), household number of each row, 0-based in order of first appearance.
    n
        Number of households.
    names
        Shape (n_households,), the user's id as text, for messages.
    ids
        Shape (n_households,), the id as a whole number.
    first
        Shape (n_households,), first row of each household.
    """

    of_row: Ints
    n: int
    names: Values
    ids: Ints
    first: Ints

    def some(self, wrong: Mask, rows_of: Ints | None = None) -> str:
        """Return the first wrong households by name and first row. `wrong`: (n_households,)."""
        rows = self.first if rows_of is None else rows_of
        bad = np.flatnonzero(wrong)
        listed = [f"{self.names[h]} (row {int(rows[h]) + 1})" for h in bad[:SHOWN]]
        more = f" and {bad.size - SHOWN:,} more" if bad.size > SHOWN else ""
        return ", ".join(listed) + more


def check_heads(faults: FaultList, table: Table, column: str, head: Mask, who: Households) -> None:
    """Note households without a head and with more than one. `head`: (n_rows,)."""
    heads = np.bincount(who.of_row[head], minlength=who.n)
    for wrong, text in ((heads == 0, "without a head"), (heads > 1, "with more than one head")):
        n = int(wrong.sum())
        if n:
            faults.add(
                table.where(column),
                f"{counted(n, 'household')} {text}",
                who.some(wrong),
                "exactly one head in each household",
            )


def check_sizes(
    faults: FaultList, table: Table, columns: tuple[str, ...], size: Ints, who: Households
) -> None:
    """Note households of more persons than one can hold. `size`: (n_households,)."""
    large = size > LARGEST
    if bool(large.any()):
        faults.add(
            table.where(*columns),
            f"{counted(int(large.sum()), 'household')} of more than {LARGEST:,} persons",
            who.some(large),
            remedy="Do these columns name a household?",
        )


def check_same(
    faults: FaultList, table: Table, columns: tuple[str, ...], values: Values, who: Households
) -> Mask:
    """Note households whose rows differ in what belongs to the household; return which."""
    differs: Mask = values != values[who.first][who.of_row]
    if values.dtype == np.float64:
        differs &= ~(np.isnan(values) & np.isnan(values[who.first][who.of_row]))
    wrong = np.bincount(who.of_row[differs], minlength=who.n) > 0
    if bool(wrong.any()):
        faults.add(
            table.where(*columns),
            f"differs between the rows of {counted(int(wrong.sum()), 'household')}",
            who.some(wrong),
            "one value for each household",
            "If meant, state across_rows: sum (amounts) or within_household: mean (weights).",
        )
    return wrong


def check_weights(
    faults: FaultList, table: Table, column: str, weights: Floats, zero_is_fine: bool
) -> None:
    """Note negative and zero weights. `weights`: (n_rows,), households per household."""
    note_rows(faults, table, (column,), weights < 0.0, "hold a negative weight", values=weights)
    if not zero_is_fine:
        note_rows(
            faults,
            table,
            (column,),
            weights == 0.0,
            "hold a weight of zero",
            remedy="State zero: drop or zero: keep under weight.",
        )


def check_person_ids(
    faults: FaultList,
    table: Table,
    columns: tuple[str, ...],
    keys: Values,
) -> Mask:
    """Note rows that share a person id with an earlier row; return which rows hold a repeated id.

    The mask, shape (n_rows,), holds the first row of each repeated id too. `keys`: shape (n_rows,),
    the id as text, with the household's where it is unique in it only.
    """
    _, first, inverse, times = np.unique(
        keys.astype(str), return_index=True, return_inverse=True, return_counts=True
    )
    repeated: Mask = first[inverse] != np.arange(keys.size)
    rows = np.flatnonzero(repeated)
    shared: Mask = times[inverse] > 1
    if rows.size == 0:
        return shared
    pairs = [f"row {int(row) + 1} repeats row {int(first[inverse[row]]) + 1}" for row in rows]
    more = f" and {rows.size - SHOWN:,} more" if rows.size > SHOWN else ""
    faults.add(
        table.where(*columns),
        f"{counted(rows.size, 'row')} with a duplicate person id",
        ", ".join(pairs[:SHOWN]) + more,
        "each person once",
    )
    return shared


def check_links(
    faults: FaultList,
    table: Table,
    columns: dict[str, str],
    linked: dict[str, Ints],
    household: Ints,
    age: Floats | None,
    sex: Ints | None,
) -> None:
    """Note links to oneself, to another household, one-sided spouses and impossible parents.

    Parameters
    ----------
    columns
        The user's column of each link.
    linked
        Shape (n_rows,) each: row of the linked person, -1 if none.
    age, sex
        Shape (n_rows,), NaN and -1 where not known; None if these columns are at fault.
    """
    for link, to in linked.items():
        column, has = (columns[link],), to >= 0
        there = np.where(has, to, 0)
        rows = np.arange(to.size)
        note_rows(faults, table, column, has & (to == rows), f"name themselves as {link}")
        other = has & (household[there] != household)
        note_rows(faults, table, column, other, f"name a {link} of another household")
        fine = has & ~other & (to != rows)
        if link == "spouse":
            one_sided = fine & (to[there] != rows)
            note_rows(
                faults,
                table,
                column,
                one_sided,
                "name a spouse who does not name them",
                "spouses who name each other",
            )
            continue
        if age is not None:
            younger = fine & (age[there] <= age)
            note_rows(faults, table, column, younger, f"name a {link} who is not older")
        if sex is not None:
            wanted = 1 if link == "mother" else 0
            wrong = fine & (sex[there] != wanted)
            note_rows(faults, table, column, wrong, f"name a {link} who is {_OTHER[link]}")


_OTHER = {"mother": "male", "father": "female"}
