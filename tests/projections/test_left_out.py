"""Households that a rule cannot be computed for in some years of a projection."""

from __future__ import annotations

import math

import numpy as np
import pytest
from projections import WEIGHT, cells_of, life_of, make_perennia, persons_in, rows_of, value_of

from microsim.cli.going import show
from microsim.cli.main import main
from microsim.simulation.run import open_run

AGE = 83  # at which the rule divides by zero
FORMULA = "formula: universal.amount * frame.average_wage if age >= universal.age else 0"
BROKEN = f"formula: universal.amount * frame.average_wage / (0 if age == {AGE} else 1)"
LEFT_OUT = "of which in no table: rules not computed"


@pytest.fixture(scope="module")
def broken(rules_cache, perennia, tmp_path_factory):
    """Return Perennia, whose pension cannot be computed at one age, and its outcome."""
    country = make_perennia(tmp_path_factory.mktemp("broken"), perennia.population)
    country.change("law/universal.yaml", FORMULA, BROKEN)
    return country, country.run("run")


def left_out_by_hand(country, last: int) -> dict[int, np.ndarray]:
    """Return the persons by sex in a household with somebody of the age, by year."""
    life, found = life_of(open_run(country.folder / "run")), {}
    for year in range(2025, last + 1):
        life.begin_year()
        household = life.people.household_of()
        concerned = np.unique(household[life.persons["age"] == AGE])
        rows = np.isin(household, concerned)
        found[year] = np.bincount(life.persons["sex"][rows], minlength=2)
        life.evaluate(1)
    return found


def test_identities__hold_where_other_households_are_left_out_each_year(broken):
    _, outcome = broken
    wrong = [one for one in outcome.identities if not one.holds]
    assert not wrong
    opening = [one for one in outcome.identities if "population opens as it closed" in one.what]
    assert len(opening) >= 30


def test_population_account__says_how_many_are_in_no_other_table(broken):
    country, outcome = broken
    by_hand = left_out_by_hand(country, 2030)
    cells = cells_of(country.folder / "run")
    assert all(of.sum() > 0 for of in by_hand.values())
    for year in range(2026, 2031):
        for i, group in enumerate(("sex=male", "sex=female")):
            told = value_of(outcome, "A2", year=year, row=LEFT_OUT, group=group)
            assert told == WEIGHT * by_hand[year][i]
            counted = WEIGHT * persons_in(cells[year])[i].sum()
            closing = value_of(outcome, "A2", year=year, row="Closing", group=group)
            assert math.isclose(closing, counted + told, rel_tol=1e-12)


def test_households_left_out__are_named_with_the_rule(broken, capsys):
    _, outcome = broken
    (one,) = outcome.poisoned
    assert (one.what, one.variable) == ("division by zero", "universal_pension")
    show(outcome)
    printed = capsys.readouterr().out
    assert "law/universal.yaml:11: division by zero in universal_pension" in printed
    assert "THESE RESULTS ARE INCOMPLETE" in printed


def test_answer__does_not_depend_on_the_cut(broken):
    country, outcome = broken
    assert country.run("cut", shard_persons=5000, workers=2).digest == outcome.digest


def test_population_account__has_no_such_row_where_nobody_is_left_out(projected):
    assert rows_of(projected, "A2", row="Closing")
    assert not rows_of(projected, "A2", row=LEFT_OUT)


def test_added_reform__that_leaves_out_other_households_is_told_what_to_do(my_perennia, capsys):
    """Those lives were computed before anybody knew."""
    my_perennia.run("run")
    law = f"universal.amount * frame.average_wage / (0 if age == {AGE} else 1)"
    my_perennia.write(
        "reforms/broken.yaml",
        f'reform: Broken\nsource: test\nreplace:\n  universal_pension: "{law}"\n',
    )
    reform = f"broken={my_perennia.country / 'reforms' / 'broken.yaml'}"
    with pytest.raises(SystemExit) as caught:
        main(["expand", str(my_perennia.folder / "run"), "--reform", reform])
    assert caught.value.code == 1
    assert "Run all scenarios together, in a new directory" in capsys.readouterr().err
