"""Worked cases become households with positions, codes and expectations."""

from __future__ import annotations

from pathlib import Path

import pytest

from microsim.errors import InputError
from microsim.files import month_index
from microsim.scenario.cases import load_cases

CORESIA = Path(__file__).parent.parent / "data" / "coresia"

CASE = """\
cases:
  - name: one
    source: worked by hand
    date: 2024-03
    system: SYSTEM
    household: {urban: true, tenure: tenant}
    members:
      - {name: Amina, age: 34, sex: female, earnings: 500}
      - {name: Juma, age: 5, mother: Amina}
      - {name: Baraka, age: 36, spouse: Amina}
    draws: {"take up older persons transfer": false}
    expect:
      fund_employee: {Amina: 25}
      child_grant: 8
    show: [fund_employee]
    vary: {input: earnings, member: Amina, from: 0, to: 100, step: 10}
"""


def write_case(tmp_path, old="", new=""):
    text = CASE
    if old:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    # A case names its system by a path inside its own folder tree.
    country = tmp_path / "scenarios" / "coresia"
    if not country.exists():
        import shutil

        shutil.copytree(CORESIA, country)
    path = country / "cases" / "one.yaml"
    path.write_text(text.replace("SYSTEM", "../baseline.yaml"))
    return path


def test_load_cases__resolves_links_codes_and_expectations(tmp_path):
    (case,) = load_cases(write_case(tmp_path))
    assert (case.year, case.month, case.first_month) == (2024, 3, month_index(2024, 3))
    amina, juma, baraka = case.members
    assert (amina.head, amina.spouse, baraka.spouse) == (0, 2, 0)
    assert (juma.mother, juma.father, juma.spouse) == (0, -1, -1)
    assert amina.values == {"age": 34, "sex": 1, "earnings": 500}
    assert case.household == {"urban": 1, "tenure": 1}
    assert case.draws == {"take up older persons transfer": False}
    found = [(one.variable, one.position, one.value) for one in case.expect]
    assert found == [("fund_employee", 0, 25), ("child_grant", -1, 8)]
    assert case.vary.values() == [10.0 * i for i in range(11)]


def test_load_cases__reads_the_shipped_cases_of_coresia():
    cases = load_cases(CORESIA / "cases" / "payslip.yaml")
    assert [case.name for case in cases][1] == "the same in April 2024"
    assert cases[0].system is cases[1].system


def test_load_cases__reads_a_household_file_with_its_head_and_region():
    (case,) = load_cases(CORESIA / "cases" / "household.yaml")
    assert (case.year, case.month, case.region) == (2025, 0, "North")
    assert {member.head for member in case.members} == {1}
    assert case.frame.value("cpi", 2025) == 104


def test_load_cases__applies_the_reform_it_names(tmp_path):
    new = "system: SYSTEM\n    reform: ../reforms/universal_pension.yaml"
    (case,) = load_cases(write_case(tmp_path, "system: SYSTEM", new))
    assert "universal_pension" in case.system.schemes


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("mother: Amina", "mother: Aminah", "unknown member in mother of Juma"),
        ("mother: Amina", "mother: Juma", "'mother' of Juma of case 'one'"),
        ("mother: Amina", "mother: Amina, father: Amina", "another member than the mother"),
        ("mother: Amina", "spouse: Amina", "the spouse of Amina is someone else"),
        ("Baraka", "Juma", "two members are called Juma"),
        ("sex: female", "sex: woman", "label of input sex; found woman"),
        ("age: 5", "age: 130", "input age; found 130; expected 0 to 120"),
        ("age: 5", "age: 5.5", "input age; found 5.5; expected a whole number"),
        ("age: 5", "age: -1", "expected a whole number of 0 or more"),
        ("age: 5", "ages: 5", "Did you mean 'age'?"),
        ("name: Juma, age: 5,", "name: Juma,", "Juma of case 'one' has no 'age'"),
        ("age: 5", "age: 5, head: true, earnings: lots", "value of input earnings; found lots"),
        ("tenure: tenant", "tenure: renter", "label of input tenure; found renter"),
        ("tenure: tenant", "household_size: 3", "unknown key 'household_size'"),
        ("{Amina: 25}", "{Aminah: 25}", "unknown member in expected fund_employee"),
        ("{Amina: 25}", "{Amina: lots}", "value of expected fund_employee"),
        ("fund_employee: {", "fund_employe: {", "unknown variable 'fund_employe' in expect"),
        ("child_grant: 8", "child_grant: {Amina: 8}", "one value for the household"),
        ('transfer": false', 'transfer": perhaps', "expected true or false"),
        ("date: 2024-03", "date: March 2024", "'date' of case 'one'; found March 2024"),
        ("date: 2024-03", "date: 2024-03\n    year: 2024", "either date: YYYY-MM or year: YYYY"),
        ("    date: 2024-03\n", "", "found neither"),
        ("    source: worked by hand\n", "", "case 'one' has no 'source'"),
        ("system: SYSTEM", "system: ../base.yaml", "no such file"),
        ("system: SYSTEM", "system: ../../../../x.yaml", "leaves the folder tree"),
        ("show: [fund_employee]", "show: [fund]", "'show' of case 'one'; found fund"),
        ("step: 10", "step: 0", "a step above 0"),
        ("input: earnings", "input: sex", "'input' of vary of case 'one'; found sex"),
        ("input: earnings", "input: rent", "none: rent is of the household"),
        ("member: Amina, f", "member: Zed, f", "unknown member in vary"),
    ],
)
def test_load_cases__names_the_fault(tmp_path, old, new, fault):
    with pytest.raises(InputError) as caught:
        load_cases(write_case(tmp_path, old, new))
    assert fault in str(caught.value)


def test_load_cases__names_two_heads(tmp_path):
    path = write_case(tmp_path, "age: 5", "age: 5, head: true")
    path.write_text(path.read_text().replace("age: 36", "age: 36, head: true"))
    with pytest.raises(InputError, match="found 2 heads; expected one head"):
        load_cases(path)


def test_load_cases__wants_members(tmp_path):
    path = write_case(tmp_path)
    text = path.read_text()
    start, end = text.index("    members:"), text.index("    draws:")
    path.write_text(text[:start] + "    members: []\n" + text[end:])
    with pytest.raises(InputError, match="at least one member"):
        load_cases(path)
