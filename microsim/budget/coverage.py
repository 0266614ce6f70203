"""Makes tables B5 and B6: ratios of schemes, and effective coverage as SDG 1.3.1 defines it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.budget.accounts import Account
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import LABOUR_FORCE, Sums, add_up
from microsim.results.contents import Measure, Row

PENSIONS = ("OLD", "SUR", "DIS")
INDICATORS = {
    "any": "Population covered by at least one benefit or contribution",
    "children": "Children with a child or family benefit",
    "households_with_children": "Households with children receiving a child or family benefit",
    "mothers": "Mothers of newborns with maternity cash benefit",
    "disability": "Persons with severe disability receiving a benefit",
    "unemployed": "Unemployed receiving a benefit",
    "older": "Older persons receiving a pension",
    "work_injury": "Employed persons covered for work injury",
    "vulnerable": "Vulnerable persons receiving social assistance",
}
PERSONAL_AXES = ("sex", "status")
AXES = (*PERSONAL_AXES, "region", "area")


def ratios(sums: Sums, accounts: Sequence[Sequence[Account]]) -> list[Row]:
    """Return table B5: dependency, replacement and coverage ratios, %."""
    table = TableRows("B5", sums.contents.year)
    for scenario, of_scenario in enumerate(accounts):
        for account in of_scenario:
            if not math.isnan(account.contributors):
                _scheme_ratios(table, sums, scenario, account)
        name = sums.contents.scenarios[scenario]
        older = [sums.total(scenario, "coverage", "", "older", s) for s in ("covered", "target")]
        row = "Old-age coverage (pensioners / persons above retirement age)"
        table.add(name, row, 100 * ratio(*older), "%")
    return table.rows


def _scheme_ratios(table: TableRows, sums: Sums, scenario: int, account: Account) -> None:
    name, scheme = account.scenario, account.scheme.id
    earnings = ratio(account.insurable / 12, account.contributors)
    pensioners, pensions = _pensions(sums, scenario, account)
    population = Measure("population", "", "", "persons")
    force = math.nan
    if population in sums.position:
        force = add_up(sums.persons(scenario, population)[:, :, list(LABOUR_FORCE)])
    simulated = account.benefits_where(given=False)
    average = ratio(simulated / 12, account.beneficiaries)
    for row, value in (
        ("Beneficiaries / contributors", ratio(account.beneficiaries, account.contributors)),
        ("Average benefit / average insurable earnings", ratio(average, earnings)),
        ("System dependency ratio (pensioners / contributors)",
         ratio(pensioners, account.contributors)),
        ("Financial ratio (average pension / average insurable earnings)",
         ratio(ratio(pensions / 12, pensioners), earnings)),
        ("Contributor coverage (contributors / labour force)",
         ratio(account.contributors, force)),
    ):  # fmt: skip
        table.add(name, row, 100 * value, "%", scheme=scheme)


def _pensions(sums: Sums, scenario: int, account: Account) -> tuple[float, float]:
    """Return average pensioners in the year and their pensions, currency a year."""
    chosen = [
        b.id
        for b in account.scheme.benefits
        if b.function in PENSIONS
        and b.kind == "cash periodic"
        and sums.has("benefit", account.scheme.id, b.id, "months")
    ]
    if not chosen:
        return math.nan, math.nan
    months, amounts = (
        math.fsum(sums.total(scenario, "benefit", account.scheme.id, b, s) for b in chosen)
        for s in ("months", "amount")
    )
    return months / 12, amounts


def effective_coverage(sums: Sums) -> list[Row]:
    """Return table B6: covered and target persons, and the rate, by sex, status and place.

    Sources of the definitions: SDG indicator 1.3.1, as in the country profiles of the World
    Social Protection Data Dashboards. A tax or levy alone is not coverage. Of a projection, places
    are told apart in the years with distribution tables.
    """
    table = TableRows("B6", sums.contents.year)
    for scenario, name in enumerate(sums.contents.scenarios):
        for indicator, label in INDICATORS.items():
            target = Measure("coverage", "", indicator, "target")
            covered = Measure("coverage", "", indicator, "covered")
            if target not in sums.position or covered not in sums.position:
                for column, unit in (("covered", "persons"), ("target", "persons"), ("rate", "%")):
                    table.add(name, label, math.nan, unit, column=column)
                continue
            for group, reached, of, n in _pairs(sums, scenario, covered, target):
                unit = "households" if indicator.startswith("households") else "persons"
                for column, value, of_unit in (
                    ("covered", reached, unit),
                    ("target", of, unit),
                    ("rate", 100 * ratio(reached, of), "%"),
                ):
                    table.add(
                        name, label, value, of_unit, column=column, group=group, n=n,
                        missing="not applicable",
                    )  # fmt: skip
    return table.rows


def _pairs(
    sums: Sums, scenario: int, covered: Measure, target: Measure
) -> list[tuple[str, float, float, int]]:
    totals = [add_up(sums.persons(scenario, measure)) for measure in (covered, target)]
    found = [("", totals[0], totals[1], sums.n(scenario, target))]
    axes = AXES if sums.contents.in_detail else PERSONAL_AXES
    pairs = zip(
        sums.groups(scenario, covered, *axes), sums.groups(scenario, target, *axes), strict=True
    )
    found += [(group, reached, of, n) for (group, reached, _), (_, of, n) in pairs if of]
    return found
