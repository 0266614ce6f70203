"""Every fault of a formula is named, with its place and what to do; nothing a file holds is ever
executed.
"""

from __future__ import annotations

import re

import pytest
from small_rules import PLACE, SEX, faults_of, law, with_variable

from microsim.errors import FaultList, InputError
from microsim.language.definitions import UnitDefinition
from microsim.language.graph import Builder, Graph


def fault_of(formula: str, **more: object) -> str:
    """Return the one fault of a formula."""
    found = faults_of(with_variable(law(), "x", formula, **more))
    assert len(found) == 1, found
    return found[0]


def holds(formula: str, **more: object) -> None:
    """Check that a formula has no fault."""
    assert faults_of(with_variable(law(), "x", formula, **more)) == []


NAMES = {
    "earning * tax.rate": "unknown name `earning`. Did you mean earnings",
    "earnings * tax.rates": "unknown name `tax.rates`. Did you mean tax.rate",
    "frame.wages": "unknown name `frame.wages`. Did you mean frame.wage",
    "minimum(earnings, 0)": "unknown function `minimum`. Did you mean min",
    "earnings if status == 'employe' else 0": "unknown label; found 'employe'; expected one of 'employee', 'own-account', 'retired'. Did you mean employee",
    "earnings if status in ('employee', 'pensioner') else 0": "unknown label; found 'pensioner'",
    "earnings if 'woman' == sex else 0": "unknown label; found 'woman'; expected one of 'male', 'female'",
    "lookup(grant.tabel, age, sex)": "unknown name `grant.tabel`. Did you mean grant.table",
    "schedule(earnings, tax.band)": "unknown name `tax.band`. Did you mean tax.bands",
    "of(husband, earnings, 0)": "`of` needs a link first; expected head, spouse, mother, father",
    "has(wife) and 1": "`has` needs a link first",
    "sum(families, earnings)": "`sum` needs first whom it goes over; expected household, family",
}


@pytest.mark.parametrize(("formula", "message"), NAMES.items(), ids=list(NAMES))
def test_names__are_known_or_a_fault_with_a_suggestion(formula, message):
    assert message in fault_of(formula)


UNITS = {
    "earnings + tax.rate": "these do not go together; found currency/month and share; expected one unit on both sides",
    "earnings + 5": "An amount of money must be a parameter with a unit",
    "earnings > 5 and true": "An amount of money must be a parameter with a unit",
    "earnings * earnings": "wrong type or unit; found currency^2/month^2; expected currency/month",
    "tax.rate": "wrong type or unit; found share; expected currency/month",
    "earnings + bonus": "Cross between months and years with year(x) or month(x)",
    "bonus": "Cross between months and years with year(x) or month(x)",
    "min(earnings, age)": "the arguments of `min` do not go together; found currency/month and years",
    "earnings if age else 0": "wrong type or unit; found years; expected boolean",
    "earnings if not age else 0": "wrong type or unit; found years; expected boolean",
    "earnings if age < 18 and age else 0": "wrong type or unit; found years; expected boolean",
    "earnings if sex < 'female' else 0": "categories have no order; found <; expected == or !=",
    "earnings if sex == status else 0": "these do not go together",
    "earnings * exp(earnings)": "`exp` takes plain numbers; found currency/month",
    "earnings * disabled": "a number is needed here; found boolean; expected a number",
    "-disabled": "a number is needed here",
    "schedule(age, tax.bands)": "wrong type or unit; found years; expected currency/month",
    "lookup(grant.table, earnings, sex)": "wrong type or unit; found currency/month; expected years",
    "lookup(grant.table, age, status)": "wrong type or unit; found category; expected category",
    "lookup(grant.table, age)": "`lookup(grant.table, ...)` has the wrong number of arguments; found 2; expected 3",
    "schedule(earnings, tax.rate)": "`tax.rate` is a scalar; expected a schedule",
    "lookup(tax.bands, age)": "`tax.bands` is a schedule; expected a table",
    "earnings * tax.bands": "`tax.bands` is a schedule. Use schedule(x, tax.bands",
    "grant.table": "`grant.table` is a table. Use lookup(grant.table",
    "earnings if happens(earnings, 'a') else 0": "wrong type or unit; found currency/month; expected share",
    "of(spouse, earnings, age)": "these do not go together; found currency/month and years",
    "of(spouse, earnings)": "`of` has the wrong number of arguments; found 2; expected 3",
    "clip(earnings, 0)": "`clip` has the wrong number of arguments; found 2; expected 3",
    "min(earnings)": "`min` has the wrong number of arguments; found 1; expected 2 to 99",
    "abs(earnings, earnings)": "`abs` has the wrong number of arguments",
    "happens(tax.rate, decision) and true": "a draw needs the name of its decision",
    "propensity('') * earnings": "a draw needs the name of its decision",
    "earnings if age in 18 else 0": "`in` needs a list of values",
    "sum(household, disabled)": "a number is needed here",
    "earnings * count(household, age)": "wrong type or unit; found years; expected boolean",
    "'employee'": "a text or special constant cannot stand here",
    "earnings * 1e999": "a text or special constant cannot stand here: inf",
    "None": "a text or special constant cannot stand here",
}  # fmt: skip


@pytest.mark.parametrize(("formula", "message"), UNITS.items(), ids=list(UNITS))
def test_types_and_units__must_go_together(formula, message):
    assert message in fault_of(formula)


def test_months_and_years__are_crossed_in_writing_only():
    monthly = with_variable(law(), "wage", "earnings")
    yearly = with_variable(law(), "credit", "tax.credit", unit="currency/year")
    (found,) = faults_of(with_variable(monthly, "x", "wage", unit="currency/year"))
    assert "`wage` is per month, but the formula around it is per year. Write year(wage)." in found
    (found,) = faults_of(with_variable(yearly, "x", "credit"))
    assert (
        "`credit` is per year, but the formula around it is per month. Write month(credit)."
        in found
    )
    assert re.search(
        "`month.* belongs in monthly formulas", fault_of("month(tax.credit)", unit="currency/year")
    )
    assert re.search("`year.* belongs in yearly formulas", fault_of("year(earnings)"))
    assert re.search("`december.* belongs in yearly formulas", fault_of("december(earnings)"))
    assert "category cannot be summed" in fault_of("year(sex)", unit="currency/year")
    assert faults_of(with_variable(monthly, "x", "year(wage)", unit="currency/year")) == []
    assert faults_of(with_variable(yearly, "x", "month(credit)")) == []


def test_year__makes_months_of_conditions_and_years_of_amounts():
    holds("year(disabled)", unit="months", period="year")
    holds("year(earnings) / year(disabled) * 1", of="person", unit="currency/year")
    holds("month(tax.credit)")
    assert "expected currency/month" in fault_of(
        "year(earnings)", unit="currency/month", period="year"
    )


def test_units_of_people__aggregate_upwards_and_read_downwards():
    assert re.search(
        r"`earnings` belongs to each person, the formula to the household. Aggregate it, for example sum\(members, earnings\)",
        fault_of("earnings", of="household"),
    )
    assert "`earnings` belongs to each person, the formula to the family" in fault_of(
        "earnings", of="family"
    )
    families = with_variable(law(), "due", "sum(members, earnings)", of="family")
    (found,) = faults_of(with_variable(families, "x", "due", of="household"))
    assert "`due` belongs to each family, the formula to the household" in found
    assert "sum(family, due)" in found
    for formula, of in {
        "due": "person",
        "sum(family, due)": "household",
        "due + rent": "family",
        "sum(family, earnings)": "person",
    }.items():
        assert faults_of(with_variable(families, "x", formula, of=of)) == []
    assert "`sum` needs first whom it goes over; expected household, family" in fault_of(
        "sum(members, earnings)"
    )
    assert "`of` works in person formulas only; found household" in fault_of(
        "of(head, rent)", of="household"
    )
    assert "draws belong to persons or households; found family" in fault_of(
        "rent if happens(0.5, 'a') else 0", of="family"
    )


CODE = {
    "().__class__.__bases__[0].__subclasses__()": "unknown function",
    "earnings.__class__": "unknown name `earnings.__class__`",
    "__import__('os').system('true')": "unknown function",
    "__builtins__": "unknown name `__builtins__`",
    "open('/etc/passwd')": "unknown function `open`",
    "eval('1')": "unknown function `eval`",
    "earnings[0]": "not part of the rule language",
    "lambda: 0": "not part of the rule language",
    "[earnings for x in (1, 2)]": "not part of the rule language",
    "sum(x for x in (1, 2))": "`sum` needs first whom it goes over",
    "{1: earnings}": "not part of the rule language",
    "(earnings, earnings)": "not part of the rule language",
    "f'{earnings}'": "not part of the rule language",
    "(y := earnings)": "not part of the rule language",
    "earnings ** 99999999": r"this operator is not part of the rule language. Use \+ - \* / or pow",
    "earnings // 2": "this operator is not part of the rule language",
    "earnings % 2": "this operator is not part of the rule language",
    "earnings @ 2": "this operator is not part of the rule language",
    "earnings << 2": "this operator is not part of the rule language",
    "~earnings": "this operator is not part of the rule language",
    "earnings if age is 3 else 0": "this comparison is not part of the rule language",
    "min(*earnings)": "`min` takes plain arguments only",
    "max(earnings, 0, key=abs)": "`max` takes plain arguments only",
    "await earnings": "cannot read the formula|not part of the rule language",
    "yield earnings": "cannot read the formula|not part of the rule language",
    "earnings; import os": "cannot read the formula",
    "import os": "cannot read the formula",
    "earnings = 3": "cannot read the formula",
    "earnings\n) or (earnings": "cannot read the formula.*unbalanced brackets",
    "earnings +": "cannot read the formula `earnings \\+`",
    "earnings * (tax.rate": "cannot read the formula",
    "": "cannot read the formula ``: it is empty",
    "earnings) + (rent": "cannot read the formula .*: unbalanced brackets",
    "b'bytes' and true": "special constant",
    "earnings * 1j": "special constant",
    "...": "special constant",
    "\x00": "cannot read the formula",
    "min(earnings, min)": "unknown name `min`",
    "frame": "unknown name `frame`",
    "tax": "unknown name `tax`",
    "earnings.tax.rate": "unknown name `earnings.tax.rate`",
    "(earnings + 0).real": "is not a name",
    "print.me(earnings)": "unknown function `print.me`",
    "min.__call__(earnings, 0)": "unknown function `min.__call__`",
    "(lambda: min)()(earnings, 0)": "unknown function",
}


@pytest.mark.parametrize(("formula", "message"), CODE.items(), ids=range(len(CODE)))
def test_code__is_a_fault_and_is_never_executed(formula, message):
    assert re.search(message, fault_of(formula), re.DOTALL), fault_of(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "(" * 5000 + "earnings" + ")" * 5000,
        "-" * 15000 + "earnings",
        "not " * 4000 + "disabled",
        "min(earnings, " * 900 + "earnings" + ")" * 900,
        " + ".join(["earnings"] * 1800),
        "earnings if disabled else " * 700 + "earnings",
        "earnings" + " " * 30_000 + "* 1",
        "9" * 10_000 + " * earnings",
    ],
    ids=range(8),
)
def test_deep_and_long_formulas__are_read_or_a_fault_but_never_crash(formula):
    for text in faults_of(with_variable(law(), "x", formula)):
        assert re.search(r"law.yaml:12", text)
        assert re.search(
            "nested too deeply|cannot read|too long|constant|wrong type|operator", text
        )


def test_faults__name_file_line_and_column():
    assert fault_of("earnings * wrong").startswith(
        "law.yaml:12, column 12 of `earnings * wrong`: unknown name `wrong`"
    )
    text = "earnings\n  + earnings\n  + wrong"
    assert "law.yaml:14, column 4" in fault_of(text)


def test_faults__of_all_formulas_are_reported_at_once():
    definitions = with_variable(law(), "a", "wrong1")
    definitions = with_variable(definitions, "b", "wrong2", unit="currency/year")
    definitions = with_variable(definitions, "c", "", cases=[("wrong3", "wrong4"), ("", "wrong5")])
    faults = FaultList()
    Builder(Graph(), faults).add(definitions)
    with pytest.raises(InputError, match="wrong1") as caught:
        faults.raise_if_any()
    assert sorted(re.findall(r"unknown name `wrong(\d)`", str(caught.value))) == list("12345")


def test_a_fault__is_not_repeated_by_those_who_read_the_variable():
    definitions = with_variable(law(), "a", "wrong")
    definitions = with_variable(definitions, "b", "a * tax.rate")
    assert len(faults_of(definitions)) == 1


@pytest.mark.parametrize(
    ("formulas", "cycle"),
    [
        ({"a": "a * tax.rate"}, "a -> a"),
        ({"a": "b", "b": "c", "c": "a + earnings"}, "a -> b -> c -> a"),
        ({"a": "sum(household, b)", "b": "of(spouse, a, 0)"}, "a -> b -> a"),
        ({"a": "earnings if disabled else b", "b": "max(a, 0)"}, "a -> b -> a"),
    ],
)
def test_cycles__are_named(formulas, cycle):
    definitions = law()
    for name, formula in formulas.items():
        definitions = with_variable(definitions, name, formula)
    (found,) = faults_of(definitions)
    assert re.search(f"formulas depend on themselves: {cycle}", found)


def test_cycles__through_months_and_years_are_named():
    definitions = with_variable(law(), "a", "month(b)")
    definitions = with_variable(definitions, "b", "year(a)", unit="currency/year")
    (found,) = faults_of(definitions)
    assert re.search("formulas depend on themselves: a -> b -> a", found)


def test_a_unit__may_not_depend_on_itself():
    definitions = law()
    definitions.units["kin"] = UnitDefinition(
        "kin", "couple with dependent children", "count(kin) > 2", "own", PLACE
    )
    (found,) = faults_of(with_variable(definitions, "x", "sum(kin, earnings)"))
    assert re.search("the rule of unit `kin` depends on the unit itself", found)


def test_a_unit__whose_rule_is_wrong_is_a_fault():
    definitions = law()
    definitions.units["kin"] = UnitDefinition(
        "kin", "couple with dependent children", "agee < 18", "own", PLACE
    )
    (found,) = faults_of(with_variable(definitions, "x", "sum(kin, earnings)"))
    assert re.search("unknown name `agee`. Did you mean age", found)


HOLD = [
    ("earnings * tax.rate", {}),
    ("tax.rate * earnings + 0", {}),
    ("earnings / 2 - -earnings", {}),
    ("earnings * (bonus / tax.credit)", {}),
    ("earnings if 18 <= age < 60 else 0", {}),
    ("earnings if sex in ('male',) else 0", {}),
    ("earnings if sex not in ('male', 'female') else 0", {}),
    ("0 if disabled else earnings", {}),
    ("lookup(grant.table, age, sex)", {}),
    ("lookup(grant.table, age, 'female')", {}),
    ("lookup(grant.table, 30, grant.who)", {}),
    ("schedule(max(earnings - rent, 0), tax.bands)", {}),
    ("round(earnings, grant.amount)", {}),
    ("count(household, age < 18) * grant.amount", {}),
    ("of(mother, earnings, rent)", {}),
    ("of(head, earnings)", {}),
    ("max(household, earnings)", {}),
    ("frame.wage * 0.5", {}),
    ("'male' if disabled else sex", {"unit": "category", "labels": SEX}),
    ("true", {"unit": "boolean"}),
    ("grant.open and has(spouse)", {"unit": "boolean"}),
    ("propensity('x') < tax.rate", {"unit": "boolean"}),
    ("count(family)", {"unit": "count", "of": "household"}),
    ("sum(members, earnings) / count(members)", {"of": "household"}),
    ("december(disabled)", {"unit": "boolean", "period": "year"}),
    ("pow(1 + tax.rate, 2) * earnings", {}),
]


@pytest.mark.parametrize(("formula", "more"), HOLD, ids=[text for text, _ in HOLD])
def test_well_typed_formulas__hold(formula, more):
    holds(formula, **more)
