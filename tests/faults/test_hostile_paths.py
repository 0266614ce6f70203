"""Names that shells, options and formats trip over; and names that would lead out of the run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from striking import BACKENDS, here, shards, status

HOSTILE = '- it\'s "a" $(touch owned); rm * ünï 数据 [b]#%&{0}\\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder of a hostile name, in which we are."""
    made = tmp_path / HOSTILE
    made.mkdir()
    monkeypatch.chdir(made)
    return made


@pytest.mark.parametrize("backend", ["processes", "dask", "mpi"])
def test_a_hostile_run_directory__works(commands, coresia, reference, folder, backend):
    people = folder / "people 'of' Coresia.h5"
    shutil.copy(coresia.population, people)
    shutil.copytree(coresia.country, folder / "coresia")
    run = folder / "-run [red]"
    ended = commands.run(
        "run", folder / "coresia" / "scenario.yaml", "--population", people, "--out", run,
        "--shard-persons", 1, *BACKENDS[backend],
    )  # fmt: skip
    assert ended.digest == reference.digest
    assert f"Results: {run}." in ended.out
    for command in ("status", "verify", "gc", "resume"):
        assert here(command, run).code == 0
    # nothing was written anywhere else
    assert {path.name for path in folder.iterdir()} == {people.name, "coresia", run.name}


def test_a_run_directory_with_a_leading_dash__works(coresia, reference, folder):
    given = ("--population", coresia.population, "--out", "--run", "--shard-persons", 1)
    assert here("run", coresia.scenario, *given, "--workers", 1).digest == reference.digest
    assert len(shards(folder / "--run")) == 3
    assert status(Path("--run"))["complete"]
    assert here("verify", "--", "--run").code == 0
    assert here("verify", "./--run").code == 0


ODD = """\
reform: Odd
source: assumption of the test
replace:
  transfers.child_grant: {2025-01-01: 9}
"""


def test_a_reform_from_elsewhere__is_copied_into_the_run(coresia, reference, folder, tmp_path):
    """Also two files of one name; the run goes on without the originals."""
    run = folder / "run"
    usual = ("--population", coresia.population, "--out", run, "--shard-persons", 1)
    assert here("run", coresia.scenario, *usual, "--workers", 1).code == 0
    for k in (1, 2):
        (tmp_path / f"away{k}").mkdir()
    one, two = (tmp_path / f"away{k}" / "my reform.yaml" for k in (1, 2))
    one.write_text(ODD)
    two.write_text(ODD.replace("9}", "10}"))
    digest = here("expand", run, "--reform", f"odd={one},{two}").digest
    kept = sorted((run / "question").rglob("*my reform.yaml"))
    assert [path.read_text() for path in kept] == [one.read_text(), two.read_text()]
    one.unlink()
    two.unlink()
    for path in run.glob("shards/*/*.bin"):
        path.unlink()
    assert here("resume", run).digest == digest


@pytest.mark.parametrize(
    "name", ["../../x", "/x", "a/b", "..", ".", "", "a\nb", "x" * 300, "baseline", "both"]
)
def test_a_reform_name_that_leads_elsewhere__is_refused(coresia, finished_small, tmp_path, name):
    run = shutil.copytree(finished_small, tmp_path / "run")
    reform = tmp_path / "reform.yaml"
    reform.write_text(ODD)
    files = set(tmp_path.rglob("*"))
    ended = here("expand", run, "--reform", f"{name}={reform}")
    assert ended.code == 2, ended
    assert "--reform" in ended.err
    assert set(tmp_path.rglob("*")) == files
    assert not (tmp_path.parent / "x").exists()


def test_a_step_that_leads_out_of_the_run__is_refused(coresia, finished_small, tmp_path):
    """Somebody else's run directory is data: it cannot have files read from anywhere."""
    run = shutil.copytree(finished_small, tmp_path / "run")
    (tmp_path / "secret.yaml").write_text(ODD)
    step = '{"reforms": [["odd", ["../secret.yaml"]]], "draws": [], "replicates": 0}'
    (run / "plan" / "00001.json").write_text(step)
    ended = here("resume", run)
    assert ended.code == 2
    assert "secret.yaml" in ended.err
    assert "a file leads out of the run directory" in ended.err
