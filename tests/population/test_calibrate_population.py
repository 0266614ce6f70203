"""Targets files, calibration of a population file and its command line."""

from pathlib import Path

import numpy as np
import pytest
import typer
from small_survey import MAPPING, write_survey
from typer.testing import CliRunner

from microsim.cli import population_calibrate, population_import
from microsim.errors import InputError
from microsim.population import store
from microsim.population.importing import import_survey
from microsim.population.known_totals import read_targets
from microsim.population.reweighting import calibrate_population
from microsim.shipped import folder

TARGETS = """\
targets: two houses
margins:
  households: {of: household, total: 40, source: a register}
  population:
    of: person
    by: [sex, age]
    source: a census
    values:
      male: {0-4: 0, 5-17: 12, 18+: 12}
  earners:
    of: person
    where: {earnings: "> 0", region: whole country}
    total: 0.04
    multiply: 1000
    source: a labour force survey
"""


def small(tmp_path: Path) -> store.Population:
    return import_survey(*write_survey(tmp_path))[0]


def targets_file(tmp_path: Path, text: str) -> Path:
    (tmp_path / "targets.yaml").write_text(text)
    return tmp_path / "targets.yaml"


def test_read_targets__adds_up_what_households_contribute(tmp_path: Path) -> None:
    population = small(tmp_path)
    targets = read_targets(targets_file(tmp_path, TARGETS), population)
    order = np.argsort(population.households["weight"].astype(float))
    names = [cell.name for cell in targets.cells]
    assert names == ["households", "population: male; 0-4", "population: male; 5-17",
                     "population: male; 18+", "earners"]  # fmt: skip
    assert targets.totals[order].tolist() == [[1, 0, 1, 1, 1], [1, 0, 0, 0, 1]]
    assert targets.values.tolist() == [40, 0, 12, 12, 40]
    assert targets.cells[-1].source == "a labour force survey"


def test_read_targets__sums_amounts_by_place(tmp_path: Path) -> None:
    text = """\
margins:
  wages: {of: person, sum: earnings, by: urban, values: {true: 900, false: 4000}, source: accounts}
  rent: {of: household, sum: rent, where: {urban: true}, total: 3000, source: accounts}
"""
    population = small(tmp_path)
    targets = read_targets(targets_file(tmp_path, text), population)
    order = np.argsort(population.households["weight"].astype(float))
    assert targets.totals[order].tolist() == [[100, 0, 300], [0, 200, 0]]
    assert [cell.unit for cell in targets.cells] == ["currency/month"] * 3


def test_read_targets__rescales_a_margin_to_the_total_of_another(tmp_path: Path) -> None:
    text = (
        TARGETS
        + """\
  places:
    {of: household, by: urban, values: {true: 30, false: 90}, source: a map, rescale_to: households}
"""
    )
    targets = read_targets(targets_file(tmp_path, text), small(tmp_path))
    assert targets.values[-2:].tolist() == [10, 30]
    assert "scaled by 0.333333 to the total of 'households'" in targets.cells[-1].source


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("by: [sex, age]", "by: [sex, edad]", "targets.yaml:6: unknown column 'edad'"),
        ("male:", "men:", "targets.yaml:9: unknown label of 'sex'; found 'men'; expected male"),
        ("18+:", "adult:", "group of 'age'; found 'adult'; expected 0-4, 15 or 65+"),
        ("total: 40", "total: forty", "a target is no number; found 'forty'"),
        ("{0-4: 0, 5-17: 12, 18+: 12}", "5", "values are missing; found 5"),
        (", source: a register", "", "targets.yaml:3: 'source' is missing"),
        ("total: 40, ", "", "'total' is missing in margin 'households'"),
        ("{0-4: 0, 5-17: 12, 18+: 12}", "{}", "values are missing"),
        ("of: household", "of: houses", "unknown of; found 'houses'"),
        ('"> 0"', '"lots"', "condition on 'earnings'; found 'lots'"),
        ("region: whole country", "region: elsewhere", "unknown label of 'region'"),
        ("multiply: 1000", "multiply: 1000\n    rescale_to: people", "is scaled to 'people'"),
        ("total: 40", "by: age, values: {1: 1}", "'age' belongs to persons"),
    ],
)
def test_read_targets__names_the_fault(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in TARGETS
    with pytest.raises(InputError, match=r"\S") as caught:
        read_targets(targets_file(tmp_path, TARGETS.replace(old, new)), small(tmp_path))
    assert expected in "\n".join(str(fault) for fault in caught.value.faults)


def test_calibrate_population__meets_the_targets_and_stores_them(tmp_path: Path) -> None:
    population = small(tmp_path)
    changed, result = calibrate_population(population, targets_file(tmp_path, TARGETS))
    assert np.sort(changed.households["weight"].astype(float)).tolist() == pytest.approx([12, 28])
    assert result.residual <= 1e-8
    row = changed.targets[0]
    assert (row.group, row.target, row.passed) == ("households", 40, True)
    assert changed.provenance["calibration"]["method"] == "raking"
    np.testing.assert_array_equal(changed.persons["age"], population.persons["age"])


def test_calibrate_population__names_conflicting_margins(tmp_path: Path) -> None:
    text = TARGETS.replace("0.04", "0.05")  # each household has one earner
    with pytest.raises(InputError, match=r"margin 'earners': contradicts .*'households'"):
        calibrate_population(small(tmp_path), targets_file(tmp_path, text))


def test_calibrate_population__refuses_negative_weights(tmp_path: Path) -> None:
    text = "margins: {households: {of: household, total: 30, source: x}, men: {of: person, "
    text += "where: {sex: male}, total: 70, source: x}}"
    path = targets_file(tmp_path, text)
    with pytest.raises(InputError, match="linear method makes 1 weights negative; found -5"):
        calibrate_population(small(tmp_path), path, "linear")


def app() -> typer.Typer:
    commands = typer.Typer()
    population_import.register(commands)
    population_calibrate.register(commands)
    return commands


def test_commands__import_and_calibrate_the_cps_sample(tmp_path: Path) -> None:
    shipped = folder("scenarios") / "united_states"
    survey, out = shipped / "us_cps_taxunits_sample.csv.gz", tmp_path / "us.h5"
    arguments = ["import", str(survey), "--mapping", str(shipped / "cps.yaml"), "--out", str(out)]
    result = CliRunner().invoke(app(), arguments)
    assert result.exit_code == 0, result.output
    assert "162,588 persons in 60,172 households" in result.output
    path = shipped / "targets_2014.yaml"
    new = tmp_path / "new.h5"
    arguments = ["calibrate", str(out), "--targets", str(path), "--out", str(new)]
    result = CliRunner().invoke(app(), [*arguments, "--bounds", "0.2,5", "--method", "logit"])
    assert result.exit_code == 0, result.output
    assert "residents: female; 75+" in result.output
    assert "design effect of unequal weights" in result.output
    population = store.read(new)
    old = (population.persons["age"] >= 75) & (population.persons["sex"] == 1)
    assert population.person_weight[old].sum() == pytest.approx(11.705e6, rel=1e-8)
    assert all(row.passed for row in population.targets)
    ratio = population.households["weight"] / store.read(out).households["weight"]
    assert 0.2 <= ratio.min() < 1 < ratio.max() <= 5


def test_parse_bounds__refuses_what_is_no_pair_of_numbers() -> None:
    assert population_calibrate.parse_bounds("0.2,5") == (0.2, 5.0)
    with pytest.raises(InputError, match=r"--bounds: found '0.2'; expected two numbers"):
        population_calibrate.parse_bounds("0.2")


def test_readme__shows_known_totals_that_read(tmp_path: Path) -> None:
    readme = (folder("scenarios") / "united_states" / "README.md").read_text(encoding="utf-8")
    block = readme.split("```yaml\n")[2].split("```")[0]
    mapping = MAPPING.replace(
        "region: {constant: whole country}", "region: {column: zona, codes: {1: North, 2: South}}"
    )
    population, _ = import_survey(*write_survey(tmp_path, mapping=mapping))
    targets = read_targets(targets_file(tmp_path, block), population)
    assert targets.values[-2:].sum() == pytest.approx(targets.values[0])
    assert {cell.margin for cell in targets.cells} >= {"population", "employed", "wages"}
