"""Formulas that depend on themselves: worked through in rounds, alike in both implementations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from random_systems import random_people
from small_rules import Frame, faults_of, parameter, with_variable

from microsim.errors import FaultList
from microsim.language.compiling import compile_graph
from microsim.language.definitions import Definitions, InputDefinition, Location
from microsim.language.evaluating import Evaluator, Wanted, Weighting
from microsim.language.graph import Builder, Graph
from microsim.language.interpreter import Interpreter
from microsim.language.people import World
from microsim.simulation.law import LawReader, common_periods, used_parameters

HERE = Location("law.yaml", 1)
YEAR = 2025


def cyclic(tolerance: float = 1e-9, slope: str = "slope") -> Definitions:
    """Return a means test that depends on itself: benefit and assessed income of the household."""
    inputs = {
        name: InputDefinition(name, "person", "currency/month", HERE)
        for name in ("earnings", "bonus")
    }
    parameters = {
        "level": parameter(
            "level", "currency/month", ("2000-01-01", 900.0), ("2025-07-01", 1000.0)
        ),
        "slope": parameter("slope", "share", ("2000-01-01", 0.05)),
    }
    law = Definitions(parameters, inputs)
    law = with_variable(law, "benefit", "max(0, level - 0.5 * assessed)")
    law = with_variable(
        law, "assessed", f"sum(members, 0.2 * earnings + {slope} * benefit)", of="household"
    )
    law = with_variable(law, "of_year", "year(benefit)", unit="currency/year")
    law = with_variable(
        law, "assessed_of_year", "year(assessed)", of="household", unit="currency/year"
    )
    law = with_variable(law, "in_december", "december(benefit)", unit="currency/year")
    variables = dict(law.variables)
    variables["benefit"] = replace(variables["benefit"], fixed_point=(0.0, tolerance))
    variables["in_december"] = replace(
        variables["in_december"], unit="currency/month", period="year"
    )
    return replace(law, variables=variables)


def laws_of(definitions: list[Definitions], graph: Graph, members: list[frozenset[str]]):
    used = [used_parameters(graph, found) for found in members]
    periods = common_periods(definitions, YEAR, [monthly for monthly, _ in used])
    return [
        LawReader(one, Frame(), YEAR).law(periods, monthly, yearly)
        for one, (monthly, yearly) in zip(definitions, used, strict=True)
    ]


@pytest.mark.parametrize(
    "slope", ["slope", "40 * slope"]
)  # the second never settles in large households
def test_fixed_point__is_the_same_compiled_and_interpreted_in_every_scenario(slope):
    base = cyclic(slope=slope)
    changed = dict(base.parameters)
    changed["level"] = parameter("level", "currency/month", ("2000-01-01", 950.0))
    other = with_variable(
        base, "assessed", "sum(members, 0.1 * earnings + 0.02 * benefit)", of="household"
    )
    systems = [base, replace(base, parameters=changed), other]
    faults, graph = FaultList(), Graph()
    ids = [Builder(graph, faults).add(one) for one in systems]
    faults.raise_if_any()
    persons = [tuple(found[name] for found in ids) for name in ("of_year", "in_december")]
    households = [tuple(found["assessed_of_year"] for found in ids)]
    program = compile_graph(graph, [key for column in (*persons, *households) for key in column])
    laws = laws_of(systems, program.graph, program.graph.members)
    evaluator = Evaluator(
        program, laws, [0, 1, 2], Wanted((), (), tuple(persons), tuple(households))
    )
    who = random_people(5, 400)
    n, nh = who.n_persons, who.n_households
    weighting = Weighting(np.ones(nh), np.zeros(n, np.int32), np.zeros(nh, np.int32), 1, 1)
    one = evaluator.run(who, weighting, World(1))
    two = evaluator.run(who, weighting, World(1), threads=2)
    np.testing.assert_array_equal(one.persons, two.persons)
    np.testing.assert_array_equal(one.poison, two.poison)
    poison = np.zeros(nh, np.int32)
    for s in range(3):
        oracle = Interpreter(program.graph, who, laws[s], World(1), program.sites)
        for c, column in enumerate(persons):
            source = 0 if one.persons_shared[s, c] else s
            np.testing.assert_array_equal(oracle.value(column[s]), one.persons[source, c])
        source = 0 if one.households_shared[s, 0] else s
        np.testing.assert_array_equal(oracle.value(households[0][s]), one.households[source, 0])
        there = oracle.poison
        poison = np.where((poison == 0) | ((there > 0) & (there < poison)), there, poison)
    np.testing.assert_array_equal(poison, one.poison)
    assert (one.poison > 0).any() == (slope != "slope")


def test_fixed_point__solves_the_equations():
    law = cyclic(tolerance=1e-12)
    faults, graph = FaultList(), Graph()
    ids = Builder(graph, faults).add(law)
    faults.raise_if_any()
    who = random_people(7, 50)
    found = laws_of([law], graph, graph.members)[0]
    oracle = Interpreter(graph, who, found, World(1))
    benefit, assessed = oracle.value(ids["benefit"], 0), oracle.value(ids["assessed"], 0)
    earnings = who.inputs["earnings"]
    means = np.add.reduceat(0.2 * earnings + 0.05 * benefit, who.start[:-1])
    np.testing.assert_allclose(assessed, means, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        benefit, np.maximum(0, 900.0 - 0.5 * assessed[who.household_of()]), rtol=1e-12, atol=1e-9
    )


def test_cycle__without_fixed_point_is_named():
    law = cyclic()
    variables = dict(law.variables)
    variables["benefit"] = replace(variables["benefit"], fixed_point=None)
    faults = faults_of(replace(law, variables=variables))
    assert any(
        "benefit -> assessed -> benefit" in fault and "fixed_point" in fault for fault in faults
    )


def test_fixed_points__that_need_each_other_are_a_fault():
    law = cyclic()
    variables = dict(law.variables)
    variables["assessed"] = replace(
        variables["assessed"],
        formula="sum(members, benefit) + 0.1 * assessed",
        fixed_point=(0.0, 0.1),
    )
    faults = faults_of(replace(law, variables=variables))
    assert any("need each other" in fault for fault in faults)
