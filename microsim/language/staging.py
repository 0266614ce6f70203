"""Puts the formulas of a graph into stages: what is computed together in one loop over persons or
households.

The year is worked through in rounds: all months of a round, then what is yearly; a monthly formula
that reads a yearly one opens the next round. Within a round, a value that crosses from persons to
households or back, over a link, or over months waits for the next rank. Formulas that exist in
different systems are kept in stages of their own, so that a scenario runs only what its law has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from microsim.language import tree
from microsim.language.graph import Formula, Graph, ancestors_of, dependents_of, references

Level = tuple[int, int, int]  # round, 0 monthly or 1 yearly, rank


@dataclass
class Stage:
    """Formulas computed in one loop over persons, households or units (`of`).

    Attributes
    ----------
    systems
        Systems that have all its formulas.
    sums_later
        Its sums over the year are made by another stage, because this one runs several times.
    totals
        Makes the sums over the year of values that another stage has computed.
    """

    index: int
    level: Level
    of: str
    systems: tuple[int, ...]
    formulas: list[Formula] = field(default_factory=list)
    sums_later: bool = False
    totals: bool = False

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
class Loop:
    """Stages `first` to `last`, repeated until the fixed points (ids of values before) settle."""

    first: int
    last: int
    fixed: tuple[str, ...]


@dataclass(frozen=True)
class Staging:
    """Stages in order, the level of each formula, the rows each formula needs."""

    stages: list[Stage]
    levels: dict[str, Level]
    slots: dict[str, Slots]
    loops: list[Loop] = field(default_factory=list)


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
    levels = _levels(graph)
    groups: dict[tuple[Level, str, str, tuple[int, ...]], Stage] = {}
    for key in ordered(graph):
        formula = graph.formulas[key]
        if key in graph.fixed:
            continue  # the value of the round before: the driver moves it on
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
    slots = _slots(graph, stages, levels, outputs)
    loops = _loops(graph, stages)
    spans = [(stages[loop.first], stages[loop.last]) for loop in loops]
    for begin, end in spans:
        inside = stages[stages.index(begin) : stages.index(end) + 1]
        _add_totals(stages, inside, end, slots)
    for index, found in enumerate(stages):
        found.index = index
    loops = [
        replace(loop, first=begin.index, last=end.index)
        for loop, (begin, end) in zip(loops, spans, strict=True)
    ]
    return Staging(stages, levels, slots, loops)


def _add_totals(
    stages: list[Stage], inside: list[Stage], end: Stage, slots: dict[str, Slots]
) -> None:
    """Put behind a loop, whose stages run several times, stages that make its sums of the year."""
    for one in inside:
        summed = [f for f in one.formulas if slots[f.id].total or slots[f.id].last]
        if not summed:
            continue
        one.sums_later = True
        for formula in summed:
            slots[formula.id] = replace(slots[formula.id], value=True)
        later = Stage(0, end.level, one.of, one.systems, summed, totals=True)
        stages.insert(stages.index(end) + 1, later)


def _levels(graph: Graph) -> dict[str, Level]:
    """Return the level of each formula; all of a cycle that is worked through in rounds lies in one
    round of the year.
    """
    floor: dict[str, Level] = {}
    while True:
        levels: dict[str, Level] = {}
        for key in ordered(graph):
            level = _level(graph.formulas[key], graph, levels)
            levels[key] = max(level, floor.get(key, level))
        moved = False
        for before, fixed in graph.fixed.items():
            cycle = dependents_of(graph, before) & ancestors_of(graph, fixed.final)
            last = max((levels[key][0] for key in cycle), default=0)
            if levels[before][0] < last:
                floor[before] = (last, levels[before][1], 0)
                moved = True
        if not moved:
            return levels


def _loops(graph: Graph, stages: list[Stage]) -> list[Loop]:
    """Return the stretches of stages that are repeated until their fixed points settle."""
    stage_of = {f.id: s.index for s in stages for f in s.formulas}
    found: list[Loop] = []
    for before, fixed in graph.fixed.items():
        cycle = dependents_of(graph, before) & ancestors_of(graph, fixed.final)
        inside = [stage_of[key] for key in cycle]
        levels = [stages[index].level for index in inside]
        first = min(s.index for s in stages if s.level == min(levels))
        last = max(s.index for s in stages if s.level == max(levels))
        found.append(Loop(first, last, (before,)))
    found.sort(key=lambda loop: loop.first)
    merged: list[Loop] = []
    for loop in found:
        if merged and loop.first <= merged[-1].last:
            before_loop = merged.pop()
            last = max(before_loop.last, loop.last)
            merged.append(Loop(before_loop.first, last, before_loop.fixed + loop.fixed))
        else:
            merged.append(loop)
    return merged


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
    value: set[str] = set(outputs) | {fixed.final for fixed in graph.fixed.values()}
    value |= set(graph.fixed)
    per_period: set[str] = set()
    total: set[str] = set()
    last: set[str] = set()
    for formula in graph.formulas.values():
        for reader, key in dependencies(formula):
            if isinstance(reader, tree.YearSum) and graph.formulas[key].period == "month":
                total.add(key)
            elif isinstance(reader, tree.LastMonth) and graph.formulas[key].period == "month":
                last.add(key)
            elif (
                stage_of.get(key) != stage_of.get(formula.id)
                or graph.formulas[key].anchor is not None
            ):
                value.add(key)
                if levels[key][1] == 0 and levels[key][0] < levels[formula.id][0]:
                    per_period.add(key)
    return {
        key: Slots(key in value, key in per_period, key in total, key in last)
        for key in graph.formulas
    }
