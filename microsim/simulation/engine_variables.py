"""Writes the engine's own formulas in the rule language: what tables need of schemes, taxes,
incomes and coverage.

They are ordinary variables: computed by the same two implementations, shown by `explain`, named
with double underscores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from microsim.language.definitions import Definitions, InputDefinition, Location, VariableDefinition
from microsim.policy.system import BenefitRule, SchemeRule, System
from microsim.results.contents import Measure

HERE = Location("engine", 0)
PENSION_FUNCTIONS = ("OLD", "SUR", "DIS")
REDUCING_PAYERS = ("employees", "self-employed", "other protected persons")
CHILD_AGE = 18
EMPLOYED = (
    "formal public employee", "formal private employee", "informal employee", "formal own-account",
    "informal own-account", "family worker",
)  # fmt: skip


@dataclass
class EngineVariables:
    """The engine's formulas of one system.

    measures: what to sum, by measure; of those in `whether`, count who has more than 0.
    instruments: household amounts a year by `scheme.item`, with sign; concepts: income concepts a
    year by name; december: the December amount of each benefit; pensions: those in payment that
    come with the data, a year.
    """

    definitions: Definitions
    measures: dict[Measure, str] = field(default_factory=dict)
    whether: set[Measure] = field(default_factory=set)
    instruments: dict[str, tuple[str, int]] = field(default_factory=dict)
    concepts: dict[str, str] = field(default_factory=dict)
    december: dict[tuple[str, str], str] = field(default_factory=dict)
    pensions: str = ""


class Writer:
    """Collects engine variables of one system."""

    def __init__(self, system: System) -> None:
        self.system = system
        definitions = system.definitions
        self.variables = dict(definitions.variables)
        inputs = dict(definitions.inputs)
        for name, of, unit, label in COMPUTED_INPUTS:
            inputs.setdefault(name, InputDefinition(name, of, unit, HERE, label=label))
        if any(scheme.fund is not None for scheme in system.schemes.values()):
            inputs.setdefault(IN_BASE.name, IN_BASE)
        self.out = EngineVariables(replace(definitions, variables=self.variables, inputs=inputs))

    # -- small pieces ---------------------------------------------------------------------

    def add(self, name: str, of: str, unit: str, period: str, formula: str, label: str = "") -> str:
        """Add a variable and return its name."""
        self.variables[name] = VariableDefinition(
            name, of, unit, period, formula, HERE, HERE, label=label
        )
        return name

    def of(self, name: str) -> str:
        """Return whom a variable or input describes."""
        definitions = self.system.definitions
        found = self.variables.get(name) or definitions.inputs.get(name)
        return found.of if found is not None else "person"

    def unit(self, name: str) -> str:
        """Return the unit of a variable or input."""
        found = self.variables.get(name) or self.system.definitions.inputs[name]
        return found.unit

    def monthly(self, name: str) -> str:
        """Return an expression for a variable in a monthly formula."""
        variable = self.variables.get(name)
        return f"month({name})" if variable is not None and variable.period == "year" else name

    def yearly(self, name: str) -> str:
        """Return an expression for the year's amount of a variable."""
        variable = self.variables.get(name)
        return name if variable is not None and variable.period == "year" else f"year({name})"

    def yearly_stock(self, name: str) -> str:
        """Return an expression for what a variable says at the end of the year."""
        variable = self.variables.get(name)
        monthly = variable is not None and variable.period == "month"
        return f"december({name})" if monthly else name

    def household_sum(self, names: Iterable[str]) -> str:
        """Return a monthly household expression that adds up variables of persons, units and
        households.
        """
        return self._added_up(names, self.monthly)

    def household_year(self, names: Iterable[str]) -> str:
        """Return a yearly household expression that adds up the year's amounts of variables."""
        return self._added_up(names, self.yearly)

    def _added_up(self, names: Iterable[str], read: Callable[[str], str]) -> str:
        by_owner: dict[str, list[str]] = {}
        for name in names:
            by_owner.setdefault(self.of(name), []).append(read(name))
        terms = []
        for owner, parts in by_owner.items():
            joined = " + ".join(parts)
            group = "members" if owner == "person" else owner
            terms.append(joined if owner == "household" else f"sum({group}, {joined})")
        return " + ".join(terms) or "0"

    def measure(self, measure: Measure, of: str, unit: str, formula: str) -> None:
        """Add a yearly variable that a measure sums."""
        parts = (measure.kind, measure.scheme, measure.item, measure.statistic)
        name = "__".join(part.replace(" ", "_") for part in parts if part)
        self.out.measures[measure] = self.add(name, of, unit, "year", formula)

    def count_of(self, measure: Measure, of_measure: Measure) -> None:
        """Add a measure that counts who has more than 0 of another."""
        self.out.measures[measure] = self.out.measures[of_measure]
        self.out.whether.add(measure)


COMPUTED_INPUTS = (
    ("is_head", "person", "boolean", "is the head of the household"),
    ("mother_of_infant", "person", "boolean", "woman with a child under one year in the household"),
)
IN_BASE = InputDefinition(
    "in_base_population", "person", "boolean", HERE, default=1.0,
    label="was there in the first year of the run",
)  # fmt: skip


def engine_variables(system: System) -> EngineVariables:
    """Return a system's definitions with the engine's formulas added, and what they are for."""
    writer = Writer(system)
    for scheme in system.schemes.values():
        _contributions(writer, scheme)
        for benefit in scheme.benefits:
            _benefit(writer, scheme, benefit)
        _fund(writer, scheme)
    for tax in system.taxes.values():
        name = tax.variable
        of = writer.of(name)
        writer.measure(
            Measure("tax", "", tax.id, "amount"), of, "currency/year", writer.yearly(name)
        )
        writer.count_of(Measure("tax", "", tax.id, "payers"), Measure("tax", "", tax.id, "amount"))
        if tax.origin == "households":
            _instrument(writer, f"tax.{tax.id}", name, -1)
    _incomes(writer)
    _coverage(writer)
    return writer.out


def _instrument(writer: Writer, key: str, name: str, sign: int) -> None:
    amount = f"instrument__{key.replace('.', '__')}"
    owner, year = writer.of(name), writer.yearly(name)
    group = "members" if owner == "person" else owner
    formula = year if owner == "household" else f"sum({group}, {year})"
    writer.out.instruments[key] = (
        writer.add(amount, "household", "currency/year", "year", formula),
        sign,
    )


def _contributions(writer: Writer, scheme: SchemeRule) -> None:
    flags = []
    for line in scheme.contributions:
        name = line.variable
        of = writer.of(name)
        key = ("contribution", scheme.id, line.id)
        writer.measure(Measure(*key, "amount"), of, "currency/year", writer.yearly(name))
        due = line.due or name
        writer.measure(Measure(*key, "due"), writer.of(due), "currency/year", writer.yearly(due))
        if line.payer != "government":
            paying = f"{writer.monthly(name)} > 0"
            flags.append(paying if of == "person" else f"(is_head and {paying})")
        if line.payer in REDUCING_PAYERS:
            _instrument(writer, f"{scheme.id}.{line.id}", name, -1)
    if not flags:
        return
    contributing = writer.add(
        f"scheme__{scheme.id}__contributing", "person", "boolean", "month", " or ".join(flags)
    )
    for statistic, formula in (
        ("contributor_months", f"year({contributing})"),
        ("contributor_december", f"december({contributing})"),
    ):
        unit = "months" if statistic == "contributor_months" else "boolean"
        writer.measure(Measure("scheme", scheme.id, "", statistic), "person", unit, formula)
    key = ("scheme", scheme.id, "")
    writer.count_of(Measure(*key, "contributor_ever"), Measure(*key, "contributor_months"))
    if scheme.insurable_earnings:
        name = scheme.insurable_earnings
        measure = Measure("scheme", scheme.id, "", "insurable")
        of = writer.of(name)
        value = writer.monthly(name)
        formula = (
            f"year({value} if {contributing} else 0)" if of == "person" else writer.yearly(name)
        )
        writer.measure(measure, of, "currency/year", formula)
    wages = f"year(earnings + self_employment_income if {contributing} else 0)"
    measure = Measure("scheme", scheme.id, "", "covered_wages")
    writer.measure(measure, "person", "currency/year", wages)


def _benefit(writer: Writer, scheme: SchemeRule, benefit: BenefitRule) -> None:
    name = benefit.paid or benefit.variable
    of, value = writer.of(name), writer.monthly(name)
    key = ("benefit", scheme.id, benefit.id)
    lump = writer.variables[name].period == "year" if name in writer.variables else False
    months = f"(12 if {name} > 0 else 0)" if lump else f"year({name} > 0)"
    writer.measure(Measure(*key, "amount"), of, "currency/year", writer.yearly(name))
    entitlement = writer.yearly(benefit.variable)
    writer.measure(Measure(*key, "entitlement"), of, "currency/year", entitlement)
    writer.measure(Measure(*key, "months"), of, "months", months)
    writer.count_of(Measure(*key, "ever"), Measure(*key, "months"))
    stock = f"{name} > 0" if lump else f"december({name} > 0)"
    writer.measure(Measure(*key, "december"), of, "boolean", stock)
    group = "household" if of == "person" else ""
    covered = f"year(any({group}, {value} > 0)) > 0" if group else f"year({value} > 0) > 0"
    writer.measure(Measure(*key, "covered"), "person", "boolean", covered)
    if benefit.eligible:
        eligible = benefit.eligible
        variable = writer.variables.get(eligible)
        once = variable is not None and variable.period == "year"
        formula = f"(12 if {eligible} else 0)" if once else f"year({eligible})"
        measure = Measure(*key, "eligible_months")
        writer.measure(measure, writer.of(eligible), "months", formula)
    if benefit.minimum and not lump:
        measure = Measure(*key, "at_minimum_months")
        formula = f"year({name} > 0 and {name} <= {benefit.minimum})"
        writer.measure(measure, of, "months", formula)
    last = name if lump else f"december({name})"
    unit = "currency/year" if lump else "currency/month"
    stock_amount = f"benefit__{scheme.id}__{benefit.id}__stock_amount"
    writer.out.december[scheme.id, benefit.id] = writer.add(stock_amount, of, unit, "year", last)
    if benefit.kind.startswith("cash"):
        _instrument(writer, f"{scheme.id}.{benefit.id}", name, 1)


def _fund(writer: Writer, scheme: SchemeRule) -> None:
    """Add what members own, and what is paid to those who were there in the first year."""
    fund = scheme.fund
    if fund is None:
        return
    for statistic, name in (("balances", fund.balances), ("new_awards", fund.new_awards_value)):
        if name:
            measure = Measure("fund", scheme.id, "", statistic)
            writer.measure(measure, writer.of(name), writer.unit(name), name)
    for benefit in scheme.benefits:
        name = benefit.paid or benefit.variable
        of, amount = writer.of(name), writer.yearly(name)
        there = IN_BASE.name if of == "person" else f"any(members, {IN_BASE.name})"
        measure = Measure("fund", scheme.id, benefit.id, "closed")
        writer.measure(measure, of, "currency/year", f"({amount}) if {there} else 0")
        if fund.accrued_share and of == "person":
            share = writer.yearly_stock(fund.accrued_share)
            measure = Measure("fund", scheme.id, benefit.id, "accrued")
            text = f"({amount}) * {share} if {there} else 0"
            writer.measure(measure, of, "currency/year", text)


# The income concepts of the CEQ ladder that a static cash model has (CEQ Handbook)
LADDER = {
    "market": "market",
    "market plus pensions": "market + pensions - pension_contributions",
    "net market": "market_plus_pensions - direct_taxes - other_contributions",
    "gross": "market_plus_pensions + direct_transfers",
    "disposable": "gross - direct_taxes - other_contributions",
}


def _is_pension_scheme(scheme: SchemeRule) -> bool:
    lines = [b.function for b in scheme.benefits] + [g.function for g in scheme.given]
    return scheme.contributory and any(function in ("OLD", "SUR") for function in lines)


def _incomes(writer: Writer) -> None:
    system = writer.system
    pension_pay: list[str] = []
    pension_take: list[str] = []
    direct: list[str] = []
    other: list[str] = []
    for scheme in system.schemes.values():
        is_pension = _is_pension_scheme(scheme)
        for benefit in scheme.benefits:
            if benefit.kind.startswith("cash"):
                name = benefit.paid or benefit.variable
                pays = scheme.earned and benefit.function in PENSION_FUNCTIONS
                (pension_pay if pays else direct).append(name)
        for line in scheme.contributions:
            if line.payer in REDUCING_PAYERS:
                (pension_take if is_pension else other).append(line.variable)
    taxes = [t.variable for t in system.taxes.values() if t.origin == "households"]
    parts = {
        "market": list(system.incomes_market),
        "pensions": [*system.incomes_pensions, *pension_pay],
        "pension_contributions": pension_take,
        "direct_transfers": direct,
        "direct_taxes": taxes,
        "other_contributions": other,
    }
    for period, prefix in (("month", "income__"), ("year", "year__")):
        money = ("household", f"currency/{period}", period)
        add_up = writer.household_sum if period == "month" else writer.household_year
        for part, names in parts.items():
            writer.add(prefix + part, *money, add_up(names))
        for concept, formula in LADDER.items():
            text = " ".join(w if w in "+-" else prefix + w for w in formula.split())
            is_last = concept == "disposable" and period == "month"
            name = "disposable_income" if is_last else prefix + concept.replace(" ", "_")
            writer.add(name, *money, text if concept != "market" else add_up(parts["market"]))
            if period == "year":
                writer.out.concepts[concept] = name
                writer.out.measures[Measure("income", "", concept, "amount")] = name
    in_payment = writer.household_year(system.incomes_pensions)
    money = ("household", "currency/year", "year")
    writer.out.pensions = writer.add("year__pensions_in_payment", *money, in_payment)
    for name in (*system.incomes_market, *system.incomes_pensions):
        measure = Measure("income", "", name, "amount")
        writer.measure(measure, writer.of(name), "currency/year", writer.yearly(name))


# -- effective coverage (SDG 1.3.1) ---------------------------------------------------------


def _received(writer: Writer, wanted: Iterable[tuple[SchemeRule, BenefitRule]]) -> str:
    """Return a yearly person expression: the person, or its household or unit, receives one of the
    benefits.
    """
    flags = []
    for _, benefit in wanted:
        if benefit.kind.startswith("cash"):
            flags.append(f"{writer.monthly(benefit.paid or benefit.variable)} > 0")
    return f"year({' or '.join(flags)}) > 0" if flags else "false"


def _all_benefits(
    system: System, functions: tuple[str, ...] = ()
) -> list[tuple[SchemeRule, BenefitRule]]:
    return [
        (scheme, benefit)
        for scheme in system.schemes.values()
        for benefit in scheme.benefits
        if not functions or benefit.function in functions
    ]


def _coverage(writer: Writer) -> None:
    system = writer.system
    contributing = [
        f"scheme__{s.id}__contributing"
        for s in system.schemes.values()
        if f"scheme__{s.id}__contributing" in writer.variables
    ]
    contributes = f"year({' or '.join(contributing)}) > 0" if contributing else "false"
    pension = " or ".join(
        f"year({n}) > 0" for n in system.incomes_pensions if writer.of(n) == "person"
    )
    injured = [
        f"scheme__{s.id}__contributing"
        for s in system.schemes.values()
        if any(b.function == "EI" for b in s.benefits)
        and f"scheme__{s.id}__contributing" in writer.variables
    ]
    assistance = [(s, b) for s, b in _all_benefits(system) if not s.earned]
    insurance = [(s, b) for s, b in _all_benefits(system) if s.earned]
    pensions = _all_benefits(system, ("OLD", "SUR"))  # a lump sum, or a refund, is no pension
    old = _received(writer, [one for one in pensions if one[1].kind == "cash periodic"])
    old = f"{old} or {pension}" if pension else old
    any_benefit = _received(writer, _all_benefits(system))
    everything = " or ".join(x for x in (any_benefit, contributes, pension) if x)
    by_contribution = " or ".join(
        x for x in (contributes, _received(writer, insurance), pension) if x
    )
    working = ", ".join(f'"{status}"' for status in EMPLOYED)
    children = _received(writer, _all_benefits(system, ("FAM",)))
    indicators = {
        "any": ("true", everything),
        "children": (f"age < {CHILD_AGE}", children),
        "households_with_children": (
            f"is_head and any(household, age < {CHILD_AGE})",
            f"any(household, age < {CHILD_AGE} and ({children}))",
        ),
        "mothers": ("mother_of_infant", _received(writer, _all_benefits(system, ("MAT",)))),
        "disability": ("severe_disability", _received(writer, _all_benefits(system, ("DIS",)))),
        "unemployed": (
            'employment_status == "unemployed"',
            _received(writer, _all_benefits(system, ("UNE",))),
        ),
        "work_injury": (
            f"employment_status in ({working})",
            f"year({' or '.join(injured)}) > 0" if injured else "false",
        ),
        "vulnerable": (f"not ({by_contribution})", _received(writer, assistance)),
    }
    if system.retirement_age:
        parameter = system.definitions.parameters[system.retirement_age]
        limit = f"lookup({parameter.name}, sex)" if parameter.kind == "table" else parameter.name
        indicators["older"] = (f"age >= {limit}", old)
    for name, (target, covered) in indicators.items():
        goal = writer.add(f"coverage__{name}__is_target", "person", "boolean", "year", target)
        writer.out.measures[Measure("coverage", "", name, "target")] = goal
        text = f"{goal} and ({covered})"
        writer.measure(Measure("coverage", "", name, "covered"), "person", "boolean", text)
    writer.measure(Measure("population", "", "", "persons"), "person", "boolean", "true")
