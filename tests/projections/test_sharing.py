"""Which scenarios share lives, and common random numbers where they do not.

With `align: multiplicative` an event happens to a person whose own draw is below the person's own
probability. So a factor of 0.9 on mortality keeps everybody alive who lives under the baseline, and
what it does not touch stays as it was, person by person, with no tolerance.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from projections import Perennia, cells_of, life_of, make_perennia, persons_in, series_of

from microsim.simulation.run import open_run, prepare

FIRST, LAST = 2025, 2035
MOVED_FROM = 2030  # the parameters move in this year; lives read them at its end
REFORM = """\
reform: {name}
label: Lives that differ
source: assumption of the test
replace:
  {parameter}: {{2030-01-01: {value}}}
"""
REFORMS = {
    "longer": ("life.mortality_factor", 0.9),
    "more_formal": ("life.formal_factor", 1.2),
}


def add_reforms(country: Perennia) -> None:
    """Give the scenario reforms of lives."""
    for name, (parameter, value) in REFORMS.items():
        text = REFORM.format(name=name, parameter=parameter, value=value)
        country.write(f"reforms/{name}.yaml", text)
        text = country.scenario.read_text()
        country.scenario.write_text(f"{text}  {name}: reforms/{name}.yaml\n")


@pytest.fixture(scope="module")
def country(rules_cache, perennia, tmp_path_factory) -> Perennia:
    mine = make_perennia(tmp_path_factory.mktemp("sharing"), perennia.population)
    add_reforms(mine)
    return mine


@pytest.fixture(scope="module")
def outcome(country):
    return country.run("run")


def test_groups__are_of_scenarios_that_move_what_lives_read(outcome):
    assert outcome.contents.scenarios == (
        "baseline", "higher_pension", "nothing", "longer", "more_formal",
    )  # fmt: skip
    assert outcome.contents.lives_of == (0, 0, 0, 1, 2)


def test_rule_only_scenarios__are_what_they_were_without_the_others(outcome, projected):
    """Lives of other scenarios do not touch those that share the baseline's."""
    names = projected.contents.scenarios
    for before, after in zip(
        cells_of(projected.out).values(), cells_of(outcome.out).values(), strict=True
    ):
        for place in range(len(names)):
            np.testing.assert_array_equal(persons_in(after, place), persons_in(before, place))


def test_lives_that_differ__are_the_same_until_the_parameter_moves(outcome):
    deaths = {
        name: series_of(outcome, "A2", scenario=name, row="Deaths", group="")
        for name in ("baseline", "longer", "more_formal")
    }
    for year in range(FIRST + 1, LAST + 1):
        assert deaths["more_formal"][year] == deaths["baseline"][year]
        if year <= MOVED_FROM:
            assert deaths["longer"][year] == deaths["baseline"][year]
    moved = range(MOVED_FROM + 1, LAST + 1)
    assert sum(deaths["longer"][y] for y in moved) < sum(deaths["baseline"][y] for y in moved)
    cells = cells_of(outcome.out)
    place = outcome.contents.scenarios.index("more_formal")
    for year, of in cells.items():
        formal = [persons_in(of, s)[:, :, 1:3].sum() for s in (0, place)]
        assert (formal[1] > formal[0]) == (year > MOVED_FROM), year


def years_of(outcome, group: int) -> list[dict[str, np.ndarray]]:
    """Return key, status and months credited of everybody in each year, in order of keys."""
    life = life_of(open_run(outcome.out), group=group)
    names = [state.name for state, _ in life.group.model.carried.states]
    found = []
    for _ in range(FIRST, LAST + 1):
        life.begin_year()
        life.evaluate(1)
        persons = life.lives.persons
        order = np.argsort(persons["draw_key"])
        months = life.last.states[0][names.index("months_credited")]
        columns = {"draw_key": persons["draw_key"], "status": persons["employment_status"]}
        columns |= {"months": months, "sex": persons["sex"], "age": persons["age"]}
        found.append({name: np.array(column)[order] for name, column in columns.items()})
        assert np.unique(persons["draw_key"]).size == persons["draw_key"].size
    return found


@pytest.fixture(scope="module")
def lives(outcome):
    """Return persons by year, of each life group."""
    return [years_of(outcome, group) for group in range(3)]


def test_survivors_of_the_baseline__survive_with_lower_mortality(lives):
    baseline, longer, _ = lives
    saved = 0
    for before, after in zip(baseline, longer, strict=True):
        assert np.isin(before["draw_key"], after["draw_key"]).all()
        saved += after["draw_key"].size - before["draw_key"].size
    assert saved > 10


def test_persons_of_both_lives__have_the_same_careers(lives):
    """Mortality of others moves nobody's age, status or months credited."""
    baseline, longer, _ = lives
    for before, after in zip(baseline, longer, strict=True):
        there = np.isin(after["draw_key"], before["draw_key"])
        for name, column in before.items():
            np.testing.assert_array_equal(after[name][there], column)


def test_factor_on_formal_work__leaves_births_and_deaths_alone(lives):
    baseline, _, formal = lives
    for before, after in zip(baseline, formal, strict=True):
        np.testing.assert_array_equal(after["draw_key"], before["draw_key"])
    more = sum(
        int((a["months"] - b["months"]).sum()) for b, a in zip(baseline, formal, strict=True)
    )
    assert more > 0


def test_lives__go_on_from_year_to_year(lives):
    """Everybody is a year older, a newborn of age 0, and nobody comes back."""
    for of_group in lives:
        gone: set[int] = set()
        for before, after in pairwise(of_group):
            stays = np.isin(after["draw_key"], before["draw_key"])
            earlier = np.isin(before["draw_key"], after["draw_key"])
            np.testing.assert_array_equal(after["age"][stays], before["age"][earlier] + 1)
            assert (after["age"][~stays] == 0).all()
            assert not gone & set(after["draw_key"].tolist())
            gone |= set(before["draw_key"][~earlier].tolist())


def test_horizon__has_the_years_of_the_scenario(country, tmp_path: Path):
    prepared = prepare(country.scenario, country.options(str(tmp_path / "run")))
    life = life_of(prepared)
    assert life.horizon.years == tuple(range(FIRST, LAST + 1))
    assert life.horizon.table_years == {2025, 2030, 2035}
