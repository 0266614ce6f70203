"""Turns a graph into a program: the source of each stage, and what its numbers stand for."""

from __future__ import annotations

import functools
import getpass
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from microsim.language import staging as staging_module
from microsim.language.generating import Layout, StageWriter, Uses, aliases
from microsim.language.graph import Graph
from microsim.language.sites import SiteTable
from microsim.language.staging import Staging, dependencies
from microsim.language.states import inputs_of, is_state, variable_of


@dataclass(frozen=True)
class Program:
    """A compiled graph.

    Attributes
    ----------
    layout
        Which row, parameter column and input column is what.
    texts, uses
        Source of each stage's function, and what its own numbers stand for.
    source
        Everything that makes the program what it is, as one text.
    loaded
        Whether machine code may be made of it.
    """

    graph: Graph
    staging: Staging
    layout: Layout
    sites: SiteTable
    texts: tuple[str, ...]
    uses: tuple[Uses, ...]
    source: str
    loaded: bool

    @property
    def population_inputs(self) -> tuple[str, ...]:
        """Inputs that rules read of the population."""
        return tuple(name for name in self.layout.inputs if not is_state(name))

    @property
    def state_inputs(self) -> tuple[str, ...]:
        """Inputs that rules read of years before, by the names of `language/states.py`."""
        return tuple(name for name in self.layout.inputs if is_state(name))

    def rounds(self) -> list[tuple[int, int, bool]]:
        """Return (first stage, first of the next, monthly) of each round of the year."""
        found: list[tuple[int, int, bool]] = []
        for stage in self.staging.stages:
            before = self.staging.stages[stage.index - 1] if stage.index else None
            if before is not None and before.level[:2] == stage.level[:2]:
                found[-1] = (found[-1][0], stage.index + 1, stage.monthly)
            else:
                found.append((stage.index, stage.index + 1, stage.monthly))
        return found


def reachable(graph: Graph, outputs: list[str]) -> Graph:
    """Return the part of a graph that the outputs need, in this year or in a later one."""
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        key = waiting.pop()
        if key not in needed:
            needed.add(key)
            waiting += [read for _, read in dependencies(graph.formulas[key])]
            waiting += _states_read(graph, key)
            if key in graph.fixed:
                waiting.append(graph.fixed[key].final)
    kept = {key: formula for key, formula in graph.formulas.items() if key in needed}
    fixed = {key: one for key, one in graph.fixed.items() if key in needed}
    return Graph(kept, graph.systems, graph.members, graph.quotas, fixed)


def _states_read(graph: Graph, key: str) -> list[str]:
    """Return the formulas whose values of years before a formula reads, in all its systems."""
    read = {one.name for one in inputs_of(graph.formulas[key].root)}
    names = {variable_of(name) for name in read if is_state(name)}
    return [
        ids[name]
        for ids, members in zip(graph.systems, graph.members, strict=True)
        if key in members
        for name in sorted(names & ids.keys())
    ]


def cache_folder() -> Path:
    """Return where compiled rules are kept: MICROSIM_CACHE, else the user's cache folder.

    Where that cannot be written, as in a container or on a cluster's software disk, what is
    compiled there is copied once to a folder of this user below the system's temporary folder,
    which all processes on this host share.
    """
    chosen = os.environ.get("MICROSIM_CACHE")
    folder = Path(chosen) if chosen else _user_cache() / "microsim" / "rules"
    return folder if _writable(folder) else _copied(folder)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@functools.cache
def _copied(folder: Path) -> Path:
    """Return a folder of this user alone, with what a read-only cache holds."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    name = hashlib.blake2b(str(folder.absolute()).encode(), digest_size=6).hexdigest()
    own = Path(tempfile.gettempdir()) / f"microsim-{user}-{name}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        # Machine code is loaded from here: nobody else may own or write it.
        state = own.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_mode & 0o022 or state.st_uid != user:
            raise PermissionError(own)
    except OSError:
        own = Path(tempfile.mkdtemp(prefix="microsim-"))
    rules = own / "rules"
    rules.mkdir(exist_ok=True)
    _copy_missing(folder, rules)
    return rules


def _copy_missing(folder: Path, rules: Path) -> None:
    for pattern in ("*.py", "__pycache__/*.nb?"):
        for source in sorted(folder.glob(pattern)):
            target = rules / source.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                temporary = target.with_name(f".{target.name}.{os.getpid()}")
                shutil.copy2(source, temporary)
                temporary.replace(target)


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) if base else Path.home() / ".cache"


def compile_graph(graph: Graph, outputs: list[str], *, loaded: bool = True) -> Program:
    """Return the compiled program of a graph; `outputs` are formula ids whose values are read from
    outside.

    Machine code is made, or found on disk, when people are first evaluated; without `loaded` never.
    """
    graph = reachable(graph, outputs)
    carried = [ids[name] for name in graph.states for ids in graph.systems if name in ids]
    outputs = list(dict.fromkeys([*outputs, *(key for key in carried if key in graph.formulas)]))
    staging = staging_module.stage(graph, set(outputs))
    layout, sites = Layout(aliases=aliases(graph)), SiteTable(graph)
    texts, uses = [], []
    for one in staging.stages:
        writer = StageWriter(one, staging, graph, layout, sites)
        texts.append(writer.write())
        uses.append(writer.uses)
        layout.use(writer.uses)
    for before, fixed in graph.fixed.items():
        layout.row(before, "value")
        layout.row(fixed.final, "value", per_period=staging.slots[fixed.final].per_period)
    for key in outputs:
        layout.row(key, "value", per_period=staging.slots[key].per_period)
    rows = list(layout.rows)
    # Where a rule is written is left out: a copy of the files elsewhere is the same program.
    cycles = [
        f"# {loop} {[(one.final, one.tolerance, one.variable) for one in fixed]}"
        for loop in staging.loops
        for fixed in [[graph.fixed[key] for key in loop.fixed]]
    ]
    parts = [
        f"# {stage.level[:2]} {stage.systems} {[rows[k] for k in use.rows]} {use.scalars} "
        f"{use.packed} {use.inputs} {use.sites}\n{text}"
        for stage, text, use in zip(staging.stages, texts, uses, strict=True)
    ]
    return Program(
        graph,
        staging,
        layout,
        sites,
        tuple(texts),
        tuple(uses),
        "\n".join([*cycles, *parts]),
        loaded,
    )
