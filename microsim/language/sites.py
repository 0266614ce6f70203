"""Places in the rules where a household can turn out not to be computable: divisions, tables,
logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

from microsim.language import tree
from microsim.language.graph import MOST_ROUNDS, Formula, Graph


@dataclass(frozen=True)
class Site:
    """One such place: its number (from 1), the formula it is in and what can go wrong."""

    number: int
    formula: Formula
    what: str


def trouble(node: tree.Node) -> str:
    """Return what can go wrong when `node` is evaluated, or an empty text."""
    match node:
        case tree.Arithmetic() if node.op == "/":
            return "division by zero"
        case tree.Lookup():
            return f"no value in table {node.parameter}"
        case tree.Call() if node.function in ("log", "pow"):
            return f"{node.function} of a number that is not positive"
        case tree.Call() if node.function == "sqrt":
            return "square root of a negative number"
        case tree.Call() if node.function in ("round", "floor", "ceil"):
            return "rounding to a multiple of zero"
        case tree.BestOf():
            return f"best_years of more years than {len(node.years)}, or of fewer than 0"
    return ""


def can_fail(node: tree.Node) -> bool:
    """Tell whether evaluating `node` can turn a household out as not computable."""
    if trouble(node) and not _safe(node):
        return True
    return any(can_fail(child) for child in tree.children(node))


def _safe(node: tree.Node) -> bool:
    """A divisor or rounding step written as a number other than 0 cannot fail."""
    if isinstance(node, tree.Arithmetic):
        return isinstance(node.right, tree.Number) and node.right.value != 0
    if isinstance(node, tree.BestOf):
        return isinstance(node.n, tree.Number)  # the parser saw that it is in range
    if isinstance(node, tree.Call) and node.function in ("round", "floor", "ceil"):
        return isinstance(node.arguments[1], tree.Number) and node.arguments[1].value != 0
    return False


class SiteTable:
    """Numbers of all sites of a graph, in the order of its formulas; equal for both
    implementations.
    """

    def __init__(self, graph: Graph) -> None:
        self.sites: list[Site] = []
        self._numbers: dict[tuple[str, int], int] = {}
        for formula in graph.formulas.values():
            if formula.fixed_point is not None:
                self._add(formula, formula.root, f"no fixed point within {MOST_ROUNDS} rounds")
            self._visit(formula, formula.root)

    def _visit(self, formula: Formula, node: tree.Node) -> None:
        what = trouble(node)
        if what and not _safe(node) and (formula.id, id(node)) not in self._numbers:
            self._add(formula, node, what)
        for child in tree.children(node):
            self._visit(formula, child)

    def _add(self, formula: Formula, node: tree.Node, what: str) -> None:
        self.sites.append(Site(len(self.sites) + 1, formula, what))
        self._numbers[formula.id, id(node)] = len(self.sites)

    def number(self, formula: Formula, node: tree.Node) -> int:
        """Return the number of the site `node` of `formula`."""
        return self._numbers[formula.id, id(node)]

    def __getitem__(self, number: int) -> Site:
        """Return the site with this number."""
        return self.sites[number - 1]
