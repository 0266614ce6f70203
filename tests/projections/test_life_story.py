"""`explain` of a projection: one life as the run lived it, and a year of it formula by formula."""

from __future__ import annotations

import json

import numpy as np
import pytest
from projections import life_of

from microsim.cli.main import main
from microsim.errors import InputError
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.store import open_population
from microsim.simulation.life_story import Asked, explain_life
from microsim.simulation.life_text import life_as_json, life_as_text
from microsim.simulation.run import open_run


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def run(perennia, projected):
    return perennia.folder / "reference"


@pytest.fixture(scope="module")
def old_worker(perennia):
    """Return household and member of a formal employee aged 57."""
    with open_population(perennia.population) as people:
        part = people.read()
        formal = EMPLOYMENT_STATUS.index("formal private employee")
        chosen = (part.persons["age"] == 57) & (part.persons["employment_status"] == formal)
        row = int(np.flatnonzero(chosen)[0])
        home = int(np.searchsorted(part.households["start"], row, side="right")) - 1
        first = int(part.households["start"][home])
        return int(part.households["household_id"][home]), row - first + 1


def test_life__is_the_one_that_the_run_lived(run, old_worker):
    household, member = old_worker
    names = ("months_credited", "fund_pension")
    story = explain_life(run, Asked(household, member, "baseline", names))
    years = [year.year for year in story.years]
    assert years == list(range(2025, years[-1] + 1))
    ages = [year.age for year in story.years if year.values]
    assert ages == list(range(57, 57 + len(ages)))
    prepared = open_run(run)
    life = life_of(prepared)
    life.begin_year()
    ids = life.lives.households["household_id"]
    row = int(life.lives.households["start"][np.flatnonzero(ids == household)[0]]) + member - 1
    columns = [name for _, name in life.group.model.carried.kept]
    for year in story.years:
        if year.year > 2025:
            passage = life.begin_year()
            found = np.flatnonzero(passage.source == row)
            assert found.size == bool(year.values), "who died is no longer there"
            if not found.size:
                return
            row = int(found[0])
        persons = life.lives.persons
        assert year.age == persons["age"][row]
        assert year.status == EMPLOYMENT_STATUS[persons["employment_status"][row]]
        assert year.earnings == persons["earnings"][row]
        life.evaluate(1)
        credited = life.last.states[0][columns.index("months_credited")]
        assert year.values["months_credited"] == credited[row]


def test_life__tells_history_award_and_events(run, old_worker):
    household, member = old_worker
    story = explain_life(run, Asked(household, member, "baseline"))
    text = life_as_text(story)
    assert "2025  age 57, formal private employee, earns" in text
    assert "months_credited = " in text
    assert any(event.kind for year in story.years for event in year.events) or "alive in" in text
    data = json.loads(json.dumps(life_as_json(story)))
    assert [year["year"] for year in data["years"]] == [year.year for year in story.years]


def test_events__carry_probability_and_draw_of_the_decision(run, perennia):
    prepared = open_run(run)
    life = life_of(prepared, record=True)
    life.begin_year()
    life.evaluate(1)
    passage = life.begin_year()
    dead = passage.left[passage.left_cause == 0]
    kinds = passage.events.kind[np.isin(passage.events.row_before, dead)]
    assert dead.size > 0
    assert (kinds == 0).sum() == dead.size


def test_year__is_explained_formula_by_formula(run, old_worker, capsys):
    household, member = old_worker
    done = command(
        "explain", run, "--household", household, "--member", member, "--year", 2027,
        "--variable", "months_credited", "--scenario", "higher_pension",
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert done == 0
    assert "previous(months_credited, 12 * past_formal_years)" in shown
    assert "months_credited of the year before" in shown


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"household": 1}, "no household 1"),
        ({"member": 99}, "no such member.*99"),
        ({"scenario": "nobody"}, "no scenario 'nobody'"),
        ({"names": ("months_credit",)}, "unknown variable 'months_credit'.*months_credited"),
        ({"year": 2036}, "not a year of the run.*2036.*2025 to 2035"),
    ],
)
def test_life__names_what_there_is_not(run, old_worker, more, match):
    household, member = old_worker
    asked = {"household": household, "member": member, "scenario": "baseline", **more}
    with pytest.raises(InputError, match="(?s)" + match):
        explain_life(run, Asked(**asked))


def test_member_and_year__are_of_projections(run, old_worker, capsys):
    assert command("explain", run, "--year", 2030) == 2
    assert "--household" in capsys.readouterr().err
