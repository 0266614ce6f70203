"""A synthesised population meets its targets, in any country, and says what it rests on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microsim.errors import InputError
from microsim.population import store
from microsim.population.synthesis import targets
from microsim.population.synthesis.assemble import synthesise
from microsim.population.synthesis.inputs import coverage

# Rich, poor, old, young, hyperinflation, no household size, tiny, no poverty at any line.
SAMPLE = ("USA", "DEU", "JPN", "SVN", "NER", "NGA", "IND", "CHN", "BRA", "VEN", "PSE", "DZA",
          "LCA", "STP", "ZAF", "EGY")  # fmt: skip


def test_kenya__meets_every_target() -> None:
    population = synthesise("KEN", households=20_000, seed=1)
    missed = [(row.group, row.item, row.target, row.achieved)
              for row in targets.failures(population)]  # fmt: skip
    assert missed == []
    held = {row.group for row in population.targets if row.passed}
    assert held == {
        "population", "participation", "employment", "status", "sector", "place", "structure",
        "payroll", "welfare",
    }  # fmt: skip
    weights = population.households["weight"]
    assert 0.8 < weights.min() / weights.mean() < weights.max() / weights.mean() < 1.2
    assert len(population.regions) == 47


def test_targets__are_measured_on_the_population() -> None:
    population = synthesise("KEN", households=2000, seed=1)
    rows = {(row.group, row.item): row for row in population.targets}
    persons, weight = population.persons, population.person_weight
    women = (persons["sex"] == 1) & (persons["age"] >= 15)
    employed = np.isin(persons["employment_status"], [1, 2, 3, 4, 5, 6])
    measured = weight[women & employed].sum() / weight[women].sum()
    assert rows["employment", "female 15+"].achieved == pytest.approx(measured, rel=1e-12)
    line = population.frame["poverty_line_300"].value
    size = population.households["size"].astype(float)
    poor = population.households["welfare"] / size < line
    people = population.households["weight"] * size
    measured = people[poor].sum() / people.sum()
    assert rows["welfare", "poor at 3.00 int$ a day"].achieved == pytest.approx(measured, rel=1e-9)
    bill = (
        12.0 * (persons["earnings"] * weight)[np.isin(persons["employment_status"], [1, 2])].sum()
    )
    assert rows["payroll", "wage bill of formal employees"].achieved == pytest.approx(bill)
    assert population.anchors["wage_bill"].value == pytest.approx(bill)


@pytest.mark.parametrize("code", SAMPLE)
def test_country__meets_its_targets(code: str) -> None:
    population = synthesise(code, households=2000, seed=2)
    missed = [(row.group, row.item, row.target, row.achieved)
              for row in targets.failures(population)]  # fmt: skip
    assert missed == []
    assert {row.basis for row in population.targets} == {"data", "assumption", "nothing"}


def test_coverage__is_at_least_150_countries() -> None:
    found = coverage()
    complete = [code for code, missing in found.items() if not missing]
    assert len(complete) >= 150
    assert "gini" in found["CUB"]


def test_missing_series__are_all_named() -> None:
    with pytest.raises(
        InputError, match=r"CUB \(Cuba\): series missing: gini.*poverty_830.*--data FILE"
    ):
        synthesise("CUB", households=1000)


def test_user_data__fills_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "cuba.yaml"
    file.write_text(
        "series:\n"
        + "".join(
            f"  {name}: {{source: a test, values: {{2015: {value}}}}}\n"
            for name, value in (("gini", 38.0), ("poverty_300", 4.0), ("poverty_420", 10.0),
                                ("poverty_830", 40.0), ("gni_per_head_ppp", 9000), ("ppp", 1.2),
                                ("inflation", 3.0))
        )
        + "structure:\n  wife_heads_couple: {basis: assumption, source: a test, share: 0.5}\n"
    )  # fmt: skip
    population = synthesise("CUB", households=1000, data=file)
    assert targets.failures(population) == ()
    gini = next(row for row in population.targets if row.item == "Gini index")
    assert gini.source == "a test, 2015"
    assert population.provenance["parameters"]["structure.wife_heads_couple"]["file"] == file.name


def test_user_data__of_a_population_is_used(tmp_path: Path) -> None:
    groups = [2e6 - 8e4 * i for i in range(20)] + [4e4]
    file = tmp_path / "people.yaml"
    file.write_text(
        "series:\n  population:\n    source: a census\n    year: 2024\n"
        f"    male: {groups}\n    female: {groups}\n"
    )
    population = synthesise("KEN", households=1000, data=file)
    assert population.frame["population"].value == pytest.approx(2 * sum(groups))
    assert targets.failures(population) == ()


def test_user_data__faults_are_all_named_with_lines(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "series:\n"
        "  ginni: {source: x, values: {2020: 1}}\n"
        "  gini: {values: {2020: many}}\n"
        "  population: {source: x, year: 2020, male: [1, 2], female: [1]}\n"
    )
    with pytest.raises(InputError) as caught:
        synthesise("KEN", households=1000, data=file)
    text = str(caught.value)
    for wanted in ("bad.yaml:2: unknown key 'ginni'", "bad.yaml:3: series gini has no 'source'",
                   "'2020' of series gini", "'male' of series population",
                   "'female' of series population"):  # fmt: skip
        assert wanted in text


def test_parameter_faults__are_all_named_with_lines(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "structure:\n"
        "  wife_heads_couple: {basis: guess, source: x, share: 2}\n"
        "  orphans: {basis: data, source: x, rows: [[5, 0.1], [3, 0.2]]}\n"
        "regions: {basis: data, source: x, rows: {north: [1, 5, 0]}}\n"
        "wages: {}\n"
    )
    with pytest.raises(InputError) as caught:
        synthesise("KEN", households=1000, data=file)
    text = str(caught.value)
    for wanted in ("bad.yaml:2: 'basis' of structure.wife_heads_couple", "a share, 0 to 1",
                   "bad.yaml:3: 'rows' of structure.orphans", "rows of rising age",
                   "bad.yaml:4: 'north' of regions", "unknown key 'wages'"):  # fmt: skip
        assert wanted in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"country": "XXX"}, "country: unknown code; found 'XXX'"),
        ({"households": 10}, "households: are too few; found 10; expected at least 200"),
        ({"seed": -1}, "seed: is negative; found -1; expected 0 or more"),
        ({"year": 1990}, "no population for the year; found 1990; expected 2000"),
    ],
)
def test_arguments__out_of_range_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthesise(**{"country": "KEN", "households": 1000, **arguments})


def test_seed__gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        store.write(tmp_path / name, synthesise("KEN", households=500, seed=seed))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_small_and_other_years__work() -> None:
    for year in (2023, 2024, 2026):
        population = synthesise("KEN", households=200, seed=1, year=year)
        assert population.year == year
        rows = [row for row in targets.failures(population) if row.group == "population"]
        assert rows == []


def test_seed__gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Hash seeds and thread counts of the process must not matter."""
    program = (
        "import sys; from microsim.population import store; "
        "from microsim.population.synthesis.assemble import synthesise; "
        "store.write(sys.argv[1], synthesise('KEN', households=300, seed=9))"
    )
    for name, hash_seed in (("a", "1"), ("b", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": hash_seed}
        subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=True,
                       env=environment)  # fmt: skip
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
