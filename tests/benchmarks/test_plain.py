"""Tiny versions of the benchmarks, so that they cannot rot."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PERSONS = 3000


@pytest.fixture(scope="module")
def modules():
    """The benchmark scripts as modules."""
    paths = [str(BENCHMARKS), str(BENCHMARKS / "plain")]
    sys.path[:0] = paths
    names = ("turns", "table", "machine", "generate", "baselines", "ours")
    yield {name: importlib.import_module(name) for name in names}
    for path in paths:
        sys.path.remove(path)


@pytest.fixture(scope="module")
def columns(modules):
    return modules["generate"].make(PERSONS)


def test_generate__gives_the_same_data_again(modules, columns):
    again = modules["generate"].make(PERSONS)
    assert all((again[name] == values).all() for name, values in columns.items())
    assert columns["h_size"].sum() == PERSONS == columns["p_wage"].size


def test_plain_system__answers_equal_numpy(modules, columns):
    turns = modules["turns"]
    ours, numpy = turns.answers_of("ours", columns), turns.answers_of("numpy", columns)
    assert turns.largest_difference(ours, numpy) < turns.AGREE
    assert numpy["total_assist"] > 0 < numpy["total_tax"]


def test_plain_system__threads_move_no_bit(modules, columns):
    ours = modules["ours"]
    rules = ours.compiled()
    first, second = (ours.run_ours((rules, columns), n)[1] for n in (1, 3))
    assert first == second


def test_plain_system__columns_equal_numpy(modules, columns):
    ours, baselines = modules["ours"], modules["baselines"]
    found = ours.evaluate(ours.compiled(), columns, 1)
    wanted = baselines.person_part(
        columns["p_age"], columns["p_status"], columns["p_wage"], columns["p_pension"]
    )
    for name, values in zip(ours.PERSONS, wanted, strict=True):
        assert found.persons[name] == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_baselines__agree_with_numpy(modules, columns, library, tmp_path):
    pytest.importorskip(library)
    pytest.importorskip("pyarrow")
    turns, baselines = modules["turns"], modules["baselines"]
    modules["generate"].save(columns, tmp_path)
    load, run = getattr(baselines, f"load_{library}"), getattr(baselines, f"run_{library}")
    wanted = baselines.run_numpy(columns)[1]
    assert turns.largest_difference(run(load(tmp_path))[1], wanted) < turns.AGREE


def test_largest_difference__sees_one_answer_that_differs(modules):
    difference = modules["turns"].largest_difference({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.5})
    assert difference == pytest.approx(0.2)
    with pytest.raises(ValueError, match="answers differ in kind"):
        modules["turns"].largest_difference({"a": 1.0}, {"b": 1.0})


def test_run__prints_the_table_of_a_tiny_size(tmp_path):
    command = [
        sys.executable, str(BENCHMARKS / "run.py"), "--persons", str(PERSONS), "--repeats", "1",
        "--sections", "plain", "--backends", "ours,numpy", "--folder", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "### Plain system, 3,000 persons" in done.stdout
    assert "| numpy " in done.stdout


def test_rules_speed__counts_persons(tmp_path):
    modules = [str(BENCHMARKS / "plain" / "generate.py"), str(PERSONS), str(tmp_path)]
    subprocess.run([sys.executable, *modules], check=True)
    command = [sys.executable, str(BENCHMARKS / "rules_speed.py"), "plain", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert min(json.loads(done.stdout).values()) > 0.0


def test_machine__is_described(modules):
    described = dict(modules["machine"].described())
    assert described["numpy"] == np.__version__
    assert {"processor", "cores", "memory", "Python", "numba"} <= set(described)


def test_readme__has_the_tables_between_its_markers():
    run = (BENCHMARKS / "run.py").read_text()
    readme = (BENCHMARKS / "README.md").read_text()
    for marker in ("<!-- tables: written by run.py -->", "<!-- end of tables -->"):
        assert marker in run
        assert readme.count(marker) == 1


def test_asv__benchmarks_run_on_a_tiny_size():
    folder = json.loads((ROOT / "asv.conf.json").read_text())["benchmark_dir"]
    spec = importlib.util.spec_from_file_location("plain_system", ROOT / folder / "plain_system.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for cls, arguments in ((module.PlainSystem, (PERSONS, 1)), (module.Indicators, (PERSONS,))):
        benchmark = cls()
        benchmark.setup(*arguments)
        names = [name for name in dir(benchmark) if name.startswith(("time_", "peakmem_"))]
        assert names
        for name in names:
            getattr(benchmark, name)(*arguments)
