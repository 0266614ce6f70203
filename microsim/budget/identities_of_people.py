"""Identities between counts of people, benefits and earnings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from microsim.budget.ledger import Ledger, Side
from microsim.budget.sums import (
    EMPLOYED,
    WORKING_AGE_GROUPS,
    add_up,
)
from microsim.results.classifications import account_row
from microsim.results.contents import Measure

POPULATION = Measure("population", "", "", "persons")


def people_identities(ledger: Ledger) -> Iterator[Side]:
    """Yield identities I-02, I-04, I-09 to I-13 (places), I-17 (poverty) and I-19."""
    for number, name in enumerate(ledger.contents.scenarios):
        yield from _labour_force(ledger, number)
        yield from _contributors(ledger, number)
        yield from _places(ledger, number)
        yield from _products(ledger, number)
        yield from _coverage(ledger, number)
        yield from _poverty_groups(ledger, name)


def _labour_force(ledger: Ledger, number: int) -> Iterator[Side]:
    name = ledger.contents.scenarios[number]
    for group in dict.fromkeys(r.group for r in ledger.find(name, "A3")):

        def figure(row: str, group: str = group) -> float:
            return ledger.value(name, "A3", row=row, group=group)

        parts = math.fsum(
            r.value for r in ledger.find(name, "A3", group=group) if r.row.startswith("of which ")
        )
        adults, force, employed = map(figure, ("Population 15+", "Labour force", "Employed"))
        people = f", {group}" if group else ""
        what = f"population 15+ = labour force + inactive{people}"
        yield Side("I-02", name, what, adults, force + figure("Inactive"))
        what = f"labour force = employed + unemployed{people}"
        yield Side("I-02", name, what, force, employed + figure("Unemployed"))
        yield Side("I-02", name, f"employed = sum of statuses{people}", employed, parts)
        inactive = math.fsum(
            r.value for r in ledger.find(name, "A3", group=group) if r.row.startswith("inactive: ")
        )
        what = f"inactive = sum of statuses{people}"
        yield Side("I-02", name, what, figure("Inactive"), inactive)


def _contributors(ledger: Ledger, number: int) -> Iterator[Side]:
    sums, name = ledger.sums, ledger.contents.scenarios[number]
    for account in ledger.accounts[number]:
        scheme = account.scheme.id
        months = Measure("scheme", scheme, "", "contributor_months")
        if months not in sums.position:
            continue
        average = sums.persons(number, months) / 12
        rows = list(ledger.find(name, "B1", row="Average contributors", scheme=scheme))
        total = next((r.value for r in rows if not r.group), math.nan)
        for axis in ("sex", "status"):
            parts = [r for r in rows if r.group.startswith(f"{axis}=") and ";" not in r.group]
            if parts and all(r.status == "ok" for r in [*parts, rows[0]]):
                added = math.fsum(r.value for r in parts)
                yield Side("I-04", name, f"contributors by {axis} add up, {scheme}", added, total)
        if POPULATION in sums.position:
            persons = sums.persons(number, POPULATION)
            excess = float(np.max(average - persons, initial=0.0))
            what = f"largest excess of contributors over persons of a status, {scheme}"
            scale = float(np.max(persons, initial=0.0))
            yield Side("I-04", name, what, excess, 0.0, scale, at_most=True)


def _places(ledger: Ledger, number: int) -> Iterator[Side]:
    sums, name = ledger.sums, ledger.contents.scenarios[number]
    for measure in sums.cells.measures:
        persons, places = sums.persons(number, measure), sums.places(number, measure)
        scale = add_up(np.abs(persons))
        what = (
            f"sum over persons = sum over places, {measure.kind} {measure.scheme} "
            f"{measure.item} {measure.statistic}"
        )
        yield Side("I-13", name, what, add_up(persons), add_up(places), scale)


def _products(ledger: Ledger, number: int) -> Iterator[Side]:
    name, sums = ledger.contents.scenarios[number], ledger.sums
    for account in ledger.accounts[number]:
        scheme = account.scheme.id
        for b in account.scheme.benefits:
            amount = sums.total(number, "benefit", scheme, b.id, "amount")
            key = {"scheme": scheme, "column": b.id, "group": ""}
            people = ledger.value(name, "B3", row="Average in year", **key)
            average = ledger.value(name, "B4", row="Average monthly benefit", **key)
            if b.kind == "cash periodic" and not any(map(math.isnan, (amount, people, average))):
                what = f"expenditure = average recipients x average benefit x 12, {scheme} {b.id}"
                yield Side("I-09", name, what, amount, people * average * 12)
                yield from _gdp_decomposition(ledger, number, scheme, b.id, amount, people)
        yield from _contribution_product(ledger, number, scheme)
        yield from _payg(ledger, number, scheme)


def _contribution_product(ledger: Ledger, number: int, scheme: str) -> Iterator[Side]:
    name, sums = ledger.contents.scenarios[number], ledger.sums
    account = next(a for a in ledger.accounts[number] if a.scheme.id == scheme)
    contributors = ledger.value(name, "B1", row="Average contributors", scheme=scheme, group="")
    average = ledger.value(name, "B2", row="Average insurable earnings", scheme=scheme)
    for c in account.scheme.contributions:
        amount = sums.total(number, "contribution", scheme, c.id, "amount")
        due = sums.total(number, "contribution", scheme, c.id, "due")
        compliance = ledger.value(name, "B1", row="Compliance", scheme=scheme, column=c.id)
        base = contributors * average * 12
        if any(map(math.isnan, (amount, due, compliance, base))) or not base:
            continue
        product = base * (due / account.insurable) * compliance / 100
        what = f"contributions = contributors x earnings x rate x compliance, {scheme} {c.id}"
        yield Side("I-10", name, what, amount, product)


def _payg(ledger: Ledger, number: int, scheme: str) -> Iterator[Side]:
    name = ledger.contents.scenarios[number]
    account = next(a for a in ledger.accounts[number] if a.scheme.id == scheme)
    dependency = ledger.value(name, "B5", row="Beneficiaries / contributors", scheme=scheme)
    replacement = ledger.value(
        name, "B5", row="Average benefit / average insurable earnings", scheme=scheme
    )
    rate = ledger.value(name, "C6", row=account_row(26), scheme=scheme)
    if any(map(math.isnan, (dependency, replacement, rate))):
        return
    rest = account.total_expenditure - account.benefits_where(given=False)
    product = dependency * replacement / 100 + 100 * rest / account.insurable
    what = f"PAYG cost rate = dependency x replacement + rates of other outlay, {scheme}"
    yield Side("I-11", name, what, rate, product)


def _gdp_decomposition(
    ledger: Ledger, number: int, scheme: str, benefit: str, amount: float, people: float
) -> Iterator[Side]:
    gdp = ledger.contents.frame.get("gdp")
    if gdp is None or not gdp.value or POPULATION not in ledger.sums.position or not people:
        return
    persons = ledger.sums.persons(number, POPULATION)
    everyone, employed = add_up(persons), add_up(persons[:, :, list(EMPLOYED)])
    of_age = add_up(persons[:, WORKING_AGE_GROUPS])
    if not (employed and of_age):
        return
    product = (
        (people / everyone)
        * (everyone / of_age)
        * (of_age / employed)
        * ((amount / people) / (gdp.value / employed))
    )
    name = ledger.contents.scenarios[number]
    share = ledger.value(
        name, "B4", row="Expenditure, % GDP", column=benefit, scheme=scheme, group=""
    )
    what = f"% GDP = product of its four ratios, {scheme} {benefit}"
    yield Side("I-12", name, what, share, 100 * product)


def _coverage(ledger: Ledger, number: int) -> Iterator[Side]:
    name, sums = ledger.contents.scenarios[number], ledger.sums
    rates = [r.value for r in ledger.find(name, "B6", column="rate") if r.status == "ok"]
    if rates:
        yield Side("I-19", name, "largest coverage rate <= 100 %", max(rates), 100.0, at_most=True)
        what = "coverage rates are not negative"
        yield Side("I-19", name, what, -min(rates), 0.0, scale=1.0, at_most=True)
    pensions = sums.total(number, "income", "", "pension_income", "amount")
    covered = sums.total(number, "coverage", "", "any", "covered")
    if math.isnan(covered) or pensions > 0:
        return  # recipients of pensions that come with the data are in no programme's count
    programmes = [
        sums.total(number, m.kind, m.scheme, m.item, m.statistic)
        for m in sums.cells.measures
        if (m.kind, m.statistic) in (("benefit", "covered"), ("scheme", "contributor_ever"))
    ]
    what = "persons covered, each once <= beneficiaries and contributors of all programmes"
    yield Side("I-19", name, what, covered, math.fsum(programmes), at_most=True)


def _poverty_groups(ledger: Ledger, name: str) -> Iterator[Side]:
    """Group poverty, weighted by group size, gives national poverty (FGT indices)."""
    rows = list(ledger.find(name, "D1"))
    national = {(r.row, r.column): r for r in rows if not r.group and r.row.startswith("FGT")}
    persons = {(r.column, r.group): r.value for r in rows if r.row == "Persons"}
    parts: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for r in rows:
        if r.group and (r.row, r.column) in national:
            key = (r.row, r.column, r.group.split("=")[0])
            size = persons.get((r.column, r.group), math.nan)
            parts.setdefault(key, []).append((size, r.value))
    for (row, column, axis), figures in parts.items():
        if any(math.isnan(v) for pair in figures for v in pair):
            continue  # a suppressed group
        everyone = math.fsum(size for size, _ in figures)
        added = math.fsum(size * value for size, value in figures) / everyone
        whole = national[row, column].value
        yield Side("I-17", name, f"{row} of {axis} groups adds up, {column}", added, whole)
