"""A reform replaces, phases in, abolishes and adds; whatever it cannot do is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_system import write_system

from microsim.errors import InputError
from microsim.files import month_index
from microsim.policy.changes import changes_nothing
from microsim.policy.dated import value_at
from microsim.policy.loading import load_system
from microsim.policy.reforms import apply, load_reform, set_parameter

CORESIA = Path(__file__).parent.parent / "data" / "coresia"


@pytest.fixture(scope="module")
def coresia():
    return load_system(CORESIA / "baseline.yaml")


@pytest.fixture
def small(tmp_path):
    return load_system(write_system(tmp_path))


def reformed(tmp_path, system, text):
    path = tmp_path / "small" / "reform.yaml"
    path.write_text(text)
    return apply(system, load_reform(path, system))


def test_apply__universal_pension_changes_what_it_says(coresia):
    reform = load_reform(CORESIA / "reforms/universal_pension.yaml", coresia)
    after = apply(coresia, reform)
    parameters = after.definitions.parameters
    age = parameters["transfers.older_persons_age"]
    assert value_at(age, month_index(2024, 12)) == 70
    assert value_at(age, month_index(2025, 1)) == 65
    amount = parameters["universal.amount"]
    years = [value_at(amount, month_index(year, 6)) for year in range(2024, 2031)]
    assert years == [0, 10, 15, 20, 25, 30, 30]
    assert "older_persons_transfer" not in after.schemes
    assert "universal_pension" in after.schemes
    assert "older_persons_paid" in after.definitions.variables
    formula = after.definitions.variables["older_persons_eligible"].formula
    assert formula == "age >= transfers.older_persons_age"
    assert "older_persons_transfer" in coresia.schemes  # the baseline is not touched
    assert changes_nothing(coresia, coresia)


def test_apply__replaces_all_law_from_the_first_new_date_on(tmp_path, small):
    after = reformed(tmp_path, small, "reform: R\nreplace: {pension.rate: {2022-01-01: 0.1}}\n")
    values = after.definitions.parameters["pension.rate"].values
    assert [(value.date, value.value) for value in values] == [
        ("2020-01-01", 0.05),
        ("2022-01-01", 0.1),
    ]
    assert values[1].source == "reform: R"


def test_apply__suspends_a_table_with_its_keys(coresia):
    reform = load_reform(CORESIA / "reforms/higher_contributions.yaml", coresia)
    premium = apply(coresia, reform).definitions.parameters["health.premium"]
    assert value_at(premium, month_index(2025, 5)).tolist() == [[0, 0], [60, 0], [120, 0]]
    assert value_at(premium, month_index(2025, 6)).tolist() == [[0, 3], [100, 6]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "replace: {pension.rat: {2025-01-01: 1}}",
            r"'pension\.rat'.* Did you mean 'pension\.rate'",
        ),
        ("replace: {pension.rate: 0.1}", "new values of parameter pension.rate; found 0.1"),
        ("replace: {pension.rate: {2025-01-01: x}}", "value of parameter pension.rate; found x"),
        ("replace: {tax.bands: {2025-01-01: 0.1}}", "value of schedule tax.bands; found 0.1"),
        ("abolish: [fnd]", r"unknown scheme or tax 'fnd'.* Did you mean 'fund'"),
        ("phase_in: {pension.x: {from: 2025-01-01}}", "phase_in names an unknown parameter"),
        (
            "phase_in: {pension.rate: {from: 2025-01-01, to: 2026-07-01, start: 0, end: 1}}",
            "whole years after 'from'",
        ),
        (
            "phase_in: {tax.bands: {from: 2025-01-01, to: 2026-01-01, start: 0, end: 1}}",
            "a parameter that is a number",
        ),
        ("", "changes nothing"),
        ("replace: {pension.rate: {2024-03-15: 0.06}}", "reform 'R' changes nothing"),
        ("add: {variables: {grant: {of: person, unit: count, formula: 1}}}", "declared twice"),
        (
            "abolish: [fund]\nadd: {taxes: {levy: {variable: contribution, kind: earmarked tax, "
            "origin: households, earmarked_for: fund}}}",
            "tax levy is earmarked for an unknown scheme",
        ),
        ("replace: {grant: {formla: 1}}", "unknown key 'formla'"),
    ],
)
def test_load_reform__names_the_fault(tmp_path, small, text, fault):
    with pytest.raises(InputError, match=fault):
        reformed(tmp_path, small, f"reform: R\n{text}\n")


def test_load_reform__reports_all_faults_at_once(tmp_path, small):
    text = "reform: R\nabolish: [a]\nreplace: {b: {2025-01-01: 1}}\nphase_in: {c: {}}\n"
    with pytest.raises(InputError, match="abolish") as caught:
        reformed(tmp_path, small, text)
    assert len(caught.value.faults) >= 3


def test_set_parameter__holds_for_the_whole_year(small):
    after = set_parameter(small, "pension.rate = 0.09", 2024)
    rate = after.definitions.parameters["pension.rate"]
    assert value_at(rate, month_index(2023, 12)) == 0.05
    assert {value_at(rate, month_index(2024, month)) for month in range(1, 13)} == {0.09}
    always = set_parameter(small, "pension.rate=0.09").definitions.parameters["pension.rate"]
    assert value_at(always, month_index(1990, 1)) == 0.09


def test_set_parameter__reads_schedules_and_forgets_the_index(coresia):
    after = set_parameter(coresia, "income_tax.bands=[[0, 0.2], [100, 0.3]]", 2025)
    bands = after.definitions.parameters["income_tax.bands"]
    assert value_at(bands, month_index(2025, 1)).tolist() == [[0, 0.2], [100, 0.3]]
    after = set_parameter(coresia, "fund.upper_limit=900", 2025)
    assert value_at(after.definitions.parameters["fund.upper_limit"], month_index(2027, 1)) == 900


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("pension.rate", "--set name=value"),
        ("pension.rat=1", r"Did you mean 'pension\.rate'"),
        ("pension.rate=high", "--set pension.rate=high: value of parameter pension.rate; found"),
        ("pension.rate=[1", "not YAML"),
        ("pension.rate=!!python/none", "tags are not allowed"),
    ],
)
def test_set_parameter__names_the_fault(small, setting, fault):
    with pytest.raises(InputError, match=fault):
        set_parameter(small, setting, 2024)
