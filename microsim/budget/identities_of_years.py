"""Identities of a projection: from one year to the next, and of the tables made over years."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from microsim.budget.accounts import Account
from microsim.budget.beneficiaries import CAUSES, CLOSING
from microsim.budget.consolidation import TOTAL_EXPENDITURE
from microsim.budget.cumulated import CUMULATED
from microsim.budget.frame_tables import POPULATION
from microsim.budget.government_account import OUTLAY
from microsim.budget.key_figures import government_outlay
from microsim.budget.ledger import Ledger, Side
from microsim.budget.per_head import PER_HEAD
from microsim.budget.population_account import OPENING, left_out
from microsim.budget.rows import MILLION, difference_name
from microsim.budget.sums import Sums, add_up
from microsim.results.classifications import account_row
from microsim.results.contents import SEXES, Contents, Measure, Row

Accounts = Sequence[Sequence[Sequence[Account]]]


def identities_of_years(
    years: Sequence[Contents], rows: Mapping[int, Sequence[Row]], accounts: Accounts
) -> Iterator[Side]:
    """Yield I-01, I-03 and I-07 between years, I-15 (C8), I-16 (cumulated) and I-18 (per head).

    Parameters
    ----------
    years
        Contents of each year.
    rows
        Tables by year.
    accounts
        By year, scenario and scheme.
    """
    ledgers = [
        Ledger(contents, rows[contents.year], Sums(contents), [list(of) for of in of_year])
        for contents, of_year in zip(years, accounts, strict=True)
    ]
    for k, ledger in enumerate(ledgers):
        if k:
            yield from _population(ledger, ledgers[k - 1])
            yield from _beneficiaries(ledger, ledgers[k - 1])
            yield from _reserves(ledger, ledgers[k - 1])
        yield from _government(ledger)
        yield from _per_head(ledger)
    yield from _cumulated(ledgers)


def _population(ledger: Ledger, before: Ledger) -> Iterator[Side]:
    year = ledger.contents.year
    for name in dict.fromkeys(ledger.contents.scenarios):
        for group in dict.fromkeys(r.group for r in ledger.find(name, "A2")):
            key = {"group": group}
            opening, births, deaths, net, closing = (
                ledger.value(name, "A2", row=row, **key)
                for row in (OPENING, "Births", "Deaths", "Net migration", CLOSING)
            )
            people = f", {group}" if group else ""
            what = f"opening + births - deaths + net migration = closing{people}, {year}"
            left = math.fsum((opening, births, -deaths, net))
            yield Side("I-01", name, what, left, closing, max(opening, closing))
            sexes = (group.removeprefix("sex="),) if group else SEXES
            earlier = before.value(name, "A1", row="Total", **key)
            earlier = math.fsum((earlier, left_out(before.contents, name, sexes)))
            what = f"population opens as it closed the year before{people}, {year}"
            yield Side("I-01", name, what, opening, earlier)


def _beneficiaries(ledger: Ledger, before: Ledger) -> Iterator[Side]:
    year, earlier = ledger.contents.year, before.contents.benefit_flows
    for key, flows in ledger.contents.benefit_flows.items():
        name, scheme, benefit, sex = key
        of = f"{scheme} {benefit}, sex={sex}, {year}"
        opening, closing = flows["opening"], flows["closing"]
        left = math.fsum((opening, flows["new"], *(-flows[cause] for cause in CAUSES)))
        what = f"recipients: opening + new - terminations = closing, {of}"
        yield Side("I-03", name, what, left, closing, max(opening, closing))
        if key in earlier:
            what = f"recipients open as they closed the year before, {of}"
            yield Side("I-03", name, what, opening, earlier[key]["closing"])
        ever = Measure("benefit", scheme, benefit, "ever")
        if ever in ledger.sums.position:
            number = ledger.contents.scenarios.index(name)
            received = add_up(ledger.sums.persons(number, ever)[SEXES.index(sex)])
            what = f"recipients: closing = received in the year, {of}"
            yield Side("I-03", name, what, closing, received)
    yield from _flows_as_printed(ledger)


def _flows_as_printed(ledger: Ledger) -> Iterator[Side]:
    """The rows of B3 add up, where none is suppressed."""
    for name in ledger.contents.scenarios:
        for row in ledger.find(name, "B3", row=CLOSING):
            key = {"scheme": row.scheme, "column": row.column, "group": row.group}
            opening, new, ended = (
                ledger.value(name, "B3", row=other, **key)
                for other in ("Opening", "New awards", "Terminations")
            )
            of = f"{row.scheme} {row.column}" + (f", {row.group}" if row.group else "")
            what = f"rows of B3 add up, {of}, {row.year}"
            if row.status == "ok":
                left = math.fsum((opening, new, -ended))
                yield Side("I-03", name, what, left, row.value, max(opening, row.value))


def _reserves(ledger: Ledger, before: Ledger) -> Iterator[Side]:
    year = ledger.contents.year
    for number, name in enumerate(ledger.contents.scenarios):
        for account in ledger.accounts[number]:
            key = {"scheme": account.scheme.id}
            opening = ledger.value(name, "C6", row=account_row(21), **key)
            closing = before.value(name, "C6", row=account_row(22), **key)
            if not (math.isnan(opening) and math.isnan(closing)):
                what = f"reserve opens as it closed the year before, {account.scheme.id}, {year}"
                yield Side("I-07", name, what, opening, closing)


def _government(ledger: Ledger) -> Iterator[Side]:
    for number, name in enumerate(ledger.contents.scenarios):
        whole = [a for a in ledger.accounts[number] if not a.scheme.partial]
        right = ledger.value(name, "C8", row=OUTLAY, column="current prices")
        what = f"general revenue and earmarked taxes of schemes = C8, {ledger.contents.year}"
        yield Side("I-15", name, what, government_outlay(whole) / MILLION, right)


def _per_head(ledger: Ledger) -> Iterator[Side]:
    if POPULATION not in ledger.sums.position:
        return
    for number, name in enumerate(ledger.contents.scenarios):
        persons = add_up(ledger.sums.persons(number, POPULATION))
        each = ledger.value(name, "C9", row=PER_HEAD)
        total = ledger.value(name, "C7", row=TOTAL_EXPENDITURE, column="current prices")
        what = f"per head x population = total expenditure, {ledger.contents.year}"
        if persons:
            yield Side("I-18", name, what, each * persons / MILLION, total)


def _cumulated(ledgers: Sequence[Ledger]) -> Iterator[Side]:
    """Changes added up over the years are the change of what is added up."""
    contents = ledgers[-1].contents
    for reform in contents.scenarios[1:]:
        name = difference_name(reform, contents.scenarios[0])
        for row in ledgers[-1].find(name, "C10", column=f"difference, {CUMULATED}"):
            changes, sizes = [], []
            for ledger in ledgers:
                key = {"row": row.row, "function": row.function}
                change = ledger.value(name, "C10", column="difference", **key)
                changes.append(0.0 if math.isnan(change) else change)
                for column in ("status quo", "reform"):
                    size = ledger.value(name, "C10", column=column, **key)
                    sizes.append(0.0 if math.isnan(size) else abs(size))
            if not math.isnan(row.value):
                what = f"cumulated difference = sum of the years' differences, {row.row}"
                yield Side("I-16", name, what, row.value, math.fsum(changes), math.fsum(sizes))
