"""Import of tax units: who they hold, how old, whose children; and the CPS sample as it ships."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from microsim.errors import InputError
from microsim.population import store
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.importing import import_survey
from microsim.shipped import folder

MAPPING = """\
mapping: tax units
source: a fictional register
currency: XYD
year: 2024
rows: tax units
household: {id: [wave, house]}
weight: {column: w, within_household: mean, because: families differ}
expand:
  persons: people
  spouse: {column: joint, is: 1}
  household_head: eldest unit head
  dependants:
    - {ages: [0, 17], count: minors, holders: [0, 17]}
    - {ages: [18, 40], rest: true, because: nothing else is known}
  female_share:
    {head of couple: 0, head with dependants: 1, head alone: 1, dependant: 0.5, because: a test}
  children: {up_to_age: 17, youngest_parent: 16, because: a test}
columns:
  age:
    head: age
    spouse: {column: age2, missing: {codes: 0, treatment: as head}}
  employment_status:
    cases:
      - {when: {age: "< 15"}, then: under working age}
      - {when: {earnings: "> 100", sex: female}, then: formal public employee}
      - {when: {earnings: "> 0"}, then: formal private employee}
      - {otherwise: home duties}
  sector: {constant: none}
  earnings: {unit: currency/year, head: wage, spouse: wage2, dependants: 0}
  self_employment_income: {constant: 0}
  pension_income: {constant: 0}
  severe_disability: {constant: false}
  orphan: {constant: false}
  urban: {constant: true}
  region: {column: state}
  welfare: {columns: [wage, wage2], unit: currency/year, across_rows: sum}
"""
HEADER = "wave,house,w,people,joint,age,age2,minors,wage,wage2,state"
ROWS = [
    "1,10,2,4,1,40,0,2,1200,600,North",  # a couple with two minors, the spouse's age unknown
    "1,10,4,2,0,66,0,0,2400,0,North",  # in the same house: an elderly with an adult dependant
    "2,10,3,1,0,16,0,1,0,0,South",  # a minor who is a head
]


def write(tmp_path: Path, rows: list[str], mapping: str = MAPPING) -> tuple[Path, Path]:
    (tmp_path / "units.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    (tmp_path / "map.yaml").write_text(mapping)
    return tmp_path / "units.csv", tmp_path / "map.yaml"


def test_import__expands_tax_units_to_persons(tmp_path: Path) -> None:
    population, report = import_survey(*write(tmp_path, ROWS))
    order = np.argsort(-population.households["size"].astype(int))
    large, small = (int(population.household_start[h]) for h in order)
    rows = [*range(large, large + 6), small]
    persons = {name: values[rows] for name, values in population.persons.items()}
    assert persons["age"][[0, 1, 4, 6]].tolist() == [40, 40, 66, 16]
    assert bool((persons["age"][[2, 3]] <= 17).all())
    assert 18 <= persons["age"][5] <= 40
    assert persons["sex"][[0, 1, 4, 6]].tolist() == [0, 1, 1, 1]
    assert persons["head"].tolist() == [4] * 6 + [0]  # the eldest head of a tax unit
    assert persons["spouse"].tolist() == [1, 0, -1, -1, -1, -1, -1]
    assert persons["earnings"].tolist() == [100, 50, 0, 0, 200, 0, 0]
    labels = [EMPLOYMENT_STATUS[int(code)] for code in persons["employment_status"]]
    assert labels[:2] == ["formal private employee", "formal private employee"]
    assert labels[4:] == ["formal public employee", "home duties", "home duties"]
    assert population.regions == ("North", "South")
    households = population.households
    # Mean weight over persons: (2 x 4 + 4 x 2) / 6; persons are kept exactly.
    assert households["weight"][order].tolist() == pytest.approx([16 / 6, 3.0])
    assert households["welfare"][order].tolist() == [350.0, 0.0]
    assert households["household_id"][order].tolist() == [110, 210]
    text = "\n".join(report.lines())
    assert "age2: age set to the head's value (1 of 1)" in text
    assert "people: people in no age count, taken as dependants of ages 18 to 40 (1 of 7)" in text
    assert "w: differs within households; the mean over persons is taken (1 of 2)" in text


def test_import__links_children_to_parents_who_can_be(tmp_path: Path) -> None:
    population, report = import_survey(*write(tmp_path, [*ROWS, "3,1,1,2,0,17,0,2,0,0,South"]))
    persons, where = population.persons, population.household_start
    large = int(where[np.argmax(population.households["size"])])
    for child in (large + 2, large + 3):
        gap = 40 - int(persons["age"][child])
        assert persons["father"][child] == (0 if gap >= 16 else -1)
        assert persons["mother"][child] == (1 if gap >= 16 else -1)
    assert persons["mother"][large + 5] == -1  # an adult dependant is nobody's child here
    assert "children without a link (a parent would have been under 16)" in str(report.notes)


def test_import__draws_the_same_whatever_else_the_file_holds(tmp_path: Path) -> None:
    both, _ = import_survey(*write(tmp_path, ROWS))
    alone, _ = import_survey(*write(tmp_path, ROWS[:2]))
    start = int(both.household_start[np.argmax(both.households["size"])])
    for name in ("age", "sex", "draw_key"):
        found = both.persons[name][start : start + 6]
        np.testing.assert_array_equal(found, alone.persons[name], err_msg=name)


FAULTS = [
    ("1,11,2,1,0,40,0,2,0,0,North", "column 'people': 1 row leaves a negative number of "
     "dependants of ages 18 to 40; found row 4. See the band at"),
    ("1,11,2,1.5,0,40,0,0,0,0,North", "column 'people': 1 row holds no whole number of people; "
     "found '1.5' in row 4"),
    ("1,11,2,1,0,16,0,0,0,0,North", "column 'minors': 1 row leaves a negative number of "
     "dependants of ages 0 to 17"),
    ("1,11,2,1,0,130,0,0,0,0,North", "column 'age': 1 row holds an impossible age; found 130"),
    ("1,11,2,2,1,30,x,0,0,0,North", "column 'age2': 1 row holds text that is no number"),
    ("1,11,2,1,0,30,,0,-5,0,North", "make 'welfare' negative in 1 household; found 1/11 (row 4)"),
    ("1,11,-2,1,0,30,,0,5,0,North", "column 'w': 1 row holds a negative weight; found -2 in row 4"),
    ("1,10,2,1,0,30,,0,5,0,South", "column 'state': differs between the rows of 1 household"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "expected"), FAULTS)
def test_import__names_faults_of_tax_units(tmp_path: Path, row: str, expected: str) -> None:
    with pytest.raises(InputError, match=r"\S") as caught:
        import_survey(*write(tmp_path, [*ROWS, row]))
    assert expected in "\n".join(str(fault) for fault in caught.value.faults)


def test_import__says_when_bands_do_not_add_up(tmp_path: Path) -> None:
    mapping = MAPPING.replace(
        "    - {ages: [18, 40], rest: true, because: nothing else is known}\n", ""
    )
    with pytest.raises(InputError, match=r"column 'people': 1 row does not add up: head, spouse"):
        import_survey(*write(tmp_path, ROWS, mapping))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("persons: people", "people: people", "'persons' is missing"),
        ("ages: [0, 17]", "ages: [17, 0]", "'ages'; found [17, 0]; expected [first, last]"),
        ("head alone: 1", "head alone: 2", "share of women 'head alone'; found 2.0"),
        ("head alone: 1, ", "", "'head alone' is missing"),
        ("rows: tax units", "rows: persons", "'expand' is only for rows: tax units"),
        ("dependants: 0}", "}", "'earnings' says nothing of dependants"),
        ("{ages: [18, 40], rest: true,", "{ages: [18, 40],", "'count' is missing"),
    ],
)
def test_read_mapping__names_faults_of_an_expansion(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    with pytest.raises(InputError, match=r"\S") as caught:
        import_survey(*write(tmp_path, ROWS, MAPPING.replace(old, new)))
    assert expected in "\n".join(str(fault) for fault in caught.value.faults)


def test_import__takes_the_cps_sample(tmp_path: Path) -> None:
    shipped = folder("scenarios") / "united_states"
    survey = shipped / "us_cps_taxunits_sample.csv.gz"
    population, report = import_survey(survey, shipped / "cps.yaml")
    frame = pd.read_csv(survey)
    # Against the sample itself: nobody and no dollar is lost or made.
    assert population.n_persons == frame.XTOT.sum() == 162_588
    assert population.n_households == len(frame.groupby(["FLPDYR", "h_seq"])) == 60_172
    persons, weight = population.persons, population.person_weight
    assert weight.sum() == pytest.approx((frame.s006 * frame.XTOT).sum(), rel=1e-12)
    minors = int((persons["age"] < 18).sum())
    assert minors == frame.nu18.sum()
    assert int((persons["age"] < 6).sum()) == frame.nu06.sum() + (frame.age_head < 6).sum()
    wages = (frame.e00200p + frame.e00200s).sum()
    assert persons["earnings"].sum() * 12 == pytest.approx(wages, rel=1e-9)
    couples = int((frame.MARS == 2).sum())
    assert int((persons["spouse"] >= 0).sum()) == 2 * couples
    assert len(population.regions) == 51
    assert "XTOT: people in no age count" in "\n".join(report.lines())
    store.write(tmp_path / "us.h5", population)
    assert store.read(tmp_path / "us.h5").n_persons == population.n_persons


def test_import__names_a_fault_in_the_cps_sample_by_its_own_columns(tmp_path: Path) -> None:
    shipped = folder("scenarios") / "united_states"
    with gzip.open(shipped / "us_cps_taxunits_sample.csv.gz", "rt") as file:
        lines = [next(file) for _ in range(200)]
    header = lines[0].strip().split(",")
    cells = lines[5].split(",")
    for column, value in (("fips", "3"), ("age_head", "140"), ("s006", "-1"), ("XTOT", "9")):
        cells[header.index(column)] = value
    (tmp_path / "cps.csv").write_text("".join([*lines[:5], ",".join(cells), *lines[6:]]))
    with pytest.raises(InputError, match=r"\S") as caught:
        import_survey(tmp_path / "cps.csv", shipped / "cps.yaml")
    text = "\n".join(str(fault) for fault in caught.value.faults)
    for part in ("column 'fips': 1 row holds an unknown code of 'region'; found '3' in row 5",
                 "column 'age_head': 1 row holds an impossible age; found 140 in row 5",
                 "column 's006': 1 row holds a negative weight; found -1 in row 5"):  # fmt: skip
        assert part in text
