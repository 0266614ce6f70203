"""Target against achieved: what a synthesised population should be, and what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from microsim.population.columns import SECTOR
from microsim.population.content import Population, SeriesValue, TargetRow
from microsim.population.opendata import WORLD_BANK
from microsim.population.synthesis.distribution import SHARE_EDGES, gini_of_sorted
from microsim.population.synthesis.labour import EMPLOYEES, OWN_ACCOUNT, STATUS
from microsim.population.synthesis.people import Bools, Floats, five_year_groups
from microsim.population.synthesis.plan import Plan

SEXES = ("male", "female")
POINT = 0.01
POPULATION_TOLERANCE = 0.001
ACCOUNTS_TOLERANCE = 0.001
NOBODY = "no figure in the open data or the country's file"


class Sums:
    """Weighted sums over the persons of a population."""

    def __init__(self, population: Population) -> None:
        self.weight = population.person_weight
        self.age = population.persons["age"].astype(np.int64)
        self.female = population.persons["sex"] == 1
        self.status = population.persons["employment_status"].astype(np.int64)
        self.sector = population.persons["sector"].astype(np.int64)

    def of(self, who: Bools) -> float:
        """Return the persons for whom `who` holds."""
        return float(np.bincount(who, weights=self.weight, minlength=2)[1])

    def share(self, who: Bools, of: Bools) -> float:
        """Return the share of `of` for whom `who` holds; 0 if there is nobody."""
        whole = self.of(of)
        return self.of(who & of) / whole if whole > 0.0 else 0.0

    def has_status(self, *labels: str) -> Bools:
        """Return who has one of the employment statuses."""
        return np.isin(self.status, [STATUS[label] for label in labels])


def compare(population: Population, plan: Plan, open_groups: list[int]) -> Population:
    """Return the population with the table target against achieved and the anchors filled in.

    Parameters
    ----------
    open_groups
        For men and women, the first 5-year group of the open one (older ones are merged into it).
    """
    sums = Sums(population)
    rows = [
        *_population_rows(sums, plan, open_groups),
        *_labour_rows(sums, plan),
        *_place_rows(population, sums, plan),
        *_structure_rows(population, sums, plan),
        *_payroll_rows(population, sums, plan),
        *_welfare_rows(population, plan),
    ]
    return replace(population, targets=tuple(rows), anchors=_anchors(population, sums, plan))


def _population_rows(sums: Sums, plan: Plan, open_groups: list[int]) -> list[TargetRow]:
    wanted = five_year_groups(plan.by_age)
    rows = [_relative("population", "total", plan.persons, sums.of(sums.age >= 0), plan.method)]
    for sex, name in enumerate(SEXES):
        of_sex = sums.female == bool(sex)
        for group in range(open_groups[sex] + 1):
            first = 5 * group
            last = group == open_groups[sex]
            label = f"{name} {first}+" if last else f"{name} {first}-{first + 4}"
            target = float(np.cumsum(wanted[sex, group:])[-1]) if last else wanted[sex, group]
            who = of_sex & (sums.age >= first) & (last | (sums.age < first + 5))
            rows.append(_relative("population", label, float(target), sums.of(who), plan.method))
    return rows


def _relative(group: str, item: str, target: float, achieved: float, source: str) -> TargetRow:
    return TargetRow(
        group, item, "persons", target, achieved, POPULATION_TOLERANCE, "relative", "data", source
    )


def _share(
    group: str, item: str, target: float | None, achieved: float, source: str,
    basis: str = "data", tolerance: float | None = POINT,
) -> TargetRow:  # fmt: skip
    return TargetRow(group, item, "share", target, achieved, tolerance, "absolute", basis, source)


def _stated(group: str, item: str, achieved: float, plan: Plan, block: str) -> TargetRow:
    """Return a row against the `share` of a block of the country's file, or against nothing."""
    if not plan.parameters.has(block):
        return _share(group, item, None, achieved, NOBODY, "nothing", None)
    target, source = plan.parameters.number(block, "share"), plan.parameters.source(block)
    return _share(group, item, target, achieved, source, plan.parameters.basis(block))


def _dated(plan: Plan, name: str) -> str:
    found = plan.country.latest(name, plan.year)
    return f"{plan.country.source(name)}, {found[1]}" if found else NOBODY


def _labour_rows(sums: Sums, plan: Plan) -> list[TargetRow]:
    adult = sums.age >= 15
    employed = sums.has_status(*EMPLOYEES, *OWN_ACCOUNT, "family worker")
    force = employed | sums.has_status("unemployed")
    rows = []
    for sex, name in enumerate(SEXES):
        here, rates = adult & (sums.female == bool(sex)), plan.rates[sex]
        everyone, older = sums.age < 200, sums.age >= 65
        bands = (
            ("15+", "15plus", everyone, POINT),
            ("15-64", "15_64", sums.age < 65, None),
            ("25-54", "25_54", (sums.age >= 25) & (sums.age < 55), None),
            ("65+", "65plus", older, None),
        )
        for (label, key, ages, tolerance), target in zip(bands, rates.participation, strict=True):
            source = _dated(plan, f"participation_{key}_{name}")
            achieved = sums.share(force, here & ages)
            rows.append(_share("participation", f"{name} {label}", target, achieved, source,
                               tolerance=tolerance))  # fmt: skip
        source = _dated(plan, f"employment_15plus_{name}")
        achieved = sums.share(employed, here)
        rows.append(_share("employment", f"{name} 15+", rates.employment, achieved, source))
        if rates.youth_employment is not None:
            source = _dated(plan, f"employment_15_24_{name}")
            achieved = sums.share(employed, here & (sums.age < 25))
            rows.append(_share("employment", f"{name} 15-24", rates.youth_employment, achieved,
                               source, tolerance=None))  # fmt: skip
        rows += _work_rows(sums, plan, sex, here & employed)
    return rows


def _work_rows(sums: Sums, plan: Plan, sex: int, employed: Bools) -> list[TargetRow]:
    name, rates = SEXES[sex], plan.rates[sex]
    own, family = rates.self_employed, rates.family_workers
    source = _dated(plan, f"self_employed_{name}")
    rows = [
        _share("status", f"{name} {label}", target, sums.share(who, employed), source)
        for label, target, who in (
            ("employees", 1.0 - own, sums.has_status(*EMPLOYEES)),
            ("own-account and employers", own - family, sums.has_status(*OWN_ACCOUNT)),
            ("family workers", family, sums.has_status("family worker")),
        )
    ]
    whole = sum(rates.sectors)
    for code, sector in enumerate(SECTOR[1:], start=1):
        target, source = rates.sectors[code - 1] / whole, _dated(plan, f"{sector}_{name}")
        achieved = sums.share(sums.sector == code, employed)
        rows.append(_share("sector", f"{name} {sector}", target, achieved, source))
    return rows


def _place_rows(population: Population, sums: Sums, plan: Plan) -> list[TargetRow]:
    household = population.household_of_person
    everyone = sums.age >= 0
    urban = population.households["urban"].astype(np.bool_)[household]
    rows = [_share("place", "urban", plan.urban.value, sums.share(urban, everyone),
                   plan.urban.source)]  # fmt: skip
    if plan.parameters.has("regions"):
        table = plan.parameters.blocks["regions"]["rows"]
        persons = np.array([float(row[0]) for row in table.values()])
        shares = persons / float(np.cumsum(persons)[-1])
        region = population.households["region"].astype(np.int64)[household]
        achieved = np.bincount(region, weights=sums.weight, minlength=shares.size) / sums.of(
            everyone
        )
        source, basis = plan.parameters.source("regions"), plan.parameters.basis("regions")
        rows += [
            _share("place", label, float(shares[i]), float(achieved[i]), source, basis)
            for i, label in enumerate(population.regions)
        ]
    return rows


def _structure_rows(population: Population, sums: Sums, plan: Plan) -> list[TargetRow]:
    persons, homes = population.persons, population.households
    weight, size = homes["weight"].astype(np.float64), homes["size"].astype(np.int64)
    whole = float(np.cumsum(weight)[-1])
    mean = plan.household_size
    rows = [TargetRow("structure", "mean household size", "persons", mean.value,
                      sums.of(sums.age >= 0) / whole, 0.005, "relative", mean.basis,
                      mean.source)]  # fmt: skip
    by_size = np.bincount(np.minimum(size, 7), weights=weight, minlength=8) / whole
    rows += [
        _stated("structure", f"households of {n}{'+' if n == 7 else ''}", float(by_size[n]), plan,
                "structure.one_person_households" if n == 1 else "")
        for n in range(1, 8)
    ]  # fmt: skip
    rows += _kin_rows(population, sums, plan)
    minors = sums.age < 18
    for item, column, who, block in (
        ("children under 18 who are orphans", "orphan", minors, "structure.orphans"),
        ("persons with severe disability", "severe_disability", sums.age >= 0,
         "structure.severe_disability"),
    ):  # fmt: skip
        rate = plan.parameters.by_age(block, sums.age)
        target = float(np.bincount(who, weights=sums.weight * rate, minlength=2)[1]) / sums.of(who)
        achieved = sums.share(persons[column].astype(np.bool_), who)
        rows.append(_share("structure", item, target, achieved, plan.parameters.source(block),
                           plan.parameters.basis(block), 0.005))  # fmt: skip
    return rows


def _kin_rows(population: Population, sums: Sums, plan: Plan) -> list[TargetRow]:
    persons = population.persons
    size = population.households["size"].astype(np.int64)[population.household_of_person]
    start = population.household_start[population.household_of_person]
    position = np.arange(population.n_persons) - start
    everyone, minors, old = sums.age >= 0, sums.age < 18, sums.age >= 60
    is_head = persons["head"].astype(np.int64) == position
    paired = persons["spouse"].astype(np.int64) >= 0
    parameters = plan.parameters
    wanted = parameters.by_age("structure.children", np.minimum(sums.age, 17))
    with_mother = float(np.bincount(minors, weights=sums.weight * wanted, minlength=2)[1])
    achieved = sums.share(persons["mother"].astype(np.int64) >= 0, minors)
    rows = [
        _share("structure", "children under 18 living with their mother",
               with_mother / sums.of(minors), achieved,
               parameters.source("structure.children"), parameters.basis("structure.children"),
               0.03),
    ]  # fmt: skip
    achieved = sums.share(sums.female, is_head)
    rows.append(_stated("structure", "households headed by women", achieved, plan,
                        "structure.female_heads"))  # fmt: skip
    for item, who, of in (
        (
            "women 15-49 living with a spouse",
            paired,
            sums.female & (sums.age >= 15) & (sums.age < 50),
        ),
        ("persons 60+ living alone", size == 1, old),
        ("persons 60+ living as a couple alone", (size == 2) & paired, old),
        ("persons in households of 7 and more", size >= 7, everyone),
    ):
        rows.append(_share("structure", item, None, sums.share(who, of), NOBODY, "nothing", None))
    return rows


def _payroll_rows(population: Population, sums: Sums, plan: Plan) -> list[TargetRow]:
    formal = sums.has_status("formal public employee", "formal private employee")
    public = sums.has_status("formal public employee")
    bill = float(plan.average_wage.value or 0.0) * float(plan.formal.value or 0.0) * 12.0
    achieved = _yearly(population, sums, "earnings", formal)
    pensioners = population.persons["pension_income"].astype(np.float64) > 0.0
    basis = "data" if {plan.average_wage.basis, plan.formal.basis} == {"data"} else "assumption"

    one_person = sums.of(sums.age >= 0) / population.n_persons

    def row(item: str, unit: str, target: SeriesValue, value: float, near: float) -> TargetRow:
        if unit == "persons" and target.value:
            # A small sample cannot come nearer than a few persons.
            near = max(near, 3.0 * one_person / target.value)
        return TargetRow("payroll", item, unit, target.value, value, near, "relative",
                         target.basis, target.source)  # fmt: skip

    wages = SeriesValue(bill, "currency/year", plan.average_wage.source, basis)
    return [
        row("formal employees", "persons", plan.formal, sums.of(formal), POINT),
        row("public employees", "persons", plan.public, sums.of(public), POINT),
        row("wage bill of formal employees", "currency/year", wages, achieved,
            max(POINT, 3.0 * one_person / max(sums.of(formal), 1.0))),
        row("average formal wage", "currency/month", plan.average_wage,
            achieved / 12.0 / max(sums.of(formal), 1.0), ACCOUNTS_TOLERANCE),
        row("persons with a contributory pension", "persons", plan.pensioners,
            sums.of(pensioners), POINT),
    ]  # fmt: skip


def _yearly(population: Population, sums: Sums, column: str, who: Bools | None = None) -> float:
    amounts = population.persons[column].astype(np.float64) * sums.weight
    chosen = amounts if who is None else np.where(who, amounts, 0.0)
    return 12.0 * float(np.cumsum(chosen)[-1])


def welfare_per_head(population: Population) -> tuple[Floats, Floats]:
    """Return welfare per head, sorted upwards, and the persons behind it.

    Returns
    -------
    values, weights
        Shape (n_households,): currency units per head and month; persons.
    """
    size = population.households["size"].astype(np.float64)
    values = population.households["welfare"].astype(np.float64) / size
    weights = population.households["weight"].astype(np.float64) * size
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def _welfare_rows(population: Population, plan: Plan) -> list[TargetRow]:
    values, weights = welfare_per_head(population)
    persons = np.cumsum(weights)
    survey = plan.welfare_year
    rows = []
    for key, line in plan.lines.items():
        found = plan.country.latest(f"poverty_{key}", survey)
        if found is None or line.value is None:
            continue
        below = int(np.searchsorted(values, line.value, side="left"))
        achieved = float(persons[below - 1] / persons[-1]) if below else 0.0
        source = f"{plan.country.source(f'poverty_{key}')}, {found[1]}"
        rows.append(_share("welfare", f"poor at {int(key) / 100:.2f} int$ a day", found[0] / 100.0,
                           achieved, source))  # fmt: skip
    gini = gini_of_sorted(values, weights)
    source = f"{plan.country.source('gini')}, {survey}"
    rows.append(TargetRow("welfare", "Gini index", "index", plan.evidence.gini, gini, POINT,
                          "absolute", "data", source))  # fmt: skip
    income = plan.income.value
    if income:
        ratio = 12.0 * float(np.cumsum(values * weights)[-1]) / income
        rows.append(_share("welfare", "welfare / national income (survey gap)", None, ratio,
                           NOBODY, "nothing", None))  # fmt: skip
    if plan.evidence.shares is not None:
        money = np.cumsum(values * weights)
        at = np.interp(
            SHARE_EDGES, np.r_[0.0, persons / persons[-1]], np.r_[0.0, money / money[-1]]
        )
        for i, target in enumerate(plan.evidence.shares):
            low, high = (round(100 * SHARE_EDGES[i + k]) for k in (0, 1))
            rows.append(_share("welfare", f"share of persons {low}-{high} %", target,
                               float(at[i + 1] - at[i]),
                               f"{plan.country.source('share_quintile_1')}, {survey}"))  # fmt: skip
    return rows


def _anchors(population: Population, sums: Sums, plan: Plan) -> dict[str, SeriesValue]:
    formal = sums.has_status("formal public employee", "formal private employee")
    values, weights = welfare_per_head(population)
    welfare = 12.0 * float(np.cumsum(values * weights)[-1])
    bill = _yearly(population, sums, "earnings", formal)
    unit, here = "currency/year", "this population"
    incomes = sum(_yearly(population, sums, name)
                  for name in ("earnings", "self_employment_income", "pension_income"))  # fmt: skip
    gdp = plan.income.value
    anchors = {
        "wage_bill": SeriesValue(bill, unit, plan.average_wage.source, plan.average_wage.basis),
        "formal_employees": SeriesValue(sums.of(formal), "persons", plan.formal.source,
                                        plan.formal.basis),
        "welfare": SeriesValue(welfare, unit, f"{WORLD_BANK} poverty and inequality data, "
                               f"{plan.welfare_year}, in prices of {plan.year}", plan.prices.basis),
        "person_incomes": SeriesValue(incomes, unit, f"{here}: wages, own-account incomes and "
                                      "pensions", "assumption"),
    }  # fmt: skip
    if gdp:
        anchors["welfare_to_gdp"] = SeriesValue(
            welfare / gdp, "share", "gap between survey and national accounts: welfare / " +
            plan.income.source, "assumption",
        )  # fmt: skip
        anchors["wage_bill_to_gdp"] = SeriesValue(bill / gdp, "share", here, "assumption")
    return anchors


def failures(population: Population) -> tuple[TargetRow, ...]:
    """Return the rows whose tolerance is not met."""
    return tuple(row for row in population.targets if row.passed is False)
