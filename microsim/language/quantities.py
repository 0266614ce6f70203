"""Units and types of rule expressions: what may be added to, compared with, multiplied by what."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = ("share", "number", "count", "years", "months", "days", "persons")
PERIODS = ("month", "year")
_UNIT = re.compile(r"^(currency|share|number|count|years|months|days|persons)(?:/(month|year))?$")


@dataclass(frozen=True)
class Unit:
    """Dimension of a number: powers of currency, month and year; `name` is only for people."""

    currency: int = 0
    month: int = 0
    year: int = 0
    name: str = ""

    @property
    def dimension(self) -> tuple[int, int, int]:
        """Powers of (currency, month, year)."""
        return (self.currency, self.month, self.year)

    def __str__(self) -> str:
        """Return the unit in the words of the rule language."""
        if self.name:
            return self.name
        powers = zip(("currency", "month", "year"), self.dimension, strict=True)
        above = [_power(name, p) for name, p in powers if p > 0]
        powers = zip(("currency", "month", "year"), self.dimension, strict=True)
        below = [_power(name, -p) for name, p in powers if p < 0]
        return "*".join(above or ["number"]) + "".join(f"/{name}" for name in below)

    def times(self, other: Unit, sign: int = 1) -> Unit:
        """Return the unit of a product (sign 1) or quotient (sign -1)."""
        return Unit(
            self.currency + sign * other.currency,
            self.month + sign * other.month,
            self.year + sign * other.year,
        )


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"


def parse_unit(text: str) -> Unit | None:
    """Return the unit written `text`, or None if it is none (boolean and category have no unit)."""
    match = _UNIT.match(text.strip())
    if match is None:
        return None
    kind, period = match.groups()
    return Unit(
        currency=1 if kind == "currency" else 0,
        month=-1 if period == "month" else 0,
        year=-1 if period == "year" else 0,
        name=text.strip(),
    )


@dataclass(frozen=True)
class Type:
    """Type of an expression.

    kind: number, boolean or category. bare: a literal number, which may stand for any plain unit.
    zero: the literal 0, which may stand for any unit.
    """

    kind: str
    unit: Unit = Unit()
    labels: tuple[str, ...] = ()
    bare: bool = False
    zero: bool = False

    def __str__(self) -> str:
        """Return the type in words."""
        if self.kind == "number":
            return "a bare number" if self.bare else str(self.unit)
        return self.kind


BOOLEAN = Type("boolean")
SHARE = Type("number", Unit(name="share"))
NUMBER = Type("number", Unit(name="number"))


def of_definition(unit: str, labels: tuple[str, ...] = ()) -> Type | None:
    """Return the type of a definition with this `unit`, or None if the unit is unknown."""
    if unit in ("boolean", "boolean/month", "boolean/year"):
        return BOOLEAN
    if unit == "category":
        return Type("category", labels=labels)
    parsed = parse_unit(unit)
    return None if parsed is None else Type("number", parsed)


def common(a: Type, b: Type) -> Type | None:
    """Return the type of a sum or of either branch of a choice, None where the two do not go
    together.
    """
    if a.kind != b.kind:
        return None
    if a.kind == "category":
        return a if a.labels == b.labels else None
    if a.kind == "boolean":
        return a
    if a.bare and b.bare:
        return a if not a.zero else b
    if a.bare:
        return b if a.zero or b.unit.currency == 0 else None
    if b.bare:
        return a if b.zero or a.unit.currency == 0 else None
    return a if a.unit.dimension == b.unit.dimension else None
