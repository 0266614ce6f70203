"""Life tables of a projection: made from the shipped lives file and a small population."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microsim.dynamics.assumptions import assumptions, life_expectancy
from microsim.dynamics.base_year import base_year, incomes
from microsim.dynamics.earnings_profiles import Reader, earnings_of, wage_path
from microsim.dynamics.lives_blocks import ALIGNED
from microsim.dynamics.lives_file import LivesSpec, load_lives
from microsim.dynamics.lives_tables import Made, tables_of
from microsim.dynamics.projection import expected
from microsim.errors import InputError
from microsim.population import opendata, store, writing
from microsim.population.synthesis.assemble import synthesise
from microsim.shipped import folder

LIVES = folder("scenarios") / "lives" / "generic.yaml"
YEARS = (2025, 2040)
FORMAL = (1, 2)


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("population") / "ken.h5"
    writing.write(path, synthesise("KEN", households=3000, seed=2))
    return path


def reading(spec: LivesSpec, **changed: float) -> Reader:
    def read(name: str, year: int) -> float:
        words = name.partition(".")[2]
        if words in changed and year > YEARS[0]:
            return changed[words]
        return float(spec.parameters[name].values[0].value)

    return read


def make(path: Path, spec: LivesSpec | None = None, **changed: float) -> Made:
    spec = spec or load_lives(LIVES)
    with store.open_population(path) as reader:
        return tables_of(
            spec, opendata.country("KEN"), reader, YEARS, reading(spec, **changed),
            {2025: 80000.0, 2026: 84000.0},
        )  # fmt: skip


@pytest.fixture(scope="module")
def made(population: Path) -> Made:
    return make(population)


def test_tables__pass_their_own_check(made: Made) -> None:
    made.tables.check()
    assert (made.tables.first_year, made.tables.last_year) == YEARS
    assert made.population.shape == (16, 2, 121)


def test_example_of_transitions__makes_tables(made: Made, population: Path) -> None:
    """The matrix holds from 15 on; totals are those of the shares; entry is as without it."""
    tables = make(population, load_lives(LIVES.with_name("transitions_example.yaml"))).tables
    tables.check()
    assert tables.transition is not None
    assert tables.transition.shape == (15, 2, 121, 13, 13)
    assert (tables.transition[:, :, 25:55, 7, 2] == 0.15).all()
    assert (tables.transition[:, :, :15, 0, 0] == 1.0).all()
    entry = tables.transition[0, 0, 15, 0]
    assert entry[8] > 0.5
    assert entry[1:] == pytest.approx(made.tables.status_share[1, 0, 15, 1:], abs=0.05)
    assert (tables.status_share == made.tables.status_share).all()
    assert tables.status_leave[1, 40, 2] == pytest.approx(0.124)
    entered = tables.transition * ~np.eye(13, dtype=bool)
    reachable = entered.max(axis=3) > 0.0
    assert reachable[tables.status_share[1:] > 0.0].all()


def test_drawn_transitions__lead_to_shares_of_their_own(population: Path) -> None:
    spec = load_lives(LIVES.with_name("transitions_example.yaml"))
    labour = replace(spec.processes["labour"], align="none")
    drawn = replace(spec, processes={**spec.processes, "labour": labour})
    tables = make(population, drawn).tables
    assert tables.transition is not None
    share = tables.status_share
    for age in (30, 60):
        led = share[3, 1, age - 1] @ tables.transition[3, 1, age]
        assert share[4, 1, age] == pytest.approx(led)


def test_first_step__finds_everybody_in_place(made: Made, population: Path) -> None:
    with store.open_population(population) as reader:
        base = base_year(reader)
        slices = reader.read(0, None, ("weight", "age", "sex", "employment_status"))
    shares = made.tables.status_share[0]
    wanted = np.add.reduceat(base.persons, range(15, 85, 5), axis=1)
    reached = np.add.reduceat(base.population[..., None] * shares, range(15, 85, 5), axis=1)
    assert reached == pytest.approx(wanted, abs=1e-3 * wanted.max())
    weight = np.repeat(slices.households["weight"], slices.households["size"])
    assert base.persons.sum() == pytest.approx(weight.sum())
    men = (slices.persons["sex"] == 0) & (slices.persons["age"] == 30)
    assert base.population[0, 30] == pytest.approx(weight[men].sum())


def test_earnings__give_back_the_means_of_the_file(made: Made) -> None:
    base, earnings = made.base, made.tables.earnings
    for status in (1, 2, 3, 5):
        earners = base.earners[..., status]
        fitted = earnings.log_level[status][:, None] + earnings.age_profile
        by_sex = (earners * fitted).sum(axis=1) / earners.sum(axis=1)
        actual = base.log_sum[..., status].sum(axis=1) / earners.sum(axis=1)
        assert by_sex == pytest.approx(actual, abs=1e-6)
        variance = earnings.sigma_permanent[status] ** 2 + earnings.sigma_transitory[status] ** 2
        rest = (
            base.square_sum[..., status] - 2.0 * fitted * base.log_sum[..., status]
            + fitted**2 * earners
        )  # fmt: skip
        assert variance == pytest.approx(rest.sum() / earners.sum())
        assert earnings.sigma_permanent[status] ** 2 == pytest.approx(0.6 * variance)
    assert not earnings.sigma_permanent[[0, 6, 7, 8, 9, 10, 11, 12]].any()
    assert earnings.rho[2] == 0.9


def test_average_wage__is_that_of_formal_employees(made: Made, population: Path) -> None:
    with store.open_population(population) as reader:
        anchors = {row.item: row.achieved for row in reader.targets if row.group == "payroll"}
    assert made.base.average_wage == pytest.approx(anchors["average formal wage"], rel=1e-6)


def test_incomes__are_of_the_status() -> None:
    status = np.array([1, 3, 5, 6, 10])
    found = incomes(status, np.full(5, 10.0), np.full(5, 7.0))
    assert found.tolist() == [10.0, 10.0, 7.0, 0.0, 0.0]


def test_a_status_one_sex_lacks__has_the_level_of_the_other(made: Made) -> None:
    base = made.base
    without = replace(
        base,
        earners=base.earners.copy(), log_sum=base.log_sum.copy(), square_sum=base.square_sum.copy(),
    )  # fmt: skip
    for table in (without.earners, without.log_sum, without.square_sum):
        table[1, :, 4] = 0.0
        table[:, :, 5] = 0.0
    found = earnings_of(without, 0.5, 0.9, np.ones(2))
    assert found.log_level[4, 1] == pytest.approx(found.log_level[4, 0])
    assert found.sigma_permanent[5] == 0.0
    assert np.isfinite(found.age_profile).all()


def test_wages__are_the_known_ones_and_then_grow(made: Made) -> None:
    level = made.tables.earnings.wage_level
    assert level[:2] == pytest.approx([1.0, 1.05])
    assert level[2:] / level[1:-1] == pytest.approx(np.full(14, 1.03 * 1.015))


def test_wage_path__starts_from_the_last_known_before() -> None:
    def read(name: str, _: int) -> float:
        return {"economy.inflation": 0.1, "economy.real_wage_growth": 0.0}[name]

    found = wage_path({2023: 100.0, 2030: 5.0}, read, range(2025, 2027))
    assert found == pytest.approx({2025: 121.0, 2026: 133.1})
    assert wage_path({}, read, range(2025, 2027)) == pytest.approx({2025: 1.0, 2026: 1.1})


def test_formal_change__moves_formal_work(made: Made, population: Path) -> None:
    moved = make(population, formal_change=0.01)
    before = made.population[-1][..., None] * made.tables.status_share[-1]
    after = moved.population[-1][..., None] * moved.tables.status_share[-1]
    assert after[..., FORMAL].sum() > 1.2 * before[..., FORMAL].sum()
    assert (moved.tables.status_share[0] == made.tables.status_share[0]).all()


def test_retirement_age__of_another_law_is_compared_with_that_of_the_file(
    made: Made, population: Path
) -> None:
    spec = load_lives(LIVES)
    with store.open_population(population) as reader:
        later = tables_of(
            spec, opendata.country("KEN"), reader, YEARS, reading(spec, retirement_age=65.0),
            before=reading(spec), base=made.base,
        )  # fmt: skip
    formal = slice(1, 3)
    people = made.population[-1][:, 60:65, None]
    old = (people * made.tables.status_share[-1][:, 60:65, formal]).sum()
    new = (people * later.tables.status_share[-1][:, 60:65, formal]).sum()
    assert new > 2.0 * old
    assert (later.tables.status_share[0] == made.tables.status_share[0]).all()


def test_a_change_nobody_can_have__is_named_at_its_block(population: Path) -> None:
    words = r"generic\.yaml:\d+: participation of men in 2026"
    with pytest.raises(InputError, match=words):
        make(population, participation_men_change=0.5)


def test_tables_in_files__replace_open_data_and_keep_their_places(
    population: Path, tmp_path: Path
) -> None:
    (tmp_path / "death.csv").write_text("age,value\n0-99,0.01\n100+,0.5\n")
    (tmp_path / "newborns.csv").write_text("value\n0.02\n")
    lives = tmp_path / "lives.yaml"
    lives.write_text(
        "lives: mine\nlike: generic\nprocesses:\n  mortality: {basis: data, source: x, "
        "table: death.csv, newborns: newborns.csv}\n"
    )
    spec = load_lives(lives)
    found = make(population, spec)
    assert (found.tables.death[:, :, :100] == 0.01).all()
    assert (found.tables.newborn_death == 0.02).all()
    assert found.tables.origins["death"].where((0, 1, 100)).endswith("death.csv:3:2")
    assert {"death.csv", "newborns.csv"} <= {Path(file.name).name for file in spec.files}


def test_tables_in_files__name_all_their_faults_at_once(population: Path, tmp_path: Path) -> None:
    (tmp_path / "death.csv").write_text("age,value\n0-99,0.01\n100+,1.5\n")
    lives = tmp_path / "lives.yaml"
    lives.write_text(
        "lives: mine\nlike: generic\nprocesses:\n  mortality: {basis: data, source: x, "
        "table: death.csv, newborns: gone.csv}\n"
    )
    with pytest.raises(InputError, match=r"death\.csv:3:2: value of death; found 1\.5") as caught:
        make(population, load_lives(lives))
    assert f"{lives}:4: cannot read" in str(caught.value)


def test_one_year__is_no_projection(population: Path) -> None:
    spec = load_lives(LIVES)
    with (
        store.open_population(population) as reader,
        pytest.raises(InputError, match="lives need a year ahead"),
    ):
        tables_of(spec, opendata.country("KEN"), reader, (2025, 2025), reading(spec))


def test_country_without_open_data__is_told_what_is_missing(population: Path) -> None:
    spec = load_lives(LIVES)
    with (
        store.open_population(population) as reader,
        pytest.raises(InputError, match=r"no open data of the country.*net_migration"),
    ):
        tables_of(spec, None, reader, YEARS, reading(spec))


def test_register__holds_every_process_and_parameter(made: Made) -> None:
    spec = load_lives(LIVES)
    rows = assumptions(spec, made, reading(spec, inflation=0.04))
    drivers = {row.driver: row for row in rows}
    sources = {row.source for row in rows}
    for process in (*spec.processes.values(), *spec.histories.values()):
        aligned = f"; alignment: {process.align}" if process.name in ALIGNED else ""
        if process.name != "retirement":  # its variable is explained by the parameters
            assert process.source + aligned in sources, process.name
    assert drivers["mortality, factor on the table"].source.endswith("; alignment: sbdl")
    still = assumptions(spec, made, reading(spec), static=True)
    assert not [row for row in still if "alignment:" in row.source]
    assert drivers["mortality, factor on the table"].low == 0.9
    first, last = (
        drivers[f"inflation of consumer prices and of GDP, {year}"] for year in (2025, 2040)
    )
    assert (first.baseline, last.baseline, last.high) == (0.03, 0.04, 0.05)
    assert math.isnan(drivers["age from which formal employees retire"].low)
    assert all(math.isfinite(row.baseline) for row in rows)
    assert {row.basis for row in rows} == {"data", "assumption"}
    assert len(drivers) == len(rows), "each driver once"


def test_life_expectancy__is_the_published_one(made: Made) -> None:
    vital = opendata.country("KEN").vital
    assert vital is not None
    published = vital.annual["e0_female"][25:41]
    steps = (published[:-1] + published[1:]) / 2.0
    assert life_expectancy(made.tables, 1) == pytest.approx(steps, abs=0.02)


def test_expected__of_the_tables_is_the_population_of_the_register(made: Made) -> None:
    flows = expected(made.tables, made.population[0])
    assert flows.population == pytest.approx(made.population, rel=1e-12)
