"""Static ageing: what weights add up to, what incomes follow, what is refused, one answer however
it is computed.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from projections import cells_of, make_perennia, population, rows_of

from microsim.dynamics import static_margins
from microsim.dynamics.static_ageing import static_weights
from microsim.dynamics.static_margins import cells_of as margins_of
from microsim.errors import InputError
from microsim.language.people import World
from microsim.population.columns import AGE_GROUP_STARTS, EMPLOYMENT_STATUS, Column
from microsim.scenario.scenario import load_scenario
from microsim.simulation import carrying
from microsim.simulation.explaining import explain_run
from microsim.simulation.run import prepare
from microsim.simulation.static_ageing import StaticLife
from microsim.simulation.worlds import WorldKey

YEARS = range(2025, 2029)
CLOSE = 1e-8
RENT = Column("rent", "household", "currency/month", "float64", "rent paid", required=False)


def static(country, ageing="static"):
    """Let a country age statically, to 2028."""
    country.change("scenario.yaml", "to: 2035", f"to: 2028\nageing: {ageing}")
    return country


def people_of_perennia():
    """Return households of one adult with children, of unequal weights; some pay rent."""
    rng = np.random.default_rng(4)

    def status(age):
        grown = rng.choice([1, 2, 2, 3, 5, 7, 10, 12], age.size)
        return np.where(age < 15, 0, np.where(age < 20, rng.choice([3, 8, 12], age.size), grown))

    people = population([2 * max(1, 16 - age // 6) for age in range(95)], status)
    n = people.households["size"].size
    rent = np.where(np.arange(n) % 3 == 0, 40.0, 0.0)
    households = people.households | {"rent": rent, "weight": 20.0 + 60.0 * rng.random(n)}
    return replace(people, households=households, extras=(RENT,))


@pytest.fixture(scope="module")
def aged(rules_cache, tmp_path_factory):
    """Return Perennia with unequal weights and static ageing. Its files must not be changed."""
    return static(make_perennia(tmp_path_factory.mktemp("static"), people_of_perennia()))


@pytest.fixture(scope="module")
def outcome(aged):
    """Return the outcome all other runs are compared with."""
    return aged.run("reference")


@pytest.fixture
def my_country(rules_cache, aged, tmp_path):
    """Return a copy whose files a test may change; the population is shared."""
    return make_perennia(tmp_path, aged.population)


@pytest.fixture
def prepared(aged, outcome):
    """Return the run as its directory describes it."""
    found = prepare(aged.scenario, aged.options("reference"))
    yield found
    found.population.close()


def life_of(prepared, scenario=0):
    """Return the people of all markets, not begun."""
    horizon, reader = prepared.horizon(0, WorldKey()), prepared.population
    part = reader.read_markets(0, reader.n_markets)
    chance = World(prepared.question.seed, 0)
    return StaticLife(horizon, horizon.groups[scenario], part, len(reader.regions), chance)


# -- what weights add up to ----------------------------------------------------------------------


def test_weights__meet_population_and_statuses_of_each_year(aged, outcome, prepared):
    horizon = prepared.horizon(0, WorldKey())
    cells = cells_of(aged.folder / "reference")
    ends = (*AGE_GROUP_STARTS[1:], 121)
    for k, year in enumerate(YEARS):
        wanted = horizon.population[k]
        (row,) = (i for i, one in enumerate(cells[year].measures) if one.kind == "population")
        found = cells[year].persons[0, row]
        by_age = [
            wanted[:, lo:hi].sum(axis=1) for lo, hi in zip(AGE_GROUP_STARTS, ends, strict=True)
        ]
        np.testing.assert_allclose(found.sum(axis=2), np.array(by_age).T, rtol=CLOSE)
        statuses = (wanted[..., None] * horizon.groups[0].tables.status_share[k])[:, 15:, 1:]
        np.testing.assert_allclose(
            found[:, 2:, 1:].sum(axis=1), statuses.sum(axis=1), rtol=CLOSE, atol=1e-6
        )


def test_weights__meet_each_five_years_of_age_and_are_above_zero(prepared):
    horizon, life = prepared.horizon(0, WorldKey()), life_of(prepared)
    for k in range(len(YEARS)):
        life.begin_year()
        weight = life.households["weight"]
        assert (weight > 0.0).all()
        each = np.repeat(weight, life.households["size"])
        group = np.minimum(life.persons["age"].astype(int) // 5, 16)
        for sex in (0, 1):
            of_sex = life.persons["sex"] == sex
            found = np.bincount(group[of_sex], each[of_sex], 17)
            wanted = horizon.population[k][sex]
            expected = [wanted[5 * g : 5 * g + 5 if g < 16 else 121].sum() for g in range(17)]
            np.testing.assert_allclose(found, expected, rtol=CLOSE)


def test_weights__are_those_of_the_file_times_exp_of_the_multipliers(prepared):
    life = life_of(prepared)
    life.begin_year()
    life.begin_year()
    weights = life.weights
    cells, one = weights.cells, weights.years[1]
    persons = life.persons
    margins = cells.of_persons(
        *(persons[name].astype(np.int64) for name in ("sex", "age", "employment_status"))
    )
    share = np.where(margins >= 0, one.multipliers[margins], 0.0).sum(axis=1)
    first = np.cumsum(life.households["size"].astype(int)) - life.households["size"]
    by_hand = np.exp(np.add.reduceat(share, first))
    part = prepared.population.read(0, None, ("weight",))
    np.testing.assert_allclose(
        life.households["weight"], part.households["weight"] * by_hand, rtol=1e-12
    )


def test_weights__are_the_same_from_slices(prepared, monkeypatch):
    setup = prepared.lives_setup(0, WorldKey())
    found = prepared.horizon(0, WorldKey()).static.weights["baseline"]
    from microsim.dynamics.static_ageing import wanted_of

    tables = setup.tables["baseline"]
    wanted = wanted_of(setup.persons, setup.population, tables.status_share, YEARS)
    monkeypatch.setattr(static_margins, "SLICE_HOUSEHOLDS", 200)
    sliced = static_weights(prepared.population, wanted)
    for mine, other in zip(sliced.years, found.years, strict=True):
        assert mine.residual < CLOSE
        np.testing.assert_allclose(mine.multipliers, other.multipliers, rtol=1e-7, atol=1e-9)
        assert mine.deff_after == pytest.approx(other.deff_after, rel=1e-9)


def test_what_weights_cost__is_stored_for_each_year(outcome):
    for year in YEARS:
        values = {
            name: next(
                row.value
                for row in rows_of(outcome, "T2", year=year, row=name, column="achieved")
            )
            for name in (
                "design effect of weights", "smallest weight over that of the file",
                "largest weight over that of the file", "largest miss of a total, relative to it",
            )
        }  # fmt: skip
        assert values["design effect of weights"] >= 1.0
        low, high, miss = list(values.values())[1:]
        assert 0.0 < low <= 1.0 <= high
        assert miss <= CLOSE
        margins = rows_of(outcome, "T2", year=year, column="miss, %")
        known = [r.value for r in margins if r.row.startswith(("persons, ", "status, "))]
        assert len(known) > 40
        assert all(math.isnan(value) or abs(value) < 100 * CLOSE for value in known)


def test_a_status_that_nobody_has__counts_with_the_nearest_one_alike():
    there = np.zeros((2, 121, 13))
    there[:, 20:60, 2] = there[:, 20:60, 12] = there[:, 60:, 10] = 1.0
    wanted = there.copy()
    wanted[:, 20:60, 1] = 1.0  # formal public employees stand with formal private ones
    wanted[0, 20:60, 7] = 1.0  # no unemployed man is there, and nobody like one
    cells = margins_of(there, wanted)
    male = [name for name in cells.names if name.startswith("status, male")]
    assert (
        "status, male formal public employee and formal private employee and informal employee"
        in male
    )
    assert "status, male unemployed" in male
    assert not any("unemployed" in name for name in cells.names if "female" in name)
    assert cells.of_status[0, 1] == cells.of_status[0, 2]


# -- incomes -------------------------------------------------------------------------------------


def test_incomes__follow_their_series_exactly(prepared):
    life = life_of(prepared)
    frame = prepared.lives_setup(0, WorldKey()).frame
    part = prepared.population.read()
    for k, year in enumerate(YEARS):
        life.begin_year()
        wages = frame.value("average_wage", year) / frame.value("average_wage", 2025)
        prices = frame.value("cpi", year) / frame.value("cpi", 2025)
        heads = frame.value("gdp", year) / frame.value("population", year)
        heads /= frame.value("gdp", 2025) / frame.value("population", 2025)
        for name in ("earnings", "self_employment_income"):
            np.testing.assert_array_equal(life.persons[name], part.persons[name] * wages)
        rent, welfare = life.households["rent"], life.households["welfare"]
        np.testing.assert_array_equal(rent, part.households["rent"] * prices)
        np.testing.assert_allclose(welfare, part.households["welfare"] * heads, rtol=1e-15)
        assert (wages > prices > 1.0) == (k > 0)


def test_uprating__may_be_stated(my_country):
    static(my_country, "{method: static, uprating: {rent: average_wage}}")
    prepared = prepare(my_country.scenario, my_country.options("stated"))
    levels = prepared.horizon(0, WorldKey()).static.levels
    assert levels["rent"] == levels["earnings"] != levels["pension_income"]
    prepared.population.close()


def test_what_incomes_follow__is_an_assumption(outcome):
    rows = [row.row for row in rows_of(outcome, "A5", column="baseline")]
    for name, series in (("earnings", "average_wage"), ("rent", "cpi"), ("welfare", "GDP a head")):
        assert any(r.startswith(name) and f"static ageing: follows {series}" in r for r in rows)
    assert not any("union" in row for row in rows)


# -- one answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [{"shard_persons": 1}, {"shard_persons": 10**7}, {"workers": 2},
     {"backend": "processes", "workers": 2}],
    ids=["a market a shard", "one shard", "threads", "processes"],
)  # fmt: skip
def test_the_answer__does_not_depend_on_how_it_is_computed(aged, outcome, tmp_path, how):
    assert aged.run(str(tmp_path / "run"), **how).digest == outcome.digest


def test_a_worker_killed_in_a_unit__does_not_move_the_answer(aged, outcome, tmp_path, monkeypatch):
    monkeypatch.setattr(carrying, "START", "jobs:killed_once")
    found = aged.run(str(tmp_path / "run"), backend="processes", workers=1, shard_persons=1)
    assert (tmp_path / "run" / "killed").exists()
    assert found.digest == outcome.digest


def test_weights__are_frozen_once(aged, outcome, tmp_path):
    name = str(tmp_path / "run")
    aged.run(name)
    (file,) = (tmp_path / "run" / "weights").iterdir()
    before = file.stat().st_mtime_ns
    for shard in (tmp_path / "run" / "shards").glob("*/*.bin"):
        shard.unlink()
    assert aged.run(name).digest == outcome.digest
    assert file.stat().st_mtime_ns == before
    stored = json.loads(file.read_text())
    stored["years"][1]["multipliers"][0] += 0.1
    file.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="altered"):
        aged.run(name)


def test_draws_that_leave_people_alone__share_their_weights(aged, outcome, tmp_path):
    draws = tmp_path / "draws.csv"
    draws.write_text("economy.inflation\n0.03\n0.05\n")
    found = aged.run(str(tmp_path / "run"), draws=str(draws))
    assert found.n_worlds == 3
    assert len(list((tmp_path / "run" / "weights").iterdir())) == 1


# -- scenarios -----------------------------------------------------------------------------------


def test_a_null_reform__changes_nothing(aged, outcome):
    names = list(outcome.contents.scenarios)
    null = names.index("nothing")
    for cells in cells_of(aged.folder / "reference").values():
        np.testing.assert_array_equal(cells.persons[null], cells.persons[0])
        np.testing.assert_array_equal(cells.places[null], cells.places[0])
    changes = [r for r in outcome.rows if r.scenario == "nothing-baseline" and r.table == "C10"]
    changes = [r for r in changes if r.column.startswith("difference")]
    assert changes
    assert all(r.value == 0.0 or math.isnan(r.value) for r in changes)


def test_flows__are_not_available(outcome):
    assert not rows_of(outcome, "A2")
    flows = [row for row in rows_of(outcome, "B3") if row.row in ("Opening", "New awards")]
    assert flows
    assert all(math.isnan(row.value) and row.status == "not applicable" for row in flows)
    assert all(one.holds for one in outcome.identities)


def test_what_nobody_remembers__is_noted(outcome):
    (note,) = (str(one) for one in outcome.warnings if "static ageing" in str(one))
    assert "`previous` gives its initial value" in note
    assert "ageing: dynamic" in note


def test_explain__repeats_what_the_run_computed_in_a_year(aged, outcome, prepared):
    life = life_of(prepared)
    for _ in range(3):
        life.begin_year()
    ids, start = life.households["household_id"], life.people.start
    home = int(np.argmax(np.add.reduceat(life.persons["earnings"], start[:-1])))
    run_folder = aged.folder / "reference"
    found = explain_run(run_folder, int(ids[home]), ["fund_contribution"], year=2027)
    assert "2027" in found.title
    (earned,) = (step.inputs["earnings"] for step in found.steps if "earnings" in step.inputs)
    assert list(earned) == life.persons["earnings"][start[home] : start[home + 1]].tolist()
    with pytest.raises(InputError, match="not a year of the run"):
        explain_run(run_folder, int(ids[home]), [], year=2040)


LABOUR = "table: labour.csv"
UNEMPLOYED = EMPLOYMENT_STATUS.index("unemployed")
MORE_UNEMPLOYED = """\
reform: More unemployed
source: assumption of the test
replace:
  life.unemployment_change: {2026-01-01: 0.01}
"""
FORMULAS = """\
variables:
  life_leaves: {of: person, unit: share, period: year, formula: 0.1}

processes:
  transitions:
    basis: assumption
    source: invented
    probability: {unemployed: life_leaves}
"""
DEADLIER = """\
reform: Deadlier
source: assumption of the test
replace:
  life.mortality_factor: {2026-01-01: 1.5}
"""


def test_a_reform_of_who_works__has_weights_of_its_own(my_country):
    static(my_country)
    my_country.change(
        "lives/lives.yaml", LABOUR, "table: population\n    unemployment: life.unemployment_change"
    )
    my_country.write("reforms/unemployed.yaml", MORE_UNEMPLOYED)
    my_country.write("reforms/deadlier.yaml", DEADLIER)
    text = my_country.scenario.read_text()
    reforms = "reforms:\n  unemployed: reforms/unemployed.yaml\n  deadlier: reforms/deadlier.yaml\n"
    my_country.scenario.write_text(text[: text.index("reforms:")] + reforms)
    outcome = my_country.run("work")
    cells = cells_of(my_country.folder / "work")[2028]
    (row,) = (i for i, one in enumerate(cells.measures) if one.kind == "population")
    names = list(outcome.contents.scenarios)
    without, more, deadlier = (
        cells.persons[names.index(n), row] for n in ("baseline", "unemployed", "deadlier")
    )
    assert more[..., UNEMPLOYED].sum() > 1.1 * without[..., UNEMPLOYED].sum()
    np.testing.assert_allclose(more.sum(axis=2), without.sum(axis=2), rtol=CLOSE)
    np.testing.assert_array_equal(deadlier, without)
    notes = [str(one) for one in outcome.warnings if "moves what lives read" in str(one)]
    assert len(notes) == 1
    assert "scenario deadlier" in notes[0]


def test_formulas_of_transitions__are_said_to_move_nobody(outcome, my_country):
    static(my_country)
    my_country.change("lives/lives.yaml", "processes:\n", FORMULAS)
    with_formulas = my_country.run("formulas")
    (note,) = (str(o) for o in with_formulas.warnings if "formulas of transitions" in str(o))
    lines = (my_country.country / "lives" / "lives.yaml").read_text().splitlines()
    where = lines.index("  transitions:") + 2
    assert f"lives.yaml:{where}: static ageing: formulas of transitions move nobody" in note
    cells, without = cells_of(my_country.folder / "formulas"), cells_of(outcome.out)
    for year in YEARS:
        np.testing.assert_array_equal(cells[year].persons, without[year].persons)


# -- what is refused -----------------------------------------------------------------------------


def test_a_margin_out_of_reach__is_named_with_year_and_cell(rules_cache, tmp_path):
    people = people_of_perennia()
    persons, age = dict(people.persons), people.persons["age"]
    gone = (persons["sex"] == 0) & (age >= 65) & (age < 70)
    persons["age"] = np.where(gone, 71, age).astype(age.dtype)
    country = static(make_perennia(tmp_path, replace(people, persons=persons)))
    with pytest.raises(InputError) as caught:
        country.run("run")
    fault, *implied = caught.value.faults
    assert fault.where == "static ageing, 2026, margin 'persons, male 65-69'"
    assert all("contradicts other margins" in one.what for one in implied)
    assert "no household with a weight has any of it" in fault.what
    assert not (tmp_path / "run" / "frame.json").exists()


@pytest.mark.parametrize(
    ("ageing", "words"),
    [
        ("statically", "'ageing'"),
        ("{method: other}", "'method'"),
        ("{uprating: {rent: cpi}}", "no 'method'"),
        ("{method: dynamic, uprating: {rent: cpi}}", "`uprating` is of static ageing"),
        ("{method: static, uprating: {rent: [1]}}", "uprating of rent"),
    ],
)
def test_what_ageing_may_say__is_checked(my_country, ageing, words):
    static(my_country, ageing)
    with pytest.raises(InputError, match=words):
        load_scenario(my_country.scenario)


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("{rnt: cpi}", "'rnt', which is no amount of money of the population"),
        ("{welfare: cpi}", "'welfare', which is no amount of money"),
        ("{rent: prices}", "unknown series 'prices'"),
    ],
)
def test_what_amounts_follow__is_checked(my_country, stated, words):
    static(my_country, f"{{method: static, uprating: {stated}}}")
    with pytest.raises(InputError, match=words) as caught:
        prepare(my_country.scenario, my_country.options("run"))
    assert "scenario.yaml:5" in str(caught.value)


def test_ageing__is_of_a_projection(my_country):
    my_country.change("scenario.yaml", "to: 2035\n", "ageing: static\n")
    with pytest.raises(InputError, match="`ageing` is of a projection"):
        load_scenario(my_country.scenario)
