"""Tiny versions of the comparison of lives with other engines, so that it cannot rot."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import lives_turns
from turns import Backend

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PERSONS, YEARS = 2_000, 3


def backend(name: str, lived: dict[str, float], cpu: float) -> Backend:
    """Return an engine that has lived."""
    return Backend(name, None, [2 * cpu], [cpu], 100.0, {"person_years": 1e6, **lived})


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People and rates in the file that peers read."""
    sys.path.insert(0, str(lives_turns.PEERS))
    ours = importlib.import_module("ours")
    sys.path.remove(str(lives_turns.PEERS))
    sys.modules.pop("ours")
    path: Path = ours.save_people(PERSONS, tmp_path_factory.mktemp("people"))
    return path


@pytest.mark.parametrize("case", ["deaths", "minimal", "draw", "sort"])
def test_worker__lives_in_turns(people: Path, case: str) -> None:
    """Each turn is a new life of the same people: the same happens in all."""
    arguments = [str(lives_turns.PEERS / "worker.py"), "ours", case, str(people), str(YEARS)]
    done = subprocess.run(
        [sys.executable, *arguments], input="go\ngo\nquit\n", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    ready, *turns = done.stdout.splitlines()
    assert ready == "READY"
    first, second = (json.loads(turn)["answers"] for turn in turns)
    assert first == second
    assert first["person_years"] > (YEARS - 1) * PERSONS
    assert first["deaths"] > 0
    assert (first["births"] > 0) == (case != "deaths")


def test_people__are_ready_for_peers(people: Path) -> None:
    """The file holds persons, rates by sex and age, and the matrix of the states."""
    with np.load(people) as file:
        assert file["age"].shape == file["sex"].shape == file["state"].shape
        assert set(np.unique(file["state"])) == {0, 1, 2}
        assert file["death"].shape == (2, 121)
        assert file["birth"].shape == (121,)
        np.testing.assert_allclose(file["transitions"].sum(axis=1), 1.0)


def test_counts__of_engines_that_live_otherwise_are_refused() -> None:
    """Beyond four standard errors the processes are not alike, and no speed is shown."""
    mine = backend("minimal", {"deaths": 10_000.0, "births": 50.0}, 0.1)
    lives_turns.check_alike(mine, backend("neworder", {"deaths": 10_200.0}, 0.4))
    with pytest.raises(ValueError, match="neworder lives otherwise: deaths"):
        lives_turns.check_alike(mine, backend("neworder", {"deaths": 11_000.0}, 0.4))


def test_table__has_ratios_of_like_with_like_and_says_who_is_missing() -> None:
    """The minimal demography is set against neworder; the full set is told apart."""
    backends = {name: backend(name, {}, 0.1) for name in ("deaths", "minimal", "draw")}
    backends |= {"sort": backend("sort", {}, 0.2), "neworder": backend("neworder", {}, 0.8)}
    text = lives_turns._table(PERSONS, YEARS, 1, backends, ["SKIPPED vivarium: none"]).text()
    line = next(line for line in text.splitlines() if line.startswith("| neworder"))
    cells = [cell.strip() for cell in line.split("|")[2:-1]]
    assert cells[4:] == ["8.0 x", "8.0 x", "8 x", "4.0 x", "100"]
    assert "SKIPPED vivarium: none" in text


def test_readme__has_the_table_of_lives_between_its_markers() -> None:
    """`run.py --write` finds its place."""
    run = (BENCHMARKS / "run.py").read_text()
    readme = (BENCHMARKS / "README.md").read_text()
    for marker in ("<!-- tables: written by run.py, lives -->", "<!-- end of lives -->"):
        assert marker in run
        assert readme.count(marker) == 1
