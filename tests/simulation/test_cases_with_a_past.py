"""Worked cases state values of years before, and those of a late spouse or parent."""

from __future__ import annotations

import json

import pytest
from small_system import LAW, write_system
from typer.testing import CliRunner

from microsim.cli.main import build
from microsim.errors import InputError
from microsim.scenario.cases import load_cases
from microsim.simulation.explain import as_text
from microsim.simulation.explaining import explain_case
from microsim.simulation.household import check_case, evaluate

VARIABLES = """\
variables:
  paid: {of: person, unit: currency/year, formula: year(contribution)}
  balance: {of: person, unit: currency/year, formula: "previous(balance) * 1.1 + paid"}
  months: {of: person, unit: months, period: year, formula: "previous(months, age) + 12"}
  best: {of: person, unit: currency/year, formula: "best_years(paid, 2, 4)"}
  first_year: {of: person, unit: boolean, period: year, formula: "previous(first_year, true) and age < 30"}
  widow_pension: {of: person, unit: currency/year, formula: "0.5 * of(late_spouse, previous(balance), 0) if has(late_spouse) else 0"}
  was: {of: person, unit: boolean, period: year, formula: "previous(employment_status) == 'unemployed'"}
"""
CASE = """\
name: a family
source: worked by hand
year: 2025
system: baseline.yaml
members:
  - name: Amina
    age: 40
    earnings: 100
    previous: {balance: 1000, months: 30, paid: [10, 90, 50, 20], employment_status: unemployed}
    late_spouse: {balance: 500}
  - {name: Juma, age: 20, earnings: 50}
show: [balance, months, best, first_year, widow_pension, was]
expect: {balance: {Amina: 1172, Juma: 36}}
"""


def write(folder, old="", new=""):
    law = LAW.replace("variables:\n", VARIABLES).replace("welfare < 10", "welfare > 0")
    path = write_system(folder, law=law).parent / "family.yaml"
    assert not old or CASE.count(old) == 1, old
    path.write_text(CASE.replace(old, new) if old else CASE)
    return path


def test_values_of_years_before__are_read_by_rules(tmp_path):
    (case,) = load_cases(write(tmp_path))
    found = {name: values[0].tolist() for name, values in evaluate(case).values.items()}
    assert found == {
        "balance": pytest.approx([1100 + 72, 36]),
        "months": [42, 32],  # Juma has no year before: his age stands in
        "best": [90 + 72, 36],
        "first_year": [0, 1],
        "widow_pension": [250, 0],
        "was": [1, 0],
    }
    assert all(check.holds for check in check_case(case))


def test_a_year_before_without_values__is_one_of_zeros(tmp_path):
    (case,) = load_cases(write(tmp_path, "earnings: 50}", "earnings: 50, previous: {}}"))
    found = {name: values[0].tolist() for name, values in evaluate(case).values.items()}
    assert found["months"] == [42, 12]
    assert found["first_year"] == [0, 0]


def test_a_range_of_an_input__keeps_the_years_before(tmp_path):
    (case,) = load_cases(
        write(
            tmp_path,
            "show:",
            "vary: {input: earnings, member: Juma, from: 0, to: 100, step: 50}\nshow:",
        )
    )
    assert evaluate(case).values["balance"][:, 0].tolist() == pytest.approx([1172] * 3)


def test_members_without_a_year_before__are_named(tmp_path):
    path = write(tmp_path)
    assert evaluate(load_cases(path)[0]).without_past == ("Juma",)
    assert evaluate(load_cases(path)[0], wanted=("grant",)).without_past == ()
    printed = CliRunner().invoke(build(("household",)), ["household", str(path)]).output
    assert "No year before is stated for Juma: what rules read of it is initial." in printed
    printed = (
        CliRunner()
        .invoke(build(("household",)), ["household", str(path), "--format", "json"])
        .output
    )
    assert json.loads(printed)[0]["without_year_before"] == ["Juma"]


def test_explain__shows_years_before_in_words(tmp_path):
    found = explain_case(write(tmp_path), ["balance", "best", "widow_pension", "was"])
    text = as_text(found.steps, found.members)
    assert "input balance of the year before: Amina 1,000, Juma 0" in text
    assert "input paid 3 years before: Amina 50, Juma 0" in text
    assert "input has a late spouse: Amina yes, Juma no" in text
    assert "input balance of the late spouse, the year before: Amina 500, Juma 0" in text
    assert "input employment_status of the year before: Amina unemployed" in text


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("months: 30", "month: 30", "unknown name 'month' in previous of Amina of case 'a family'; expected a yearly variable or an input of persons. Did you mean 'months'?"),
        ("months: 30", "contribution: 30", "'contribution' in previous of Amina of case 'a family'; found a monthly variable; expected a yearly variable or an input of persons"),
        ("months: 30", "grant: 30", "'grant' in previous of Amina of case 'a family'; found it is of each household"),
        ("months: 30", "months: many", "value of months in previous of Amina of case 'a family'; found many"),
        ("months: 30", "months: []", "months of previous of Amina of case 'a family'; found 0; expected 1 to 59 values, last year's first"),
        ("status: unemployed", "status: idle", "label of employment_status in previous of Amina"),
        ("late_spouse: {balance", "late_spouse: {balanse", "unknown name 'balanse' in late_spouse of Amina"),
        ("late_spouse: {balance", "late_wife: {balance", "unknown key 'late_wife' in member of case 'a family'"),
        ("late_spouse: {balance: 500}", "late_spouse: 500", "'late_spouse' of Amina of case 'a family'; found 500; expected a mapping"),
    ],
)  # fmt: skip
def test_a_fault__is_named_with_its_place(tmp_path, old, new, fault):
    with pytest.raises(InputError) as caught:
        load_cases(write(tmp_path, old, new))
    assert fault in str(caught.value)
    assert "family.yaml:" in str(caught.value)
