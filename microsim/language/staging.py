"""Puts the formulas of a graph into stages: what is computed together in one loop over persons or
households.

The year is worked through in rounds: all months of a round, then what is yearly; a monthly formula
that reads a yearly one opens the next round. Within a round, a value that crosses from persons to
households or back, over a link, or over months waits for the next rank. Formulas that exist in
different systems are kept in stages of their own, so that a scenario runs only what its law has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from microsim.language import tree
from microsim.language.graph import Formula, Graph, references

Level = tuple[int, int, int]  # round, 0 monthly or 1 yearly, rank


@dataclass
class Stage:
    """Formulas computed in one loop. `of`: person, household or a unit; `systems` that have it."""

    index: int
    level: Level
    of: str
    systems: tuple[int, ...]
    formulas: list[Formula] = field(default_factory=list)

    @property
    def monthly(self) -> bool:
        """Whether the stage runs once in each period of the year."""
        return self.level[1] == 0


@dataclass(frozen=True)
class Slots:
    """Rows of scratch a formula needs: its value (`per_period`: one for each), year sum, December
    value.
    """

    value: bool
    per_period: bool
    total: bool
    last: bool


@dataclass(frozen=True)
class Staging:
    """Stages in order, the level of each formula, the rows each formula needs."""

    stages: list[Stage]
    levels: dict[str, Level]
    slots: dict[str, Slots]


def dependencies(formula: Formula) -> list[tuple[tree.Node, str]]:
    """Return (reading node, id) of every computed column a formula reads, partitions of units
    included.
    """
    found: list[tuple[tree.Node, str]] = []
    for reader, reference in references(formula.root):
        found.append((reader, reference.name))
        found.extend((formula.root, of[5:]) for of in (reference.of,) if of.startswith("unit:"))
        if isinstance(reader, tree.Aggregate):
            found += [
                (reader, of[5:]) for of in (reader.group, reader.over) if of.startswith("unit:")
            ]
    for node in _walk(formula.root):
        if isinstance(node, tree.Aggregate):
            found += [(node, of[5:]) for of in (node.group, node.over) if of.startswith("unit:")]
    if formula.of.startswith("unit:"):
        found.append((formula.root, formula.of[5:]))
    return found


def _walk(node: tree.Node) -> list[tree.Node]:
    nodes = [node]
    for child in tree.children(node):
        nodes += _walk(child)
    return nodes


def _level(formula: Formula, graph: Graph, levels: dict[str, Level]) -> Level:
    phase = 0 if formula.period == "month" else 1
    level: Level = (0, phase, 0)
    for reader, key in dependencies(formula):
        level = max(level, _after(formula, reader, graph.formulas[key], levels[key]))
    # An anchor reads links of a finished column of dependents in a kernel of its own.
    return level


def _after(formula: Formula, reader: tree.Node, read: Formula, level: Level) -> Level:
    """Return the first level at which a formula may read another."""
    round_, phase, rank = level
    mine = 0 if formula.period == "month" else 1
    if mine == 0 and phase == 1:
        return (round_ + 1, 0, 0)
    if mine == 1 and phase == 0:
        return (round_, 1, 0)
    same_loop = read.of == formula.of and not isinstance(reader, tree.Aggregate | tree.Link)
    if read.anchor is not None or formula.anchor is not None:
        same_loop = False
    return (round_, mine, rank if same_loop else rank + 1)


def stage(graph: Graph, outputs: set[str]) -> Staging:
    """Return the stages of a graph; `outputs` are ids whose values are read from outside."""
    levels: dict[str, Level] = {}
    for key in ordered(graph):
        levels[key] = _level(graph.formulas[key], graph, levels)
    groups: dict[tuple[Level, str, str, tuple[int, ...]], Stage] = {}
    for key in ordered(graph):
        formula = graph.formulas[key]
        systems = tuple(i for i, ids in enumerate(graph.members) if key in ids)
        alone = key if formula.anchor is not None else ""  # each partition is a stage of its own
        group = (levels[key], formula.of, alone, systems)
        if group not in groups:
            groups[group] = Stage(0, levels[key], formula.of, systems)
        groups[group].formulas.append(formula)
    # A formula is in every system of those that read it: what more systems have comes first.
    stages = sorted(
        groups.values(), key=lambda s: (s.level, -len(s.systems), s.of, s.systems, s.formulas[0].id)
    )
    for index, found in enumerate(stages):
        found.index = index
    return Staging(stages, levels, _slots(graph, stages, levels, outputs))


def ordered(graph: Graph) -> list[str]:
    """Return the formula ids such that each comes after what it reads."""
    done: dict[str, None] = {}

    def visit(key: str) -> None:
        if key in done:
            return
        for _, read in dependencies(graph.formulas[key]):
            visit(read)
        done[key] = None

    for key in sorted(graph.formulas):
        visit(key)
    return list(done)


def _slots(
    graph: Graph, stages: list[Stage], levels: dict[str, Level], outputs: set[str]
) -> dict[str, Slots]:
    stage_of = {f.id: s.index for s in stages for f in s.formulas}
    value: set[str] = set(outputs)
    per_period: set[str] = set()
    total: set[str] = set()
    last: set[str] = set()
    for formula in graph.formulas.values():
        for reader, key in dependencies(formula):
            if isinstance(reader, tree.YearSum) and graph.formulas[key].period == "month":
                total.add(key)
            elif isinstance(reader, tree.LastMonth) and graph.formulas[key].period == "month":
                last.add(key)
            elif stage_of[key] != stage_of[formula.id] or graph.formulas[key].anchor is not None:
                value.add(key)
                if levels[key][1] == 0 and levels[key][0] < levels[formula.id][0]:
                    per_period.add(key)
    return {
        key: Slots(key in value, key in per_period, key in total, key in last)
        for key in graph.formulas
    }
