"""The description of a population file agrees with it; the commands print and write."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from microsim.cli.population import app
from microsim.errors import FormatError, InputError
from microsim.population import store
from microsim.population.describe import describe


def _invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("population") / "kenya.h5"
    output = _invoke("synthesise", "--country", "ken", "--households", "1000", "--seed", "4",
                     "--out", str(path))  # fmt: skip
    assert "Target against achieved" in output
    assert "1,000 households" in output
    assert "MISSED" not in output
    return path


def test_describe__agrees_with_the_file(file: Path) -> None:
    population = store.read(file)
    found = describe(file)
    columns = {column.name: column for column in found.columns}
    weight = population.person_weight
    age = population.persons["age"]
    assert columns["age"].mean == pytest.approx((age * weight).sum() / weight.sum())
    assert (columns["age"].smallest, columns["age"].largest) == (age.min(), age.max())
    shares = dict(columns["sex"].shares)
    women = weight[population.persons["sex"] == 1].sum() / weight.sum()
    assert shares["female"] == pytest.approx(women)
    assert sum(dict(columns["region"].shares).values()) == pytest.approx(1.0)
    assert found.targets == population.targets


def test_describe__prints_every_part(file: Path) -> None:
    text = _invoke("describe", str(file))
    for wanted in ("Kenya 2025, synthesised", "KES", "self_employment_income", "informal employee",
                   "Turkana", "wage_bill", "poverty_line_300", "government_expenditure",
                   "n/a", "targets met", "rest on data"):  # fmt: skip
        assert wanted in text


def test_describe__prints_json(file: Path) -> None:
    found = json.loads(_invoke("describe", str(file), "--json"))
    assert found["title"] == "Kenya 2025, synthesised"


def test_coverage__lists_what_is_missing() -> None:
    text = _invoke("coverage")
    assert "KEN  complete" in text
    assert "countries are complete" in text


def test_commands__leave_input_errors_to_the_command_line(tmp_path: Path) -> None:
    runner = CliRunner()
    with pytest.raises(InputError, match="unknown code"):
        runner.invoke(app, ["synthesise", "--country", "ZZZ", "--out", str(tmp_path / "x.h5")],
                      catch_exceptions=False)  # fmt: skip
    with pytest.raises(FormatError, match="no such file"):
        runner.invoke(app, ["describe", str(tmp_path / "x.h5")], catch_exceptions=False)
