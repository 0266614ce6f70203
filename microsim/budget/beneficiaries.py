"""Makes tables B3 and B4: who receives each benefit, and how much of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from microsim.budget.accounts import Account
from microsim.budget.consolidation import frame_value
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import Sums, add_up
from microsim.results.contents import SEXES, Benefit, Measure, Row

FLOWS = ("Opening", "New awards", "Terminations")
CAUSES = {"death": "death", "emigration": "emigration", "other": "other causes"}
CLOSING = "Closing"
STOCKS = (  # row, statistic, months it is divided by
    ("Recipients in December (lump sums: in the year)", "december", 1),
    ("Average in year", "months", 12),
    ("Received at least once in the year", "ever", 1),
    ("Persons living in receiving units", "covered", 1),
    ("Eligible, average in year", "eligible_months", 12),
)


def monthly(sums: Sums, series: str) -> float:
    """Return a series of the frame in currency a month; NaN where nobody gives it."""
    value = frame_value(sums.contents, series)
    found = sums.contents.frame.get(series)
    return value / 12 if found and found.unit == "currency/year" else value


def beneficiaries(sums: Sums, accounts: Sequence[Sequence[Account]]) -> list[Row]:
    """Return table B3: recipients of each benefit (column), persons.

    A year stands for its people of 1 July, so that there is no stock of 31 December: who is paid in
    December are those people under the law of that month. Flows from the year before to this one
    are known in projections: opening and closing are those who received the benefit at least once
    in the year before and in this.
    """
    table = TableRows("B3", sums.contents.year)
    for scenario, of_scenario in enumerate(accounts):
        for account in of_scenario:
            for b in account.scheme.benefits:
                _recipients(table, sums, scenario, account, b)
    return table.rows


def _recipients(table: TableRows, sums: Sums, scenario: int, account: Account, b: Benefit) -> None:
    name = account.scenario
    scheme, function = account.scheme.id, b.function
    flows = list(_flows(sums, name, scheme, b.id))
    households = _households(sums, scenario, scheme, b.id) if flows else {}
    for row, group, value in flows or [(row, "", math.nan) for row in FLOWS]:
        table.add(
            name, row, value, "persons", column=b.id, scheme=scheme, function=function,
            group=group, n=households.get(group, -1), missing="not applicable",
        )  # fmt: skip
    for row, statistic, months in STOCKS:
        measure = Measure("benefit", scheme, b.id, statistic)
        if measure not in sums.position or (statistic == "eligible_months" and not b.has_eligible):
            table.add(name, row, math.nan, "persons", column=b.id, scheme=scheme, function=function)
            continue
        axes = ["sex"]
        if statistic == "months":
            axes += ["age_group", "region", "area"] if sums.contents.in_detail else ["age_group"]
        whole = ("", add_up(sums.persons(scenario, measure)), sums.n(scenario, measure))
        for group, value, n in (whole, *sums.groups(scenario, measure, *axes)):
            table.add(
                name, row, value / months, "persons", column=b.id, scheme=scheme,
                function=function, group=group, n=n,
            )  # fmt: skip
    eligible = sums.total(scenario, "benefit", scheme, b.id, "eligible_months")
    received = sums.total(scenario, "benefit", scheme, b.id, "months")
    rate = 100 * ratio(received, eligible) if b.has_eligible else math.nan
    table.add(name, "Effective take-up", rate, "%", column=b.id, scheme=scheme, function=function)


def _households(sums: Sums, scenario: int, scheme: str, benefit: str) -> dict[str, int]:
    """Return the source households of the recipients by sex: flows are suppressed with stocks."""
    ever = Measure("benefit", scheme, benefit, "ever")
    if ever not in sums.position:
        return {}
    return {"": sums.n(scenario, ever)} | {g: n for g, _, n in sums.groups(scenario, ever, "sex")}


def _flows(
    sums: Sums, scenario: str, scheme: str, benefit: str
) -> Iterator[tuple[str, str, float]]:
    """Yield row, group and persons of the flows of a benefit; nothing where they are not known."""
    known = sums.contents.benefit_flows
    by_sex = [known.get((scenario, scheme, benefit, sex)) for sex in SEXES]
    if any(of is None for of in by_sex):
        return
    of_sex = [of for of in by_sex if of is not None]
    rows = {"Opening": ("opening",), "New awards": ("new",), "Terminations": tuple(CAUSES)}
    rows |= {f"Terminations: {label}": (cause,) for cause, label in CAUSES.items()}
    rows[CLOSING] = ("closing",)
    for row, parts in rows.items():
        persons = [math.fsum(of[part] for part in parts) for of in of_sex]
        yield row, "", math.fsum(persons)
        for sex, value in zip(SEXES, persons, strict=True):
            yield row, f"sex={sex}", value


def benefit_levels(sums: Sums, accounts: Sequence[Sequence[Account]]) -> list[Row]:
    """Return table B4: level of each benefit (column), LCU a month and against wages and lines."""
    table = TableRows("B4", sums.contents.year)
    for scenario, of_scenario in enumerate(accounts):
        for account in of_scenario:
            for b in account.scheme.benefits:
                _levels(table, sums, scenario, account, b)
    return table.rows


def _levels(table: TableRows, sums: Sums, scenario: int, account: Account, b: Benefit) -> None:
    name, scheme = account.scenario, account.scheme.id

    def total(statistic: str) -> float:
        return sums.total(scenario, "benefit", scheme, b.id, statistic)

    def add(row: str, value: float, unit: str, group: str = "", n: int = -1) -> None:
        table.add(
            name, row, value, unit, column=b.id, scheme=scheme, function=b.function, group=group,
            n=n,
        )  # fmt: skip

    amount, months = total("amount"), total("months")
    n = sums.n(scenario, Measure("benefit", scheme, b.id, "months"))
    average = ratio(amount, months)
    gdp = frame_value(sums.contents, "gdp")
    add("Expenditure", amount / 1e6, "LCU million")
    add("Expenditure, % GDP", 100 * ratio(amount, gdp), "% GDP")
    add("Arrears (entitlement not paid)", (total("entitlement") - amount) / 1e6, "LCU million")
    add("Average monthly benefit", average, "LCU/month", n=n)
    for group, value, households in _averages(sums, scenario, scheme, b.id):
        add("Average monthly benefit", value, "LCU/month", group, households)
    add("Average new award", math.nan, "LCU/month")
    extremes = sums.cells.extremes.get((name, scheme, b.id), (math.nan, math.nan))
    add("Smallest benefit (December)", extremes[0], "LCU/month", n=n)
    add("Largest benefit (December)", extremes[1], "LCU/month", n=n)
    add("Legal minimum", math.nan if b.minimum is None else b.minimum, "LCU/month")
    at_minimum = math.nan if b.minimum is None else total("at_minimum_months")
    add("Recipients at the minimum", 100 * ratio(at_minimum, months), "%", n=n)
    for row, level in _yardsticks(sums):
        add(f"Average benefit, % of {row}", 100 * ratio(average, level), "%", n=n)


def _averages(sums: Sums, scenario: int, scheme: str, benefit: str) -> list[tuple[str, float, int]]:
    amount, months = (Measure("benefit", scheme, benefit, s) for s in ("amount", "months"))
    if amount not in sums.position or months not in sums.position:
        return []
    pairs = zip(
        sums.groups(scenario, amount, "sex"), sums.groups(scenario, months, "sex"), strict=True
    )
    return [(group, ratio(paid, of), n) for (group, paid, _), (_, of, n) in pairs]


def _yardsticks(sums: Sums) -> list[tuple[str, float]]:
    wages = [
        ("average wage", monthly(sums, "average_wage")),
        ("minimum wage", monthly(sums, "minimum_wage")),
    ]
    lines = [(f"poverty line {k}", v) for k, v in sums.contents.poverty_lines.items()]
    return wages + lines
