"""Titles of the tables, and how each is laid out on paper."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How a table is printed: its title, and what stands side by side.

    `across`: scenarios (one block for each column of the table) or columns (one block for each
    scenario).
    """

    title: str
    across: str = "scenarios"


STYLES = {
    "A1": Style("Population"),
    "A2": Style("Population account"),
    "A3": Style("Labour force"),
    "A4": Style("Economic frame"),
    "A5": Style("Assumptions", "columns"),
    "B1": Style("Contributors"),
    "B2": Style("Insurable earnings"),
    "B3": Style("Beneficiaries"),
    "B4": Style("Benefits"),
    "B5": Style("Ratios"),
    "B6": Style("Effective coverage (SDG 1.3.1)", "columns"),
    "C1": Style("Expenditure by scheme", "columns"),
    "C2": Style("Expenditure by function, kind, means test and contributory scheme", "columns"),
    "C3": Style("Benefits by scheme and function", "columns"),
    "C4": Style("Receipts by scheme and type", "columns"),
    "C5": Style("Receipts by origin"),
    "C6": Style("Scheme accounts"),
    "C7": Style("Consolidated social budget"),
    "C8": Style("Government account of the social budget"),
    "C9": Style("Expenditure per head and per beneficiary"),
    "C10": Style("Status quo, reform and difference", "columns"),
    "C11": Style("Financial indicators of funds"),
    "D1": Style("Poverty"),
    "D2": Style("Inequality"),
    "D3": Style("Income concepts by decile", "columns"),
    "D4": Style("Incidence of each instrument by decile", "columns"),
    "D5": Style("Coverage and targeting of each programme", "columns"),
    "D6": Style("Gainers and losers", "columns"),
    "T1": Style("Trust table: simulated against official", "columns"),
    "T2": Style("Alignment: wanted and reached", "columns"),
}

HEADLINE = ("C7", "C10")

NOTE = (
    "Totals may not add because of rounding. Negative figures are in parentheses. 0 is exactly "
    "nothing, 0.0 less than half a unit, n/a not applicable or not given, (·) suppressed: fewer "
    "than 25 source households; u: fewer than 50; in brackets the standard error, "
    "in braces that of chance between replicates."
)


def style(code: str) -> Style:
    """Return the style of a table; an unknown code is its own title."""
    return STYLES.get(code, Style(code))


def order(code: str) -> tuple[str, int]:
    """Return the sort key of a table code: letters, then number."""
    letters = code.rstrip("0123456789")
    return letters, int(code[len(letters) :] or 0)
