"""Identities hold for any consistent run, and a corrupted figure is caught."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from budget_contents import MEASURES, random_contents
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.budget.identities import check_identities, raise_if_violated
from microsim.budget.tables import all_tables
from microsim.errors import IdentityViolatedError
from microsim.results.contents import Measure


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_identities__hold_for_random_contents(seed):
    contents = random_contents(seed)
    identities = check_identities(contents, all_tables(contents))
    assert [i for i in identities if not i.holds] == []


def test_identities__cover_one_year():
    contents = random_contents(1)
    identities = check_identities(contents, all_tables(contents))
    expected = {2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
    assert {int(i.id[2:]) for i in identities} == expected


@pytest.mark.parametrize("table", ["A3", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C10"])
def test_identities__catch_a_changed_table(table):
    contents = random_contents(2)
    rows = all_tables(contents)
    position = next(
        i for i, r in enumerate(rows)
        if r.table == table and r.value > 1 and r.unit in ("LCU million", "persons")
        and r.column != "given" and (table != "A3" or r.row == "Inactive")
        and r.row not in ("Benefits", "Taxes not earmarked")
        and (table != "C10" or r.column == "difference")
    )  # fmt: skip
    rows[position] = rows[position]._replace(value=rows[position].value * (1 + 1e-6))
    broken = [i for i in check_identities(contents, rows) if not i.holds]
    assert broken
    with pytest.raises(IdentityViolatedError, match=f"{broken[0].id} .*residual .*expected"):
        raise_if_violated(broken)


@pytest.mark.parametrize(
    ("measure", "identity"),
    [
        (Measure("population", "", "", "persons"), "I-13"),
        (Measure("income", "", "disposable", "amount"), "I-15"),
        (Measure("coverage", "", "any", "covered"), "I-19"),
        (Measure("benefit", "grant", "child", "amount"), "I-15"),
    ],
)
def test_identities__catch_a_changed_cell(measure, identity):
    contents = random_contents(3)
    persons = contents.cells.persons.copy()
    persons[1, MEASURES.index(measure)] *= 10
    cells = dataclasses.replace(contents.cells, persons=persons)
    contents = dataclasses.replace(contents, cells=cells)
    broken = {i.id for i in check_identities(contents, all_tables(contents)) if not i.holds}
    assert identity in broken


def test_identities__catch_a_household_budget_that_does_not_close():
    contents = dataclasses.replace(random_contents(5), household_residuals=(0.0, 1e-6))
    identities = check_identities(contents, all_tables(contents))
    assert [(i.id, i.scenario) for i in identities if not i.holds] == [("I-14", "R1")]


def test_null_reform__differs_by_exactly_zero():
    contents = random_contents(6)
    persons, places = contents.cells.persons.copy(), contents.cells.places.copy()
    persons[1], places[1] = persons[0], places[0]
    cells = dataclasses.replace(contents.cells, persons=persons, places=places)
    rows = all_tables(dataclasses.replace(contents, cells=cells))
    changes = [r.value for r in rows if r.table == "C10" and r.column == "difference"]
    changes = [c for c in changes if not np.isnan(c)]
    assert changes
    assert set(changes) == {0.0}
