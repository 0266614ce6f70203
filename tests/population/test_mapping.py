"""Mapping files: faults are named with their line, all at once."""

from pathlib import Path

import pytest
from small_survey import MAPPING

from microsim.errors import InputError
from microsim.population.mapping import code_text
from microsim.population.mapping_file import read_mapping
from microsim.shipped import folder


def faults_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"\S") as caught:
        read_mapping(path)
    return "\n".join(str(fault) for fault in caught.value.faults)


def test_code_text__makes_one_code_of_equal_numbers() -> None:
    assert {code_text(1), code_text(1.0), code_text("1"), code_text(" 1 ")} == {"1"}
    assert code_text("01") == "01"
    assert code_text(1.5) == "1.5"


def test_read_mapping__reads_the_example(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    mapping = read_mapping(path)
    assert mapping.columns["sex"].codes == {"H": "male", "M": "female"}
    assert mapping.columns["pension_income"].sources[""].missing.treatment == "value"
    assert mapping.columns["rent"].column.unit == "currency/month"
    assert mapping.links["spouse"].none == ("0",)
    assert mapping.columns["welfare"].sources[""].columns == ("salario", "negocio")


def test_read_mapping__reads_the_shipped_cps_mapping() -> None:
    mapping = read_mapping(folder("scenarios") / "united_states" / "cps.yaml")
    assert mapping.rows == "tax units"
    assert mapping.expansion is not None
    assert [band.count for band in mapping.expansion.bands][-1] == ""


CASES = [
    ("age: {column: edad}", "age: {colum: edad}",
     "map.yaml:17: source of 'age'; found none of them"),
    ("age: {column: edad}", "agee: {column: edad}",
     "map.yaml:17: unknown column 'agee'; expected age, sex"),
    ("age: {column: edad}", "agee: {column: edad}", "Did you mean 'age'?"),
    ("  age: {column: edad}\n", "", "column 'age' has no source"),
    ('"M": female', '"M": femal', "unknown label of 'sex'; found 'femal'; expected male, female. "
     "Did you mean 'female'?"),
    ("earnings: {column: salario, unit: currency/year}", "earnings: {column: salario}",
     "unit of 'earnings' in the survey; found none; expected currency/day"),
    ("earnings: {column: salario, unit: currency/year}",
     "earnings: {column: salario, unit: dollars}", "found 'dollars'; expected currency/day"),
    ("rows: persons", "rows: person", "map.yaml:6: unknown rows; found 'person'; "
     "expected persons, tax units. Did you mean 'persons'?"),
    ("weight: {column: peso}\n", "", "'weight' is missing"),
    ("weight: {column: peso}", "weight: {column: peso, sero: drop}", "unknown key 'sero'"),
    ("head: {column: jefe, is: 1}", "head: {column: jefe}", "map.yaml:9: 'is' is missing"),
    ("household: {id: hid}", "household: {}", "'id' is missing"),
    ("year: 2024", "year: soon", "map.yaml:5: 'year' is of the wrong kind; found 'soon'"),
    ("mother: {column: madre}", "mother: {column: ''}", "map.yaml:15: 'column' is empty"),
    ("psu: upm", "psu: ''", "map.yaml:12: 'psu' is of the wrong kind; found ''"),
    ("psu: upm", "psu: upm\nextras: {}", "map.yaml:13: unknown key 'extras'"),
    ("treatment: value, value: 0, ", "treatment: value, ", "'value' is missing"),
    ("rows: persons", "rows: persons\ntext: {encoding: klingon}",
     "map.yaml:7: unknown encoding; found 'klingon'"),
    ("rows: persons", "rows: persons\ntext: {decimal: ;}", "unknown decimal; found ';'"),
    ("treatment: value, value: 0, ", "treatment: guess, ", "unknown treatment; found 'guess'"),
    ("treatment: value, value: 0, ", "treatment: as head, ",
     "'as head' is only for the spouse of a tax unit"),
    ("orphan: {constant: false", "orphan: {constant: 0", "expected true or false"),
    ("unit: currency/month, column: renta", "unit: dollars, column: renta",
     "unit of 'rent' in the survey; found 'dollars'"),
    ("sector: {constant: none", "sector: {cases: [{when: {age: '< 15'}, then: none}]",
     "the last case is not 'otherwise'"),
    ("sector: {constant: none", "sector: {cases: [{when: {rent: 1}, then: none}, "
     "{otherwise: services}]", "case of 'sector' on 'rent'"),
    ("sector: {constant: none", "sector: {cases: [{when: {sex: women}, then: none}, "
     "{otherwise: services}]", "unknown label of 'sex'; found 'women'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_read_mapping__names_the_fault(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in MAPPING
    assert expected in faults_of(tmp_path, MAPPING.replace(old, new))


def test_read_mapping__reports_all_faults_at_once(tmp_path: Path) -> None:
    text = MAPPING.replace("rows: persons", "rows: people").replace("male,", "mail,")
    text = text.replace("year: 2024", "year: soon").replace("zona", "zona, kolumn: x")
    found = faults_of(tmp_path, text)
    for part in ("'people'", "'mail'", "'soon'", "'kolumn'"):
        assert part in found


def test_read_mapping__names_the_line_of_broken_yaml(tmp_path: Path) -> None:
    assert "map.yaml:3: is not YAML" in faults_of(tmp_path, "a: 1\nb: [1, 2\nc: 3\n")
    assert "map.yaml:2: is not YAML" in faults_of(tmp_path, "a: 1\na: 2\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_mapping(tmp_path / "none.yaml")


def test_readme__shows_a_mapping_that_reads(tmp_path: Path) -> None:
    readme = (folder("scenarios") / "united_states" / "README.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in readme.split("```yaml\n")[1:]]
    path = tmp_path / "map.yaml"
    path.write_text(blocks[0], encoding="utf-8")
    mapping = read_mapping(path)
    assert mapping.columns["earnings"].sources[""].missing.codes == ("-9", "DK")
    assert mapping.columns["rent"].column.unit == "currency/month"
