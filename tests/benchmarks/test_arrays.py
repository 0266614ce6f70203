"""Rules on arrays in memory: faults are named, households that cannot be computed are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microsim.errors import InputError
from microsim.policy.loading import load_system
from microsim.simulation.arrays import compile_rules

SYSTEM = Path(__file__).parents[2] / "benchmarks" / "plain" / "system.yaml"
PERSONS = {
    "age": [40, 5, 70],
    "status": [1, 0, 4],
    "wage": [100_000.0, 0.0, 0.0],
    "self_income": [0.0, 0.0, 0.0],
    "pension": [0.0, 0.0, 12_000.0],
}
HOUSEHOLDS = {"other": [0.0, 500.0]}


@pytest.fixture(scope="module")
def rules():
    system = load_system(SYSTEM)
    wanted = {"persons": ["income_tax"], "households": ["disposable"], "totals": ["disposable"]}
    return compile_rules(system, 2024, 1, **wanted)


def test_evaluate__gives_columns_and_totals_by_group(rules):
    found = rules.evaluate(
        [2, 1], PERSONS, HOUSEHOLDS, weight=[10.0, 3.0], group=[1, 0], n_groups=2
    )
    # By hand: contributions 8,600 of 100,000; 30 % of the rest abated; tax 20 % above 52,500.
    assert found.persons["income_tax"] == pytest.approx([0.2 * (0.7 * 91_400 - 52_500), 0.0, 0.0])
    disposable = [91_400 - 2_296 + 3_000, 12_000 + 500 + 13_000]
    assert found.households["disposable"] == pytest.approx(disposable)
    assert found.totals["disposable"] == pytest.approx([3 * disposable[1], 10 * disposable[0]])
    assert not found.faulty.any()


def test_evaluate__names_every_missing_or_short_column(rules):
    persons = {name: values for name, values in PERSONS.items() if name != "wage"}
    persons["age"] = [40, 5]
    with pytest.raises(
        InputError, match=r"columns of each person: missing.*expected wage"
    ) as error:
        rules.evaluate([2, 1], persons, HOUSEHOLDS)
    assert "column age: wrong length; found (2,); expected (3,)" in str(error.value)


def test_evaluate__tells_a_household_that_no_total_can_hold(rules):
    persons = PERSONS | {"wage": [np.nan, 0.0, 0.0]}
    found = rules.evaluate([2, 1], persons, HOUSEHOLDS)
    assert (found.faulty > 0).tolist() == [True, False]
    assert list(found.faults.values()) == ["disposable: not a finite amount that a total can hold"]
    assert found.totals["disposable"] == pytest.approx([25_500.0])


@pytest.mark.parametrize(("size", "group"), [([3, 0], [0, 0]), ([2, 1], [0, 5])])
def test_evaluate__refuses_sizes_and_groups_out_of_range(rules, size, group):
    with pytest.raises(InputError, match=r"household sizes|column group: out of range"):
        rules.evaluate(size, PERSONS, HOUSEHOLDS, group=group, n_groups=2)


def test_compile_rules__names_unknown_variables_and_wrong_owners():
    system = load_system(SYSTEM)
    with pytest.raises(InputError, match="unknown variable; found incom_tax") as error:
        compile_rules(system, 2024, 1, persons=["incom_tax", "disposable"])
    assert "variable disposable is wanted; found household; expected person" in str(error.value)


def test_compile_rules__needs_a_law_for_the_month():
    with pytest.raises(InputError, match="2019"):
        compile_rules(load_system(SYSTEM), 2019, 1, persons=["income_tax"])


def test_evaluate__writes_into_the_columns_of_an_earlier_answer(rules):
    first = rules.evaluate([2, 1], PERSONS, HOUSEHOLDS)
    wanted = first.persons["income_tax"].copy()
    again = rules.evaluate([2, 1], PERSONS | {"wage": [0.0] * 3}, HOUSEHOLDS, into=first.columns)
    assert np.shares_memory(again.persons["income_tax"], first.persons["income_tax"])
    assert (wanted > 0).any()
    assert not again.persons["income_tax"].any()
    assert (
        rules.evaluate([2, 1], PERSONS, HOUSEHOLDS).persons["income_tax"].tolist()
        == wanted.tolist()
    )
    other = rules.evaluate([3], PERSONS, {"other": [0.0]}, into=first.columns)
    assert not np.shares_memory(other.persons["income_tax"], first.persons["income_tax"])
