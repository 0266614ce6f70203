"""The lives of persons, written slowly and plainly: objects, lists, one market at a time.

Nothing is shared with the engine but the uniform numbers and the keys of newcomers. It holds one
market; behaviour of scenarios is a function from person to factor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from microsim.dynamics.tables import LifeTables
from microsim.kernels.draws import decision_hash, mix_keys, uniform

FORMAL = (1, 2, 4)
EVENT_BLOCKS = {
    "death": 0, "birth": 1, "emigration": 2, "immigration": 3, "union": 4, "dissolution": 5,
    "leaving": 6, "elder": 7, "placement": 8, "disability": 9, "recovery": 10, "status": 11,
    "retirement": 12,
}  # fmt: skip


@dataclass(eq=False)
class Person:
    """One person; links are persons, in whatever household they are."""

    key: int
    sex: int
    age: int
    values: dict[str, Any]
    home: Household = field(repr=False)
    spouse: Person | None = None
    mother: Person | None = None
    father: Person | None = None
    row: int = 0
    gone: str = ""
    flags: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Household:
    """A household; members are in the order of the engine's rows."""

    number: int
    region: int
    welfare: float
    members: list[Person] = field(default_factory=list, repr=False)
    head: Person | None = field(default=None, repr=False)


@dataclass
class Event:
    """One event, as the engine records it."""

    key: int
    kind: str
    month: int
    probability: float
    draw: float


class Reference:
    """One market, year after year."""

    def __init__(
        self, tables: LifeTables, persons: dict[str, Any], households: dict[str, Any], seed: int,
        average_wage: float, formulas: Callable[[Person], list[float]] | None = None,
    ) -> None:  # fmt: skip
        self.tables, self.seed, self.average_wage = tables, seed, average_wage
        self.formulas = formulas
        self.year = tables.first_year
        self.market = int(households["market"][0])
        self.households: list[Household] = []
        self.events: list[Event] = []
        self._load(persons, households)

    # what draws and chance are made of

    def u(self, key: int, decision: str, block: int = 0, period: int | None = None) -> float:
        """Return a uniform number."""
        when = self.year + 1 if period is None else period
        return float(
            uniform(np.uint64(key), self.seed, 0, decision_hash(f"life.{decision}"), when, block)
        )

    def normal(self, key: int, decision: str, period: int | None = None) -> float:
        """Return a normal number."""
        return NormalDist().inv_cdf(max(self.u(key, decision, 0, period), 2.0**-53))

    def month(self, key: int, kind: str) -> int:
        """Return the month of an event."""
        return 1 + math.floor(12 * self.u(key, "month", EVENT_BLOCKS[kind]))

    def note(self, person: Person, kind: str, p: float, u: float, month: int | None = None) -> None:
        """Record an event."""
        when = self.month(person.key, kind) if month is None else month
        self.events.append(Event(person.key, kind, when, p, u))

    def method(self, process: str) -> str:
        """Return the method of alignment of a process."""
        return self.tables.alignment.get(process, "multiplicative")

    def sorted_method(self, process: str) -> bool:
        """Tell whether as many events happen as expected."""
        return self.method(process) in ("sbp", "sbd", "sbdl")

    def scaled(
        self, process: str, cell: list[tuple[Person, float, float]]
    ) -> list[tuple[Person, float]]:
        """Return chances of (person, probability, relative factor) that keep the total, or not."""
        method, target = self.method(process), 0.0
        for _, p, _ in cell:
            target += p
        if method == "none":
            return [(person, p * r) for person, p, r in cell]
        if method != "logit":
            weighted = 0.0
            for _, p, r in cell:
                weighted += p * r
            return [(person, p * (r * (target / weighted))) for person, p, r in cell]

        def shifted(odds: float) -> list[float]:
            return [p * (r * odds) / (1 - p + p * (r * odds)) for _, p, r in cell]

        low, high = 1e-6, 1e6
        for _ in range(200):
            odds = math.sqrt(low * high)
            low, high = (odds, high) if math.fsum(shifted(odds)) < target else (low, odds)
        chances = shifted(high)
        return [(person, chance) for (person, _, _), chance in zip(cell, chances, strict=True)]

    def happens(
        self, process: str, decision: str, kind: str, chances: Iterable[tuple[Person, float]],
        noted: bool = True,
    ) -> list[Person]:  # fmt: skip
        """Return whom it happens to, in order of rows."""
        risks = [(person, p, self.u(person.key, decision)) for person, p in chances if p > 0]
        if self.sorted_method(process):
            chosen = self.as_expected(risks, decision, self.method(process))
        else:
            chosen = [(person, p, u) for person, p, u in risks if u < p]
        for person, p, u in chosen if noted else []:
            self.note(person, kind, p, u)
        return [person for person, _, _ in chosen]

    def as_expected(
        self, risks: list[tuple[Person, float, float]], decision: str, method: str
    ) -> list[tuple[Person, float, float]]:
        """Return as many as expected of each sex and age: the first by the sorting method."""
        total = self.u(self.market, decision, 1)
        chosen: list[tuple[Person, float, float]] = []
        done = 0
        for sex in (0, 1):
            for age in range(121):
                cell = [r for r in risks if r[0].sex == sex and r[0].age == age]
                expected = 0.0
                for _, p, _ in cell:
                    expected += p
                total += expected
                ranked = sorted(cell, key=lambda r: _rank(method, r[1], r[2]))
                chosen += ranked[: math.floor(total) - done]
                done = math.floor(total)
        return sorted(chosen, key=lambda r: r[0].row)

    # the first year

    def _load(self, persons: dict[str, Any], households: dict[str, Any]) -> None:
        names = [n for n in persons if n not in ("head", "spouse", "mother", "father")]
        row = 0
        for h, size in enumerate(households["size"]):
            home = Household(
                int(households["household_id"][h]), int(households["region"][h]),
                float(households["welfare"][h]),
            )  # fmt: skip
            for i in range(row, row + int(size)):
                values = {name: persons[name][i].item() for name in names}
                home.members.append(
                    Person(values["draw_key"], values["sex"], values["age"], values, home, row=i)
                )
            for i, person in enumerate(home.members):
                for link in ("spouse", "mother", "father"):
                    position = int(persons[link][row + i])
                    setattr(person, link, home.members[position] if position >= 0 else None)
            home.head = home.members[int(persons["head"][row])]
            self.households.append(home)
            row += int(size)
        for person in self.people():
            values = person.values
            values.setdefault("in_base_population", True)
            values.setdefault("years_in_status", 0)
            month = 1 + math.floor(12 * self.u(person.key, "month", 13, 0))
            values.setdefault("birth_month", month)
            children = [c for c in person.home.members if c.mother is person]
            values.setdefault("children_born", len(children))
            self.split_earnings(person)

    def split_earnings(self, person: Person) -> None:
        """Split the observed earnings into a lasting and a passing part."""
        level, values = self.tables.earnings, person.values
        status = values["employment_status"]
        p, t = float(level.sigma_permanent[status]), float(level.sigma_transitory[status])
        z = self.normal(person.key, "permanent_earnings", 0)
        values["score"], values["shock"] = z, 0.0
        income = values["earnings"] if status <= 3 else values["self_employment_income"]
        if 1 <= status <= 5 and income > 0:
            mean = level.log_level[status, person.sex] + level.age_profile[person.sex, person.age]
            e = math.log(income / (self.average_wage * level.wage_level[0])) - float(mean)
            share = p * p / (p * p + t * t)
            lasting = share * e + math.sqrt(share) * t * z
            values["score"], values["shock"] = lasting / p, (e - lasting) / t

    def people(self) -> list[Person]:
        """Return everybody in order of rows."""
        return [person for home in self.households for person in home.members]

    # one year

    def step(self) -> None:
        """Lead the market to the next year."""
        self.k = self.year - self.tables.first_year
        self.events = []
        self.start = self.people()
        self.founded: list[Household] = []
        for row, person in enumerate(self.start):
            person.row, person.gone, person.flags = row, "", {}
            person.flags["home"], person.flags["spouse"] = person.home, person.spouse
            if self.formulas is not None:
                person.flags["stated"] = self.formulas(person)
        self.homes_before = {home: list(home.members) for home in self.households}
        self.share = {home: home.welfare / len(home.members) for home in self.households}
        mothers = self.births()
        self.departures()
        self.loosen()
        self.dissolutions()
        self.unions()
        self.leaving_home()
        self.elders()
        joining = self.newborn(mothers)
        joining += self.immigrants()
        self.settle(mothers, joining)
        self.disability()
        self.statuses()
        self.incomes()
        self.year += 1

    def births(self) -> list[Person]:
        """Return the women who give birth."""
        tables, factors = self.tables, {}
        fertile = [p for p in self.start if p.sex == 1 and tables.birth[self.k, p.age] > 0]
        for woman in fertile:
            parity = min(woman.values["children_born"], 9)
            alone = tables.unpartnered_birth_factor if woman.spouse is None else 1.0
            factors[woman] = float(tables.parity_factor[parity]) * alone
        chances = []
        for group in range(25):
            cell = [w for w in fertile if w.age // 5 == group]
            rates = [(w, float(tables.birth[self.k, w.age]), factors[w]) for w in cell]
            chances += self.scaled("fertility", rates)
        chances.sort(key=lambda pair: pair[0].row)
        return self.happens("fertility", "birth", "birth", chances)

    def departures(self) -> None:
        """Let persons die and emigrate."""
        table = self.tables.death[self.k]
        chances = [(p, float(table[p.sex, p.age])) for p in self.start]
        for person in self.happens("mortality", "death", "death", chances):
            person.gone = "death"
        table = self.tables.emigration[self.k]
        chances = [(p, float(table[p.sex, p.age])) for p in self.start if not p.gone]
        for person in self.happens("emigration", "emigration", "emigration", chances):
            person.gone = "emigration"

    def loosen(self) -> None:
        """Undo the links to those gone."""
        for lost in [p for p in self.start if p.gone]:
            for person in self.homes_before[lost.home]:
                if person.gone:
                    continue
                if person.spouse is lost:
                    others = [w for w in self.here(person.home) if w.spouse is person]
                    person.spouse = others[0] if others else None
                for link in ("spouse", "mother", "father"):
                    at_start = person.flags["spouse"] if link == "spouse" else getattr(person, link)
                    if lost.gone == "death" and at_start is lost:
                        person.flags["late_" + link] = lost

    def here(self, home: Household) -> list[Person]:
        """Return the members of a household at the start who are not gone."""
        return [p for p in self.homes_before.get(home, []) if not p.gone]

    def found(self, founder: Person) -> Household:
        """Found a household."""
        number = int(mix_keys(np.uint64(founder.key), self.year + 1, 1 << 30)) % (1 << 63)
        home = Household(number, founder.flags["home"].region, 0.0, head=founder)
        self.founded.append(home)
        return home

    def take_children(self, parent: Person, left: Household) -> None:
        """Let the children of a parent who moved follow."""
        for child in self.here(parent.flags["home"]):
            if child.home is not left or child.age + 1 >= 18 or child.spouse is not None:
                continue
            mother = child.mother
            motherless = mother is None or bool(mother.gone) or mother.home is not left
            if mother is parent or (child.father is parent and motherless):
                child.home = parent.home

    def dissolutions(self) -> None:
        """End unions."""
        table = self.tables.dissolution[self.k]
        wives = [p for p in self.start if p.sex == 1 and p.spouse is not None and not p.gone]
        chances = [(p, float(table[p.age])) for p in wives]
        for wife in self.happens("dissolution", "dissolution", "dissolution", chances):
            husband = wife.spouse
            assert husband is not None
            others = [
                w for w in self.here(wife.flags["home"]) if w is not wife and w.spouse is husband
            ]
            wife.spouse = None
            if husband.spouse is wife:
                husband.spouse = others[0] if others else None
            leaver = wife if others else husband
            left, leaver.home = leaver.home, self.found(leaver)
            self.take_children(leaver, left)

    def unions(self) -> None:
        """Form unions."""
        table, tables = self.tables.union[self.k], self.tables
        free = [p for p in self.start if not p.gone and p.flags["spouse"] is None]
        husbands = [p for p in self.start if p.sex == 0 and not p.gone and p.spouse is not None]
        sides = []
        for people, decision in (
            ([p for p in free if p.sex == 0], "union"), ([p for p in free if p.sex == 1], "union"),
            (husbands, "second_wife"),
        ):  # fmt: skip
            risks = [
                (p, float(table[p.sex, p.age]), self.u(p.key, decision))
                for p in people if table[p.sex, p.age] > 0
            ]  # fmt: skip
            sides.append(risks)
        wishes = []
        for risks in sides[:2]:
            if self.sorted_method("union"):
                wish = 0.0
                for _, p, _ in risks:
                    wish += p
            else:
                wish = float(sum(u < p for _, p, u in risks))
            wishes.append(wish)
        number = math.floor(0.5 * (wishes[0] + wishes[1]) + self.u(self.market, "union", 1))
        number = min(number, len(sides[1]))
        second = math.floor(tables.polygamy * number + self.u(self.market, "union", 2))
        second = min(second, len(sides[2]), number) if tables.polygamy else 0
        first = min(number - second, len(sides[0]))
        method = self.method("union") if self.sorted_method("union") else "sbdl"
        ranked = [sorted(r, key=lambda x: _rank(method, x[1], x[2])) for r in sides]
        men = ranked[0][:first] + ranked[2][:second]
        women = ranked[1][: first + second]
        told = {id(p): (p, chance, u) for p, chance, u in men + women}
        pairs = self.pairs([p for p, _, _ in men], [p for p, _, _ in women])
        for man, woman in pairs:
            for person in (man, woman):
                _, chance, u = told[id(person)]
                self.note(person, "union", chance, u, self.month(woman.key, "union"))
        for man, woman in pairs:
            self.marry(man, woman)

    def pairs(self, men: list[Person], women: list[Person]) -> list[tuple[Person, Person]]:
        """Match men and women, in their region as far as possible."""
        regions = sorted({p.flags["home"].region for p in men + women})
        groups = []
        rest: tuple[list[Person], list[Person]] = ([], [])
        for region in regions:
            his = [p for p in men if p.flags["home"].region == region]
            hers = [p for p in women if p.flags["home"].region == region]
            n = min(len(his), len(hers))
            groups.append((his[:n], hers[:n]))
        inside = {id(p) for his, hers in groups for p in his + hers}
        rest = ([p for p in men if id(p) not in inside], [p for p in women if id(p) not in inside])
        return [pair for his, hers in [*groups, rest] for pair in self.by_age(his, hers)]

    def by_age(self, men: list[Person], women: list[Person]) -> list[tuple[Person, Person]]:
        """Pair by age; nobody of the own household."""
        gap = self.tables.age_gap_mean
        deviation = self.tables.age_gap_deviation
        men = sorted(men, key=lambda p: p.age)
        women = sorted(women, key=lambda p: p.age + gap + deviation * self.normal(p.key, "age_gap"))
        n = len(men)

        def related(a: Person, b: Person) -> bool:
            return a.flags["home"] is b.flags["home"]

        for j in range(n):
            if not related(men[j], women[j]):
                continue
            for other in [(j + step) % n for step in range(1, n)]:
                if not related(men[j], women[other]) and not related(men[other], women[j]):
                    women[j], women[other] = women[other], women[j]
                    break
        return [(a, b) for a, b in zip(men, women, strict=True) if not related(a, b)]

    def heads(self, person: Person) -> bool:
        """Tell whether a person heads the household they are in now."""
        return person.home.head is person

    def marry(self, man: Person, woman: Person) -> None:
        """Make a couple and give it a household."""
        his, hers = man.home, woman.home
        joined = man.spouse is not None or self.heads(man)
        woman.spouse = man
        if man.spouse is None:
            man.spouse = woman
        if joined:
            to = his
        elif self.heads(woman):
            to = hers
        else:
            to = self.found(man)
        for person, left in ((man, his), (woman, hers)):
            if left is not to:
                person.home = to
                self.take_children(person, left)

    def leaving_home(self) -> None:
        """Let grown children leave."""
        chances = []
        for person in self.start:
            home = person.flags["home"]
            alone = not person.gone and person.spouse is None and person.flags["spouse"] is None
            with_parent = any(
                parent is not None and not parent.gone and parent.home is home
                for parent in (person.mother, person.father)
            )
            if alone and person.home is home and person.age + 1 >= 18 and home.head is not person:
                p = float(self.tables.leaving_home[person.sex, person.age])
                chances += [(person, p)] if with_parent else []
        for person in self.happens("leaving_home", "leaving_home", "leaving", chances):
            left, person.home = person.home, self.found(person)
            self.take_children(person, left)

    def elders(self) -> None:
        """Let elders who live alone join a household."""
        chances = []
        for home, members in self.homes_before.items():
            person = members[0]
            stays = not person.gone and person.home is home and person.spouse is None
            if len(members) == 1 and stays:
                chances.append((person, float(self.tables.elder_joins[person.sex, person.age])))
        for person in self.happens("elders", "elder_joins", "elder", chances):
            own = person.flags["home"]
            begin = math.floor(self.u(person.key, "host") * len(self.households))
            for home in self.around(begin, own.region):
                head = home.head
                assert head is not None
                stays = not head.gone and head.home is home
                if home is not own and stays and 15 <= person.age - head.age <= 45:
                    person.home = home
                    break

    def around(self, begin: int, region: int) -> list[Household]:
        """Return the old households from a place on and around: of the region first, then all."""
        order = self.households[begin:] + self.households[:begin]
        return [home for home in order if home.region == region] + order

    def newborn(self, mothers: list[Person]) -> list[Person]:
        """Return the children who stay."""
        children = []
        for mother in mothers:
            key = int(mix_keys(np.uint64(mother.key), self.year + 1, 0))
            child = Person(key, 0, 0, {}, mother.home, mother=mother, row=mother.row)
            child.flags["share"] = self.share[mother.flags["home"]]
            father = mother.flags["spouse"]
            child.father = father
            children.append(child)
        girl = float(self.tables.girls[self.k])
        chances = [(child, girl) for child in children]
        for child in self.happens("fertility", "sex", "birth", chances, noted=False):
            child.sex = 1
        risks = [(c, float(self.tables.newborn_death[self.k, c.sex])) for c in children]
        dead = self.happens("mortality", "death", "death", risks, noted=False)
        living = [c for c, _ in risks if c not in dead and c.mother.gone != "emigration"]  # type: ignore[union-attr]
        self.tally = {
            "births": [sum(c.sex == s for c, _ in risks) for s in (0, 1)],
            "deaths": [
                sum(p.sex == s and p.gone == "death" for p in self.start)
                + sum(c.sex == s for c in dead) for s in (0, 1)
            ],
        }  # fmt: skip
        for child in living:
            for link in ("mother", "father"):
                parent = getattr(child, link)
                if parent is not None and parent.gone == "death":
                    child.flags["late_" + link] = parent
            child.values = {
                "employment_status": 0, "sector": 0, "earnings": 0.0, "pension_income": 0.0,
                "self_employment_income": 0.0, "severe_disability": False, "orphan": False,
                "in_base_population": False, "birth_month": self.month(child.key, "birth"),
                "children_born": 0, "years_in_status": 0, "shock": 0.0,
                "score": self.normal(child.key, "permanent_earnings", 0),
            }  # fmt: skip
            child.flags["born"] = True
        return living

    def immigrants(self) -> list[Person]:
        """Return the immigrants."""
        rate, n = self.tables.immigration[self.k], len(self.start)
        total, done = self.u(self.market, "immigration", 1), 0
        arrived: list[Person] = []
        for sex in (0, 1):
            for age in range(121):
                total += rate[sex, age] * n
                for _ in range(math.floor(total) - done):
                    begin = math.floor(self.u(self.market, "donor", 2 + len(arrived)) * n)
                    order = self.start[begin:] + self.start[:begin]
                    width = 0
                    fits: list[Person] = []
                    while not fits and width <= 128:
                        fits = [
                            p for p in order
                            if not p.gone and p.sex == sex and abs(p.age + 1 - age) <= width
                        ]  # fmt: skip
                        width = 2 * width + 1
                    if not fits:
                        continue
                    donor = fits[0]
                    key = int(mix_keys(np.uint64(donor.key), self.year + 1, 1 + len(arrived)))
                    new = Person(key, sex, age, dict(donor.values), donor.home, row=donor.row)
                    new.values |= {"in_base_population": False}
                    new.flags = {"arrived": True, "share": self.share[donor.flags["home"]]}
                    new.flags["home"] = donor.flags["home"]
                    arrived.append(new)
                done = math.floor(total)
        for person in arrived:
            if person.age >= 18:
                person.home = self.found(person)
            self.note(person, "immigration", math.nan, math.nan)
        for child in [p for p in arrived if p.age < 18]:
            adults = [p for p in arrived if p.age >= 18 and 15 <= p.age - child.age <= 50]
            if adults:
                host = adults[math.floor(self.u(child.key, "donor") * len(adults))]
                child.home = host.home
                setattr(child, "mother" if host.sex == 1 else "father", host)
        return arrived

    def settle(self, mothers: list[Person], joining: list[Person]) -> None:
        """Put everybody into their household; children alone get another one."""
        for person in self.start:
            person.age = min(person.age + 1, 120)
        everybody = [p for p in self.start if not p.gone] + joining
        members: dict[Household, list[Person]] = {}
        for person in everybody:
            members.setdefault(person.home, []).append(person)
        adults = {home: any(p.age >= 15 for p in some) for home, some in members.items()}
        homes_to: dict[Household, Household | None] = {}
        for person in everybody:
            home = person.home
            if adults[home]:
                continue
            if home not in homes_to:
                begin = math.floor(self.u(person.key, "placement") * len(self.households))
                hosts = [h for h in self.around(begin, home.region) if adults.get(h, False)]
                homes_to[home] = hosts[0] if hosts else None
            host = homes_to[home]
            if host is not None:
                person.home = host
                person.flags["placed"] = True
                self.note(person, "placement", math.nan, math.nan, 12)
        heads_before = {home: home.head for home in self.households + self.founded}
        members_before = self.homes_before
        self.households += self.founded
        for home in self.households:
            home.members = []
        for person in everybody:
            person.home.members.append(person)
        changed = {
            home for home in self.households
            if home.members != members_before.get(home, []) or home in self.founded
        }  # fmt: skip
        self.households = [home for home in self.households if home.members]
        for home in self.households:
            self.choose_head(home, heads_before[home])
            if home in changed:
                home.welfare = 0.0
                for person in home.members:
                    share = person.flags.get("share")
                    home.welfare += self.share[person.flags["home"]] if share is None else share
        for person in everybody:
            self.tidy(person, mothers)

    def choose_head(self, home: Household, before: Person | None) -> None:
        """Keep the head; else the spouse the head had, else the oldest."""
        if before in home.members:
            return
        spouse = before.flags.get("spouse") if before is not None else None
        if spouse in home.members:
            home.head = spouse
        else:
            home.head = max(home.members, key=lambda p: p.age)  # the first of the oldest

    def tidy(self, person: Person, mothers: list[Person]) -> None:
        """Drop links that lead out of the household; set the flags of the year."""
        for link in ("spouse", "mother", "father"):
            other = getattr(person, link)
            if other is not None and (other.gone or other.home is not person.home):
                setattr(person, link, None)
        values, flags = person.values, person.flags
        if person in mothers:
            values["children_born"] += 1
        flags["gave_birth"] = person in mothers
        lost = flags.get("late_mother") or flags.get("late_father")
        if lost or flags.get("placed"):
            values["orphan"] = True
        if person.age >= 18:
            values["orphan"] = False

    # work

    def disability(self) -> None:
        """Let persons become disabled and recover."""
        people = self.people()
        for row, person in enumerate(people):
            person.row = row
        tables = self.tables
        well = [p for p in people if not p.values["severe_disability"]]
        ill = [p for p in people if p.values["severe_disability"]]
        table = tables.disability_onset[self.k]
        chances = [(p, float(table[p.sex, p.age])) for p in well]
        struck = self.happens("disability", "disability", "disability", chances)
        table = tables.disability_recovery[self.k]
        chances = [(p, float(table[p.sex, p.age])) for p in ill]
        recovered = self.happens("recovery", "recovery", "recovery", chances)
        for person in struck:
            person.values["severe_disability"] = True
            person.flags["became_disabled"] = True
        for person in recovered:
            person.values["severe_disability"] = False

    def statuses(self) -> None:
        """Move persons between employment statuses."""
        people, tables = self.people(), self.tables
        share = tables.status_share[self.k + 1]
        risks = {}
        for person in people:
            own = person.values["employment_status"]
            person.flags["status"] = own
            p = float(tables.status_leave[person.sex, person.age, own])
            if share[person.sex, person.age, own] == 0:
                p = 1.0
            if p > 0:
                risks[person] = (p, self.u(person.key, "status_left"))
        if tables.transition is not None and self.sorted_method("labour"):
            risks = self.aligned_transitions(people, share)
        elif tables.transition is not None:
            risks = {person: self.transition(person) for person in people}
        elif self.sorted_method("labour"):
            self.aligned_statuses(people, risks, share)
        else:
            for person, (p, u) in risks.items():
                if u < p:
                    row = share[person.sex, person.age]
                    self.take_status(person, row, [float(x) for x in row])
        for person in people:
            before, now = person.flags["status"], person.values["employment_status"]
            values = person.values
            values["years_in_status"] = min(values["years_in_status"] + 1, 120)
            values["months_in_status"] = 12
            if person.flags.get("born"):
                values["years_in_status"] = 0
                values["months_in_status"] = 13 - values["birth_month"]
            if now != before:
                p, u = risks[person]
                month = self.month(person.key, "status")
                self.note(person, "retirement" if now == 10 else "status", p, u, month)
                values["years_in_status"] = 0
                values["months_in_status"] = 13 - month

    def row_of(self, person: Person) -> list[float]:
        """Return the probabilities of each status in the new year."""
        own, formulas = person.flags["status"], self.tables.formulas
        model = () if formulas is None else (*formulas.statuses, formulas.base)
        if "stated" in person.flags and own != 0 and (own in model or -1 in model):
            assert formulas is not None
            if formulas.ages[0] <= person.age <= formulas.ages[1]:
                return self.stated_row(person.flags["stated"], own)
        return [float(p) for p in self.tables.transition[self.k, person.sex, person.age, own]]  # type: ignore[index]

    def stated_row(self, stated: list[float], own: int) -> list[float]:
        """Return what formulas state; what is left is to stay."""
        formulas = self.tables.formulas
        assert formulas is not None
        pairs = list(zip(formulas.statuses, stated, strict=True))
        if not formulas.logit:
            return [sum(p for s, p in pairs if s == status) + (1 - sum(stated)) * (status == own)
                    for status in range(13)]  # fmt: skip
        base = own if formulas.base < 0 else formulas.base
        odds = {status: math.exp(x) for status, x in pairs} | {base: 1.0}
        return [odds.get(status, 0.0) / sum(odds.values()) for status in range(13)]

    def transition(self, person: Person) -> tuple[float, float]:
        """Give a person the status the draw falls on; return its probability, and the draw."""
        row, u = self.row_of(person), self.u(person.key, "transition")
        reached = 0.0
        possible = [status for status in range(13) if row[status] > 0]
        for status in possible:
            reached += row[status]
            if u < reached or status == possible[-1]:
                person.values["employment_status"] = status
                return row[status], u
        raise AssertionError

    def aligned_transitions(self, people: list[Person], share: Any) -> dict[Person, Any]:
        """Give everybody a place; return the probability before alignment and the draw."""
        told = {}
        groups = [(0, 14)] + [(a, a + 4) for a in range(15, 75, 5)] + [(75, 120)]
        cells = [(sex, low, high) for sex in (0, 1) for low, high in groups]
        for number, (sex, low, high) in enumerate(cells):
            cell = [p for p in people if p.sex == sex and low <= p.age <= high]
            rows = {p: self.row_of(p) for p in cell}
            open_ = [p for p in cell if rows[p][p.flags["status"]] != 1.0]
            least = [0] * 13
            for person in cell:
                least[person.flags["status"]] += person not in open_
            wanted = self.wanted(cell, share, number, "transition")
            while any(wanted[s] < least[s] for s in range(13)):
                poor = next(s for s in range(13) if wanted[s] < least[s])
                rich = max(range(13), key=lambda s: wanted[s] - least[s])
                wanted[rich] -= 1
                wanted[poor] += 1
            free = [float(w - k) for w, k in zip(wanted, least, strict=True)]
            scaled = self.fitted([rows[p] for p in open_], free)
            rest = [sum(row[s] for row in scaled) for s in range(13)]
            for k, (person, row) in enumerate(zip(open_, scaled, strict=True)):
                weights = [
                    row[s] * free[s] / max(rest[s], row[s]) if row[s] > 0 else 0.0
                    for s in range(13)
                ]
                rest = [x - p for x, p in zip(rest, row, strict=True)]
                target, reached, new = self.u(person.key, "transition") * sum(weights), 0.0, -1
                for status in [s for s in range(13) if weights[s] > 0]:
                    reached += weights[status]
                    new = status
                    if target < reached:
                        break
                if new < 0:
                    new = self.make_room(person, rows, open_[:k], free)
                free[new] -= 1
                person.values["employment_status"] = new
            for person in open_:
                now = person.values["employment_status"]
                told[person] = (rows[person][now], self.u(person.key, "transition"))
        return told

    def make_room(
        self, person: Person, rows: dict[Person, list[float]], before: list[Person],
        free: list[float],
    ) -> int:  # fmt: skip
        """Return a place for one whose row leads to no free one; another may move on for it."""
        for other in reversed(before):
            place: int = other.values["employment_status"]
            ways = [s for s in range(13) if free[s] > 0 and rows[other][s] > 0]
            if rows[person][place] > 0 and ways:
                other.values["employment_status"] = ways[0]
                free[ways[0]] -= 1
                free[place] += 1
                return place
        left: list[int] = [s for s in range(13) if free[s] > 0]
        return left[0] if left else person.flags["status"]

    def fitted(self, rows: list[list[float]], wanted: list[float]) -> list[list[float]]:
        """Return rows times factors of the statuses, so that the wanted numbers are expected."""
        factors = [1.0] * 13
        for turn in range(101):
            scaled = []
            for row in rows:
                weights = [p * f for p, f in zip(row, factors, strict=True)]
                total = sum(weights)
                scaled.append([w / total if total > 0 else 0.0 for w in weights])
            sums = [sum(row[s] for row in scaled) for s in range(13)]
            misses = [abs(x - w) for x, w in zip(sums, wanted, strict=True) if x > 0]
            if max(misses, default=0.0) < 1e-3 or turn == 100:
                break
            factors = [
                f * w / x if x > 0 else f for f, w, x in zip(factors, wanted, sums, strict=True)
            ]
        return scaled

    def take_status(self, person: Person, shares: Any, room: list[float]) -> int:
        """Give a leaver another status; return which."""
        own: int = person.values["employment_status"]
        u = self.u(person.key, "status_taken")
        affinity = self.tables.status_affinity[own]
        plain = [room[s] if shares[s] > 0 and s != own else 0.0 for s in range(13)]
        for weights in ([float(affinity[s]) * plain[s] for s in range(13)], plain, room):
            total = math.fsum(weights)
            if total > 0:
                left = u * total
                for status, weight in enumerate(weights):
                    if left < weight:
                        person.values["employment_status"] = status
                        return status
                    left -= weight
        return own

    def aligned_statuses(self, people: list[Person], risks: Any, share: Any) -> None:
        """Bring the statuses of each cell to the wanted numbers."""
        groups = [(0, 14)] + [(a, a + 4) for a in range(15, 75, 5)] + [(75, 120)]
        rooms = {}
        going: list[Person] = []
        cells = [(sex, low, high) for sex in (0, 1) for low, high in groups]
        for number, (sex, low, high) in enumerate(cells):
            cell = [p for p in people if p.sex == sex and low <= p.age <= high]
            present = [[p for p in cell if p.flags["status"] == s] for s in range(13)]
            wanted = self.wanted(cell, share, number)
            fixed = [sum(p not in risks for p in some) for some in present]
            while any(wanted[s] < fixed[s] for s in range(13)):
                poor = next(s for s in range(13) if wanted[s] < fixed[s])
                rich = max(range(13), key=lambda s: wanted[s] - fixed[s])
                wanted[rich] -= 1
                wanted[poor] += 1
            total, done = self.u(self.market, "status_left", 101 + number), 0
            room = [0.0] * 13
            for s in range(13):
                able = [p for p in present[s] if p in risks]
                for age in range(low, high + 1):
                    some = [p for p in able if p.age == age]
                    total += len(some) * risks[some[0]][0] if some else 0.0
                expected = math.floor(total) - done
                done += expected
                sure = sum(risks[p][0] == 1.0 for p in able)
                n = min(max(expected, len(present[s]) - wanted[s], sure), len(able))
                method = self.method("labour")
                ranked = sorted(able, key=lambda p: _rank(method, *risks[p]))
                going += ranked[:n]
                room[s] = float(wanted[s] - (len(present[s]) - n))
            for person in cell:
                rooms[person] = room
        for person in sorted(going, key=lambda p: p.row):
            status = self.take_status(person, share[person.sex, person.age], rooms[person])
            rooms[person][status] -= 1

    def wanted(
        self, cell: list[Person], share: Any, number: int, decision: str = "status_left"
    ) -> list[int]:
        """Return the wanted numbers of a cell, rounded to its size."""
        total = self.u(self.market, decision, 1 + number) + 1e-9
        sums = [math.fsum(float(share[p.sex, p.age, s]) for p in cell) for s in range(13)]
        counts, done = [], 0
        for s in range(13):
            total += sums[s]
            now = len(cell) if s == 12 else min(math.floor(total), len(cell))
            counts.append(now - done)
            done = now
        return counts

    def incomes(self) -> None:
        """Bring sectors and incomes to the new year."""
        level, people = self.tables.earnings, self.people()
        at_work = range(1, 7)
        stayers = [
            p for p in people
            if p.flags["status"] in at_work and p.values["employment_status"] in at_work
            and p.values["sector"] > 0
        ]  # fmt: skip
        for person in people:
            now, before = person.values["employment_status"], person.flags["status"]
            if now not in at_work:
                person.flags["sector"] = 0
            elif before not in at_work:
                like = [p for p in stayers if p.values["employment_status"] == now] or stayers
                left = self.u(person.key, "sector") * len(like)
                person.flags["sector"] = 0
                for code in (1, 2, 3):
                    n = sum(p.values["sector"] == code for p in like)
                    if person.flags["sector"] == 0 and left < n:
                        person.flags["sector"] = code
                    left -= n
        wage = self.average_wage * float(level.wage_level[self.k + 1])
        growth = float(level.wage_level[self.k + 1] / level.wage_level[self.k])
        for person in people:
            values = person.values
            values["sector"] = person.flags.get("sector", values["sector"])
            now, before = values["employment_status"], person.flags["status"]
            main = "earnings" if 1 <= now <= 3 else "self_employment_income"
            earns = 1 <= now <= 5 and not (now == before and values[main] == 0)
            for name in ("earnings", "self_employment_income"):
                values[name] *= growth if now == before else 0.0
            if not 1 <= now <= 5:
                values["shock"] = 0.0
            if not earns:
                continue
            z = self.normal(person.key, "transitory_earnings")
            rho = float(level.rho[now])
            kept = rho * values["shock"] + math.sqrt(1 - rho * rho) * z
            values["shock"] = kept if 1 <= before <= 5 else z
            e = level.sigma_permanent[now] * values["score"]
            e += level.sigma_transitory[now] * values["shock"]
            e += level.log_level[now, person.sex] + level.age_profile[person.sex, person.age]
            values[main] = wage * math.exp(float(e))


def _rank(method: str, p: float, u: float) -> tuple[float, float]:
    """Return what the first of a cell have least of, and then least of."""
    if method == "sbp":
        return -p, u
    if method == "sbd":
        return u - p, 0.0
    return u * (1 - p) / (p * (1 - u)), 0.0


def position_of(person: Person | None) -> int:
    """Return the position of a linked person in the household, -1 if none."""
    return -1 if person is None else person.home.members.index(person)


def _value(name: str) -> Getter:
    return lambda person: person.values[name]


Getter = Callable[[Person], Any]
COMPARED: dict[str, Getter] = {
    "draw_key": lambda p: p.key,
    "sex": lambda p: p.sex,
    "age": lambda p: p.age,
    "head": lambda p: position_of(p.home.head),
    "spouse": lambda p: position_of(p.spouse),
    "mother": lambda p: position_of(p.mother),
    "father": lambda p: position_of(p.father),
    "arrived": lambda p: p.flags.get("arrived", False),
    "gave_birth": lambda p: p.flags["gave_birth"],
    "widowed": lambda p: "late_spouse" in p.flags,
    "became_disabled": lambda p: p.flags.get("became_disabled", False),
    **{
        name: _value(name)
        for name in (
            "employment_status", "sector", "severe_disability", "orphan", "in_base_population",
            "birth_month", "children_born", "years_in_status", "months_in_status", "earnings",
            "self_employment_income", "pension_income",
        )
    },
}  # fmt: skip
