"""Households are possible ones: links agree, parents are older, somebody adult is the head."""

import numpy as np
import pytest

from microsim.population.content import Population
from microsim.population.synthesis.assemble import synthesise

COUNTRIES = ("KEN", "DEU", "NER")


@pytest.fixture(scope="module", params=COUNTRIES)
def population(request: pytest.FixtureRequest) -> Population:
    return synthesise(request.param, households=1500, seed=3)


def _linked(population: Population, link: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of persons who have the link, and rows of the persons linked."""
    position = population.persons[link].astype(np.int64)
    start = population.household_start[population.household_of_person]
    who = np.flatnonzero(position >= 0)
    return who, (start + position)[who]


def test_households__are_as_many_as_asked(population: Population) -> None:
    assert population.n_households == 1500


def test_head__is_one_adult_and_first(population: Population) -> None:
    who, head = _linked(population, "head")
    assert who.size == population.n_persons
    assert np.unique(head).size == population.n_households
    np.testing.assert_array_equal(np.unique(head), population.household_start)
    assert population.persons["age"][head].min() >= 18


def test_spouse__is_mutual_of_other_sex_and_grown(population: Population) -> None:
    who, spouse = _linked(population, "spouse")
    assert who.size > 500
    persons = population.persons
    back = np.full(population.n_persons, -1)
    back[who] = spouse
    np.testing.assert_array_equal(back[spouse], who)
    assert (persons["sex"][who] != persons["sex"][spouse]).all()
    assert persons["age"][who].min() >= 14


@pytest.mark.parametrize(("link", "sex", "gap"), [("mother", 1, 13), ("father", 0, 13)])
def test_parents__have_the_right_sex_and_are_older(
    population: Population, link: str, sex: int, gap: int
) -> None:
    who, parent = _linked(population, link)
    persons = population.persons
    assert who.size > 500
    assert (persons["sex"][parent] == sex).all()
    difference = persons["age"][parent].astype(int) - persons["age"][who].astype(int)
    assert difference.min() >= gap


def test_parents__are_not_the_spouse(population: Population) -> None:
    persons = population.persons
    has = persons["spouse"] >= 0
    for link in ("mother", "father"):
        assert not np.any(has & (persons["spouse"] == persons[link]))


def test_children__live_with_adults(population: Population) -> None:
    household = population.household_of_person
    adults = np.bincount(household, weights=population.persons["age"] >= 18)
    assert adults.min() >= 1


def test_status__fits_age_and_money(population: Population) -> None:
    persons = population.persons
    status = persons["employment_status"]
    np.testing.assert_array_equal(status == 0, persons["age"] < 15)
    employee, own = np.isin(status, [1, 2, 3]), np.isin(status, [4, 5])
    np.testing.assert_array_equal(persons["earnings"] > 0.0, employee)
    np.testing.assert_array_equal(persons["self_employment_income"] > 0.0, own)
    np.testing.assert_array_equal(persons["sector"] > 0, employee | own | (status == 6))
    assert not persons["orphan"][persons["age"] >= 18].any()
    assert (population.households["welfare"] > 0.0).all()


def test_orphans__do_not_live_with_both_parents(population: Population) -> None:
    persons = population.persons
    both = (persons["mother"] >= 0) & (persons["father"] >= 0)
    assert persons["orphan"].sum() > 0
    assert not (persons["orphan"] & both).any()


def test_earners__live_in_richer_households(population: Population) -> None:
    persons = population.persons
    household = population.household_of_person
    size = population.households["size"]
    income = np.bincount(household, weights=persons["earnings"] + persons["self_employment_income"])
    ranks = [np.argsort(np.argsort(x / size)) for x in (income, population.households["welfare"])]
    first, second = (rank - rank.mean() for rank in ranks)
    assert (first * second).mean() / (first.std() * second.std()) > 0.5
    poorer = population.households["welfare"] / size
    towns = population.households["urban"]
    assert np.median(poorer[towns]) > np.median(poorer[~towns])
    assert np.median(poorer[size >= 6]) < np.median(poorer[size <= 3])
