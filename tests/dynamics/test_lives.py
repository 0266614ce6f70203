"""Lives against exact values: who survives, is born, moves; accounts; independence of pieces.

Statistical tests accept 4 standard errors: a true engine fails each about once in 16,000 seeds,
and the seeds here are fixed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from household_checks import assert_households_are_valid
from small_lives import AGES, eventful_tables, lone_persons, small_population, still_tables

from microsim.dynamics.equal_weights import equalise
from microsim.dynamics.lives import Lives
from microsim.dynamics.tables import Earnings, LifeTables, PastWork
from microsim.errors import InputError
from microsim.population.columns import LIFE_INPUTS

Array = npt.NDArray[Any]
Columns = dict[str, Array]
METHODS = ("multiplicative", "sbdl")


def assert_share(count: float, n: int, p: float) -> None:
    """Check a count of n independent events of probability p, within 4 standard errors."""
    assert abs(count - n * p) <= 4.0 * np.sqrt(n * p * (1.0 - p))


def shares(table: dict[int, float], n_steps: int) -> Array:
    """Return wanted shares of statuses, the same for everybody."""
    share = np.zeros((n_steps + 1, 2, 121, 13))
    for status, value in table.items():
        share[..., status] = value
    return share


@pytest.mark.parametrize("method", METHODS)
def test_survivors__follow_life_table(method: str) -> None:
    """V1: of N persons aged 60, N times the product of 1 - q survive."""
    death = np.minimum(1.0, 0.01 * np.exp(0.09 * (AGES - 60)))
    years = 20
    tables = still_tables(
        years, death=np.broadcast_to(death, (years, 2, 121)).copy(), alignment={"mortality": method}
    )
    persons, households = lone_persons(40_000, 60, 0)
    lives = Lives(tables, persons, households, seed=2)
    survival = 1.0
    for k in range(years):
        passage = lives.step()
        survival *= 1.0 - death[60 + k]
        assert passage.deaths.sum() == passage.left.size
        assert_share(lives.persons["age"].size, 40_000, survival)
    assert (lives.persons["age"] == 80).all()


def test_survivors__at_the_oldest_age_stay_at_it() -> None:
    """Ages stop at 120; those of 120 who do not die stay 120."""
    lives = Lives(still_tables(3), *lone_persons(50, 119, 1))
    for _ in range(3):
        lives.step()
    assert (lives.persons["age"] == 120).all()


@pytest.mark.parametrize("method", METHODS)
def test_births__are_rates_times_women(method: str) -> None:
    """V10: the sum of rates over women, whatever parity and partnership; the girls' share."""
    tables = eventful_tables(1, method)
    tables = replace(
        tables, emigration=np.zeros_like(tables.emigration), newborn_death=np.zeros((1, 2))
    )
    persons, households = small_population(15_000)
    lives = Lives(tables, persons, households, seed=8)
    women = lives.persons["sex"] == 1
    expected = tables.birth[0][lives.persons["age"][women]]
    passage = lives.step()
    n_births = int(passage.births.sum())
    if method == "multiplicative":
        assert abs(n_births - expected.sum()) <= 4.0 * np.sqrt((expected * (1 - expected)).sum())
    else:
        assert abs(n_births - expected.sum()) <= lives.household_starts.size - 1
    girls = float(tables.girls[0])
    if method == "multiplicative":
        assert_share(int(passage.births[1]), n_births, girls)
    else:
        assert abs(passage.births[1] - n_births * girls) < lives.household_starts.size - 1
    newborn = lives.persons["age"] == 0
    assert newborn.sum() >= n_births
    assert (lives.persons["mother"][newborn & ~lives.persons["arrived"]] >= -1).all()


def test_girls__are_their_share_of_the_births_of_every_market() -> None:
    """Aligned: off by less than one in each market and year; misses do not add up.

    A number with fraction f is rounded up with probability f: variance f (1 - f), independent
    from market to market and from year to year.
    """
    n, years = 4_000, 18
    birth = np.broadcast_to(((AGES >= 20) & (AGES < 40)).astype(float), (years, 121)).copy()
    tables = still_tables(years, birth=birth, alignment={"fertility": "sbdl"})
    lives = Lives(tables, *lone_persons(n, 20, 1, market=20), seed=3)
    expected = np.diff(lives.market_starts) * float(tables.girls[0])
    assert expected.size > 100
    miss = np.empty((years, expected.size))
    for k in range(years):
        passage = lives.step()
        girl = (lives.persons["age"] == 0) & (lives.persons["sex"] == 1)
        born = np.add.reduceat(girl, lives.market_starts[:-1])
        miss[k] = born - expected
        assert passage.births.tolist() == [n - born.sum(), born.sum()]
    assert (np.abs(miss) < 1.0).all()
    fraction = expected % 1.0
    variance = float((fraction * (1.0 - fraction)).sum())
    assert abs(miss.sum()) <= 4.0 * np.sqrt(years * variance)
    for sums in (miss.sum(axis=0), miss.sum(axis=1)):
        ratio = float((sums**2).sum()) / (years * variance)
        assert abs(ratio - 1.0) <= 4.0 * np.sqrt(2.0 / sums.size)


@pytest.mark.parametrize("method", METHODS)
def test_account__closes_by_sex_and_single_age(method: str) -> None:
    """I-01: opening and arrivals less departures give closing, at every age, in every step."""
    persons, households = small_population(600, persons_per_market=500)
    lives = Lives(eventful_tables(10, method), persons, households, seed=4)
    for _ in range(10):
        age, sex = lives.persons["age"].astype(int), lives.persons["sex"].astype(int)
        opening = np.bincount(sex * 121 + age, minlength=242)
        passage = lives.step()
        gone = np.bincount((sex * 121 + age)[passage.left], minlength=242)
        stays = (opening - gone).reshape(2, 121)
        closing = np.zeros((2, 121), np.int64)
        closing[:, 1:] = stays[:, :-1]
        closing[:, 120] += stays[:, 120]
        now = lives.persons
        newcomers = passage.source < 0
        cell = now["sex"].astype(int) * 121 + now["age"].astype(int)
        closing += np.bincount(cell[newcomers], minlength=242).reshape(2, 121)
        np.testing.assert_array_equal(np.bincount(cell, minlength=242).reshape(2, 121), closing)
        flow = passage.births - passage.deaths + passage.immigrants - passage.emigrants
        by_sex = opening.reshape(2, 121).sum(axis=1) + flow
        np.testing.assert_array_equal(np.bincount(now["sex"], minlength=2), by_sex)
        assert (now["age"][newcomers & ~now["arrived"]] == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_households__stay_whole_for_decades(method: str) -> None:
    """Links, sizes, numbers and keys hold, and nobody below 15 lives without an adult."""
    persons, households = small_population(700, persons_per_market=600)
    lives = Lives(eventful_tables(30, method), persons, households, seed=6, average_wage=1000.0)
    for _ in range(30):
        lives.step()
        assert_households_are_valid(lives.persons, lives.households)
        assert (lives.households["weight"] == 50.0).all()


def states(lives: Lives, market: int) -> dict[int, tuple[Any, ...]]:
    """Return everything of the persons of one market, by draw key."""
    starts = lives.market_starts
    numbers = lives.households["market"][lives.household_starts[:-1]]
    k = int(np.flatnonzero(numbers == market)[0])
    rows = slice(int(starts[k]), int(starts[k + 1]))
    names = sorted(lives.persons)
    columns = [lives.persons[name][rows].tolist() for name in names]
    homes = lives.households["household_id"][lives.household_of_person[rows]].tolist()
    welfare = lives.households["welfare"][lives.household_of_person[rows]].tolist()
    keys = lives.persons["draw_key"][rows].tolist()
    return dict(zip(keys, zip(homes, welfare, *columns, strict=True), strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_markets__live_the_same_alone_and_together(method: str) -> None:
    """The bits of a market do not depend on which markets are computed beside it."""
    persons, households = small_population(500, persons_per_market=300)
    tables = eventful_tables(8, method)
    together = Lives(tables, persons, households, seed=3, average_wage=1000.0)
    markets = np.unique(households["market"])
    assert markets.size >= 3
    of_person = np.repeat(households["market"], households["size"])
    alone = {}
    for market in markets:
        mine = {name: column[of_person == market] for name, column in persons.items()}
        homes = {name: c[households["market"] == market] for name, c in households.items()}
        homes["start"] = np.cumsum(homes["size"].astype(int)) - homes["size"]
        alone[market] = Lives(tables, mine, homes, seed=3, average_wage=1000.0)
    for _ in range(8):
        together.step()
        for market in markets:
            alone[market].step()
            assert states(alone[market], market) == states(together, market)


def test_mortality_of_others__leaves_lives_that_do_not_meet_them_alone() -> None:
    """Common random numbers: with draws, one person's extra risk changes only who they meet."""
    persons, households = small_population(400)
    tables = still_tables(
        10,
        death=np.full((10, 2, 121), 0.01),
        status_share=shares({3: 0.5, 12: 0.5}, 10),
        status_leave=np.full((2, 121, 13), 0.2),
    )
    plain = Lives(tables, persons, households, seed=9, average_wage=1000.0)
    other = Lives(tables, persons, households, seed=9, average_wage=1000.0)
    for _ in range(10):
        factor = np.where(other.persons["draw_key"] % np.uint64(2) == 0, 5.0, 1.0)
        plain.step()
        other.step({"mortality": factor})
    kept = {int(key): i for i, key in enumerate(plain.persons["draw_key"])}
    spared = other.persons["draw_key"] % np.uint64(2) == 1
    assert spared.sum() > 200
    for row in np.flatnonzero(spared):
        i = kept[int(other.persons["draw_key"][row])]
        for name in ("age", "employment_status", "earnings", "months_in_status", "birth_month"):
            assert plain.persons[name][i] == other.persons[name][row]


def test_relative_factor__keeps_expected_deaths() -> None:
    """A relative factor moves deaths between persons, a level moves their number."""
    tables = still_tables(1, death=np.full((1, 2, 121), 0.05), alignment={"mortality": "sbdl"})
    persons, households = lone_persons(20_000, 50, 1)
    poor = (np.arange(20_000) % 4 == 0).astype(float)
    deaths = {}
    for name, factor in (
        ("none", None), ("mortality_relative", 1.0 + 2.0 * poor), ("mortality", 1.0 + poor),
    ):  # fmt: skip
        lives = Lives(tables, persons, households, seed=5)
        passage = lives.step(None if factor is None else {name: factor})
        deaths[name] = int(passage.deaths.sum())
        if name == "mortality_relative":
            share = poor[passage.left].mean()
            assert abs(share - 0.5) <= 4.0 * np.sqrt(0.25 / passage.left.size)
    assert abs(deaths["mortality_relative"] - deaths["none"]) <= 1
    assert abs(deaths["mortality"] - 1250) <= 1


def test_factor__beyond_probability_one_is_refused() -> None:
    """Nothing is clipped: process, age and key are named."""
    tables = still_tables(1, death=np.full((1, 2, 121), 0.4))
    persons, households = lone_persons(10, 50, 1)
    lives = Lives(tables, persons, households)
    factor = np.ones(10)
    factor[3] = 3.0
    with pytest.raises(InputError, match=r"mortality, year 2026, female of age 50, draw key \d+"):
        lives.step({"mortality": factor})
    with pytest.raises(InputError, match=r"0\.4 x nan"):
        lives.step({"mortality": np.full(10, np.nan)})
    with pytest.raises(InputError, match="behaviour luck: is not a process"):
        lives.step({"luck": factor})
    with pytest.raises(InputError, match="wrong length"):
        lives.step({"mortality": factor[:4]})


def test_steps__end_with_the_tables() -> None:
    """A year outside the tables is an error."""
    lives = Lives(still_tables(1), *lone_persons(5, 40, 0))
    lives.step()
    with pytest.raises(InputError, match="outside the tables"):
        lives.step()


def test_weights__must_be_equal_in_a_market() -> None:
    """Unequal weights are refused, with what to do."""
    persons, households = lone_persons(10, 30, 0)
    households["weight"][4] = 11.0
    with pytest.raises(InputError, match=r"different weights.*equalise"):
        Lives(still_tables(1), persons, households)


def test_steady_state__of_two_statuses() -> None:
    """V4: with exits s and entries f, the share of the first tends to f / (s + f)."""
    leave = np.zeros((2, 121, 13))
    leave[..., 2], leave[..., 7] = 0.1, 0.3
    tables = still_tables(
        40,
        status_share=shares({2: 0.5, 7: 0.5}, 40),
        status_leave=leave,
    )
    n = 20_000
    lives = Lives(tables, *lone_persons(n, 20, 0, status=2), seed=1)
    for _ in range(40):
        lives.step()
    employed = lives.persons["employment_status"] == 2
    assert_share(int(employed.sum()), n, 0.3 / 0.4)


def test_density__of_a_career() -> None:
    """V5: the mean share of years in the first status is p01 / (p01 + p10)."""
    leave = np.zeros((2, 121, 13))
    leave[..., 2], leave[..., 7] = 0.15, 0.25
    years, n = 50, 6_000
    tables = still_tables(years, status_share=shares({2: 0.5, 7: 0.5}, years), status_leave=leave)
    persons, households = lone_persons(n, 18, 1, status=2)
    p = 0.25 / 0.40
    start = np.random.default_rng(1).random(n) < p
    persons["employment_status"] = np.where(start, 2, 7).astype(np.int8)
    lives = Lives(tables, persons, households, seed=12)
    total = np.zeros(n)
    for _ in range(years):
        passage = lives.step()
        total = total[passage.source] + (lives.persons["employment_status"] == 2)
    density = total / years
    assert abs(density.mean() - p) <= 4.0 * density.std() / np.sqrt(n)


@pytest.mark.parametrize("method", METHODS)
def test_statuses__reach_wanted_shares(method: str) -> None:
    """Aligned statuses are within one person of the wanted numbers of market, sex and group."""
    tables = eventful_tables(3, method)
    persons, households = small_population(3_000, persons_per_market=4_000)
    lives = Lives(tables, persons, households, seed=2, average_wage=1000.0)
    for _ in range(3):
        lives.step()
    if method == "multiplicative":
        return
    now, share = lives.persons, tables.status_share[3]
    of = np.searchsorted(lives.market_starts, np.arange(now["age"].size), side="right") - 1
    for market in range(lives.household_starts.size - 1):
        for sex in (0, 1):
            cell = (of == market) & (now["sex"] == sex) & (now["age"] >= 30) & (now["age"] < 35)
            found = np.bincount(now["employment_status"][cell], minlength=13)
            wanted = share[sex][now["age"][cell]].sum(axis=0)
            stuck = found[10] > wanted[10]  # nobody leaves retirement in these tables
            assert stuck or (np.abs(found - wanted) < 1.0 + 1e-6).all()


def test_formal_factor__raises_formal_work() -> None:
    """The factor multiplies the wanted share of formal work, and is refused beyond 1."""
    tables = eventful_tables(1, "sbdl")
    tables.status_leave[:, 15:, 10] = 0.1  # the retired of the small population are far too many
    persons, households = small_population(6_000)
    rows = persons["age"].size
    formal = {}
    for factor in (1.0, 1.5):
        lives = Lives(tables, persons, households, seed=2, average_wage=1000.0)
        lives.step({"formal": np.full(rows, factor)})
        grown = (lives.persons["age"] >= 25) & (lives.persons["age"] < 60)
        grown &= ~lives.persons["arrived"]
        formal[factor] = np.isin(lives.persons["employment_status"][grown], (1, 2, 4)).mean()
    assert formal[1.5] / formal[1.0] == pytest.approx(1.5, abs=0.06)
    lives = Lives(tables, persons, households, seed=2)
    with pytest.raises(InputError, match="wanted share of formal work"):
        lives.step({"formal": np.full(rows, 9.0)})


@pytest.mark.parametrize("method", METHODS)
def test_retirement__by_rule(method: str) -> None:
    """Who has a rule retires by its probability and by nothing else; NaN leaves it to tables."""
    tables = eventful_tables(1, method)
    persons, households = small_population(6_000)
    rule = np.where(persons["age"] >= 55, 0.25, 0.0)
    lives = Lives(tables, persons, households, seed=2, average_wage=1000.0)
    before = persons["employment_status"].copy()
    passage = lives.step({"retirement": rule})
    known = passage.source >= 0
    source = passage.source[known]
    retired = lives.persons["retired_this_year"][known]
    assert not retired[persons["age"][source] < 55].any()
    able = (persons["age"][source] >= 55) & (before[source] != 10)
    assert_share(int(retired[able].sum()), int(able.sum()), 0.25)
    assert (lives.persons["employment_status"][known][retired] == 10).all()
    with pytest.raises(InputError, match="retirement, year 2026"):
        Lives(tables, persons, households).step({"retirement": np.full(rule.size, 1.5)})


def test_earnings__are_those_of_the_file_at_first_and_follow_wages() -> None:
    """The split reproduces the first year; with no shocks the next year grows as wages do."""
    persons, households = small_population(500)
    tables = still_tables(2, status_share=shares(dict.fromkeys(range(13), 1 / 13), 2))
    level = tables.earnings
    calm = replace(
        level, rho=np.ones(13), wage_level=np.array([1.0, 1.1, 1.21]),
        log_level=np.full((13, 2), -0.2),
    )  # fmt: skip
    lives = Lives(replace(tables, earnings=calm), persons, households, average_wage=900.0)
    for name in ("earnings", "self_employment_income"):
        np.testing.assert_array_equal(lives.persons[name], persons[name])
    passage = lives.step()
    assert passage.left.size == 0
    for name in ("earnings", "self_employment_income"):
        before = persons[name][passage.source]
        np.testing.assert_allclose(lives.persons[name], 1.1 * before, rtol=1e-12)


def test_earnings__have_the_variance_of_their_process() -> None:
    """V6: passing parts keep their cross-section variance, and correlate by rho from year to year.

    Stationary variance: innovations of variance s**2 (1 - rho**2) give s**2 for ever.
    """
    n, years = 20_000, 12
    level = Earnings(
        np.zeros((13, 2)), np.zeros((2, 121)), np.full(13, 0.5), np.full(13, 0.3),
        np.full(13, 0.7), np.ones(years + 1),
    )  # fmt: skip
    tables = still_tables(years, status_share=shares({2: 1.0}, years), earnings=level)
    persons, households = lone_persons(n, 20, 0, status=12)
    lives = Lives(tables, persons, households, seed=7, average_wage=1.0)
    logs = []
    for _ in range(years):
        lives.step()
        logs.append(np.log(lives.persons["earnings"]))
    expected = 0.5**2 + 0.3**2
    for log in logs:
        assert abs(log.var() - expected) <= 4.0 * expected * np.sqrt(2.0 / n)
        assert abs(log.mean()) <= 4.0 * np.sqrt(expected / n)
    covariance = np.cov(logs[-2], logs[-1])[0, 1]
    exact = 0.5**2 + 0.7 * 0.3**2
    assert abs(covariance - exact) <= 4.0 * np.sqrt((expected**2 + exact**2) / n)


def test_past_work__has_the_density_of_the_tables() -> None:
    """The Beta share has mean and variance of its parameters."""
    n = 20_000
    past = PastWork(20.0, np.full((2, 13), 0.3), 2.0)
    lives = Lives(still_tables(1, past_work=past), *lone_persons(n, 50, 1), seed=3)
    share = lives.persons["past_formal_years"] / 30.0
    assert (share >= 0.0).all()
    assert (share <= 1.0).all()
    variance = 0.3 * 0.7 / 3.0
    assert abs(share.mean() - 0.3) <= 4.0 * np.sqrt(variance / n)
    assert share.var() == pytest.approx(variance, rel=0.05)


def test_past_work__walked_back_has_the_shares_of_every_age() -> None:
    """The chain back in time keeps the share of formal work at each age; exits set its spells."""
    n = 40_000
    share = np.zeros((2, 2, 121, 13))
    share[:, :, :15, 0] = 1.0
    formal = np.clip((AGES - 18) / 60.0, 0.0, 0.5)
    share[:, :, 15:, 2], share[:, :, 15:, 12] = formal[15:], 1.0 - formal[15:]
    leave = np.full((2, 121, 13), 0.1)
    tables = still_tables(
        1, status_share=share, status_leave=leave, past_work=PastWork(15.0, np.zeros((2, 13)), 0.0)
    )
    persons, households = lone_persons(n, 45, 0)
    now = np.random.default_rng(5).random(n) < formal[45]
    persons["employment_status"] = np.where(now, 2, 12).astype(np.int8)
    years = Lives(tables, persons, households, seed=5).persons["past_formal_years"]
    exact = formal[15:45].sum()
    assert abs(years.mean() - exact) <= 4.0 * years.std() / np.sqrt(n)
    assert years[now].mean() > years[~now].mean()


def test_widows__share_a_late_husband() -> None:
    """Of several wives each is widowed, and told how many they are."""
    tables = eventful_tables(25, "multiplicative", polygamy=0.6)
    persons, households = small_population(500)
    lives = Lives(tables, persons, households, seed=1)
    shared = 0
    for _ in range(25):
        keys = lives.persons["draw_key"].copy()
        passage = lives.step()
        widowed = np.flatnonzero(passage.late_spouse >= 0)
        np.testing.assert_array_equal(np.flatnonzero(lives.persons["widowed"]), widowed)
        late = keys[passage.late_spouse[widowed]]
        for row, key in zip(widowed, late, strict=True):
            assert lives.persons["late_spouse_widows"][row] == (late == key).sum()
        shared += int((lives.persons["late_spouse_widows"] > 1).sum())
        assert np.isin(passage.late_spouse[widowed], passage.left).all()
    assert shared > 0


def test_unions__pair_equal_numbers_near_the_mean_gap() -> None:
    """As many men as women marry, as many as expected, and husbands are older by the mean gap."""
    n = 4_000
    persons, households = lone_persons(2 * n, 25, 0)
    persons["sex"] = (np.arange(2 * n) % 2).astype(np.int8)
    persons["age"] = (20 + np.arange(2 * n) % 20).astype(np.int8)
    union = np.full((1, 2, 121), 0.25)
    lives = Lives(
        still_tables(1, union=union, alignment={"union": "sbdl"}), persons, households, seed=1
    )
    lives.step()
    married = lives.persons["spouse"] >= 0
    assert abs(int(married.sum()) - 2 * round(0.25 * n)) <= 2
    size = np.repeat(lives.households["size"], lives.households["size"])
    assert (size[married] == 2).all()
    first = np.repeat(lives.households["start"], lives.households["size"])
    husband = np.flatnonzero(married & (lives.persons["sex"] == 0))
    wife = first[husband] + lives.persons["spouse"][husband]
    gap = lives.persons["age"][husband].astype(float) - lives.persons["age"][wife]
    assert abs(gap.mean()) < 1.0  # both sexes of the same ages marry: the mean cannot be 3
    assert gap.std() < 6.0


def test_welfare__per_head_of_those_who_do_not_move_is_kept() -> None:
    """Births, deaths and moves of others leave welfare per head as it was."""
    persons, households = small_population(300)
    tables = eventful_tables(
        1, "multiplicative", union=np.zeros((1, 2, 121)), elder_joins=np.zeros((2, 121)),
        immigration=np.zeros((1, 2, 121)),
    )  # fmt: skip
    lives = Lives(tables, persons, households, seed=2)
    before = households["welfare"] / households["size"]
    passage = lives.step()
    placed = np.zeros(lives.households["size"].size, np.bool_)
    old = passage.household_source >= 0
    of = np.repeat(np.arange(households["size"].size), households["size"])
    source = passage.source
    home = lives.household_of_person
    known = source >= 0
    came_from = of[source[known]]
    stranger = came_from != passage.household_source[home[known]]
    placed[home[known][stranger]] = True
    now = lives.households["welfare"] / lives.households["size"]
    calm = old & ~placed
    assert calm.sum() > 150
    np.testing.assert_allclose(now[calm], before[passage.household_source[calm]], rtol=1e-12)


def test_equal_weights__keep_totals_and_first_copies() -> None:
    """Copies are as many as households stand for, numbers and keys unique, the first kept."""
    persons, households = small_population(2_000, persons_per_market=1_500)
    weight = np.random.default_rng(1).uniform(20.0, 90.0, households["size"].size)
    households["weight"] = weight
    many, homes = equalise(persons, households, 25.0, 1)
    assert_households_are_valid(many, homes)
    assert (homes["weight"] == 25.0).all()
    for market in np.unique(households["market"]):
        exact = weight[households["market"] == market].sum() / 25.0
        assert abs((homes["market"] == market).sum() - exact) <= 1.0
    kept = np.isin(households["household_id"], homes["household_id"])
    assert kept[weight >= 25.0].all()
    some = {name: column[:400] for name, column in households.items()}
    rows = int(some["size"].sum())
    cut = (
        int(np.flatnonzero(np.diff(some["market"]))[0]) + 1 if np.diff(some["market"]).any() else 0
    )
    _, part_homes = equalise(
        {name: column[:rows] for name, column in persons.items()}, some, 25.0, 1
    )
    whole = homes["market"] == 0
    if cut:
        same = part_homes["market"] == 0
        np.testing.assert_array_equal(
            part_homes["household_id"][same], homes["household_id"][whole]
        )
    with pytest.raises(InputError, match="is not above 0"):
        equalise(persons, households, 0.0, 1)


def test_life_inputs__have_declared_types_in_every_year() -> None:
    """Columns of lives keep the type their registry states, and start at its default."""
    persons, households = small_population(100)
    lives = Lives(eventful_tables(2), persons, households, average_wage=1000.0)
    for year in range(3):
        for column in LIFE_INPUTS:
            assert lives.persons[column.name].dtype == column.dtype, column.name
            if year == 0 and column.name in ("arrived", "months_in_status", "widowed"):
                assert (lives.persons[column.name] == column.default).all()
        if year < 2:
            lives.step()


def test_columns_of_two_years__both_stay() -> None:
    """Arrays of a year are not overwritten by the next step, only by the one after."""
    lives = Lives(eventful_tables(4), *small_population(200), seed=1)
    lives.step()
    before = lives.persons
    copies = {name: column.copy() for name, column in before.items()}
    lives.step()
    for name, column in copies.items():
        np.testing.assert_array_equal(before[name], column, err_msg=name)


def test_tables_of_tests__are_valid() -> None:
    """The tables used here pass their own check."""
    for tables in (
        still_tables(2),
        eventful_tables(2, "multiplicative"),
        eventful_tables(2, "sbdl"),
    ):
        assert isinstance(tables, LifeTables)
        tables.check()
