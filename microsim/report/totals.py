"""Says which lines of a table are sums of other lines, so that workbooks can hold formulas."""

from __future__ import annotations

from collections.abc import Sequence

from microsim.budget.consolidation import BALANCE, TOTAL_EXPENDITURE, TOTAL_RECEIPTS
from microsim.budget.money import BENEFIT_ROWS
from microsim.report.blocks import Line
from microsim.results.classifications import account_row, classifications

Parts = list[tuple[int, int]]  # sign and position of each line that is added


def parts_of(code: str, lines: Sequence[Line], position: int) -> Parts:
    """Return sign and position of the lines that add up to a line; empty if it is no total."""
    line = lines[position]
    if code == "C7":
        return _of_budget(lines, position)
    same = {
        other.row: i
        for i, other in enumerate(lines)
        if other.scheme == line.scheme and other.function in ("", "ALL")
    }
    wanted = _account_parts(line.row) if code == "C6" else _table_parts(code, line.row)
    if not wanted or any(name not in same for _, name in wanted):
        return []
    return [(sign, same[name]) for sign, name in wanted]


def _table_parts(code: str, row: str) -> list[tuple[int, str]]:
    if code == "C1" and row == "Total expenditure":
        rest = ("Administration", "Transfers to other schemes", "Other expenditure")
        return [(1, name) for name in (*BENEFIT_ROWS.values(), *rest)]
    if code == "C4" and row == account_row(11):
        return [(1, account_row(i)) for i in range(1, 11)]
    if code == "C5" and row == account_row(11):
        return [(1, sector) for sector in classifications()["origins"]]
    return []


def _account_parts(row: str) -> list[tuple[int, str]]:
    numbers = {
        11: [(1, i) for i in range(1, 11)],
        18: [(1, i) for i in range(12, 18)],
        19: [(1, 11), (-1, 18)],
        20: [(1, 19), (-1, 8)],
        22: [(1, 21), (1, 19)],
    }
    number = row.split(" ", 1)[0]
    found = numbers.get(int(number), []) if number.isdigit() else []
    return [(sign, account_row(number)) for sign, number in found]


def _of_budget(lines: Sequence[Line], position: int) -> Parts:
    rows = [line.row for line in lines]
    receipts, expenditure = rows.index(TOTAL_RECEIPTS), rows.index(TOTAL_EXPENDITURE)
    if position == receipts:
        return [(1, i) for i in range(receipts)]
    if position == expenditure:
        return [(1, i) for i in range(receipts + 1, expenditure)]
    if rows[position] == BALANCE:
        return [(1, receipts), (-1, expenditure)]
    return []
