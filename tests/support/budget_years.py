"""Builds the contents of a projection for tests of tables and reports: a pension fund, a fund with
members' accounts, a closed scheme and a grant, with people who are born, die, come and go.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from budget_contents import SHAPE, contents, frame, given, scheme

from microsim.results.contents import (
    SEXES,
    Alignment,
    Assumption,
    Benefit,
    Contribution,
    FrameValue,
    Fund,
    Measure,
)

FIRST, LAST = 2025, 2032
PAID = (("pension", "old"), ("closed", "service"), ("savings", "drawn"), ("grant", "child"))
MEASURES = (
    Measure("population", "", "", "persons"),
    *(Measure("benefit", of, item, s) for of, item in PAID
      for s in ("amount", "entitlement", "months", "ever", "december", "covered")),
    *(Measure("scheme", of, "", s) for of in ("pension", "savings", "closed")
      for s in ("contributor_months", "contributor_ever", "contributor_december", "insurable",
                "covered_wages")),
    *(Measure("contribution", of, c, s) for of, c in (
        ("pension", "employee"), ("pension", "employer"), ("savings", "employee"),
        ("savings", "government")) for s in ("amount", "due")),
    Measure("fund", "savings", "", "balances"),
    Measure("fund", "pension", "", "new_awards"),
    *(Measure("fund", of, item, s) for of, item in PAID[:2] for s in ("closed", "accrued")),
    Measure("coverage", "", "older", "covered"), Measure("coverage", "", "older", "target"),
)  # fmt: skip


def years(
    seed=1, scenarios=("baseline", "R1"), lives_of=(), reform=1.1, first=FIRST, last=LAST,
    interest=0.06,
):  # fmt: skip
    """Return consistent contents of each year; a reform pays `reform` times the pension."""
    rng = np.random.default_rng(seed)
    people = [_people(rng) for _ in range(len(set(lives_of)) or 1)]
    found, before = [], {}
    for year in range(first, last + 1):
        one = _year(rng, year, scenarios, lives_of, people, reform, (first, last), interest)
        recipients = {
            (name, of, item, sex): one.cells.persons[i, MEASURES.index(
                Measure("benefit", of, item, "ever"))][k].sum()
            for i, name in enumerate(scenarios) for of, item in PAID
            for k, sex in enumerate(SEXES)
        }  # fmt: skip
        if before:
            flows = {key: _benefit_flow(before[key], now) for key, now in recipients.items()}
            one = dataclasses.replace(one, benefit_flows=flows)
        found.append(one)
        before = recipients
    return found


def _people(rng):
    """Return persons by sex, age group and status; children have status 0 and only they."""
    population = rng.integers(100_000, 900_000, SHAPE).astype(float)
    population[:, 2:, 0] = 0
    population[:, :2, 1:] = 0
    return population


def _benefit_flow(opening, closing):
    death, emigration, other = 0.03 * opening, 0.01 * opening, 0.02 * opening
    new = closing - opening + death + emigration + other
    return {
        "opening": opening, "new": new, "death": death, "emigration": emigration,
        "other": other, "closing": closing,
    }  # fmt: skip


def _step(rng, population):
    """Return the people a year later and the flows by sex."""
    after = population * rng.uniform(0.98, 1.05, SHAPE)
    flows = []
    for k in range(2):
        opening, closing = population[k].sum(), after[k].sum()
        births, deaths, immigrants = 0.03 * opening, 0.01 * opening, 0.004 * opening
        flows.append({
            "births": births, "deaths": deaths, "immigrants": immigrants,
            "emigrants": opening + births - deaths + immigrants - closing,
        })  # fmt: skip
    return after, flows


def _year(rng, year, scenarios, lives_of, people, reform, horizon, interest):
    flows = []
    for g, population in enumerate(people):
        if year > horizon[0]:
            people[g], of = _step(rng, population)
            flows.append(of)
    group = lives_of or (0,) * len(scenarios)
    level = 1.04 ** (year - horizon[0])
    cells = np.zeros((len(scenarios), len(MEASURES), *SHAPE))
    for i in range(len(scenarios)):
        _fill(cells[i], people[group[i]], level, reform if i else 1.0, year - horizon[0])
    by_scenario = {
        (name, sex): flows[group[i]][k]
        for i, name in enumerate(scenarios) for k, sex in enumerate(SEXES) if flows
    }  # fmt: skip
    macro = frame(gdp=4e13 * level, government_expenditure=1e13 * level, average_wage=5e4 * level,
                  cpi=level, minimum_wage=1.5e4 * level, tax_revenue=6e12 * level)  # fmt: skip
    if interest is not None:
        macro["interest"] = FrameValue(interest, "share", "assumption")
    return contents(
        _schemes(year, horizon[0]), MEASURES, cells, scenarios=scenarios, year=year, frame=macro,
        horizon=horizon, flows=by_scenario, lives_of=lives_of,
        household_residuals=(0.0,) * len(scenarios),
        assumptions=(
            Assumption("inflation", 0.05, 0.03, 0.07, "share", "central bank", "data"),
            Assumption("wages above prices", 0.01, np.nan, np.nan, "share", "none", "assumption"),
        ),
        alignment=(
            (Alignment("births", 1000.0, 1001.0, chance=20.0, expected=1002.0),) if flows else ()
        ),
    )  # fmt: skip


def _schemes(year, first):
    opening = {"opening": 1.5e11} if year == first else {}
    pensions = Fund("defined benefit", "mid-year", 0.07, target_ratio=3.0, **opening)
    savings = Fund(
        "defined contribution", "half-interest", 0.08,
        opening=2e11 if year == first else None,
    )  # fmt: skip
    return (
        scheme(
            "pension",
            contributions=(Contribution("employee", "employees"),
                           Contribution("employer", "employers")),
            benefits=(Benefit("old", "OLD", "cash periodic", False, "person"),),
            administration_basis="share_of_benefits", administration_value=0.03,
            has_insurable_earnings=True, fund=pensions,
        ),
        scheme(
            "savings",
            contributions=(Contribution("employee", "employees"),
                           Contribution("government", "government")),
            benefits=(Benefit("drawn", "OLD", "cash lump sum", False, "person"),),
            has_insurable_earnings=True, fund=savings,
        ),
        scheme(
            "closed", contributory=False,
            benefits=(Benefit("service", "OLD", "cash periodic", False, "person"),),
            has_insurable_earnings=True, balance="general_revenue",
            fund=Fund("defined benefit", closed=True),
        ),
        scheme(
            "grant", "universal", contributory=False,
            benefits=(Benefit("child", "FAM", "cash periodic", False, "household"),),
            given=(given("external", 1000),), balance="general_revenue",
        ),
    )  # fmt: skip


def _fill(cells, population, level, reform, t):
    def put(kind, of, item, statistic, values):
        cells[MEASURES.index(Measure(kind, of, item, statistic))] = values

    put("population", "", "", "persons", population)
    old, young, of_age = (np.zeros(SHAPE) for _ in range(3))
    old[:, 5:], young[:, :2] = population[:, 5:], population[:, :2]
    of_age[:, 2:5, 1:4] = population[:, 2:5, 1:4]
    receive = {
        ("pension", "old"): (0.2 * old, 3_000 * level * reform),
        ("closed", "service"): (0.05 * old * 0.97**t, 20_000 * level),
        ("savings", "drawn"): (0.01 * old, 30_000 * level),
        ("grant", "child"): (0.1 * young, 500 * level),
    }
    for (of, item), (persons, amount) in receive.items():
        put("benefit", of, item, "amount", 12 * persons * amount)
        put("benefit", of, item, "entitlement", 12 * persons * amount)
        put("benefit", of, item, "months", 12 * persons)
        for statistic in ("ever", "december", "covered"):
            put("benefit", of, item, statistic, persons)
        if (of, item) in PAID[:2]:
            put("fund", of, item, "closed", 12 * persons * amount * 0.98**t)
            put("fund", of, item, "accrued", 12 * persons * amount * 0.9**t)
    for of, share in (("pension", 0.5), ("savings", 0.2), ("closed", 0.05)):
        persons = share * of_age
        earnings = 12 * persons * 40_000 * level
        for statistic, values in (
            ("contributor_months", 12 * persons), ("contributor_ever", persons),
            ("contributor_december", persons), ("insurable", earnings),
            ("covered_wages", earnings),
        ):  # fmt: skip
            put("scheme", of, "", statistic, values)
        for item, rate in {
            "pension": {"employee": 0.03, "employer": 0.03},
            "savings": {"employee": 0.05, "government": 0.1},
        }.get(of, {}).items():
            put("contribution", of, item, "amount", rate * earnings)
            put("contribution", of, item, "due", rate * earnings)
    put("fund", "savings", "", "balances", 100_000 * level * (t + 1) * of_age)
    put("fund", "pension", "", "new_awards", 50_000 * level * reform * 0.2 * old)
    put("coverage", "", "older", "target", old)
    put("coverage", "", "older", "covered", 0.25 * old * min(reform, 2.0))
