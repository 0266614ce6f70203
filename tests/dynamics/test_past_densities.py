"""Densities drawn and calibrated to official totals: a plain oracle, statistics, what is refused.

Statistical comparisons allow four standard errors or p-values of 1e-5: a correct engine fails one
once in 16,000 (6e-5) at most; seeds are fixed.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from microsim_reference import decision_hash, uniform
from scipy import optimize, special, stats
from small_lives import lone_persons, still_tables

from microsim.dynamics.lives import Lives
from microsim.dynamics.past_densities import Contributors, solve
from microsim.dynamics.past_totals import PastTotal, PastTotals
from microsim.dynamics.tables import PastWork
from microsim.errors import InputError
from microsim.kernels.draws import stream_key

NAN = math.nan
ENTRY, PRIVATE, OWN_ACCOUNT = 20.0, 2, 4
WEIGHT, SEED = 7.0, 11


def row(group: str, line: int, **figures: float) -> PastTotal:
    known = {"insured": NAN, "months": NAN, "mean": NAN, "deviation": NAN, **figures}
    columns = {name: k + 1 for k, name in enumerate(("insured", "months", "mean", "deviation"))}
    return PastTotal(group, **known, source="register", file="p.csv", line=line, columns=columns)


def totals_of(*rows: tuple[int, int, PastTotal]) -> PastTotals:
    """Return totals of (sex, status, line), of all ages."""
    cell = np.full((2, 121, 13), -1, np.int16)
    for k, (sex, status, _) in enumerate(rows):
        cell[sex, :, status] = k
    return PastTotals(tuple(one for *_, one in rows), cell)


def people(n: int, status: int = PRIVATE) -> tuple[dict, dict]:
    """Return n men, then n women, of 18 to 66, of one status."""
    persons, households = lone_persons(2 * n, 40, 0, status=status)
    persons["age"] = (18 + np.arange(2 * n) * 7 % 49).astype(persons["age"].dtype)
    persons["sex"] = (np.arange(2 * n) >= n).astype(persons["sex"].dtype)
    return persons, households


def solved_for(totals: PastTotals, persons: dict, concentration: float = 4.0, replicate: int = 0):
    weight = np.full(persons["age"].size, WEIGHT)
    group = Contributors.of(totals, ENTRY, persons, weight)
    return solve(totals, concentration, group, np.uint64(stream_key(SEED, replicate)))


def years_of(totals: PastTotals, persons: dict, households: dict) -> np.ndarray:
    """Return the years of past work that lives begin with."""
    solved = solved_for(totals, persons)
    past = PastWork(ENTRY, np.full((2, 13), 0.3), 4.0, totals, solved)
    lives = Lives(still_tables(1, past_work=past), persons, households, seed=SEED)
    return lives.persons["past_formal_years"]


# -- a plain oracle ------------------------------------------------------------------------------


def oracle(persons: dict, total: PastTotal, of: list[int], stated: float) -> dict[int, float]:
    """Return the years of each person of one group, by SciPy, dictionaries and sorting."""

    def draw(i: int, block: int) -> float:
        key = int(persons["draw_key"][i])
        return uniform(key, SEED, 0, decision_hash("life.past_work"), 0, block)

    grown = [i for i in of if persons["age"][i] > ENTRY]
    insured = list(grown)
    if not math.isnan(total.insured):
        insured = sorted(grown, key=lambda i: draw(i, 8193))[: round(total.insured / WEIGHT)]
    possible = {i: 12.0 * (int(persons["age"][i]) - ENTRY) for i in insured}
    whole = math.fsum(WEIGHT * x for x in possible.values())
    wanted = total.mean * whole if math.isnan(total.months) else total.months
    mean = wanted / whole if math.isnan(total.mean) else total.mean
    sum_of_two = stated
    if not math.isnan(total.deviation):
        sum_of_two = mean * (1.0 - mean) / total.deviation**2 - 1.0
    a, b = mean * sum_of_two, (1.0 - mean) * sum_of_two
    logit = {}
    for i in insured:
        x = special.betaincinv(a, b, max(draw(i, 8192), 2.0**-53))
        logit[i] = math.log(x) - math.log1p(-x)

    def density(i: int, shift: float) -> float:
        return 1.0 / (1.0 + math.exp(-(logit[i] + shift)))

    def miss(shift: float) -> float:
        return math.fsum(WEIGHT * possible[i] * density(i, shift) for i in insured) - wanted

    shift = optimize.brentq(miss, -20.0, 20.0, xtol=1e-14)
    years = dict.fromkeys(of, 0.0)
    years |= {i: possible[i] / 12.0 * density(i, shift) for i in insured}
    return years


@pytest.mark.parametrize(
    "figures",
    [
        {"mean": 0.55, "deviation": 0.25},
        {"mean": 0.55},
        {"mean": 0.4, "deviation": 0.2, "months": 150_000.0},
        {"insured": 700.0, "months": 100_000.0, "deviation": 0.3},
        {"insured": 700.0, "months": 60_000.0},
        {"insured": 350.0, "mean": 0.7, "deviation": 0.1},
    ],
)
def test_years__are_those_of_a_plain_oracle(figures):
    persons, households = people(200)
    men = row("men", 2, **figures)
    totals = totals_of((0, PRIVATE, men))
    found = years_of(totals, persons, households)
    for i, exact in oracle(persons, men, list(range(200)), 4.0).items():
        assert found[i] == pytest.approx(exact, rel=1e-9, abs=1e-9), i


def test_persons_without_totals__keep_the_density_of_the_block():
    persons, households = people(300)
    plain = PastWork(ENTRY, np.full((2, 13), 0.3), 4.0)
    before = Lives(still_tables(1, past_work=plain), persons, households, seed=SEED)
    found = years_of(totals_of((0, PRIVATE, row("men", 2, mean=0.9))), persons, households)
    men = persons["sex"] == 0
    np.testing.assert_array_equal(found[~men], before.persons["past_formal_years"][~men])
    grown = men & (persons["age"] > ENTRY)
    assert (found[grown] != before.persons["past_formal_years"][grown]).all()


# -- totals are met ------------------------------------------------------------------------------


def test_totals__are_met_and_nothing_is_clipped():
    persons, households = people(400)
    totals = totals_of(
        (0, PRIVATE, row("men", 2, mean=0.3, deviation=0.3, months=400_000.0)),
        (1, PRIVATE, row("women", 3, insured=1400.0, months=200_000.0)),
    )
    men, women = solved_for(totals, persons)
    assert men.credited == pytest.approx(400_000.0, rel=1e-12)
    assert women.credited == pytest.approx(200_000.0, rel=1e-12)
    assert women.insured == 1400.0
    assert men.drawn < 300_000.0  # what a mean of 0.3 gives; calibration takes it up
    years = years_of(totals, persons, households)
    possible = np.maximum(persons["age"] - ENTRY, 0.0)
    assert (years >= 0.0).all()
    assert (years <= possible).all()
    grown = (persons["sex"] == 0) & (possible > 0)
    assert ((years[grown] > 0.0) & (years[grown] < possible[grown])).all()
    for sex, months in ((0, 400_000.0), (1, 200_000.0)):
        credited = 12.0 * WEIGHT * years[persons["sex"] == sex]
        assert math.fsum(credited) == pytest.approx(months, rel=1e-12)
    assert np.count_nonzero(years[persons["sex"] == 1]) == 200


def test_totals__met_at_the_ends():
    persons, _ = people(100)
    whole = float(12.0 * WEIGHT * np.maximum(persons["age"][:100] - ENTRY, 0.0).sum())
    for months in (0.0, whole):
        (one,) = solved_for(totals_of((0, PRIVATE, row("men", 2, months=months))), persons)
        assert one.credited == months
    for mean in (0.0, 1.0):
        (one,) = solved_for(totals_of((0, PRIVATE, row("men", 2, mean=mean))), persons)
        assert one.credited == mean * whole
    (one,) = solved_for(totals_of((0, PRIVATE, row("men", 2, mean=0.5, deviation=0.0))), persons)
    assert one.credited == pytest.approx(0.5 * whole, rel=1e-14)
    assert one.deviation == pytest.approx(0.0, abs=1e-14)


def test_solution__does_not_depend_on_the_order_of_persons():
    persons, _ = people(300)
    totals = totals_of((0, PRIVATE, row("men", 2, insured=1000.0, months=150_000.0)))
    (one,) = solved_for(totals, persons)
    turned = {name: column[::-1] for name, column in persons.items()}
    (other,) = solved_for(totals, turned)
    assert other.cut_off == one.cut_off
    assert other.odds == pytest.approx(one.odds, rel=1e-13)


def test_replicates__have_draws_of_their_own():
    persons, _ = people(300)
    totals = totals_of((0, PRIVATE, row("men", 2, mean=0.5, deviation=0.25)))
    (one,), (other,) = (solved_for(totals, persons, replicate=k) for k in (0, 1))
    assert one.drawn != other.drawn
    assert one.credited == pytest.approx(other.credited, rel=1e-12)


# -- statistics ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "deviation"), [(0.55, 0.25), (0.1, 0.2), (0.9, 0.02)])
def test_densities__have_the_distribution_stated(mean, deviation):
    """Before calibration densities are Beta with mean and deviation of the file (p above 1e-5)."""
    n = 20_000
    persons, households = lone_persons(n, 50, 0, status=PRIVATE)
    totals = totals_of((0, PRIVATE, row("men", 2, mean=mean, deviation=deviation)))
    (one,) = solved_for(totals, persons)
    past = PastWork(ENTRY, np.zeros((2, 13)), 4.0, totals, (replace(one, odds=1.0),))
    lives = Lives(still_tables(1, past_work=past), persons, households, seed=SEED)
    density = lives.persons["past_formal_years"] / 30.0
    spread = mean * (1.0 - mean) / deviation**2 - 1.0
    exact = stats.beta(mean * spread, (1.0 - mean) * spread)
    assert stats.kstest(density, exact.cdf).pvalue > 1e-5
    assert abs(density.mean() - mean) <= 4.0 * deviation / math.sqrt(n)
    excess = float(exact.stats(moments="k"))
    assert abs(density.var() - deviation**2) <= 4.0 * deviation**2 * math.sqrt((excess + 2.0) / n)
    # Calibration makes good the error of the sample: the shift of logits is of that size.
    assert abs(math.log(one.odds)) <= 8.0 * deviation / (mean * (1.0 - mean)) / math.sqrt(n)
    assert abs(one.deviation - deviation) < 0.05 * deviation


def test_insured__are_a_random_part_of_the_group():
    """Being insured is independent of the density and of age (p above 1e-5, 4 standard errors)."""
    n = 20_000
    persons, households = people(n)
    totals = totals_of((0, PRIVATE, row("men", 2, insured=0.4 * n * WEIGHT, mean=0.5)))
    (one,) = solved_for(totals, persons)
    past = PastWork(ENTRY, np.zeros((2, 13)), 4.0, totals, (replace(one, odds=1.0),))
    lives = Lives(still_tables(1, past_work=past), persons, households, seed=SEED)
    years, age = lives.persons["past_formal_years"][:n], persons["age"][:n].astype(float)
    grown = age > ENTRY
    insured = years[grown] > 0.0
    assert insured.sum() == pytest.approx(0.4 * n, abs=1)
    ages = age[grown]
    error = ages.std() * math.sqrt(1.0 / insured.sum() + 1.0 / (~insured).sum())
    assert abs(ages[insured].mean() - ages[~insured].mean()) <= 4.0 * error
    density = years[grown][insured] / (ages[insured] - ENTRY)
    assert stats.kstest(density, stats.beta(2.0, 2.0).cdf).pvalue > 1e-5


# -- what cannot be met --------------------------------------------------------------------------


def fault_of(**figures: float) -> str:
    persons, _ = people(100)
    with pytest.raises(InputError, match="men") as caught:
        solved_for(totals_of((0, PRIVATE, row("men", 5, **figures))), persons)
    return str(caught.value)


def test_more_insured_than_there_are__is_refused():
    text = fault_of(insured=9000.0, mean=0.5)
    assert "p.csv:5:1: insured persons of men; found 9,000; expected at most 595" in text


def test_more_months_than_possible__is_refused():
    text = fault_of(months=1e9)
    assert "p.csv:5:2: months credited to men; found 1,000,000,000; expected at most" in text


def test_months_of_an_empty_group__are_refused():
    persons, _ = people(50)
    totals = totals_of((0, OWN_ACCOUNT, row("own-account", 2, months=10.0)))
    with pytest.raises(
        InputError, match=r"p\.csv:2:2: months of own-account.*nobody past"
    ) as caught:
        solved_for(totals, persons)
    assert "found 10 months; expected 0." in str(caught.value)


def test_months_of_fewer_than_half_a_person_of_the_sample__are_refused_with_the_reason():
    text = fault_of(insured=3.0, months=100.0)
    assert (
        "p.csv:5:1: insured persons of men, of whom nobody is drawn to have the 100 months" in text
    )
    assert "found 3; expected more than 4: one person of the sample stands for 7." in text


def test_a_deviation_of_months_that_leave_none__is_refused():
    assert "p.csv:5:4: deviation of the density of men, whose mean is 0;" in fault_of(
        months=0.0, deviation=0.1
    )


def test_months_that_densities_do_not_allow__are_refused():
    text = fault_of(mean=1.0, months=1000.0)
    assert "p.csv:5:2: months credited to men; found 1,000; expected between" in text


def test_deviation_too_large_for_the_mean_found__is_refused():
    text = fault_of(months=2000.0, deviation=0.4)
    assert "p.csv:5:4: deviation of the density of men, whose mean is 0.0" in text
    assert "found 0.4; expected 0, or" in text


def test_every_fault_is_told_at_once():
    persons, _ = people(100)
    totals = totals_of(
        (0, PRIVATE, row("men", 2, months=1e9)), (1, PRIVATE, row("women", 3, insured=1e6, mean=1))
    )
    with pytest.raises(InputError, match=r"p\.csv:3:1: insured persons of women") as caught:
        solved_for(totals, persons)
    assert len(caught.value.faults) == 2
