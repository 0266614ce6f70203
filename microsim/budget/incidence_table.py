"""Makes tables D4 and D5: who bears and receives each instrument, and how well it is targeted."""

from __future__ import annotations

import numpy as np

from microsim.budget.households import DISPOSABLE, Burden, Floats, Households
from microsim.budget.inequality_table import DECILES
from microsim.budget.rows import TableRows
from microsim.indicators.distribution import distribution
from microsim.indicators.inequality import gini
from microsim.indicators.targeting import adequacy, cost_benefit, targeting
from microsim.results.contents import Contents, Row

QUINTILES = tuple(f"quintile {i}" for i in range(1, 6))


def incidence_of_scenario(households: Households, scenario: int) -> list[Row]:
    """Return table D4 of one scenario: each instrument by decile of baseline welfare.

    Amounts as shares; concentration and Kakwani by baseline welfare; the marginal contribution
    to the Gini of disposable income is above 0 where the instrument reduces inequality.
    """
    contents, r = households.contents, households.records
    table = TableRows("D4", contents.year)
    gini_baseline = households.measured(0).inequality.gini
    name = contents.scenarios[scenario]
    disposable = households.concept(scenario, DISPOSABLE)
    gini_disposable = households.measured(scenario, DISPOSABLE).inequality.gini
    for i, instrument in enumerate(r.instrument_names):
        burden, (scheme, item) = households.burden(scenario, i), split(contents, instrument)
        if not burden.households.any():
            continue
        _deciles(table, name, (scheme, item), burden)
        without = distribution(
            disposable - r.instruments[scenario, :, i] / r.equivalents, households.persons
        )
        against = gini_baseline - burden.concentration
        for row, value in (
            ("concentration coefficient", burden.concentration),
            ("Kakwani index", -against if burden.total < 0 else against),
            ("marginal contribution to Gini", gini(without) - gini_disposable),
        ):
            table.add(
                name, f"{item}: {row}", value, "index", column="all", scheme=scheme,
                n=int(burden.households.sum()), missing="not applicable",
            )  # fmt: skip
    return table.rows


def _deciles(table: TableRows, name: str, instrument: tuple[str, str], burden: Burden) -> None:
    found = burden.by_decile
    for row, values in (
        ("persons in households concerned", found.coverage),
        ("share of recipients or payers", found.share_of_recipients),
        ("share of amount", found.share_of_amount),
        ("amount, % of baseline disposable income", found.amount_of_income),
    ):
        for d, column in enumerate(DECILES):
            table.add(
                name, f"{instrument[1]}: {row}", 100 * float(values[d]), "%", column=column,
                scheme=instrument[0],
                n=int(burden.households[d]), missing="not applicable",
            )  # fmt: skip


def targeting_of_scenario(households: Households, scenario: int) -> list[Row]:
    """Return table D5 of one scenario: how each benefit is targeted, and what it achieves.

    One poverty line is used; poor is who is below it without the benefit; quintiles are of
    baseline welfare.
    """
    contents, r = households.contents, households.records
    table = TableRows("D5", contents.year)
    line = reference_line(contents)
    if line is None:
        return []
    for i in range(len(r.instrument_names)):
        if households.burden(scenario, i).total > 0:
            _programme(table, households, scenario, i, *line)
    return table.rows


def split(contents: Contents, instrument: str) -> tuple[str, str]:
    """Return scheme and item of an instrument named `scheme.item`; other names are taxes."""
    scheme, _, item = instrument.partition(".")
    known = any(s.id == scheme for s in contents.schemes)
    return (scheme, item) if known and item else ("ALL", instrument)


def reference_line(contents: Contents) -> tuple[str, float] | None:
    """Return the line that targeting is measured by: `national` if there is one, else the first."""
    lines = contents.poverty_lines
    name = "national" if "national" in lines else next(iter(lines), None)
    return None if name is None else (name, lines[name])


def _programme(
    table: TableRows, households: Households, scenario: int, i: int, line: str, z: float
) -> None:
    r = households.records
    welfare: Floats = r.welfare[scenario]
    amount = np.maximum(r.instruments[scenario, :, i], 0.0)
    receives = households.receives(scenario, i)
    without: Floats = welfare - amount / r.equivalents
    quintiles = households.deciles // 2
    found = targeting(
        quintiles, 5, r.weight, households.size, without < z, receives, amount,
        welfare * r.equivalents,
    )  # fmt: skip
    value = adequacy(
        quintiles, 5, r.weight, households.size, r.equivalents, welfare, receives, amount, z
    )
    cost = cost_benefit(r.weight, r.equivalents, without, amount, z)
    n = int(np.count_nonzero(receives & (r.weight > 0)))
    name = households.contents.scenarios[scenario]
    scheme, item = split(households.contents, r.instrument_names[i])

    def add(row: str, figure: float, column: str, unit: str = "%", counted: int = n) -> None:
        scaled = 100 * figure if unit == "%" else figure
        table.add(
            name, f"{item}: {row}", scaled, unit, column=column, scheme=scheme, n=counted,
            missing="not applicable",
        )  # fmt: skip

    of = np.bincount(quintiles[receives & (r.weight > 0)], minlength=5)
    for row, values in (
        ("coverage", found.by_group.coverage),
        ("beneficiary incidence", found.by_group.share_of_recipients),
        ("benefit incidence", found.by_group.share_of_amount),
        ("adequacy, % of welfare of recipients", value.by_group),
    ):
        for q, column in enumerate(QUINTILES):
            add(row, float(values[q]), column, counted=int(of[q]))
    add("coverage", found.coverage, "all")
    add("adequacy, % of welfare of recipients", value.of_welfare, "all")
    for row, figure in (
        ("coverage of the poor", found.coverage_of_poor),
        ("exclusion error", found.exclusion),
        ("inclusion error", found.inclusion),
        ("adequacy, % of the line", value.of_line),
        ("recipients lifted over the line", value.lifted),
        ("share of the amount that closes the gap", cost.gap_closed_per_unit),
        ("share of the amount for the poor", cost.vertical_efficiency),
        ("share of the gap closed", cost.gap_closed_share),
    ):
        add(row, figure, f"line {line}")
    add("targeting differential", found.differential, f"line {line}", "index")
    add("Coady-Grosh-Hoddinott index", found.coady_grosh_hoddinott, f"line {line}", "index")
