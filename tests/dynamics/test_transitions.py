"""Transitions between employment statuses: matrices made, lives against their exact frequencies.

A statistical test computes the p-value of a chi-square test and accepts it above FALSE_ALARM: a
correct engine fails each once in 100,000 seeds, and the seeds here are fixed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2
from small_lives import eventful_tables, small_population, some_transitions, still_tables
from transition_tables import Moves, every_step, matrix

from microsim.dynamics.lives import Lives
from microsim.dynamics.starting import chain_of
from microsim.dynamics.transitions import implied_by, led_to
from microsim.errors import InputError
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.markets import arrange

Array = npt.NDArray[Any]
FALSE_ALARM = 1e-5
PRIVATE, INFORMAL, OWN, UNEMPLOYED, RETIRED, OTHER = (
    EMPLOYMENT_STATUS.index(label)
    for label in (
        "formal private employee", "informal employee", "informal own-account", "unemployed",
        "retired", "other inactive",
    )
)  # fmt: skip
FLOWS: Moves = {
    "formal private employee": {"unemployed": 0.06, "informal employee": 0.04},
    "informal employee": {"formal private employee": 0.05, "unemployed": 0.1},
    "unemployed": {"formal private employee": 0.2, "informal employee": 0.35},
}
THREE = (PRIVATE, INFORMAL, UNEMPLOYED)


def people(status: Array, age: int = 30, market: int = 20_000) -> Any:
    """Return persons of some statuses, half of them women, each in a household of their own."""
    n = status.size
    persons = {
        "age": np.full(n, age, np.int8), "sex": (np.arange(n) % 2).astype(np.int8),
        "employment_status": status.astype(np.int8), "sector": np.zeros(n, np.int8),
        "earnings": np.zeros(n), "self_employment_income": np.zeros(n),
        "pension_income": np.zeros(n), "severe_disability": np.zeros(n, np.bool_),
        "orphan": np.zeros(n, np.bool_), "head": np.zeros(n, np.int16),
        **{link: np.full(n, -1, np.int16) for link in ("spouse", "mother", "father")},
    }  # fmt: skip
    households = {
        "household_id": np.arange(1, n + 1), "size": np.ones(n, np.int16),
        "weight": np.full(n, 10.0), "stratum": np.zeros(n, np.int32), "psu": np.zeros(n, np.int32),
        "region": np.zeros(n, np.int16), "urban": np.zeros(n, np.bool_), "welfare": np.ones(n),
    }  # fmt: skip
    return arrange(persons, households, 3, market)


def lives_under(one: Array, status: Array, years: int, **more: Any) -> Lives:
    """Return lives in which nothing happens but moves by one matrix."""
    age = more.pop("age", 30)
    tables = still_tables(years, transition=every_step(one, years), **more)
    return Lives(tables, *people(status, age), seed=17)


def p_value(counts: Array, shares: Array) -> float:
    """Return the p-value of counts, drawn independently, against their exact shares."""
    expected = counts.sum() * shares
    assert (counts[expected == 0.0] == 0).all()
    some = expected > 0.0
    statistic = ((counts[some] - expected[some]) ** 2 / expected[some]).sum()
    return float(chi2.sf(statistic, some.sum() - 1))


# -- frequencies and the steady state ------------------------------------------------------------


@pytest.mark.parametrize("years", [1, 2, 5])
def test_frequencies_after_some_years__are_of_the_power_of_the_matrix(years: int) -> None:
    one, n = matrix(FLOWS), 30_000
    start = np.repeat(THREE, n // 3)
    lives = lives_under(one, start, years)
    keys = lives.persons["draw_key"].tolist()
    number = dict(zip(keys, lives.persons["employment_status"].tolist(), strict=True))
    for _ in range(years):
        lives.step()
    before = np.array([number[key] for key in lives.persons["draw_key"].tolist()])
    exact = np.linalg.matrix_power(one, years)
    for status in THREE:
        now = lives.persons["employment_status"][before == status]
        counts = np.bincount(now, minlength=13)
        assert p_value(counts, exact[status]) > FALSE_ALARM
        assert p_value(counts, exact[THREE[0] if status != THREE[0] else THREE[1]]) < FALSE_ALARM


def test_steady_state__is_the_left_eigenvector() -> None:
    """DOMAIN: the distribution tends to the left eigenvector of eigenvalue 1, from any start."""
    one, n = matrix(FLOWS), 20_000
    inner = one[np.ix_(THREE, THREE)]
    values, vectors = np.linalg.eig(inner.T)
    steady = np.real(vectors[:, np.argmax(np.real(values))])
    steady /= steady.sum()
    lives = lives_under(one, np.full(n, PRIVATE), 60, age=18)
    for _ in range(60):
        lives.step()
    counts = np.bincount(lives.persons["employment_status"], minlength=13)
    assert counts.sum() == counts[list(THREE)].sum() == n
    assert p_value(counts[list(THREE)], steady) > FALSE_ALARM


def test_steady_state__of_two_statuses_is_entries_over_all_moves() -> None:
    """V4: with exits s and entries f, the share of the first tends to f / (s + f)."""
    flows = {"formal private employee": {"unemployed": 0.1},
             "unemployed": {"formal private employee": 0.3}}  # fmt: skip
    n = 20_000
    lives = lives_under(matrix(flows), np.full(n, UNEMPLOYED), 40)
    for _ in range(40):
        lives.step()
    counts = np.bincount(lives.persons["employment_status"], minlength=13)
    assert p_value(counts[[PRIVATE, UNEMPLOYED]], np.array([0.75, 0.25])) > FALSE_ALARM


def test_ages_and_sexes_and_steps__have_their_own_matrix() -> None:
    """A sure move of women who turn 31 in the first step, and of nobody else."""
    steps = every_step(np.eye(13), 2)
    steps[0, 1, 31] = matrix({"unemployed": {"informal employee": 1.0}})
    tables = still_tables(2, transition=steps)
    persons, households = people(np.full(1000, UNEMPLOYED))
    persons["age"][::4] = 29
    lives = Lives(tables, persons, households, seed=1)
    for _ in range(2):
        lives.step()
    now = lives.persons
    moved = now["employment_status"] == INFORMAL
    np.testing.assert_array_equal(moved, (now["sex"] == 1) & (now["age"] == 32))


# -- aligned to totals ---------------------------------------------------------------------------


def aligned(one: Array, status: Array, shares: dict[int, float], market: int) -> Lives:
    """Return lives of a year by a matrix, brought to the same shares at every age."""
    share = np.zeros((2, 2, 121, 13))
    for code, value in shares.items():
        share[..., code] = value
    tables = still_tables(
        1, transition=every_step(one, 1), status_share=share, alignment={"labour": "sbdl"}
    )
    return Lives(tables, *people(status, market=market), seed=5)


def flows_of(lives: Lives) -> Array:
    """Return how many moved from each status to each in a step. Shape (13, 13)."""
    before = lives.persons["employment_status"].copy()
    passage = lives.step()
    pairs = before[passage.source].astype(np.int64) * 13 + lives.persons["employment_status"]
    return np.bincount(pairs, minlength=169).reshape(13, 13)


def test_aligned__numbers_are_the_wanted_ones_in_every_market_and_sex() -> None:
    start = np.tile(np.array([PRIVATE, PRIVATE, INFORMAL, UNEMPLOYED]).repeat(2), 1000)
    wanted = {PRIVATE: 0.6, INFORMAL: 0.3, UNEMPLOYED: 0.1}
    lives = aligned(matrix(FLOWS), start, wanted, 500)
    lives.step()
    now = lives.persons
    of = np.searchsorted(lives.market_starts, np.arange(now["age"].size), side="right") - 1
    for market in range(lives.household_starts.size - 1):
        for sex in (0, 1):
            cell = now["employment_status"][(of == market) & (now["sex"] == sex)]
            for status, share in wanted.items():
                assert abs((cell == status).sum() - share * cell.size) < 1.0 + 1e-6


def test_aligned__to_what_the_matrix_expects_moves_as_the_matrix_says() -> None:
    """Each flow is within 4 standard errors of independent draws, which vary more."""
    one, n = matrix(FLOWS), 40_000
    start = np.tile(np.array([PRIVATE, PRIVATE, INFORMAL, UNEMPLOYED]).repeat(2), n // 8)
    first = np.zeros(13)
    first[[PRIVATE, INFORMAL, UNEMPLOYED]] = 0.5, 0.25, 0.25
    then = first @ one
    lives = aligned(one, start, dict(enumerate(then.tolist())), 2_000)
    flows = flows_of(lives)
    expected = n * first[:, None] * one
    deviation = np.sqrt(expected * (1.0 - one))
    assert (np.abs(flows - expected) <= 4.0 * deviation + 1e-9).all()


def test_aligned__to_other_totals_keeps_impossible_moves_impossible() -> None:
    flows = {
        "unemployed": {"formal private employee": 0.3, "informal employee": 0.3},
        "formal private employee": {"unemployed": 0.1},
        "informal employee": {"unemployed": 0.1},
    }
    start = np.tile(np.array([PRIVATE, INFORMAL, UNEMPLOYED, UNEMPLOYED]).repeat(2), 1000)
    lives = aligned(matrix(flows), start, {PRIVATE: 0.5, INFORMAL: 0.3, UNEMPLOYED: 0.2}, 2_000)
    found = flows_of(lives)
    assert found[PRIVATE, INFORMAL] == found[INFORMAL, PRIVATE] == 0
    assert found[UNEMPLOYED, PRIVATE] > 1.5 * found[UNEMPLOYED, INFORMAL]


def test_aligned__moves_that_the_matrix_excludes_are_counted() -> None:
    """No way leads into informal work: who has to take it is counted, one by one."""
    flows = {"unemployed": {"formal private employee": 0.5},
             "formal private employee": {"unemployed": 0.1}}  # fmt: skip
    one = matrix(flows)
    start = np.tile(np.array([PRIVATE, UNEMPLOYED]).repeat(2), 1000)
    lives = aligned(one, start, {PRIVATE: 0.5, UNEMPLOYED: 0.25, INFORMAL: 0.25}, 500)
    before = lives.persons["employment_status"].copy()
    passage = lives.step()
    was, now = before[passage.source], lives.persons["employment_status"]
    excluded = one[was, now] == 0.0
    assert passage.moves is not None
    assert passage.moves.tolist() == [(was != now).sum(), excluded.sum(), 0]
    assert excluded.sum() == pytest.approx(0.25 * now.size, abs=2 * lives.household_starts.size)


def test_aligned__places_left_empty_are_counted() -> None:
    """Nobody may leave formal work, which fewer should have: places elsewhere stay empty."""
    start = np.tile(np.array([PRIVATE, UNEMPLOYED]).repeat(2), 1000)
    flows = {"unemployed": {"informal employee": 0.5}}
    lives = aligned(matrix(flows), start, {PRIVATE: 0.3, UNEMPLOYED: 0.4, INFORMAL: 0.3}, 20_000)
    passage = lives.step()
    n = start.size
    counts = np.bincount(lives.persons["employment_status"], minlength=13)
    assert passage.moves is not None
    assert passage.moves[0] == counts[INFORMAL]
    assert passage.moves[1] == 0
    assert counts[PRIVATE] == n // 2
    assert passage.moves[2] == pytest.approx(n // 2 - 0.3 * n, abs=2)


def test_aligned__to_what_the_matrix_reaches_counts_moves_and_excludes_none() -> None:
    start = np.tile(np.array([PRIVATE, PRIVATE, INFORMAL, UNEMPLOYED]).repeat(2), 1000)
    lives = aligned(matrix(FLOWS), start, {PRIVATE: 0.5, INFORMAL: 0.3, UNEMPLOYED: 0.2}, 2_000)
    before = lives.persons["employment_status"].copy()
    passage = lives.step()
    moved = (before[passage.source] != lives.persons["employment_status"]).sum()
    assert passage.moves is not None
    assert passage.moves.tolist() == [moved, 0, 0]


def test_drawn__nothing_is_counted() -> None:
    assert lives_under(matrix(FLOWS), np.repeat(THREE, 10), 1).step().moves is None


# -- chance, rules, factors ----------------------------------------------------------------------


def test_common_random_numbers__only_those_between_the_two_matrices_differ() -> None:
    """The last status takes 0.1 from staying: one in ten of the unemployed differs, no other."""
    more = {**FLOWS, "unemployed": {**FLOWS["unemployed"], "other inactive": 0.1}}
    found = []
    for flows in (FLOWS, more):
        lives = lives_under(matrix(flows), np.repeat(THREE, 4000), 1)
        lives.step()
        found.append(lives.persons["employment_status"].copy())
    differs = found[0] != found[1]
    assert set(found[0][differs]) == {UNEMPLOYED}
    assert set(found[1][differs]) == {OTHER}
    assert p_value(np.array([differs.sum(), 4000 - differs.sum()]), np.array([0.1, 0.9])) > (
        FALSE_ALARM
    )


def test_pieces__have_the_lives_of_the_whole() -> None:
    """Markets lived apart give what they give together, aligned or drawn."""
    for method in ("multiplicative", "sbdl"):
        tables = eventful_tables(3, method, transition=some_transitions(3))
        persons, households = small_population(400, persons_per_market=300)
        whole = Lives(tables, persons, households, seed=3, average_wage=1000.0)
        parts: dict[int, int] = {}
        homes = np.repeat(households["market"], households["size"])
        for market in np.unique(households["market"]):
            mine = households["market"] == market
            part_homes = {name: column[mine] for name, column in households.items()}
            part_homes["start"] = part_homes["start"] - part_homes["start"][0]
            part = Lives(
                tables, {name: column[homes == market] for name, column in persons.items()},
                part_homes, seed=3, average_wage=1000.0,
            )  # fmt: skip
            for _ in range(3):
                part.step()
            keys = part.persons["draw_key"].tolist()
            parts |= dict(zip(keys, part.persons["employment_status"].tolist(), strict=True))
        for _ in range(3):
            whole.step()
        keys = whole.persons["draw_key"].tolist()
        assert parts == dict(zip(keys, whole.persons["employment_status"].tolist(), strict=True))


@pytest.mark.parametrize("method", ["none", "sbdl"])
def test_retirement_by_rule__leaves_no_other_way_to_retire(method: str) -> None:
    flows = {"formal private employee": {"retired": 0.5, "unemployed": 0.25}}
    share = np.zeros((2, 2, 121, 13))
    share[..., [PRIVATE, UNEMPLOYED, RETIRED]] = 0.25, 0.25, 0.5
    tables = still_tables(
        1, transition=every_step(matrix(flows), 1), status_share=share,
        alignment={"labour": method},
    )  # fmt: skip
    n = 8000
    lives = Lives(tables, *people(np.full(n, PRIVATE)), seed=2)
    rule = np.where(np.arange(n) < n // 2, 0.2, np.nan)
    keys = lives.persons["draw_key"][: n // 2].copy()
    lives.step({"retirement": rule})
    governed = np.isin(lives.persons["draw_key"], keys)
    counts = np.bincount(lives.persons["employment_status"][governed], minlength=13)
    by_rule, left = counts[RETIRED], counts[[PRIVATE, UNEMPLOYED]]
    assert p_value(np.array([by_rule, n // 2 - by_rule]), np.array([0.2, 0.8])) > FALSE_ALARM
    others = np.bincount(lives.persons["employment_status"][~governed], minlength=13)
    if method == "none":
        assert p_value(left, np.array([0.5, 0.5])) > FALSE_ALARM
        assert p_value(others[[PRIVATE, UNEMPLOYED, RETIRED]], np.array([0.25, 0.25, 0.5])) > (
            FALSE_ALARM
        )


def test_aligned__places_of_the_retired_are_not_for_who_retires_by_rule() -> None:
    """No row leads to the retirement that the shares want: only those without a rule fill it."""
    share = np.zeros((2, 2, 121, 13))
    share[..., [PRIVATE, UNEMPLOYED, RETIRED]] = 0.3, 0.2, 0.5
    flows = {"formal private employee": {"unemployed": 0.5}}
    tables = still_tables(
        1, transition=every_step(matrix(flows), 1), status_share=share, alignment={"labour": "sbdl"}
    )
    n = 4000
    lives = Lives(tables, *people(np.full(n, PRIVATE), market=500), seed=2)
    rule = np.where(np.arange(n) % 2 == 0, 1e-12, np.nan)
    governed = lives.persons["draw_key"][::2].copy()
    lives.step({"retirement": rule})
    retired = lives.persons["employment_status"] == RETIRED
    by_rule = np.isin(lives.persons["draw_key"], governed)
    assert not retired[by_rule].any()
    assert retired[~by_rule].sum() > 100


def test_a_row_that_leads_nowhere__is_made_room_for() -> None:
    """Two kinds of jobs, each with a way of its own: nobody is forced into the other's."""
    flows = {"student": {"formal private employee": 0.5, "informal employee": 0.5},
             "unemployed": {"informal employee": 0.99}}  # fmt: skip
    start = np.tile(np.array([8, UNEMPLOYED, 8, UNEMPLOYED]).repeat(2), 200)
    shares = {PRIVATE: 0.5, INFORMAL: 0.495, UNEMPLOYED: 0.005}
    found = flows_of(aligned(matrix(flows), start, shares, 20_000))
    assert found[UNEMPLOYED, PRIVATE] == 0
    assert found[8, PRIVATE] > 750


def test_factor_on_formal_work__weighs_the_ways_of_those_who_leave() -> None:
    """Twice the weight of formal work: 0.4 and 0.35 of 0.55 who leave unemployment."""
    n = 12_000
    lives = lives_under(matrix(FLOWS), np.full(n, UNEMPLOYED), 1)
    lives.step({"formal": np.full(n, 2.0)})
    counts = np.bincount(lives.persons["employment_status"], minlength=13)[list(THREE)]
    exact = np.array([0.4 / 0.75 * 0.55, 0.35 / 0.75 * 0.55, 0.45])
    assert p_value(counts, exact) > FALSE_ALARM
    lives = lives_under(matrix(FLOWS), np.full(n, UNEMPLOYED), 1)
    lives.step({"formal": np.zeros(n)})
    counts = np.bincount(lives.persons["employment_status"], minlength=13)[list(THREE)]
    assert counts[0] == 0
    assert p_value(counts[1:], np.array([0.55, 0.45])) > FALSE_ALARM


def test_a_factor_below_zero__names_the_person() -> None:
    lives = lives_under(matrix(FLOWS), np.full(10, UNEMPLOYED), 1)
    with pytest.raises(InputError, match=r"formal, year 2026, draw key \d+, age 31"):
        lives.step({"formal": np.full(10, -0.1)})


# -- matrices made -------------------------------------------------------------------------------


def test_implied__moves_are_who_leaves_times_affinity_and_share() -> None:
    tables = eventful_tables(2)
    found = implied_by(tables.status_share[1:], tables.status_leave, tables.status_affinity)
    assert found.sum(axis=-1) == pytest.approx(np.ones((2, 2, 121, 13)), abs=1e-12)
    share, leave = tables.status_share[1, 0, 40], tables.status_leave[0, 40]
    weight = share * tables.status_affinity[7]
    assert found[0, 0, 40, 7, 3] == pytest.approx(leave[7] * weight[3] / weight.sum())
    assert found[0, 0, 40, 7, 7] == pytest.approx(1.0 - leave[7])
    assert found[0, 0, 40, 8, 8] == 0.0  # nobody of 40 is a student: all leave
    assert (found[:, :, :15, 0, 0] == 1.0).all()
    assert (found[:, :, 15, 0, 0] == 0.0).all()


def test_led_to__is_the_first_year_times_the_matrices() -> None:
    steps = some_transitions(4)
    first = eventful_tables(4).status_share[0]
    path = led_to(first, steps)
    assert path.sum(axis=-1) == pytest.approx(np.ones((5, 2, 121)))
    cohort = first[1, 30]
    for k in range(4):
        cohort = cohort @ steps[k, 1, 31 + k]
        assert path[k + 1, 1, 31 + k] == pytest.approx(cohort)
    assert (path[:, :, :15, 0] == 1.0).all()


def test_past_formal_work__knows_the_exits_of_the_matrix() -> None:
    tables = eventful_tables(1, transition=every_step(matrix(FLOWS), 1))
    formal, exits = chain_of(tables)
    share = tables.status_share[0, 0, 40]
    assert formal[0, 40] == pytest.approx(share[[1, 2, 4]].sum())
    assert exits[0, 40] == pytest.approx(0.1 * share[2] / share[[1, 2, 4]].sum())


def test_check__names_rows_of_transitions_that_do_not_add_up() -> None:
    steps = every_step(matrix(FLOWS), 2)
    steps[1, 1, 40, UNEMPLOYED, PRIVATE] = 0.1
    with pytest.raises(InputError, match=r"do not add up to 1 \(year 2027, female, age 40, unempl"):
        still_tables(2, transition=steps).check()
