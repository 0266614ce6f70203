"""Random law and random people: typed formulas of every operation, dated parameters, households
with links.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from microsim.language.definitions import (
    DatedValue,
    Definitions,
    InputDefinition,
    Location,
    ParameterDefinition,
    UnitDefinition,
    VariableDefinition,
)
from microsim.language.people import People

LAW = Location("random.yaml", 1)
STATUS = ("works", "studies", "looks", "rests")
REGION = ("north", "south", "east")
YEAR = 2025
MONEY_MONTH, MONEY_YEAR = "currency/month", "currency/year"
PLAIN = ("share", "number", "count", "years", "months")
INPUTS = {
    "age": ("person", "years", ()),
    "earnings": ("person", MONEY_MONTH, ()),
    "bonus": ("person", MONEY_YEAR, ()),
    "disabled": ("person", "boolean", ()),
    "status": ("person", "category", STATUS),
    "urban": ("household", "boolean", ()),
    "rent": ("household", MONEY_MONTH, ()),
    "rooms": ("household", "count", ()),
    "region": ("household", "category", REGION),
}
UNITS = {
    "alone": ("person alone", "", "own"),
    "couple": ("couple", "", "own"),
    "family": ("couple with dependent children", "age < 18 and not has(spouse)", "head"),
    "parents": ("parent with dependent children", "age < p.adult or status == 'studies'", "own"),
    "kin": ("couple with dependent children", "of(mother, age, 0) - age > 15 and age < 30", "own"),
}
LINKS = ("head", "spouse", "mother", "father")
LATE_LINKS = ("late_spouse", "late_mother", "late_father")
SCALARS = {
    "p.floor": (MONEY_MONTH, (0.0, 4000.0)),
    "p.grant": (MONEY_MONTH, (50.0, 900.0)),
    "p.step": (MONEY_MONTH, (1.0, 50.0)),
    "p.credit": (MONEY_YEAR, (100.0, 9000.0)),
    "p.rate": ("share", (0.0, 0.4)),
    "p.take_up": ("share", (0.1, 0.9)),
    "p.factor": ("number", (0.3, 2.0)),
    "p.children": ("count", (1.0, 4.0)),
    "p.adult": ("years", (15.0, 21.0)),
}


# -- people -----------------------------------------------------------------------------------


def random_people(seed: int, n_households: int) -> People:
    """Return households of one to nine persons with consistent links and values at the edges of the
    rules.
    """
    rng = np.random.default_rng(seed)
    size = rng.choice([1, 1, 2, 3, 4, 5, 6, 9], n_households)
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    n = int(start[-1])
    position = np.arange(n) - np.repeat(start[:-1], size)
    whole = np.repeat(size, size)
    links = {name: np.full(n, -1, np.int16) for name in LINKS}
    links["head"][:] = np.repeat((rng.random(n_households) * np.minimum(size, 2)).astype(int), size)
    for h in range(n_households):
        _link(rng, links, int(start[h]), int(size[h]))
    adult = (position < 2) | ((position == 2) & (whole > 5))
    age = np.where(adult, rng.integers(17, 95, n), rng.integers(0, 25, n))
    earnings = np.where(rng.random(n) < 0.4, 0.0, np.round(rng.lognormal(7.0, 1.2, n), 2))
    inputs = {
        "age": age.astype(np.int8),
        "earnings": np.where(rng.random(n) < 0.1, 1000.0, earnings),
        "bonus": np.where(rng.random(n) < 0.7, 0.0, rng.lognormal(7.0, 1.0, n)),
        "disabled": rng.random(n) < 0.1,
        "status": rng.integers(0, len(STATUS), n).astype(np.int8),
        "urban": rng.random(n_households) < 0.5,
        "rent": np.where(
            rng.random(n_households) < 0.3, 0.0, rng.lognormal(5.0, 1.0, n_households)
        ),
        "rooms": rng.integers(0, 6, n_households).astype(np.int16),
        "region": rng.integers(0, len(REGION), n_households).astype(np.int16),
    }
    keys = rng.integers(0, 2**63, n).astype(np.uint64) * np.uint64(2)
    return People(start, links, inputs, keys, keys[start[:-1]] + np.uint64(1))


def _link(rng: np.random.Generator, links: dict[str, np.ndarray], first: int, size: int) -> None:
    """Marry the first two (or persons apart from each other), give the young a mother or father."""
    couple = (0, 1) if rng.random() < 0.7 else (0, size - 1)
    if size > 1 and rng.random() < 0.6:
        links["spouse"][first + couple[0]], links["spouse"][first + couple[1]] = (
            couple[1],
            couple[0],
        )
    for child in range(2, size):
        if rng.random() < 0.8 and child not in couple:
            mother = int(rng.integers(0, child)) if rng.random() < 0.3 else int(rng.integers(0, 2))
            links["mother"][first + child] = mother
            if rng.random() < 0.5:
                links["father"][first + child] = 1 - mother if mother < 2 else 0
    if size > 5 and rng.random() < 0.5:  # a second couple among the younger
        a, b = 2, size - 2
        if links["spouse"][first + a] < 0 and links["spouse"][first + b] < 0 and a != b:
            links["spouse"][first + a], links["spouse"][first + b] = b, a


# -- parameters -------------------------------------------------------------------------------


def dated(rng: random.Random, values: list[object]) -> tuple[DatedValue, ...]:
    """Return dated values: the first from 2000 on, the others from months of the year or before."""
    months = sorted(rng.sample(range(1, 13), len(values) - 1))
    places = [(2000, 1)] + [(YEAR, month) for month in months]
    return tuple(
        DatedValue(y * 12 + m - 1, v if np.isscalar(v) else np.array(v, float), f"{y:04d}-{m:02d}-01", "law", LAW)
        for (y, m), v in zip(places, values, strict=True)
    )  # fmt: skip


def _parameter(
    rng: random.Random, name: str, unit: str, kind: str, make, **more
) -> ParameterDefinition:
    n_values = rng.choice([1, 1, 2, 3])
    at = rng.choice([(12, 31), (1, 1), (7, 1)])
    return ParameterDefinition(
        name, unit, kind, dated(rng, [make() for _ in range(n_values)]), LAW, at=at, **more
    )


def _schedule(rng: random.Random, top: float) -> list[list[float]]:
    n = rng.randint(1, 4)
    thresholds = sorted({0.0, *(round(rng.uniform(1, top), 2) for _ in range(n - 1))})
    return [[t, round(rng.uniform(-0.1, 0.5), 3)] for t in thresholds]


def _grid(rng: random.Random, keys: list[list[float]], high: float) -> list[list[float]]:
    rows: list[list[float]] = [[]]
    for key in keys:
        rows = [[*row, k] for row in rows for k in key]
    return [[*row, round(rng.uniform(0, high), 2)] for row in rows]


def random_parameters(rng: random.Random) -> dict[str, ParameterDefinition]:
    """Return parameters of every kind, most with several values in the year."""
    made = [
        _parameter(rng, name, unit, "scalar", lambda r=bounds: round(rng.uniform(*r), 3))
        for name, (unit, bounds) in SCALARS.items()
    ]
    made.append(
        _parameter(
            rng, "p.zero", "number", "scalar", lambda: rng.choice([0.0, 1.0, 2.0, 2.5, 3.0, 0.5])
        )
    )
    made.append(_parameter(rng, "p.flag", "boolean", "scalar", lambda: rng.choice([0.0, 1.0])))
    made.append(
        _parameter(
            rng, "p.who", "category", "scalar", lambda: float(rng.randrange(4)), labels=STATUS
        )
    )
    made.append(_parameter(rng, "p.bands", MONEY_MONTH, "schedule", lambda: _schedule(rng, 4000)))
    made.append(
        _parameter(rng, "p.brackets", MONEY_YEAR, "schedule", lambda: _schedule(rng, 40000))
    )
    low = rng.choice([0.0, 1.0])  # keys that start at 1 leave a hole below
    made.append(
        _parameter(rng, "p.premium", MONEY_MONTH, "table",
            lambda: _grid(rng, [[low, 500.0, 2000.0]], 300), keys=(("gross", MONEY_MONTH),))
    )  # fmt: skip
    made.append(
        _parameter(rng, "p.weights", "share", "table", lambda: _grid(rng, [[0.0, 10.0, 60.0], [0, 1, 2, 3]], 1),
            keys=(("age", "years"), ("status", "category")))
    )  # fmt: skip
    made.append(
        _parameter(rng, "p.cost", MONEY_YEAR, "table",
            lambda: _grid(rng, [[0.0, 30.0], [0.0, 1.0], [0.0, 0.25, 0.5]], 2000),
            keys=(("age", "years"), ("rooms", "count"), ("part", "share")))
    )  # fmt: skip
    return {one.name: one for one in made}


# -- formulas ---------------------------------------------------------------------------------


class FormulaWriter:
    """Writes random well-typed formulas for the variables known so far."""

    def __init__(self, rng: random.Random, definitions: Definitions) -> None:
        self.rng, self.definitions = rng, definitions
        self.draws = 0
        self.looks_back = "s_paid" in definitions.variables

    def names(
        self, kinds: tuple[str, ...], of: str, period: str, labels: tuple[str, ...] = ()
    ) -> list[str]:
        """Return inputs and variables of some units that a formula may name."""
        found = [
            n for n, one in self.definitions.inputs.items() if self._fits(one, kinds, of, labels)
        ]
        for name, one in self.definitions.variables.items():
            if one.period == period and self._fits(one, kinds, of, labels):
                found += [name, name]
        return found

    @staticmethod
    def _fits(one, kinds: tuple[str, ...], of: str, labels: tuple[str, ...]) -> bool:
        reaches = one.of == of or of == "person" or one.of == "household"
        return one.unit in kinds and reaches and (not labels or one.labels == labels)

    def pick(self, choices: list[str], otherwise: str) -> str:
        """Return one of some names."""
        return self.rng.choice(choices) if choices else otherwise

    # Every method returns text of one type; `of` and `period` say where it stands, `depth` how much
    # may follow.

    def money(self, unit: str, of: str, period: str, depth: int) -> str:
        """Write an amount a month or a year."""
        r = self.rng
        if depth <= 0:
            scalars = [n for n, (u, _) in SCALARS.items() if u == unit]
            names = self.names((unit,), of, period)
            return self.pick(
                names + [r.choice(scalars)] + (["frame.wage"] if unit == MONEY_MONTH else []), "0"
            )
        m = lambda less=1: self.money(unit, of, period, depth - less)  # noqa: E731
        s = lambda: self.number("share", of, period, depth - 1)  # noqa: E731
        b = lambda: self.boolean(of, period, depth - 1)  # noqa: E731
        step = "p.step" if unit == MONEY_MONTH else "p.credit"
        makers = [
            lambda: f"({m()} + {m()})",
            lambda: f"({m()} - {m()})",
            lambda: f"({m()}) * ({s()})",
            lambda: f"({s()}) * ({m()})",
            lambda: (
                f"({m()}) / {r.choice(['2', 'p.factor', 'max(1, ' + self.number('count', of, period, 0) + ')', '(' + self.number('number', of, period, 1) + ')'])}"
            ),
            lambda: f"min({m()}, {m()}, {m()})",
            lambda: f"max({m()}, 0)",
            lambda: f"clip({m()}, 0, {m()})",
            lambda: f"clip({m()}, {m(2)}, {m(2)})",
            lambda: f"{r.choice(['round', 'floor', 'ceil'])}({m()}, {step})",
            lambda: f"abs({m()})",
            lambda: f"(-{m()})",
            lambda: f"({m()} if {b()} else {m()})",
            lambda: f"({m()} if {b()} else 0)",
            lambda: f"({m()} if {self.draw(of, period)} else 0)",
        ]
        if unit == MONEY_MONTH:
            makers += [
                lambda: f"schedule({m()}, p.bands)",
                lambda: (
                    f"lookup(p.premium, {m()})"
                    if r.random() < 0.2
                    else f"lookup(p.premium, max({m()}, p.step))"
                ),
            ]
        else:
            key = lambda: self.number("years", of, period, 0)  # noqa: E731
            rooms = lambda: self.number("count", of, period, 1)  # noqa: E731
            makers += [
                lambda: f"schedule({m()}, p.brackets)",
                lambda: (
                    f"lookup(p.cost, {key()}, {rooms()}, {s()})"
                    if r.random() < 0.2
                    else f"lookup(p.cost, {key()}, rooms, abs({s()}))"
                ),
            ]
        makers += self.crossing(unit, of, period, depth) + self.aggregates(unit, of, period, depth)
        makers += self.years_before(unit, of, period, depth)
        return r.choice(makers)()

    def years_before(self, unit: str, of: str, period: str, depth: int) -> list:
        """Write what looks back at years before, in systems that do."""
        if not self.looks_back or (of, period) != ("person", "year"):
            return []
        own = [n for n, v in self.definitions.variables.items() if (v.of, v.period) == (of, period)]
        names = [n for n in own if self.definitions.variables[n].unit == unit]
        names += [n for n, v in self.definitions.inputs.items() if (v.of, v.unit) == (of, unit)]
        if not names:
            return []
        r = self.rng
        name = r.choice(names)
        late = r.choice(LATE_LINKS)
        initial = self.write(unit, of, period, depth - 2)
        found = [
            lambda: f"previous({name})",
            lambda: f"previous({name}, {initial})",
            lambda: f"of({late}, previous({name}), {initial})",
        ]
        if unit not in ("boolean", "category"):
            most = r.randint(2, 5)
            n = r.choice(["1", "2", "rooms", "age / 20", f"clip(age / 10, 0, {most})"])
            found += [
                lambda: f"last_years({name}, {r.randint(2, 4)})",
                lambda: f"best_years({name}, {n}, {most})",
            ]
        return found * 3

    def crossing(self, unit: str, of: str, period: str, depth: int) -> list:
        """Write what crosses months and years."""
        if unit == MONEY_YEAR and period == "year":
            return [lambda: f"year({self.money(MONEY_MONTH, of, 'month', depth - 1)})"] * 4
        if unit == MONEY_MONTH and period == "month":
            return [lambda: f"month({self.money(MONEY_YEAR, of, 'year', depth - 1)})"] * 2
        if unit == MONEY_MONTH and period == "year":
            return [lambda: f"december({self.money(MONEY_MONTH, of, 'month', depth - 1)})"] * 3
        return []

    def groups(self, of: str) -> list[tuple[str, str]]:
        """Return (first argument of an aggregate, whom its argument describes)."""
        if of == "household":
            return [("members", "person")] + [(unit, unit) for unit in self.definitions.units]
        if of == "person":
            return [(group, "person") for group in ("household", *self.definitions.units)]
        return [("members", "person")]

    def aggregates(self, unit: str, of: str, period: str, depth: int) -> list:
        """Write aggregates and links of an amount or number."""
        value = self.money if unit in (MONEY_MONTH, MONEY_YEAR) else self.number

        def over_members() -> str:
            group, inner = self.rng.choice(self.groups(of))
            function = self.rng.choice(["sum", "sum", "max", "min"])
            return f"{function}({group}, {value(unit, inner, period, depth - 1)})"

        def over_link() -> str:
            link = self.rng.choice(LINKS)
            inner, other = value(unit, of, period, depth - 1), value(unit, of, period, depth - 2)
            return f"of({link}, {inner}, {self.rng.choice([other, '0'])})"

        return [over_members] * 3 + ([over_link] * 2 if of == "person" else [])

    def number(self, unit: str, of: str, period: str, depth: int) -> str:
        """Write a share, number, count or number of years."""
        r = self.rng
        if depth <= 0:
            names = self.names((unit,), of, period)
            scalars = [n for n, (u, _) in SCALARS.items() if u == unit]
            constant = {
                "share": "0.25",
                "number": "1.5",
                "count": "2",
                "years": "18",
                "months": "3",
            }[unit]
            return self.pick([*names, *scalars, constant], constant)
        n = lambda less=1: self.number(unit, of, period, depth - less)  # noqa: E731
        other = lambda: self.number(r.choice(PLAIN[:4]), of, period, depth - 1)  # noqa: E731
        money = r.choice([MONEY_MONTH, MONEY_YEAR])
        b = lambda: self.boolean(of, period, depth - 1)  # noqa: E731
        makers = [
            lambda: f"({n()} + {n()})",
            lambda: f"({n()} - {other()})",
            lambda: f"({n()}) * ({other()})",
            lambda: (
                f"({n()}) / ({r.choice(['3', 'p.children', 'p.factor', 'max(0.1, ' + other() + ')', other() if r.random() < 0.3 else '7', 'p.zero' if r.random() < 0.3 else '2'])})"
            ),
            lambda: f"min({n()}, {other()})",
            lambda: f"max({n()}, {n(2)}, 1)",
            lambda: f"round({n()})",
            lambda: (
                f"{r.choice(['round', 'floor', 'ceil'])}({n()}, {r.choice(['0.5', '0.01', '5', 'p.factor', 'p.zero' if r.random() < 0.2 else '3'])})"
            ),
            lambda: f"({n()} if {b()} else {other()})",
            lambda: f"abs({n()})",
            lambda: f"exp(clip({n()}, -20, 20))",
            lambda: f"log(1 + abs({n()}))",
            lambda: f"sqrt(abs({n()}))",
            lambda: f"pow(1 + abs({n()}), clip({other()}, -3, 3))",
            lambda: f"{r.choice(['log', 'sqrt'])}({n()})" if r.random() < 0.1 else "0.5",
            lambda: (
                f"({self.money(money, of, period, depth - 1)}) / max({self.money(money, of, period, depth - 2)}, {'p.step' if money == MONEY_MONTH else 'p.credit'})"
            ),
            lambda: (
                f"lookup(p.weights, abs({self.number('years', of, period, depth - 1)}), {self.category(of, period, depth - 1)})"
            ),
        ]
        if of in ("person", "household"):
            makers += [lambda: f"propensity('{r.choice('abc')}')"] * 2
        if unit == "count":
            makers += [lambda: self.count(of, period, depth)] * 4
        if period == "year":
            makers += [lambda: f"year({self.boolean(of, 'month', depth - 1)})"] * 2
            makers += [lambda: f"december({self.number(unit, of, 'month', depth - 1)})"]
        else:
            makers += [lambda: f"month({self.number(unit, of, 'year', depth - 1)})"]
        makers += self.aggregates(unit, of, period, depth)
        makers += self.years_before(unit, of, period, depth)
        return r.choice(makers)()

    def count(self, of: str, period: str, depth: int) -> str:
        """Write a count of members, or of units."""
        group, inner = self.rng.choice(self.groups(of))
        if self.rng.random() < 0.3:
            return f"count({group})"
        return f"count({group}, {self.boolean(inner, period, depth - 1)})"

    def draw(self, of: str, period: str) -> str:
        """Write a keyed draw where draws may stand."""
        if of not in ("person", "household"):
            return self.boolean(of, period, 0)
        probability = self.rng.choice(["p.take_up", "0.5", "p.rate"])
        return f"happens({probability}, '{self.rng.choice('abcd')}')"

    def boolean(self, of: str, period: str, depth: int) -> str:
        """Write a condition."""
        r = self.rng
        if depth <= 0:
            names = self.names(("boolean",), of, period)
            simple = [*names, "p.flag"] + (
                [f"has({r.choice(LINKS)})", "age < 18"] if of == "person" else []
            )
            return self.pick(simple, "true")
        b = lambda: self.boolean(of, period, depth - 1)  # noqa: E731
        plain, money = r.choice(PLAIN[:4]), r.choice([MONEY_MONTH, MONEY_YEAR])
        op = r.choice(["<", "<=", ">", ">=", "==", "!="])
        makers = [
            lambda: f"({b()} and {b()})",
            lambda: f"({b()} or {b()})",
            lambda: f"(not {b()})",
            lambda: f"({b()} if {b()} else {b()})",
            lambda: (
                f"{self.number(plain, of, period, depth - 1)} {op} {self.number(plain, of, period, depth - 1)}"
            ),
            lambda: (
                f"{self.money(money, of, period, depth - 1)} {op} {self.money(money, of, period, depth - 1)}"
            ),
            lambda: f"0 < {self.number(plain, of, period, depth - 1)} <= 10",
            lambda: (
                f"{self.category(of, period, depth - 1)} {r.choice(['==', '!='])} '{r.choice(STATUS)}'"
            ),
            lambda: (
                f"{self.category(of, period, depth - 1)} {r.choice(['in', 'not in'])} ('{STATUS[0]}', '{r.choice(STATUS)}')"
            ),
            lambda: f"region {r.choice(['==', '!='])} '{r.choice(REGION)}'",
            lambda: self.draw(of, period),
        ]
        group, inner = r.choice(self.groups(of))
        makers += [
            lambda: f"{r.choice(['any', 'all'])}({group}, {self.boolean(inner, period, depth - 1)})"
        ] * 2
        if of == "person":
            makers.append(
                lambda: f"of({r.choice(LINKS)}, {b()}, {r.choice(['false', 'true', 'disabled'])})"
            )
        crossed = ("december", "month") if period == "year" else ("month", "year")
        makers.append(lambda: f"{crossed[0]}({self.boolean(of, crossed[1], depth - 1)})")
        makers += self.years_before("boolean", of, period, depth)
        if self.looks_back and of == "person":
            makers.append(lambda: f"has({r.choice(LATE_LINKS)})")
        return r.choice(makers)()

    def category(self, of: str, period: str, depth: int) -> str:
        """Write a status."""
        names = self.names(("category",), of, period, STATUS)
        if depth <= 0 or self.rng.random() < 0.4:
            return self.pick([*names, "p.who"], "p.who")
        inner = self.category(of, period, depth - 1)
        makers = [
            f"({inner} if {self.boolean(of, period, depth - 1)} else '{self.rng.choice(STATUS)}')"
        ]
        if of == "person":
            makers.append(f"of({self.rng.choice(LINKS)}, {inner}, '{self.rng.choice(STATUS)}')")
        makers += [make() for make in self.years_before("category", of, period, depth)]
        return self.rng.choice(makers)

    def write(self, unit: str, of: str, period: str, depth: int) -> str:
        """Write a formula of a variable."""
        if unit in (MONEY_MONTH, MONEY_YEAR):
            return self.money(unit, of, period, depth)
        if unit == "boolean":
            return self.boolean(of, period, depth)
        if unit == "category":
            return self.category(of, period, depth + 1)
        return self.number(unit, of, period, depth)

    def variable(self, name: str, depth: int) -> VariableDefinition:
        """Write a variable; one in five by cases."""
        r = self.rng
        of = r.choice(
            ["person", "person", "person", "household", "household", *self.definitions.units]
        )
        unit = r.choice(
            [MONEY_MONTH] * 4
            + [MONEY_YEAR] * 4
            + ["boolean", "boolean", "category", "share", "number", "count", "years"]
        )
        period = {MONEY_MONTH: "month", MONEY_YEAR: "year"}.get(unit) or r.choice(["month", "year"])
        if unit == MONEY_MONTH and r.random() < 0.15:
            period = "year"
        labels = STATUS if unit == "category" else ()
        cases: tuple[tuple[str, str, Location], ...] = ()
        text = ""
        if r.random() < 0.2:
            cases = (
                *tuple(
                    (self.boolean(of, period, 2), self.write(unit, of, period, 2), LAW)
                    for _ in range(r.randint(1, 3))
                ),
                ("", self.write(unit, of, period, 2), LAW),
            )
        else:
            text = self.write(unit, of, period, depth)
        return VariableDefinition(
            name, of, unit, period, text, LAW, LAW, cases=cases, labels=labels
        )


def random_definitions(
    seed: int,
    n_variables: int,
    depth: int = 4,
    *,
    cycles: bool = False,
    histories: bool = False,
) -> Definitions:
    """Return a random system, with fixed points among its variables if `cycles`, and formulas that
    look back at years before if `histories`.
    """
    rng = random.Random(seed)  # noqa: S311 - a test's choices, not secrets
    definitions = Definitions(frame={"wage": MONEY_MONTH})
    for name, (of, unit, labels) in INPUTS.items():
        definitions.inputs[name] = InputDefinition(name, of, unit, LAW, labels=labels)
    definitions.parameters.update(random_parameters(rng))
    for name, (rule, dependent, without) in UNITS.items():
        definitions.units[name] = UnitDefinition(name, rule, dependent, without, LAW)
    writer = FormulaWriter(rng, definitions)
    if histories:
        add_histories(writer)
    for k in range(n_variables):
        if cycles and k == n_variables // 2:
            add_fixed_points(writer)
        definitions.variables[f"v{k}"] = writer.variable(f"v{k}", depth)
    return definitions


def add_fixed_points(writer: FormulaWriter) -> None:
    """Add conditions that guard divisions, and cycles: within a household, through a sum over persons, within a unit of people, of the year; and one that
    may go to and fro for ever.
    """
    month, year = (MONEY_MONTH, "month"), (MONEY_YEAR, "year")
    tests = {
        of: writer.money(MONEY_MONTH, of, "month", 2) for of in ("household", "person", "family")
    }
    credit = writer.money(MONEY_YEAR, "person", "year", 2)
    for name, of, (unit, period), text, point in (
        ("f_self", "household", month, f"0.6 * max(p.floor - ({tests['household']}) - f_self, 0)", (0.0, 0.01)),
        ("f_part", "person", month, f"p.rate * max(({tests['person']}) - f_whole, 0)", None),
        ("f_whole", "household", month, "sum(members, f_part) * 0.5 if urban else p.grant", (10.0, 0.5)),
        ("f_unit", "family", month, f"max(p.grant - 0.3 * f_unit, ({tests['family']}) * 0.1)", (0.0, 0.001)),
        ("f_year", "person", year, f"p.rate * (({credit}) - of(spouse, f_year, 0))", (0.0, 1.0)),
        ("f_to_and_fro", "household", month, "(p.grant if region == 'east' and rooms == 5 else 0) - f_to_and_fro",
         (0.0, 0.01)),
        # What must not be looked at where the condition does not hold: divisions by 0 lie there.
        ("g_choice", "person", month, "earnings / (rent / p.grant) if rent > 0 else 0", None),
        ("g_and", "household", month, "p.grant if rooms > 0 and rent / rooms > p.step else 0", None),
        ("g_or", "household", month, "p.grant if rooms == 0 or rent / rooms > p.step else 0", None),
        ("g_link", "person", month, "of(spouse, p.grant, 0 if age < 40 else earnings / (age - 39))", None),
    ):  # fmt: skip
        writer.definitions.variables[name] = VariableDefinition(
            name, of, unit, period, text, LAW, LAW, fixed_point=point
        )


def add_histories(writer: FormulaWriter) -> None:
    """Add variables that live on from year to year: balances, conditions, statuses, best years; some
    read each other across years, which is no cycle.
    """
    paid, more = (writer.money(MONEY_YEAR, "person", "year", 3) for _ in range(2))
    test, status = writer.boolean("person", "year", 2), writer.category("person", "year", 2)
    for name, unit, text in (
        ("s_paid", MONEY_YEAR, paid),
        ("s_balance", MONEY_YEAR, "previous(s_balance, p.credit) * 0.9 + previous(s_after) * 0.1 + s_paid"),
        ("s_after", MONEY_YEAR, f"max(s_balance - ({more}), previous(s_paid, bonus))"),
        ("s_ever", "boolean", f"previous(s_ever, age > 60) or {test}"),
        ("s_was", "category", f"({status}) if disabled else previous(s_was, 'looks')"),
        ("s_years", "count", "previous(s_years) + (1 if s_ever and s_was != 'rests' else 0)"),
        ("s_best", MONEY_YEAR, "best_years(s_paid, 2.7, 4) + best_years(s_paid, s_years, 3)"),
        ("s_last", MONEY_YEAR, "last_years(bonus, 3) + last_years(s_after, 2)"),
        ("s_widow", MONEY_YEAR, "of(late_spouse, previous(s_balance), p.credit if has(late_mother) else bonus)"),
        ("s_orphan", "boolean", "of(late_mother, previous(s_ever), of(late_father, previous(s_ever), false))"),
        ("s_status", "category", "previous(status, s_was) if has(late_father) else of(spouse, previous(status), status)"),
        ("s_kin", MONEY_YEAR, "sum(household, previous(s_balance)) + of(head, s_widow, 0)"),
    ):  # fmt: skip
        writer.definitions.variables[name] = VariableDefinition(
            name,
            "person",
            unit,
            "year",
            text,
            LAW,
            LAW,
            labels=STATUS if unit == "category" else (),
        )
    writer.looks_back = True


def reformed(definitions: Definitions, seed: int, *, values: bool, formulas: int) -> Definitions:
    """Return the system after a reform: other values of some parameters, other formulas of some
    variables.
    """
    rng = random.Random(seed)  # noqa: S311 - a test's choices, not secrets
    parameters = dict(definitions.parameters)
    if values:
        fresh = random_parameters(rng)
        for name in rng.sample(sorted(parameters), 5):
            parameters[name] = fresh[name]
    variables: dict[str, VariableDefinition] = {}
    plain = [n for n in sorted(definitions.variables) if n.startswith("v")]  # not the cycles
    changed = set(rng.sample(plain, formulas))
    so_far = replace(definitions, parameters=parameters, variables=variables)
    for name, one in definitions.variables.items():
        if name in changed:
            text = FormulaWriter(rng, so_far).write(one.unit, one.of, one.period, 3)
            one = replace(one, formula=text, cases=())
        variables[name] = one
    return so_far
