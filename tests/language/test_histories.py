"""Functions that look back: what they mean, worked out by hand, and every fault of their use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_rules import faults_of, interpreter_of, law, people, with_variable

from microsim.errors import FaultList
from microsim.kernels.rows import best_of
from microsim.language.compiling import compile_graph, reachable
from microsim.language.definitions import Definitions
from microsim.language.graph import Builder, Graph
from microsim.language.states import State, in_words, is_boolean, state_columns

MONEY = "currency/year"


def rules() -> Definitions:
    """Return a law with yearly and monthly variables to look back at."""
    found = with_variable(
        law(), "credited", "12 if earnings > 0 else 0", unit="months", period="year"
    )
    found = with_variable(found, "wages", "year(earnings)", unit=MONEY)
    found = with_variable(found, "worker", "earnings > 0", unit="boolean", period="year")
    found = with_variable(found, "wage", "earnings")
    found = with_variable(found, "dwelling", "year(rent)", of="household", unit=MONEY)
    return with_variable(found, "costs", "sum(members, wages)", of="family", unit=MONEY)


def fault_of(formula: str, **more: object) -> str:
    """Return the one fault of a formula."""
    given = {"unit": MONEY} | more
    found = faults_of(with_variable(rules(), "x", formula, **given))
    assert len(found) == 1, found
    return found[0]


FAULTS = {
    "previous(wags)": "unknown name `wags`. Did you mean wages",
    "previous(frame.wage)": "`previous` looks back at persons; found `frame.wage` is a parameter",
    "previous(tax.credit)": "found `tax.credit` is a parameter; expected a variable or input of persons",
    "previous(wage)": "`wage` is per month; of years before, yearly variables are kept. Define a variable per year, for example with the formula year(wage)",
    "previous(dwelling)": "found `dwelling` belongs to each household. People change households",
    "previous(costs)": "found `costs` belongs to each family",
    "previous(rent)": "found `rent` belongs to each household",
    "previous(wages + wages)": "`previous` takes the name of a variable or input; found wages + wages. Give the expression a variable of its own",
    "previous(previous(wages))": "`previous` takes the name of a variable or input; found previous(wages)",
    "previous()": "`previous` has the wrong number of arguments; found 0; expected 1 to 2",
    "previous(wages, age)": "wrong type or unit; found years; expected currency/year",
    "previous(wages, 5)": "An amount of money must be a parameter with a unit",
    "previous(wages, grant.amount)": "Cross between months and years",
    "tax.credit if previous(status, 'worker') == 'retired' else 0": "unknown label; found 'worker'",
    "tax.credit if previous(worker, 1) else 0": "expected boolean",
    "of(late_spouse, wages, 0)": "of a late spouse only the year before is known; found wages; expected previous(name of a variable). Write of(late_spouse, previous(x), otherwise).",
    "of(late_mother, previous(wages, 0), 0)": "of a late mother only the year before is known",
    "of(late_spouse, previous(wages))": "`of` has the wrong number of arguments; found 2; expected 3",
    "of(late_spouse, previous(wages), age)": "wrong type or unit; found years; expected currency/year",
    "of(late_child, previous(wages), 0)": "`of` needs a link first; expected head, spouse, mother, father, late_spouse, late_mother, late_father",
    "tax.credit if has(late_wife) else 0": "`has` needs a link first",
    "last_years(wages, credited)": "`last_years` looks back over a fixed number of years; found credited; expected a whole number from 2 to 60",
    "last_years(wages, 1)": "found 1; expected a whole number from 2 to 60",
    "last_years(wages, 2.5)": "found 2.5; expected a whole number from 2 to 60",
    "last_years(worker, 3) * tax.credit": "a number is needed here; found boolean; expected a number. Count years in a variable of their own, for example 1 if worker else 0",
    "best_years(wages, 5, 61)": "found 61; expected a whole number from 2 to 60",
    "best_years(wages, 5, age)": "`best_years` looks back over a fixed number of years",
    "best_years(wages, 5, 4)": "no such number of years; found 5.0; expected 0 to 4",
    "best_years(wages, wages, 4)": "wrong type or unit; found currency/year; expected number",
    "best_years(wages, true, 4)": "found boolean; expected number",
    "best_years(status, 2, 4)": "a number is needed here; found category",
}  # fmt: skip


@pytest.mark.parametrize(("formula", "message"), FAULTS.items(), ids=list(FAULTS))
def test_a_fault__is_named_with_its_place(formula, message):
    found = fault_of(formula)
    assert message in found
    assert found.startswith("law.yaml:12, column ")


@pytest.mark.parametrize(
    "formula", ["previous(wages)", "last_years(wages, 3)", "best_years(wages, 2, 3)"]
)
def test_looking_back__belongs_in_yearly_formulas_of_persons(formula):
    function = formula.partition("(")[0]
    found = fault_of(formula, unit="currency/month")
    assert f"`{function}(...)` belongs in yearly formulas; found a monthly formula" in found
    found = fault_of(formula, of="household")
    assert f"`{function}(...)` looks back at a person; found a formula of the household" in found
    assert f"for example sum(members, {function}(...))" in found
    assert "works in person formulas only" in fault_of(
        "of(late_spouse, previous(wages), 0)", of="household"
    )
    assert "monthly formula" in fault_of(
        "of(late_spouse, previous(wages), 0)", unit="currency/month"
    )


def test_reading_ones_own_year_before__is_no_cycle():
    one = with_variable(rules(), "a", "previous(b) + wages", unit=MONEY)
    assert faults_of(with_variable(one, "b", "previous(b, tax.credit) + a", unit=MONEY)) == []
    found = faults_of(with_variable(rules(), "a", "last_years(a, 3)", unit=MONEY))
    assert "formulas depend on themselves: a -> a" in found[0]


FAMILY = people([
    [{"earnings": 100.0, "spouse": 1}, {"earnings": 50.0, "spouse": 0}],
    [{"status": "retired", "bonus": 7.0}],
])  # fmt: skip
PAST = {
    "@known": np.array([True, False, True]),
    "@late_spouse": np.array([False, False, True]),
    "wages@1": np.array([1000.0, 0.0, 400.0]),
    "wages@2": np.array([1500.0, 0.0, 0.0]),
    "wages@1@late_spouse": np.array([0.0, 0.0, 900.0]),
    "bonus@1": np.array([3.0, 0.0, 5.0]),
    "worker@1": np.array([True, False, True]),
    "status@1": np.array([2.0, 0.0, 1.0]),
}
YEARLY = {
    "previous(wages)": [1000, 0, 400],
    "previous(wages, tax.credit)": [1000, 1200, 400],
    "previous(bonus, bonus + tax.credit)": [3, 1200, 5],
    "wages - previous(wages)": [200, 600, -400],
    "of(spouse, previous(wages), 0)": [0, 1000, 0],
    "of(late_spouse, previous(wages), tax.credit)": [1200, 1200, 900],
    "tax.credit if has(late_spouse) else 0": [0, 0, 1200],
    "tax.credit if has(late_mother) else 0": [0, 0, 0],
    "tax.credit if previous(worker) else 0": [1200, 0, 1200],
    "tax.credit if previous(worker, true) else 0": [1200, 1200, 1200],
    "tax.credit if previous(status, 'own-account') == 'own-account' else 0": [0, 1200, 1200],
    "last_years(wages, 2)": [2200, 600, 400],
    "last_years(wages, 3)": [3700, 600, 400],
    "best_years(wages, 2, 3)": [2700, 600, 400],
    "best_years(wages, 0, 3)": [0, 0, 0],
    "best_years(wages, 1.9, 2)": [1200, 600, 400],
    "best_years(wages, age / 10, 3)": [3700, 600, 400],
}


@pytest.mark.parametrize(("formula", "expected"), YEARLY.items(), ids=list(YEARLY))
def test_looking_back__means_this(formula, expected):
    definitions = with_variable(rules(), "x", formula, unit=MONEY)
    who = replace(FAMILY, inputs=FAMILY.inputs | PAST)
    interpreter, ids = interpreter_of(definitions, who)
    assert interpreter.value(ids["x"]).tolist() == expected
    assert not interpreter.poison.any()


def test_looking_back__without_any_past_finds_nothing():
    definitions = with_variable(rules(), "x", "previous(wages, tax.credit)", unit=MONEY)
    interpreter, ids = interpreter_of(definitions, FAMILY)
    assert interpreter.value(ids["x"]).tolist() == [1200, 1200, 1200]


@pytest.mark.parametrize(("n", "fails"), [("age / 7", False), ("age / 6", True), ("0 - 1", True)])
def test_more_best_years_than_are_kept__set_the_household_aside(n, fails):
    definitions = with_variable(rules(), "x", f"best_years(wages, {n}, 4)", unit=MONEY)
    interpreter, ids = interpreter_of(definitions, people([[{"age": 30}], [{"age": 30}]]))
    assert interpreter.value(ids["x"]).tolist() == [0, 0]
    assert (interpreter.poison > 0).tolist() == [fails, fails]
    if fails:
        site = interpreter.sites[int(interpreter.poison[0])]
        assert site.what == "best_years of more years than 4, or of fewer than 0"


def graph_of(*systems: Definitions) -> tuple[Graph, list[dict[str, str]]]:
    graph, faults = Graph(), FaultList()
    ids = [Builder(graph, faults).add(one) for one in systems]
    faults.raise_if_any()
    return graph, ids


def test_a_graph__knows_what_is_carried_from_year_to_year():
    base = with_variable(rules(), "x", "last_years(wages, 4) + previous(bonus)", unit=MONEY)
    other = with_variable(
        base, "y", "of(late_spouse, previous(x), 0) if previous(worker) else 0", unit=MONEY
    )
    graph, ids = graph_of(base, other)
    assert graph.states == {
        "bonus": State("bonus", 1, (), False),
        "wages": State("wages", 3, (), False),
        "worker": State("worker", 1, (), True),
        "x": State("x", 1, ("late_spouse",), False),
    }
    columns = {one.state.name: one.formulas for one in state_columns(graph, ids)}
    assert columns["bonus"] == (None, None)
    assert columns["wages"] == (ids[0]["wages"], ids[1]["wages"])
    assert is_boolean("worker@1", graph.states)
    assert is_boolean("@known", graph.states)
    assert not is_boolean("x@1@late_spouse", graph.states)


def test_what_is_looked_back_at__is_computed_too():
    """A variable that only next year's formulas read is part of the program, and its own past too."""
    definitions = with_variable(rules(), "stock", "previous(stock) + wages", unit=MONEY)
    definitions = with_variable(definitions, "x", "previous(stock)", unit=MONEY)
    graph, (ids,) = graph_of(definitions)
    kept = reachable(graph, [ids["x"]])
    assert {ids["stock"], ids["wages"]} <= kept.formulas.keys()
    program = compile_graph(graph, [ids["x"]], loaded=False)
    assert program.state_inputs == ("stock@1",)
    assert program.population_inputs == ("earnings",)
    assert (ids["stock"], "value") in program.layout.rows


def test_years_before__have_names_people_say():
    assert in_words("@known") == "has a year before"
    assert in_words("@late_spouse") == "has a late spouse"
    assert in_words("wages@1") == "wages of the year before"
    assert in_words("wages@4") == "wages 4 years before"
    assert in_words("wages@1@late_father") == "wages of the late father, the year before"


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.data())
def test_best_of__adds_the_largest_first(years, data):
    n = data.draw(st.integers(0, len(years)))
    total = 0.0
    for value in sorted(years, reverse=True)[:n]:
        total += value
    assert best_of(np.array(years), len(years), float(n)) == total


def test_best_of__of_what_is_not_a_number_is_none():
    assert np.isnan(best_of(np.array([1.0, np.nan, 3.0]), 3, 1.0))
