"""A run directory keeps the files of its question, so that it can be explained wherever it lies."""

from __future__ import annotations

import shutil

import pytest

from microsim.errors import InputError, RunFailedError
from microsim.shipped import folder
from microsim.simulation.explaining import explain_run
from microsim.simulation.run import Options, run


def test_explain__works_after_the_law_and_the_place_have_changed(
    tmp_path, monkeypatch, rules_cache
):
    country = tmp_path / "scenarios" / "mine"
    shutil.copytree(folder("scenarios") / "any_country", country)
    monkeypatch.chdir(tmp_path)
    run("scenarios/mine/floor.yaml", Options(out=tmp_path / "out", households=300))
    first = explain_run(tmp_path / "out", _household(tmp_path / "out"), [])
    shutil.rmtree(country)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").rename(tmp_path / "elsewhere" / "moved")
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = explain_run(
        tmp_path / "elsewhere" / "moved", _household(tmp_path / "elsewhere" / "moved"), []
    )
    assert [step.values for step in again.steps] == [step.values for step in first.steps]


def _household(out) -> int:
    import json

    from microsim.population.store import open_population

    path = json.loads((out / "question.json").read_text())["population"]
    with open_population(path) as population:
        return int(population.read(0, 1, ["household_id"]).households["household_id"][0])


def test_run__of_which_no_household_can_be_computed_names_the_formula(tmp_path, rules_cache):
    country = tmp_path / "scenarios" / "mine"
    shutil.copytree(folder("scenarios") / "any_country", country)
    law = country / "law" / "income_tax.yaml"
    broken = "  broken: {of: person, unit: share, formula: earnings / (earnings - earnings)}\n"
    text = law.read_text().replace("variables:\n", "variables:\n" + broken, 1)
    before = "formula: income_tax.rate"
    assert before in text
    law.write_text(text.replace(before, "formula: 0 * broken * earnings + income_tax.rate", 1))
    with pytest.raises(RunFailedError, match="division by zero in broken"):
        run(str(country / "floor.yaml"), Options(out=tmp_path / "out", households=300))


def test_run__refuses_a_negative_seed(tmp_path):
    path = folder("scenarios") / "any_country" / "floor.yaml"
    with pytest.raises(InputError, match="--seed: not a seed; found -1"):
        run(path, Options(out=tmp_path / "out", seed=-1))
