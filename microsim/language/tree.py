"""The typed tree of an expression: a closed set of nodes, without positions of time or machine."""

from __future__ import annotations

from dataclasses import dataclass

from microsim.language.quantities import Type


@dataclass(frozen=True)
class Node:
    """Base of all nodes; `type` is what the expression is."""

    type: Type


@dataclass(frozen=True)
class Number(Node):
    """A literal number, or a label of a category as its code, or true and false as 1 and 0."""

    value: float


@dataclass(frozen=True)
class Reference(Node):
    """The value of a variable or input: of the same person or unit, or of the unit the person is
    in.
    """

    name: str
    of: str
    is_input: bool


@dataclass(frozen=True)
class Parameter(Node):
    """A scalar parameter or a series of the frame (`frame.` in front), at the formula's time."""

    name: str


@dataclass(frozen=True)
class Arithmetic(Node):
    """op is + - * / applied to two numbers."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison(Node):
    """op is < <= > >= == != between two numbers or two categories."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Logic(Node):
    """op is and, or; the right side is looked at only if the left leaves it open."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Not(Node):
    """Logical negation."""

    operand: Node


@dataclass(frozen=True)
class Choice(Node):
    """`a if condition else b`; only the chosen side is evaluated."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Call(Node):
    """A function of numbers: min, max, abs, negative, round, floor, ceil, exp, log, sqrt, pow."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Schedule(Node):
    """Marginal-rate schedule `parameter` applied to an amount."""

    parameter: str
    argument: Node


@dataclass(frozen=True)
class Lookup(Node):
    """Value of the table `parameter` at the arguments."""

    parameter: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Aggregate(Node):
    """sum, count, any, all, max or min of an expression over the members of a group.

    group: household or a declared unit. over: person, or the unit whose members are summed (units
    of a household).
    """

    function: str
    group: str
    over: str
    argument: Node


@dataclass(frozen=True)
class Link(Node):
    """An expression of a linked person of the household, or `otherwise` where there is no link."""

    link: str
    argument: Node
    otherwise: Node


@dataclass(frozen=True)
class HasLink(Node):
    """Whether the person has the link."""

    link: str


@dataclass(frozen=True)
class Draw(Node):
    """A keyed uniform number in [0, 1); `yearly` draws anew each year, else it stays for life."""

    decision: str
    yearly: bool


@dataclass(frozen=True)
class YearSum(Node):
    """Sum over the months of the year of a monthly expression."""

    argument: Node


@dataclass(frozen=True)
class LastMonth(Node):
    """Value of a monthly expression in December; made by the engine for stocks, not in the
    language.
    """

    argument: Node


@dataclass(frozen=True)
class MonthOf(Node):
    """A yearly expression seen from a month: a twelfth for an amount (the parser divides)."""

    argument: Node


@dataclass(frozen=True)
class BestOf(Node):
    """Sum of the n largest (n rounded down) of a value in this year and in years before."""

    n: Node
    years: tuple[Node, ...]


@dataclass(frozen=True)
class Quota(Node):
    """Whether one is among the first `places` (weighted) of those eligible, by increasing rank.

    The graph turns it into a comparison of the rank with a cut-off that the run freezes in a phase
    of its own.
    """

    places: Node
    rank: Node
    eligible: Node


def children(node: Node) -> tuple[Node, ...]:
    """Return the sub-expressions of a node, in evaluation order."""
    match node:
        case Arithmetic() | Comparison() | Logic():
            return (node.left, node.right)
        case Not():
            return (node.operand,)
        case Choice():
            return (node.condition, node.then, node.otherwise)
        case Call() | Lookup():
            return node.arguments
        case Schedule() | Aggregate() | YearSum() | LastMonth() | MonthOf():
            return (node.argument,)
        case Link():
            return (node.argument, node.otherwise)
        case BestOf():
            return (node.n, *node.years)
        case Quota():
            return (node.places, node.rank, node.eligible)
        case _:
            return ()
