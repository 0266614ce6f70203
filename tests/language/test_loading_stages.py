"""Stages of machine code: the same stage is the same file, whatever else a program has."""

from __future__ import annotations

from pathlib import Path

import pytest
from random_systems import random_definitions, reformed

from microsim.errors import FaultList
from microsim.language import loading
from microsim.language.compiling import Program, compile_graph
from microsim.language.definitions import Definitions
from microsim.language.graph import Builder, Graph
from microsim.language.loading import Stages

TEXT = """def stage_of_rules(rows, P, TO, T, inputs, start, hidx, head, spouse, mother, father,
    pkey, hkey, poison, sites, n, nh, months, first, last, n_months, stream, year):
    in_0 = at_0(inputs[0])
    r0 = rows[0]
    for i in range(n):
        r0[i] = float_0(in_0[i]) + {k}.0
    return 0
"""


def program_of(*systems: Definitions) -> Program:
    graph, faults = Graph(), FaultList()
    ids = [Builder(graph, faults).add(one) for one in systems]
    faults.raise_if_any()
    return compile_graph(graph, [key for found in ids for key in found.values()], loaded=False)


def small(n: int) -> Stages:
    texts = [TEXT.format(k=k) for k in range(n)]
    return Stages(texts, [["float64"]] * n)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MICROSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(loading, "_processors", lambda: 2)
    monkeypatch.setattr(loading, "WORTH_A_PROCESS", 10)
    for name in [n for n in loading.sys.modules if n.startswith("microsim_stage_")]:
        monkeypatch.delitem(loading.sys.modules, name)
    return tmp_path


@pytest.mark.parametrize("seed", range(3))
def test_stage_text__does_not_depend_on_the_set_of_reforms(seed: int) -> None:
    baseline = random_definitions(seed, n_variables=16)
    values = reformed(baseline, seed + 1000, values=True, formulas=0)
    formulas = reformed(baseline, seed + 2000, values=False, formulas=1)
    alone, with_values = program_of(baseline), program_of(baseline, values)
    assert set(with_values.texts) == set(alone.texts)
    assert with_values.source != alone.source
    with_formulas = program_of(baseline, formulas)
    assert program_of(baseline, values, formulas).texts == with_formulas.texts


def test_stages__are_compiled_by_another_process_too(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = small(4)
    monkeypatch.setattr(loading, "claim", lambda claims, name: False)  # this process takes none
    stages.begin()
    assert len(stages.others) == 1
    assert stages.others[0].wait(60) == 0
    made = {path.name.split(".")[0] for path in cache.glob("__pycache__/*.nbc")}
    assert made == set(stages.names)
    assert len(set(stages.finish())) == 4
    stages.stop()
    assert small(4)._missing() == []


def test_stages__are_compiled_here_when_no_other_process_can(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading.sys, "executable", "/bin/false")
    stages = small(3)
    stages.begin()
    addresses = stages.finish()
    stages.stop()
    assert len(set(addresses)) == 3
    assert 0 not in addresses


def test_stage_file__is_repaired(cache: Path) -> None:
    stages = small(1)
    path = cache / f"{stages.names[0]}.py"
    path.write_text("not what the rules say")
    stages.begin()
    assert stages.finish()[0] != 0
    assert path.read_text() == stages.sources[stages.names[0]]
