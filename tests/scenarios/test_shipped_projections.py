"""The projections we ship: a law for every year, sources, worked cases, a scheme of each type."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from microsim.errors import FaultList
from microsim.files import month_index
from microsim.language.definitions import Location
from microsim.language.graph import Builder, Graph
from microsim.policy.dated import given_value, value_at
from microsim.policy.system import System
from microsim.policy.vocabulary import STANDARD_SERIES
from microsim.scenario.cases import HouseholdCase, load_cases
from microsim.scenario.economy import extended
from microsim.scenario.frame import Frame, Series
from microsim.scenario.scenario import Scenario, load_scenario
from microsim.shipped import folder
from microsim.simulation.engine_variables import engine_variables
from microsim.simulation.household import evaluate, region_labels, rules_of
from microsim.simulation.model import with_regions

SCENARIOS = Path(str(folder("scenarios")))
PROJECTIONS = (
    "kenya/pension_2060.yaml",
    "kenya/pension_formality_2060.yaml",
    "training/pension_2060.yaml",
)
YEARS = range(2025, 2061)


@pytest.fixture(params=PROJECTIONS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Return a shipped projection."""
    return loaded(str(request.param))


@cache
def loaded(name: str) -> Scenario:
    """Return a shipped scenario, read once."""
    return load_scenario(SCENARIOS / name)


def frame_to(scenario: Scenario) -> Frame:
    """Return the scenario's frame carried on, with round values for what a population gives."""
    series = {
        name: Series(name, unit, "round", {2025: 100.0}, Location("test", 1))
        for name, unit in STANDARD_SERIES.items()
    }
    frame = Frame(series | scenario.frame.series, "test")
    parameters = scenario.system.definitions.parameters
    people = np.ones((len(YEARS), 2, 121))
    shares = np.full((len(YEARS), 2, 121, 13), 1 / 13)

    def read(name: str, year: int) -> float:
        value = value_at(parameters[name], month_index(year, 12), yearly=True, frame=frame)
        assert isinstance(value, float)
        return value

    return extended(frame, read, people, shares, (YEARS[0], YEARS[-1])).frame


def graph_of(systems: list[System]) -> Graph:
    """Return the formulas of systems; raises with every fault of names, types and units."""
    graph, faults = Graph(), FaultList()
    for system in systems:
        Builder(graph, faults).add(
            engine_variables(with_regions(system, region_labels(system, ()))).definitions
        )
    faults.raise_if_any()
    return graph


def test_shipped_projections__hold_in_baseline_and_every_reform(scenario: Scenario) -> None:
    graph = graph_of(list(scenario.systems().values()))
    assert len(graph.systems) == 1 + len(scenario.reforms)
    assert len(graph.states) > 20


def test_shipped_projections__state_a_source_for_every_value(scenario: Scenario) -> None:
    for system in scenario.systems().values():
        for parameter in system.definitions.parameters.values():
            assert all(len(value.source) > 4 for value in parameter.values), parameter.name


def test_shipped_projections__have_a_law_for_every_month_to_the_last(scenario: Scenario) -> None:
    frame = frame_to(scenario)
    assert scenario.projection is not None
    assert scenario.projection.years == tuple(YEARS)
    for system in scenario.systems().values():
        for parameter in system.definitions.parameters.values():
            for year in YEARS:
                value_at(parameter, month_index(year, 1), yearly=True, frame=frame)
                for month in (1, 2, 7, 12):
                    value_at(parameter, month_index(year, month), frame=frame)
        for scheme in system.schemes.values():
            for given in scheme.given:
                assert all(given_value(given, year, frame) >= 0 for year in YEARS)


def test_kenya__keeps_the_rights_of_a_projection_out_of_a_run_of_one_year() -> None:
    one_year = loaded("kenya/floor.yaml").system
    projection = loaded(PROJECTIONS[0]).system
    same = set(one_year.definitions.variables) - set(projection.definitions.variables)
    assert same == set()  # everything a run of one year computes, a projection computes too
    assert graph_of([one_year]).states == {}
    pension_lines = [g.function for g in one_year.schemes["nssf"].given if g.line == "benefits"]
    assert pension_lines == ["OLD"]
    for name in ("nssf", "psss", "exchequer_pensions"):
        assert not any(given.line == "benefits" for given in projection.schemes[name].given)
        assert projection.schemes[name].benefits


def test_kenya_funds__are_of_the_kinds_the_law_makes_them() -> None:
    schemes = loaded(PROJECTIONS[0]).system.schemes
    kinds = {s.id: (s.fund.kind, s.fund.closed) for s in schemes.values() if s.fund is not None}
    assert kinds == {
        "nssf": ("defined contribution", False),
        "psss": ("defined contribution", False),
        "exchequer_pensions": ("defined benefit", True),
    }


# Of the training country: type of rule, scheme, its benefit, variables a worked case must show.
TYPES = {
    "flat accrual in steps": ("employees_fund", "old_age", ("accrual_rate", "accrual_award")),
    "base amount plus rate": (
        "workers_scheme",
        "old_age",
        ("base_full_formula", "base_flat_formula", "base_least", "base_pension"),
    ),
    "supplement for children": ("workers_scheme", "children", ("base_children",)),
    "best years": ("civil_service_fund", "old_age", ("best_reference_pay", "best_rate")),
    "average of the last years": ("local_government_fund", "old_age", ("last_reference",)),
    "points": ("points_scheme", "old_age", ("points_earned", "points_pension_year")),
    "notional accounts": ("notional_accounts", "old_age", ("notional_account", "notional_award")),
    "provident fund, lump sum": ("provident_fund", "lump_sum", ("provident_lump_sum",)),
    "provident fund, annuity": ("provident_fund", "annuity", ("provident_award",)),
    "universal by age": ("universal_pension", "pension", ("universal_pension",)),
    "pension-tested": ("tested_pension", "pension", ("tested_pension",)),
    "means-tested": ("means_pension", "pension", ("means_pension", "income_a_head")),
    "minimum, maximum, early, deferred": ("employees_fund", "old_age", ("accrual_adjustment",)),
    "refund without vesting": ("employees_fund", "refund", ("accrual_refund",)),
    "indexation in payment": ("employees_fund", "in_payment", ("accrual_in_payment_year",)),
    "invalidity, projected years": ("employees_fund", "invalidity", ("accrual_invalidity_year",)),
    "widows": ("employees_fund", "widows", ("survivors_claim", "accrual_widow_year")),
    "remarriage": ("employees_fund", "remarriage", ("accrual_remarriage",)),
    "orphans": ("employees_fund", "orphans", ("accrual_orphan_year",)),
    "several widows share": ("points_scheme", "survivors", ("points_of_widow",)),
    "unemployment, days used up": (
        "income_protection",
        "unemployment",
        ("unemployment_credits", "unemployment_rate"),
    ),
    "sickness, waiting days": ("income_protection", "sickness", ("sickness_paid_days",)),
    "maternity": ("income_protection", "maternity", ("maternity_benefit",)),
    "injury, temporary": ("income_protection", "injury", ("injury_benefit",)),
    "injury, small degree": ("income_protection", "injury_lump_sum", ("injury_lump_sum",)),
    "injury, pension": ("income_protection", "injury_pension", ("injury_pension_year",)),
    "injury, survivors": ("income_protection", "injury_survivors", ("injury_survivor_year",)),
}


@cache
def training_cases() -> list[HouseholdCase]:
    """Return the worked cases of the training country."""
    files = sorted((SCENARIOS / "training" / "cases").glob("*.yaml"))
    return [case for file in files for case in load_cases(file)]


@pytest.mark.parametrize("rule", TYPES)
def test_training_country__has_a_scheme_and_a_worked_case_of_each_type(rule: str) -> None:
    scheme, benefit, variables = TYPES[rule]
    system = loaded(PROJECTIONS[2]).system
    assert benefit in {one.id for one in system.schemes[scheme].benefits}
    shown = {one.variable for case in training_cases() for one in case.expect}
    assert set(variables) <= shown


def test_training_cases__are_many_and_name_their_source() -> None:
    cases = training_cases()
    assert len(cases) >= 40
    assert len({case.name for case in cases}) == len(cases)
    assert all(case.source for case in cases)


def test_training_country__says_that_it_is_invented() -> None:
    definitions = loaded(PROJECTIONS[2]).system.definitions
    for name, parameter in definitions.parameters.items():
        if name.startswith(("life.", "economy.")):
            continue
        assert all(
            any(word in value.source for word in ("invented", "type of", "count"))
            for value in parameter.values
        ), name


def test_thirty_years_of_contributions__one_after_the_other() -> None:
    cases = {case.name: case for case in training_cases()}
    case = cases["thirtieth year of 1,000 a year at 4 per cent"]
    rules = rules_of(case.system)
    member, account = replace(case.members[0], previous=None), 0.0
    for _ in range(30):
        values = evaluate(replace(case, members=(member,)), rules, ("provident_account",)).values
        account = float(values["provident_account"][0][0])
        member = replace(member, previous={"provident_account": (account,)})
    assert account == pytest.approx(1000 * (1.04**30 - 1) / 0.04, rel=1e-12)


def test_four_widows__have_together_what_one_would_have() -> None:
    cases = {case.name: case for case in training_cases()}
    case = cases["Senegal, four widows"]
    together = evaluate(case, wanted=("points_of_widow",)).values["points_of_widow"][0]
    alone = replace(case.members[0], values=case.members[0].values | {"late_spouse_widows": 1.0})
    one = evaluate(replace(case, members=(alone,)), wanted=("points_of_widow",))
    assert np.sum(together) == one.values["points_of_widow"][0][0]
