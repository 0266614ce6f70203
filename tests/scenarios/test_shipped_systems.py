"""The country systems we ship: they load, their formulas hold, and every month has a law."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from microsim.errors import FaultList
from microsim.files import month_index
from microsim.language.graph import Builder, Graph
from microsim.policy.dated import value_at
from microsim.policy.system import System
from microsim.scenario.cases import load_cases
from microsim.scenario.scenario import Scenario, load_scenario
from microsim.shipped import folder
from microsim.simulation.model import with_regions

COUNTRIES = ("kenya", "any_country")


@pytest.fixture(params=COUNTRIES)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Return the floor scenario of a shipped country."""
    return load_scenario(folder("scenarios") / str(request.param) / "floor.yaml")


def counties() -> tuple[str, ...]:
    """Return the regions of the synthesised population of Kenya."""
    file = folder("scenarios") / "populations" / "KEN.yaml"
    return tuple(YAML(typ="safe").load(file)["regions"]["rows"])


def formulas_of(systems: list[System]) -> Graph:
    """Return the formulas of systems; raises with every fault of names, types and units."""
    graph, faults = Graph(), FaultList()
    for system in systems:
        Builder(graph, faults).add(with_regions(system, counties()).definitions)
    faults.raise_if_any()
    return graph


def test_shipped_formulas__hold_in_baseline_and_every_reform(scenario: Scenario) -> None:
    systems = scenario.systems()
    graph = formulas_of(list(systems.values()))
    assert len(graph.systems) == 1 + len(scenario.reforms)
    assert len(graph.formulas) > len(scenario.system.definitions.variables)


def test_shipped_parameters__state_a_source_for_every_value(scenario: Scenario) -> None:
    for system in scenario.systems().values():
        for parameter in system.definitions.parameters.values():
            assert all(len(value.source) > 5 for value in parameter.values), parameter.name


@pytest.mark.parametrize("year", range(2023, 2027))
def test_kenya__has_a_law_for_every_month(year: int) -> None:
    scenario = load_scenario(folder("scenarios") / "kenya" / "floor.yaml")
    for parameter in scenario.system.definitions.parameters.values():
        for month in range(1, 13):
            value_at(parameter, month_index(year, month), frame=scenario.frame)
    for name in ("poverty_line_national", "gdp", "average_wage", "cpi"):
        assert scenario.frame.value(name, year) > 0
    for scheme in scenario.system.schemes.values():
        for given in scheme.given:
            assert year in given.values, f"{scheme.id} {given.line}"


def test_kenya__law_of_the_month_of_each_change() -> None:
    system = load_scenario(folder("scenarios") / "kenya" / "floor.yaml").system

    def at(name: str, year: int, month: int) -> object:
        return value_at(system.definitions.parameters[name], month_index(year, month))

    assert [at("nssf.upper_limit", y, m) for y, m in ((2023, 1), (2023, 2), (2026, 2))] == [
        0.0,
        18000.0,
        108000.0,
    ]
    assert [at("housing.rate", 2024, month) for month in (1, 2, 3)] == [0.015, 0.0, 0.015]
    assert [at("paye.health_deductible", 2024, month) for month in (11, 12)] == [0.0, 1.0]
    assert [at("shif.rate", 2024, month) for month in (9, 10)] == [0.0, 0.0275]


def test_kenya_cases__are_many_and_name_their_source() -> None:
    files = sorted((Path(folder("scenarios")) / "kenya" / "cases").glob("*.yaml"))
    cases = [case for file in files for case in load_cases(file)]
    assert len(cases) >= 40
    assert len({case.name for case in cases}) == len(cases)
    assert all(case.source for case in cases)
