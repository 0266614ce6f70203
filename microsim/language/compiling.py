"""Turns a graph into a program: generated source, cached by content, loaded as a module."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from microsim.language import staging as staging_module
from microsim.language.generating import COMMON, HEADER, Layout, StageWriter, aliases
from microsim.language.graph import Graph
from microsim.language.sites import SiteTable
from microsim.language.staging import Stage, Staging, dependencies

VERSION = "1"  # of the generated code; part of the cache key
_DRIVER = """
@kernel
def drive(first_h, last_h, cap, start, inputs, links, keys, S, hidx, rows, need, PM, PY, TM, TY, T,
          months, n_months, stream, year, poison, weight, cell, place,
          measure_rows, measure_of, measure_in, inverse_scale, first_site,
          hi, low, count, seen, place_hi, place_low, place_count, place_seen, empty,
          extreme_rows, extreme_of, smallest, largest,
          person_rows, person_out, household_rows, household_out):
    n_scenarios, n_periods = rows.shape[0], rows.shape[1]
{pointers}
    hlo = first_h
    while hlo < last_h:
        lo = start[hlo]
        end = hlo + 1
        while end < last_h and start[end + 1] - lo <= cap:
            end += 1
        n, nh = start[end] - lo, end - hlo
        for h in range(nh):
            for i in range(start[hlo + h] - lo, start[hlo + h + 1] - lo):
                hidx[i] = h
{rounds}
        check(S, n, nh, hlo, hidx, measure_rows, measure_of, inverse_scale, weight, poison,
              first_site, empty)
        tally(S, n, nh, lo, hlo, start, hidx, links[0], weight, cell, place, poison,
              measure_rows, measure_of, measure_in, inverse_scale, empty,
              hi, low, count, seen, place_hi, place_low, place_count, place_seen)
        extremes(S, n, nh, hlo, hidx, poison, extreme_rows, extreme_of, smallest, largest)
        copy_rows(S, n, lo, person_rows, person_out)
        copy_rows(S, nh, hlo, household_rows, household_out)
        hlo = end
"""


@dataclass(frozen=True)
class Program:
    """A compiled graph.

    `layout` tells which row and parameter column is what; `module.drive` runs blocks of households.
    """

    graph: Graph
    staging: Staging
    layout: Layout
    sites: SiteTable
    source: str
    module: ModuleType | None


def generate(graph: Graph, outputs: list[str]) -> tuple[str, Staging, Layout, SiteTable]:
    """Return the source of a graph's compiled form and what is needed to call it."""
    staging = staging_module.stage(graph, set(outputs))
    layout, sites = Layout(aliases=aliases(graph)), SiteTable(graph)
    parts = [HEADER.replace("fill, mark", "check, copy_rows, extremes, fill, mark")]
    parts += [StageWriter(one, staging, graph, layout, sites).write() for one in staging.stages]
    for key in outputs:
        layout.row(key, "value", per_period=staging.slots[key].per_period)
    pointers = _pointers(len(layout.inputs))
    parts.append(
        _DRIVER.replace("{rounds}", _rounds(staging.stages)).replace("{pointers}", pointers)
    )
    return "\n\n".join(parts), staging, layout, sites


def _pointers(n_inputs: int) -> str:
    """Return the lines that turn arrays into pointers; offsets of rows are in elements of the
    scratch.
    """
    inputs = "".join(f"pointer(inputs[{k}]), " for k in range(n_inputs)) or "0, "
    links = "".join(f"pointer(links[{k}]), " for k in range(4))
    return "\n".join(
        (
            f"    c_inputs = ({inputs})",
            f"    c_links = ({links})",
            "    c_keys = (pointer(keys[0]), pointer(keys[1]))",
            "    c_S, c_start, c_hidx, c_T = pointer(S), pointer(start), pointer(hidx), pointer(T)",
            "    c_poison = pointer(poison)",
            "    offsets = rows * S.shape[1]",
        )
    )


def _rounds(stages: list[Stage]) -> str:
    lines: list[str] = []
    for level in sorted({(s.level[0], s.level[1]) for s in stages}):
        here = [s for s in stages if s.level[:2] == level]
        if level[1] == 0:
            lines += [
                "        for p in range(n_periods):",
                "            first, last = p == 0, p == n_periods - 1",
                "            for s in range(n_scenarios):",
            ]
            indent = " " * 16
            law = ("offsets[s, p]", "PM[s, p]", "TM[s, p]", "months[p]", "first", "last")
        else:
            lines += ["        for s in range(n_scenarios):"]
            indent, law = " " * 12, ("offsets[s, 0]", "PY[s]", "TY[s]", "0", "False", "False")
        for stage in here:
            lines.append(f"{indent}if need[s, {stage.index}]:")
            lines.append(f"{indent}    stage_{stage.index}({_call(law)})")
    return "\n".join(lines)


def _call(law: tuple[str, ...]) -> str:
    rows, scalars, offsets, months, first, last = law
    given = {"rows": f"pointer({rows})", "P": f"pointer({scalars})", "TO": f"pointer({offsets})"}
    given |= {"months": months, "first": first, "last": last}
    given |= {name: f"c_{name}" for name in ("S", "start", "hidx", "T", "poison")}
    names = [name.strip() for name in COMMON.split(",")]
    return ", ".join([given.get(name, name) for name in names] + ["c_inputs", "c_links", "c_keys"])


def reachable(graph: Graph, outputs: list[str]) -> Graph:
    """Return the part of a graph that the outputs need."""
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += [read for _, read in dependencies(graph.formulas[key])]
    kept = {key: formula for key, formula in graph.formulas.items() if key in needed}
    return Graph(kept, graph.systems, graph.members)


def cache_folder() -> Path:
    """Return where compiled rules are kept: MICROSIM_CACHE, else the user's cache folder, else a
    temporary one.
    """
    chosen = os.environ.get("MICROSIM_CACHE")
    folder = Path(chosen) if chosen else _user_cache() / "microsim" / "rules"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="microsim-rules-"))


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) if base else Path.home() / ".cache"


def compile_graph(graph: Graph, outputs: list[str], *, loaded: bool = True) -> Program:
    """Return the compiled program of a graph; `outputs` are formula ids whose values are read from
    outside.

    Without `loaded` the source is generated but neither written nor imported.
    """
    graph = reachable(graph, outputs)
    source, staging, layout, sites = generate(graph, list(dict.fromkeys(outputs)))
    return Program(graph, staging, layout, sites, source, load(source) if loaded else None)


def load(source: str) -> ModuleType:
    """Load generated source as a module from the cache folder, written there if new.

    The file's name is the hash of its content, of the version of the code generator and of the
    kernels it calls, so a file once written never changes; its time is set to a constant because
    numba's own cache looks at it.
    """
    key = hashlib.blake2b(
        f"{VERSION}|{_kernel_hash()}|{source}".encode(), digest_size=12
    ).hexdigest()
    name = f"microsim_rules_{key}"
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        _write(path, source)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load generated rules from {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _write(path: Path, source: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(source)
    os.utime(temporary, (1_600_000_000, 1_600_000_000))
    Path(temporary).replace(path)


def _kernel_hash() -> str:
    """Hash of the kernels that generated code calls: they are compiled into it."""
    folder = Path(__file__).resolve().parent.parent / "kernels"
    names = ("accumulate", "draws", "jit", "pointers", "rows", "schedules", "transcendental")
    digest = hashlib.blake2b(digest_size=8)
    for name in names:
        digest.update((folder / f"{name}.py").read_bytes())
    digest.update(np.__version__.encode())
    return digest.hexdigest()
