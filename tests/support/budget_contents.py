"""Builds run contents for tests of results, tables and reports: a worked case and random ones."""

from __future__ import annotations

import numpy as np

from microsim.results.contents import (
    AGES,
    SEXES,
    STATUSES,
    Benefit,
    Cells,
    Contents,
    Contribution,
    FrameValue,
    GivenLine,
    Measure,
    Records,
    Scheme,
    Tax,
)

SHAPE = (len(SEXES), len(AGES), len(STATUSES))
SOURCE = "worked case"
M = 1e6


def scheme(identity, pillar="social insurance", contributory=True, given=(), **rest):
    """Return a scheme with neutral metadata."""
    keys = {
        "id": identity, "label": identity, "pillar": pillar, "contributory": contributory,
        "partial": False, "contributions": (), "benefits": (), "given": tuple(given),
    }  # fmt: skip
    return Scheme(**{**keys, **rest})


def given(line, millions, function="", kind="", means_tested=False, partner=""):
    """Return a given line of so many million."""
    return GivenLine(line, millions * M, SOURCE, function, kind, means_tested, partner)


def benefit(function, kind, millions, means_tested=False):
    """Return a given benefit line."""
    return given("benefits", millions, function, kind, means_tested)


def frame(**values):
    """Return a macro frame; unnamed series are not given."""
    names = ("gdp", "government_expenditure", "average_wage", "minimum_wage", "cpi")
    return {
        name: FrameValue(values.get(name), "currency/year", SOURCE)
        for name in {**dict.fromkeys(names), **values}
    }


def contents(
    schemes, measures, persons, *, scenarios=("SQ",), taxes=(), places=None, n=None, **rest
):
    """Return contents with one region unless `places` says otherwise."""
    persons = np.asarray(persons, dtype=np.float64).reshape(len(scenarios), len(measures), *SHAPE)
    if places is None:
        places = persons.sum(axis=(2, 3, 4))[:, :, None, None] * np.array([[[[0.0, 1.0]]]])
    if n is None:
        n = np.where(persons != 0, 100, 0)
    keys = {
        "scenarios": tuple(scenarios), "labels": tuple(scenarios), "country": "TST",
        "currency": "LCU", "year": 2025, "schemes": tuple(schemes), "taxes": tuple(taxes),
        "frame": frame(), "poverty_lines": {}, "retirement_age": (60.0, 60.0),
        "regions": ("whole country",), "equivalence": "per capita",
        "welfare_meaning": "income", "records": None,
        "cells": Cells(tuple(measures), persons, np.asarray(n, dtype=np.int64), np.asarray(places)),
    }  # fmt: skip
    return Contents(**{**keys, **rest})


def mini_social_budget():
    """Return the mini social budget of DOMAIN.md W32: three schemes, all amounts given."""
    nssf = scheme("NSSF", given=[
        given("contributions employers", 1200), given("contributions employees", 800),
        given("contributions self-employed", 100), given("investment income", 350),
        given("other receipts", 10), benefit("OLD", "cash periodic", 1100),
        benefit("OLD", "cash lump sum", 30), benefit("SUR", "cash periodic", 200),
        benefit("DIS", "cash periodic", 120), given("administration", 90),
        given("transfers to schemes", 60, partner="NHIS"), given("reserve opening", 5000),
    ])  # fmt: skip
    nhis = scheme("NHIS", given=[
        given("contributions employers", 400), given("contributions employees", 400),
        given("contributions self-employed", 50), given("earmarked taxes", 500),
        given("investment income", 20), benefit("HEALTH", "in kind", 1200),
        benefit("SICK", "cash periodic", 80), benefit("MAT", "cash periodic", 60),
        given("administration", 70),
    ])  # fmt: skip
    sct = scheme("SCT", "social assistance", contributory=False, given=[
        given("general revenue", 700), given("external", 100),
        benefit("OLD", "cash periodic", 200), benefit("FAM", "cash periodic", 500, True),
        benefit("FAM", "in kind", 20), given("administration", 80),
    ])  # fmt: skip
    insurable = np.zeros((1, 1, *SHAPE))
    insurable[0, 0, 0, 3, 2] = 20_000 * M
    return contents(
        (nssf, nhis, sct),
        (Measure("scheme", "NSSF", "", "insurable"),),
        insurable,
        frame=frame(gdp=100_000 * M, government_expenditure=25_000 * M, cpi=120.0, cpi_base=100.0,
                    price_base_year=2020),
    )  # fmt: skip


MEASURES = (
    Measure("population", "", "", "persons"),
    *(Measure("benefit", "pension", "old", s) for s in (
        "amount", "entitlement", "months", "ever", "december", "covered", "eligible_months",
        "at_minimum_months")),
    *(Measure("benefit", "grant", "child", s) for s in (
        "amount", "entitlement", "months", "ever", "december", "covered", "eligible_months",
        "at_minimum_months")),
    *(Measure("contribution", "pension", c, s) for c in ("employee", "employer")
      for s in ("amount", "due")),
    *(Measure("scheme", "pension", "", s) for s in (
        "contributor_months", "contributor_ever", "contributor_december", "insurable",
        "covered_wages")),
    *(Measure("tax", "", t, s) for t in ("paye", "levy") for s in ("amount", "payers")),
    Measure("income", "", "disposable", "amount"),
    Measure("income", "", "market", "amount"),
    *(Measure("coverage", "", i, s) for i in (
        "any", "children", "mothers", "disability", "unemployed", "older", "work_injury",
        "vulnerable", "households_with_children") for s in ("covered", "target")),
)  # fmt: skip


def random_contents(seed, scenarios=("SQ", "R1")):
    """Return consistent random contents of two schemes and two taxes in several scenarios."""
    rng = np.random.default_rng(seed)
    position = {m: i for i, m in enumerate(MEASURES)}
    cells = np.zeros((len(scenarios), len(MEASURES), *SHAPE))
    population = rng.integers(0, 2_000_000, SHAPE).astype(float)
    population[:, 2:, 0] = 0
    population[:, :2, 1:] = 0
    market = population * rng.uniform(0, 50_000)
    for i in range(len(scenarios)):
        _fill(cells[i], position, population, market, rng)
    share = rng.dirichlet((1.0, 1.0, 1.0, 1.0)).reshape(2, 2)
    places = cells.sum(axis=(2, 3, 4))[:, :, None, None] * share
    n = np.where(cells != 0, rng.integers(1, 400, cells.shape), 0)
    return contents(
        _random_schemes(rng),
        MEASURES,
        cells,
        scenarios=scenarios,
        places=places,
        n=n,
        regions=("north", "south"),
        taxes=(Tax("paye", "Pay as you earn", "income tax", "households"),
               Tax("levy", "Levy", "earmarked tax", "corporations", "grant")),
        frame=frame(gdp=float(rng.uniform(1e12, 1e13)), average_wage=50_000.0, cpi=110.0,
                    government_expenditure=2e11, minimum_wage=15_000.0),
        poverty_lines={"national": 4_000.0},
        household_residuals=(1e-12,) * len(scenarios),
    )  # fmt: skip


def _random_schemes(rng):
    partial = bool(rng.integers(0, 2))
    return (
        scheme(
            "pension",
            contributions=(
                Contribution("employee", "employees"), Contribution("employer", "employers"),
            ),
            benefits=(Benefit("old", "OLD", "cash periodic", False, "person", 1_000.0, True),),
            given=(given("investment income", 30), given("reserve opening", 900),
                   given("transfers to schemes", 5, partner="grant"),
                   benefit("SUR", "cash periodic", 12)),
            administration_basis="share_of_contributions", administration_value=0.03,
            has_insurable_earnings=True,
        ),
        scheme(
            "grant", "universal", contributory=False,
            benefits=(Benefit("child", "FAM", "cash periodic", False, "household", None, True),),
            administration_basis="share_of_benefits", administration_value=0.05,
            balance="general_revenue", external=0.1,
        ),
        scheme(
            "mutual", "micro-insurance", given=(benefit("HEALTH", "in kind", 7),), partial=partial,
        ),
    )  # fmt: skip


def _fill(cells, position, population, market, rng):
    def put(kind, of, item, statistic, values):
        cells[position[Measure(kind, of, item, statistic)]] = values

    put("population", "", "", "persons", population)
    cash = np.zeros(SHAPE)
    for of, item in (("pension", "old"), ("grant", "child")):
        ever = population * rng.uniform(0, 1, SHAPE)
        months = ever * rng.uniform(1, 12)
        amount = months * rng.uniform(100, 5_000)
        cash += amount
        for statistic, values in (
            ("amount", amount), ("entitlement", amount), ("months", months), ("ever", ever),
            ("december", ever * 0.9), ("covered", ever), ("eligible_months", months * 1.25),
            ("at_minimum_months", months * 0.1),
        ):  # fmt: skip
            put("benefit", of, item, statistic, values)
    contributors = np.zeros(SHAPE)
    contributors[:, 2:, 1:7] = population[:, 2:, 1:7] * rng.uniform(0, 1)
    months, insurable = contributors * 11, contributors * 11 * 20_000
    paid = np.zeros(SHAPE)
    for statistic, values in (
        ("contributor_months", months), ("contributor_ever", contributors),
        ("contributor_december", contributors), ("insurable", insurable),
        ("covered_wages", insurable * 1.3),
    ):  # fmt: skip
        put("scheme", "pension", "", statistic, values)
    for item, rate in (("employee", 0.06), ("employer", 0.07)):
        put("contribution", "pension", item, "due", insurable * rate)
        put("contribution", "pension", item, "amount", insurable * rate * 0.9)
        paid += insurable * rate * 0.9 if item == "employee" else 0
    put("tax", "", "paye", "amount", market * 0.1)
    put("tax", "", "paye", "payers", population * 0.3)
    put("tax", "", "levy", "amount", market * rng.uniform(0, 0.02))
    put("tax", "", "levy", "payers", population * 0.3)
    put("income", "", "market", "amount", market)
    put("income", "", "disposable", "amount", market + cash - market * 0.1 - paid)
    for measure in MEASURES:
        if measure.kind == "coverage" and measure.statistic == "target":
            put("coverage", "", measure.item, "target", population)
            share = rng.uniform(0, 0.2)
            put("coverage", "", measure.item, "covered", population * share)
    ever = [cells[position[Measure("benefit", of, i, "covered")]] for of, i in
            (("pension", "old"), ("grant", "child"))]  # fmt: skip
    put("coverage", "", "any", "covered", np.maximum(*ever))


def random_records(seed, n=400, n_scenarios=2, has_design=True):
    """Return household records with two benefits and a tax; reforms raise the first benefit."""
    rng = np.random.default_rng(seed)
    members = rng.integers(0, 2, (n, 2, 7)).astype(np.int16)
    members[:, 1, 3] += 1
    size = members.sum(axis=(1, 2)).astype(np.int64)
    market = rng.lognormal(9, 1, n)
    instruments = np.zeros((n_scenarios, n, 3))
    for i in range(n_scenarios):
        instruments[i, :, 0] = np.where(rng.random(n) < 0.4, 800.0 * (i + 1), 0.0)
        instruments[i, :, 1] = np.where(market < 6_000, 500.0, 0.0)
        instruments[i, :, 2] = -0.1 * market
    disposable = market + instruments.sum(axis=2)
    gross = market + instruments[:, :, :2].sum(axis=2)
    base = np.broadcast_to(market, (n_scenarios, n))
    concepts = np.stack([base, base, base * 0.9, gross, disposable], axis=2)
    return Records(
        household_id=np.arange(n), weight=rng.uniform(50, 150, n), size=size,
        equivalents=size.astype(float), members=members, region=rng.integers(0, 2, n),
        urban=rng.random(n) < 0.3, head_sex=rng.integers(0, 2, n),
        head_status=rng.integers(1, 13, n), n_disabled=(rng.random(n) < 0.1).astype(np.int64),
        psu=rng.integers(0, 40, n), stratum=rng.integers(0, 4, n), has_design=has_design,
        welfare=disposable / size, concepts=concepts, instruments=instruments,
        instrument_names=("child grant", "assistance", "income tax"),
    )  # fmt: skip
