"""What the methods of alignment do in lives: what each keeps, whom it chooses, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_lives import eventful_tables, small_population, some_transitions, still_tables

from microsim.dynamics.alignment import sorted_events
from microsim.dynamics.decisions import DEATH, hashed
from microsim.dynamics.factors import Persons, factor_of
from microsim.dynamics.lives import Lives
from microsim.dynamics.tables import LOGIT, METHODS, MULTIPLICATIVE, NONE, SORTING
from microsim.errors import InputError
from microsim.kernels.draws import stream_key
from microsim.kernels.lives_newcomers import draw_keys

SEED = 7


def group(n: int = 3_000) -> tuple[Persons, np.ndarray, np.ndarray]:
    """Return persons of two markets, a table that is certain at 90, and a relative factor."""
    chance = np.random.default_rng(3)
    age = chance.integers(0, 100, n).astype(np.int8)
    sex = chance.integers(0, 2, n).astype(np.int8)
    table = np.minimum(1.0, 0.01 + np.arange(121) / 100.0) * np.array([[1.0], [0.7]])
    table[:, :5], table[:, 90:] = 0.0, 1.0
    relative = np.where(age < 40, chance.choice([0.0, 0.5, 1.0, 40.0], n), 1.0 + age % 3)
    relative[(age >= 40) & (age < 45)] = 1.0
    starts = np.array([0, n // 3, n])
    return Persons(starts, sex, age, np.arange(n, dtype=np.uint64)), table, relative


def in_groups(persons: Persons, values: np.ndarray) -> np.ndarray:
    """Return sums by market, sex and five ages. Shape (2, 2, 25)."""
    found = np.zeros((2, 2, 25))
    market = np.arange(values.size) >= persons.starts[1]
    np.add.at(found, (market.astype(int), persons.sex.astype(int), persons.age // 5), values)
    return found


@pytest.mark.parametrize("among", [False, True])
def test_logit__keeps_totals_and_ratios_of_odds_below_certainty(among: bool) -> None:
    persons, table, relative = group()
    here = np.ones(relative.size, np.bool_)
    if among:
        here = np.arange(relative.size) % 3 > 0
        persons = replace(persons, among=np.flatnonzero(here))
    before = table[persons.sex, persons.age]
    factor = factor_of("mortality", {"mortality_relative": relative}, persons, table, method=LOGIT)
    p = before * np.where(here, factor, 0.0)
    np.testing.assert_allclose(
        in_groups(persons, p), in_groups(persons, before * here), rtol=1e-12, atol=1e-300
    )
    assert (p <= 1.0).all()
    assert (factor[here & (persons.age >= 40) & (persons.age < 45)] == 1.0).all()
    assert (p[here & (before == 1.0)] == 1.0).all()
    asked = here & (persons.sex == 1) & (persons.age >= 50) & (persons.age < 55) & (relative > 0)
    for market in (slice(0, persons.starts[1]), slice(persons.starts[1], None)):
        some = np.flatnonzero(asked[market]) + (market.start or 0)
        odds = p[some] / (1.0 - p[some]) / (before[some] / (1.0 - before[some]) * relative[some])
        np.testing.assert_allclose(odds, odds[0], rtol=1e-9)


def test_none__takes_the_factor_as_it_is() -> None:
    persons, table, relative = group()
    behaviour = {"mortality_relative": relative}
    found = factor_of("mortality", behaviour, persons, table, method=NONE)
    np.testing.assert_array_equal(found, relative)
    for method in (MULTIPLICATIVE, *SORTING):
        scaled = factor_of("mortality", behaviour, persons, table, method=method)
        risk = table[persons.sex, persons.age]
        np.testing.assert_allclose(
            in_groups(persons, risk * scaled), in_groups(persons, risk), rtol=1e-12
        )


def test_logit__names_a_group_that_nobody_is_left_in() -> None:
    persons, table, relative = group()
    relative[(persons.sex == 1) & (persons.age >= 60) & (persons.age < 65)] = 0.0
    with pytest.raises(
        InputError, match=r"mortality, female of about age 6\d.*no shift of the log"
    ):
        factor_of("mortality", {"mortality_relative": relative}, persons, table, method=LOGIT)


def test_logit__never_passes_certainty_where_multiplication_does() -> None:
    """Nine tenths of deaths of a flat 0.3 are to fall on one in ten: only odds can do that."""
    persons, households = small_population(400)
    n = persons["age"].size
    relative = np.where(np.arange(n) % 10 == 0, 1e4, 1.0)
    death = np.full((1, 2, 121), 0.3)
    steps = {}
    for method in (MULTIPLICATIVE, LOGIT):
        tables = still_tables(1, death=death, alignment={"mortality": method})
        lives = Lives(tables, persons, households, seed=SEED)
        if method == MULTIPLICATIVE:
            with pytest.raises(InputError, match="the probability is outside 0 to 1"):
                lives.step({"mortality_relative": relative})
        else:
            steps[method] = lives.step({"mortality_relative": relative})
    deaths = steps[LOGIT].deaths.sum()
    assert abs(deaths - 0.3 * n) <= 4.0 * np.sqrt(0.3 * 0.7 * n)  # one false alarm in 16,000
    dead = np.zeros(n, np.bool_)
    dead[steps[LOGIT].left] = True
    assert dead[relative > 1.0].mean() > 0.97


@pytest.mark.parametrize("method", SORTING)
def test_sorting__chooses_in_each_cell_whom_the_function_on_arrays_chooses(method: str) -> None:
    persons, households = small_population(900)
    n = persons["age"].size
    relative = np.random.default_rng(1).choice([0.5, 1.0, 2.0], n)
    death = np.full((1, 2, 121), 0.2)
    tables = still_tables(1, death=death, alignment={"mortality": method})
    lives = Lives(tables, persons, households, seed=SEED)
    everybody = Persons(lives.market_starts, persons["sex"], persons["age"], persons["draw_key"])
    passage = lives.step({"mortality_relative": relative})
    dead = np.zeros(n, np.bool_)
    dead[passage.left] = True
    factor = factor_of("mortality", {"mortality_relative": relative}, everybody, death[0])
    keys = persons["draw_key"].astype(np.uint64)
    u = draw_keys(keys, np.uint64(stream_key(SEED, 0)), hashed(DEATH), 2026, 0)
    moved = 0
    for sex in (0, 1):
        for age in np.unique(persons["age"]):
            cell = np.flatnonzero((persons["sex"] == sex) & (persons["age"] == age))
            count = int(dead[cell].sum())
            expected, _ = sorted_events(
                0.2 * factor[cell], u[cell], np.ones(cell.size), count, method.upper()
            )
            np.testing.assert_array_equal(dead[cell], expected)
            moved += int((dead[cell] != (u[cell] < 0.2 * factor[cell])).sum())
            assert abs(count - 0.2 * factor[cell].sum()) < 1.0
    assert moved > 0  # not the same as drawing one by one


@pytest.mark.parametrize(
    ("process", "method", "known"),
    [
        ("labour", "logit", "none or sbp or sbd or sbdl"),
        ("union", "logit", "none or multiplicative or sbp or sbd or sbdl"),
        ("mortality", "sort", " or ".join(METHODS)),
    ],
)
def test_methods__that_do_not_suit_a_process_are_refused(
    process: str, method: str, known: str
) -> None:
    with pytest.raises(InputError, match=rf"alignment of {process}.*{method}.*{known}"):
        eventful_tables(1, alignment={process: method}).check()


def test_transitions__keep_to_shares_in_one_way_only() -> None:
    tables = eventful_tables(1, "sbdl", transition=some_transitions(1))
    tables.check()
    with pytest.raises(InputError, match=r"alignment of labour.*sbp.*none or sbdl"):
        replace(tables, alignment={"labour": "sbp"}).check()
