"""A system is loaded as written, and every fault is named with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_system import LAW, write_system

from microsim.errors import InputError
from microsim.policy import vocabulary
from microsim.policy.loading import load_system
from microsim.results import contents

CORESIA = Path(__file__).parent.parent / "data" / "coresia" / "baseline.yaml"


@pytest.fixture(scope="module")
def coresia():
    return load_system(CORESIA)


def test_vocabulary__agrees_with_the_results_contract():
    assert vocabulary.PAYERS == contents.PAYERS
    assert vocabulary.KINDS == contents.KINDS
    assert vocabulary.PILLARS == contents.PILLARS
    assert vocabulary.FUNCTIONS == contents.FUNCTIONS
    assert vocabulary.FUND_KINDS == contents.FUND_KINDS
    assert vocabulary.FUND_TIMINGS == contents.FUND_TIMINGS
    assert vocabulary.RECEIPT_LINES | vocabulary.EXPENDITURE_LINES | {"reserve opening"} == set(
        vocabulary.LINES
    )


def test_load_system__reads_coresia_without_warnings(coresia):
    assert (coresia.name, coresia.country, coresia.currency) == ("Coresia", "CRS", "CRD")
    assert coresia.warnings == ()
    assert len(coresia.files) == 5
    assert all(len(file.sha256) == 64 for file in coresia.files)
    assert coresia.incomes_market == ("earnings", "self_employment_income")
    assert coresia.poverty_lines["national"] == "transfers.poverty_line"


def test_load_system__knows_the_standard_columns(coresia):
    inputs = coresia.definitions.inputs
    assert inputs["sex"].labels == ("male", "female")
    assert inputs["household_size"].of == "household"
    assert inputs["tenure"].default == 0.0
    assert inputs["union_member"].unit == "boolean"


def test_load_system__dates_values_by_the_first_of_the_month(coresia):
    levy = coresia.definitions.parameters["housing_levy.rate"]
    assert [(v.month // 12, v.month % 12 + 1, v.value, v.suspended) for v in levy.values] == [
        (2020, 1, 0.0, False),
        (2023, 7, 0.015, False),
        (2024, 2, 0.0, True),
        (2024, 3, 0.015, False),
    ]
    rate = coresia.definitions.parameters["fund.employee_rate"]
    assert rate.values[1].month == 2024 * 12 + 3  # 15 March is the law of April


def test_load_system__keeps_sources_and_places(coresia):
    limit = coresia.definitions.parameters["fund.upper_limit"]
    assert limit.values[1].source == "Fund notice, January 2024 (fictional)"
    assert limit.values[2].source == "Provident Fund Act 2020 (fictional), First Schedule"
    line = (
        CORESIA.parent.joinpath("law/pensions.yaml")
        .read_text()
        .splitlines()[limit.values[1].where.line - 1]
    )
    assert "2024-02-01: {value: 2000" in line


def test_load_system__orders_tables_and_codes_labels(coresia):
    cost = coresia.definitions.parameters["health.care_cost"]
    assert cost.keys == (("age", "years"), ("sex", "category"))
    np.testing.assert_array_equal(
        cost.values[0].value, [[0, 0, 10], [0, 1, 12], [60, 0, 40], [60, 1, 36]]
    )
    status = coresia.definitions.parameters["fund.contributing_statuses"]
    assert status.values[0].value == 0.0


def test_load_system__reads_cases_periods_and_fixed_points(coresia):
    variables = coresia.definitions.variables
    assert [case[:2] for case in variables["rent_subsidy"].cases] == [
        ('tenure != "tenant"', "0"),
        ("rent <= housing_levy.building_cost", "rent"),
        ("", "housing_levy.building_cost"),
    ]
    assert variables["fund_lump_sum"].period == "year"
    assert variables["is_formal"].period == "month"
    assert variables["top_up"].fixed_point == (0.0, 0.001)
    assert coresia.definitions.units["couple_with_children"].dependent.startswith("age < 18")


def test_load_system__reads_schemes(coresia):
    fund = coresia.schemes["provident_fund"]
    assert [one.payer for one in fund.contributions] == ["employees", "employers", "self-employed"]
    assert fund.contributions[2].due == "fund_voluntary_due"
    assert fund.administration.basis == "share_of_contributions"
    assert fund.given[0].values == {2023: 1.0e6, 2024: 1.1e6}
    assert fund.given[3].scheme == "public_pensions"
    assert fund.contributory
    assert not coresia.schemes["child_grant"].contributory
    assert coresia.schemes["child_grant"].benefits[0].of == "household"
    assert coresia.schemes["public_pensions"].administration.parameter
    assert coresia.schemes["sick_pay"].partial
    assert coresia.taxes["housing_levy_employer"].earmarked_for == "housing_fund"


def test_load_system__reads_the_small_system(tmp_path):
    assert load_system(write_system(tmp_path)).warnings == ()


FAULTS = {
    "unknown key": ("pillar:", "piller:", "unknown key 'piller'", "Did you mean 'pillar'?"),
    "unknown unit": (
        "unit: years, source: Act, values: {2020-01-01: 60",
        "unit: yeers, source: Act, values: {2020-01-01: 60",
        "law.yaml:3: 'unit' of parameter pension.age; found yeers",
        "Did you mean 'years'?",
    ),
    "no source": (
        "age: {unit: years, source: Act, ",
        "age: {unit: years, ",
        "law.yaml:3: parameter pension.age has no source",
        "Name the law",
    ),
    "no such day": ("2024-03-15", "2024-02-30", "law.yaml:4: date", "expected YYYY-MM-DD"),
    "not a number": ("0.06", "six", "law.yaml:4: value of parameter pension.rate; found six", ""),
    "thresholds": ("[100, 0.2]", "[0, 0.2]", "law.yaml:10: thresholds of schedule tax.bands", ""),
    "row": ("[100, 0.2]", "[100]", "law.yaml:10: row of schedule tax.bands", ""),
    "incomplete": (", [60, female, 4]", "", "table tax.steps is not complete; found 3 rows", ""),
    "keys twice": ("[60, female, 4]", "[60, male, 4]", "has the keys [60.0, 0.0] twice", ""),
    "label": ("[60, female, 4]", "[60, femal, 4]", "cell of table tax.steps; found femal", ""),
    "pillar": ("social insurance", "insurance", "'pillar' of scheme fund", "one of"),
    "function": ("OLD", "AGE", "'function' of benefit grant of scheme fund; found AGE", ""),
    "kind": ("cash periodic", "cash", "'kind' of benefit grant", "cash periodic"),
    "payer": ("payer: employees", "payer: workers", "'payer' of contribution employee", ""),
    "boolean": ("means_tested: true", "means_tested: yes", "found yes; expected true or false", ""),
    "variable": ("eligible: poor", "eligible: por", "'eligible' of benefit", "'poor'?"),
    "variable unit": ("eligible: poor", "eligible: grant", "unit of 'grant'; found currency", ""),
    "income": ("[earnings]", "[earning]", "'market' of incomes; found earning", "'earnings'?"),
    "income unit": ("[earnings]", "[age]", "unit of 'age'; found years", ""),
    "shares": (
        "{general_revenue: 0.5}",
        "{general_revenue: 0.7, external: 0.4}",
        "financing of scheme fund; found 0.7 + 0.4",
        "sum to at most 1",
    ),
    "earmarked": (
        "kind: income tax",
        "kind: earmarked tax, earmarked_for: fnd",
        "tax income_tax is earmarked for an unknown scheme; found fnd",
        "Did you mean 'fund'?",
    ),
    "earmarked kind": ("kind: income tax", "kind: earmarked tax", "together with", ""),
    "owner": ("grant: {of: household", "grant: {of: famly", "'of' of variable grant", "famly"),
    "twice": ("poor: {of", "rent: {of", "'rent' is declared twice", "small/law.yaml:"),
    "standard": ("poor: {of", "age: {of", "'age' is declared twice", "standard columns"),
    "keyword": ("poor: {of", "lambda: {of", "'lambda' cannot be the name of a variable", ""),
    "reserved": ("poor: {of", "frame: {of", "'frame' cannot be the name", "another name"),
    "country": ("SML", "sml", "'country' of the system file; found sml", "ISO 3166"),
    "retirement": ("retirement_age: pension.age", "retirement_age: pension.rate", "share", "years"),
    "line": ("frame.poverty_line_300", "poverty", "'poverty_lines' of the system file", ""),
    "include": ("[law.yaml]", "[lw.yaml]", "cannot read", "Did you mean 'law.yaml'?"),
    "include twice": ("[law.yaml]", "[law.yaml, law.yaml]", "is included twice", ""),
    "both": ("formula: 0", 'formula: 0, cases: [{otherwise: "0"}]', "found both", ""),
    "neither": (", formula: 0", "", "found neither", "either 'formula' or 'cases'"),
    "last case": (
        "formula: 0",
        'cases: [{when: poor, then: "1"}]',
        "variable grant may match no case",
        "otherwise",
    ),
    "period": ("formula: 0", "period: year, formula: 0", "'period' of variable grant", ""),
    "counted twice": (
        "variable: grant,",
        "variable: pension_income,",
        "benefit grant of scheme fund would be counted twice",
        "",
    ),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_load_system__names_the_fault(tmp_path, name):
    old, new, *words = FAULTS[name]
    path = write_system(tmp_path, old, new)
    with pytest.raises(InputError) as caught:
        load_system(path)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "side"),
    [
        ("    financing: {general_revenue: 0.5}\n", "", "only expenditure"),
        ("    benefits:\n", "    partial: false\n    benefit:\n", "only receipts"),
    ],
)
def test_load_system__names_schemes_with_one_side(tmp_path, old, new, side):
    law = LAW.replace(
        "    contributions:\n      employee: {variable: contribution, payer: employees}\n", ""
    )
    with pytest.raises(InputError, match=side):
        load_system(write_system(tmp_path, old, new, law))


def test_load_system__lets_a_partial_scheme_have_one_side(tmp_path):
    law = LAW.replace(
        "    contributions:\n      employee: {variable: contribution, payer: employees}\n", ""
    )
    old, new = "    financing: {general_revenue: 0.5}\n", "    partial: true\n"
    system = load_system(write_system(tmp_path, old, new, law))
    assert system.schemes["fund"].partial


def test_load_system__reports_all_faults_of_all_files_at_once(tmp_path):
    path = write_system(tmp_path, "0.06", "six")
    path.write_text(path.read_text().replace("SML", "Small").replace("[earnings]", "[wages]"))
    with pytest.raises(InputError, match="six") as caught:
        load_system(path)
    assert len(caught.value.faults) == 3


def test_load_system__warns_of_a_value_that_is_never_the_law(tmp_path):
    path = write_system(tmp_path, "2024-03-15: 0.06", "2024-03-15: 0.06, 2024-04-01: 0.07")
    warnings = load_system(path).warnings
    assert "value of pension.rate from 2024-03-15 is never the law of a month" in str(warnings[0])


def test_load_system__names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing\.yaml"):
        load_system(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("{line: benefit, values: {2024: 1}, source: x}", "'line' of given line"),
        ("{line: benefits, values: {2024: 1}, source: x}", "has no 'function'"),
        ("{line: external, values: {2024: 1}, source: x, function: OLD}", "the line is 'external'"),
        ("{line: external, values: {24: 1}, source: x}", "year of given line"),
        ("{line: external, values: {2024: 1}}", "has no 'source'"),
        ("{line: transfers to schemes, values: {2024: 1}, source: x}", "has no 'scheme'"),
        (
            "{line: transfers to schemes, values: {2024: 1}, source: x, scheme: fnud}",
            "Did you mean 'fund'?",
        ),
    ],
)
def test_load_system__checks_given_lines(tmp_path, given, fault):
    old = "    financing: {general_revenue: 0.5}\n"
    path = write_system(tmp_path, old, f"{old}    given:\n      - {given}\n")
    with pytest.raises(InputError) as caught:
        load_system(path)
    assert fault in str(caught.value)


FUND = "    financing: {general_revenue: 0.5}\n"
STOCKS = """\
variables:
  balance: {of: person, unit: currency, period: year, formula: 0}
  balance_a_month: {of: person, unit: currency, period: month, formula: 0}
  of_household: {of: household, unit: share, formula: 0}
  part: {of: person, unit: share, formula: 0.5}
"""


def with_fund(folder: Path, fund: str, given: str = "") -> Path:
    """Write the small system with a fund."""
    text = LAW.replace("variables:\n", STOCKS).replace(FUND, f"{FUND}    fund: {fund}\n{given}")
    return write_system(folder, law=text)


def test_load_system__reads_a_fund(tmp_path):
    path = with_fund(
        tmp_path,
        "{kind: defined contribution, returns: pension.rate, opening: {2025: 5.0e9}, "
        "timing: start, target_ratio: 3, balances: balance, new_awards_value: balance, "
        "closed: true, accrued_share: part}",
    )
    fund = load_system(path).schemes["fund"].fund
    assert fund.kind == "defined contribution"
    assert (fund.returns, fund.opening, fund.timing) == ("pension.rate", {2025: 5.0e9}, "start")
    assert (fund.target_ratio, fund.closed) == (3.0, True)
    assert (fund.balances, fund.new_awards_value) == ("balance", "balance")
    assert fund.accrued_share == "part"
    path = with_fund(tmp_path, "{kind: defined benefit}")
    bare = load_system(path).schemes["fund"].fund
    assert (bare.timing, bare.target_ratio, bare.returns) == ("mid-year", None, "")


@pytest.mark.parametrize(
    ("fund", "fault"),
    [
        ("{returns: frame.interest, opening: {2025: 1}}", "fund of scheme fund has no 'kind'"),
        ("{kind: defined, returns: frame.interest, opening: {2025: 1}}", "Did you mean"),
        (
            "{kind: defined benefit, returns: pension.rat, opening: {2025: 1}}",
            r"law\.yaml:\d+: 'returns' of fund of scheme fund; found pension\.rat; expected "
            r"frame\.series or the name of a parameter\. Did you mean 'pension.rate'",
        ),
        (
            "{kind: defined benefit, returns: pension.age, opening: {2025: 1}}",
            "unit of 'pension.age'; found years; expected share or share/year",
        ),
        (
            "{kind: defined benefit, returns: frame.interest}",
            "fund of scheme fund has no opening reserve; expected opening: {year: amount}, or",
        ),
        (
            "{kind: defined benefit, opening: {2025: 1}}",
            "fund of scheme fund has a reserve but no returns",
        ),
        (
            "{kind: defined benefit, returns: frame.interest, opening: {25: 1, 2025: x}}",
            r"(?s)year of fund of scheme fund; found 25.*opening of fund of scheme fund; found x",
        ),
        (
            "{kind: defined contribution, returns: frame.interest, opening: {2025: 1}}",
            "fund of scheme fund has no 'balances'",
        ),
        (
            "{kind: defined contribution, balances: balance_a_month}",
            "'balances' of fund of scheme fund; found balance_a_month; expected a variable with "
            "period: year",
        ),
        (
            "{kind: defined benefit, accrued_share: of_household}",
            "'accrued_share' of fund of scheme fund; found of_household; expected a variable of "
            "persons",
        ),
        ("{kind: defined benefit, accrued_share: balance}", "unit of 'balance'; found currency"),
        ("{kind: defined benefit, target_ratio: -1}", "expected years of expenditure, 0 or more"),
        ("{kind: defined benefit, timing: noon}", "expected one of mid-year, half-interest, start"),
    ],
)
def test_load_system__checks_funds(tmp_path, fund, fault):
    with pytest.raises(InputError, match=fault):
        load_system(with_fund(tmp_path, fund))


def test_load_system__checks_a_fund_against_given_lines(tmp_path):
    given = """\
    given:
      - {line: reserve opening, values: {2025: 1}, source: x}
      - {line: investment income, values: {2025: 1}, source: x, index: gdp}
"""
    fund = "{kind: defined benefit, returns: pension.rate, opening: {2025: 1}}"
    with pytest.raises(InputError, match=r"(?s)states the opening reserve twice; found also at .*"):
        load_system(with_fund(tmp_path, fund, given))
    with pytest.raises(InputError, match="investment income follows gdp beside the returns"):
        load_system(with_fund(tmp_path, fund, given))
