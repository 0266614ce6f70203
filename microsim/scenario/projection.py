"""The part of a scenario that looks ahead: until when, how lives go on, which years have
distribution tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from microsim.dynamics.lives_file import GENERIC, LivesSpec, read_lives
from microsim.dynamics.lives_tables import read_files, read_totals
from microsim.errors import FaultList
from microsim.files import Fields, FileTree
from microsim.language.definitions import Location
from microsim.policy.law import location
from microsim.policy.vocabulary import KEYS

AHEAD = ("lives", "tables", "alignment", "ageing")  # keys that need `to`
EVERY = 5
DYNAMIC, STATIC = "dynamic", "static"
LAST_YEAR = 2100  # of the open data on populations


@dataclass(frozen=True)
class Uprating:
    """The series of the frame that an amount of money of the population follows."""

    series: str
    where: Location


@dataclass(frozen=True)
class Projection:
    """A projection of several years.

    Attributes
    ----------
    first_year, last_year
        Its years.
    every
        Distribution tables are made in every so many years, and in the first and the last.
    lives
        How lives go on.
    exact
        Whether alignment looks at the whole population, not at a part of it.
    is_static
        Whether ageing is static: no lives are lived, people stay as the population file has them,
        and weights and incomes follow the years.
    uprating
        Of static ageing: what amounts of money follow, by column, where the scenario says so.
    """

    first_year: int
    last_year: int
    every: int
    lives: LivesSpec
    exact: bool = False
    is_static: bool = False
    uprating: Mapping[str, Uprating] = field(default_factory=dict)

    @property
    def years(self) -> tuple[int, ...]:
        """All years, first to last."""
        return tuple(range(self.first_year, self.last_year + 1))

    @property
    def table_years(self) -> frozenset[int]:
        """Years with distribution tables."""
        round_years = (year for year in self.years if year % self.every == 0)
        return frozenset((self.first_year, self.last_year, *round_years))


def read_projection(
    fields: Fields, tree: FileTree, year: int, faults: FaultList
) -> Projection | None:
    """Return what the keys `to`, `lives` and `tables` of a scenario say, None without `to`."""
    nodes = fields.nodes
    last = fields.integer("to", 0)
    every, exact = _every(fields, faults), _exact(fields, faults)
    node = fields.node_of("lives")
    if "to" not in nodes:
        for key in AHEAD:
            if key in nodes:
                what, remedy = f"`{key}` is of a projection", "Add `to: 2060`, or take it away."
                faults.add(nodes[key].where, what, "no `to`", "a last year", remedy)
        return None
    if not year < last <= LAST_YEAR:
        fields.wrong(nodes["to"], "to", f"a year after {year}, {LAST_YEAR} at most")
    if node is None:
        faults.add(nodes["to"].where, "a projection needs `lives`", "", "a lives file",
                   "Add `lives: ../lives/generic.yaml`.")  # fmt: skip
        return None
    path = GENERIC if node.text == GENERIC else tree.relative(node, faults)
    lives = read_lives(tree, path, faults, node.where) if path else None
    if lives is None:
        return None
    if year < last:
        read_files(lives, range(year, last + 1), faults)  # notes them as files of the question
        read_totals(lives, faults)
    is_static, uprating = _ageing(fields, faults)
    return Projection(year, max(last, year), every, lives, exact, is_static, uprating)


def _every(fields: Fields, faults: FaultList) -> int:
    node = fields.node_of("tables")
    if node is None:
        return EVERY
    inner = Fields(node, faults, KEYS["tables"], "tables")
    every = inner.integer("every", EVERY, required=True)
    if "every" in inner.nodes and every < 1:
        inner.wrong(inner.nodes["every"], "every", "a number of years, 1 or more")
    return max(1, every)


def _ageing(fields: Fields, faults: FaultList) -> tuple[bool, dict[str, Uprating]]:
    """Return whether ageing is static, and what amounts of money follow."""
    node = fields.node_of("ageing")
    if node is None:
        return False, {}
    if node.kind == "scalar":
        return fields.choice("ageing", (DYNAMIC, STATIC)) == STATIC, {}
    inner = Fields(node, faults, KEYS["ageing"], "ageing")
    is_static = inner.choice("method", (DYNAMIC, STATIC), required=True) == STATIC
    uprating = {}
    for key, one in inner.mapping("uprating"):
        if one.as_text() is None:
            faults.add(one.where, f"uprating of {key.text}", one.described(), "a series")
        uprating[key.text] = Uprating(one.as_text() or "", location(key))
    if uprating and not is_static:
        what = "`uprating` is of static ageing: lives bring incomes of their own"
        faults.add(inner.nodes["uprating"].where, what, "method: dynamic", "method: static")
    return is_static, uprating


def _exact(fields: Fields, faults: FaultList) -> bool:
    node = fields.node_of("alignment")
    if node is None:
        return False
    inner = Fields(node, faults, KEYS["alignment"], "alignment")
    return inner.boolean("exact", required=True)
