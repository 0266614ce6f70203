"""Tiny versions of the measurements of scale, so that they cannot rot."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from microsim.language.compiling import cache_folder

ROOT = Path(__file__).parents[2]
SCALE = ROOT / "benchmarks" / "scale"
SCRIPTS = ("backends", "memory", "scheduling", "merging")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Data, made once for all; compiled rules are those of the other tests."""
    path = tmp_path_factory.mktemp("scale")
    (path / "cache").symlink_to(cache_folder(), target_is_directory=True)
    return path


@pytest.fixture
def scheduling(monkeypatch):
    monkeypatch.syspath_prepend(str(SCALE))
    return importlib.import_module("scheduling")


def output_of(script: str, folder: Path, *given: object) -> str:
    command = [sys.executable, str(SCALE / f"{script}.py"), "--folder", str(folder)]
    done = subprocess.run(
        [*command, *map(str, given)], capture_output=True, text=True, timeout=240, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_of(text: str, title: str) -> list[list[str]]:
    """Return the cells of the table of a title, without its head."""
    after = text.split(f"### {title}")[1].split("\n\n")[1]
    lines = [line for line in after.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.slow
def test_backends__compares_workers_and_the_plan(folder):
    text = output_of(
        "backends", folder, "--households", 1000, "--persons", 12000, "--shard-persons", 3000,
        "--rounds", 1, "--backends", "processes",
    )  # fmt: skip
    units = rows_of(text, "Units on one worker and on two")
    assert [row[0] for row in units] == ["processes, 1 worker", "processes, 2 workers"]
    assert float(units[1][2]) > 0
    assert "disk at most" in {row[0] for row in rows_of(text, "The plan and the run")}


@pytest.mark.slow
def test_memory__has_a_row_each_size(folder):
    text = output_of(
        "memory", folder, "--households", 1000, "--persons", "12000", "--shard-persons", 3000
    )
    (row,) = rows_of(text, "Memory while the population grows")
    assert all("MiB" in row[k] for k in (1, 2, 3, 4, 5, 7))


@pytest.mark.slow
def test_scheduling__fits_a_law_and_looks_at_the_ledger(folder):
    text = output_of(
        "scheduling", folder, "--units", 400, "--workers", 20, "--light", 2, "--dask-workers", 1,
        "--paced", 40, "--done", "0,5", "--rounds", 1, "--idle-seconds", 0.2,
    )  # fmt: skip
    laws = {row[0]: row for row in rows_of(text, "Law of cost of the coordinator")}
    assert set(laws) == {"processes", "mpi", "dask"}
    assert all(row[-2].endswith(" %") for row in laws.values())
    assert [row[0] for row in rows_of(text, "The ledger of 400 units")] == ["0", "5"]


@pytest.mark.slow
def test_merging__measures_merge_and_tables(folder):
    text = output_of("merging", folder, "--households", 1000, "--files", 4)
    rows = rows_of(text, "Merge of 4 shard files")
    assert [row[1] for row in rows] == ["2", "2", "4", "4", "4", "4"]
    households = [int(row[2].replace(",", "")) for row in rows]
    assert households[0] < households[2] == households[4]


def test_law__is_found_again(scheduling):
    runs = [{"workers": w, "units": 10, "cpu": 10 * (2e-4 + 3e-6 * w)} for w in (1, 10, 1000)]
    starts = [{"workers": w, "start": 1.5 + 0.01 * w} for w in (2, 4, 8)]
    found = scheduling.law(runs, starts, 0.001)
    assert (found.unit, found.worker) == pytest.approx((2e-4, 3e-6))
    assert (found.once, found.start) == pytest.approx((1.5, 0.01))
    assert found.busy(1000) == pytest.approx(100 * (0.001 + 1000 / 60 * 3.2e-3))


def test_line__never_falls(scheduling):
    assert scheduling.line([(1, 3.0), (2, 2.0), (4, 1.0)]) == (2.0, 0.0)


def test_ledgers__looks_find_what_is_done(folder):
    made = subprocess.run(
        [sys.executable, "-c", _MAKE, str(SCALE), str(folder / "ledger")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(made.stdout) == [7, 23, 0]


_MAKE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import ledgers
from microsim.simulation.upkeep import status_of
found = status_of(ledgers.make(Path(sys.argv[2]), 30, 7, 3))
print(json.dumps([found.done, found.missing, found.failed]))
"""


@pytest.mark.parametrize("script", SCRIPTS)
def test_readme__has_the_tables_between_markers(script):
    readme = (ROOT / "benchmarks" / "README.md").read_text()
    assert readme.count(f"<!-- tables: written by scale/{script}.py -->") == 1
    assert readme.count(f"<!-- end of scale/{script}.py -->") == 1
