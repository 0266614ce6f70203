"""Import of person files: values, units, links, formats, design; and every fault by name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_survey import COLUMNS, MAPPING, ROWS, write_survey

from microsim.errors import InputError
from microsim.population import store
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.importing import import_survey


def by_id(population: store.Population) -> np.ndarray:
    """Person rows in the order of ids A1, B2 of the survey (the file sorts by market)."""
    first = np.argsort(-population.households["weight"].astype(float))[::-1]
    start, size = population.household_start, population.households["size"].astype(int)
    return np.concatenate([np.arange(start[h], start[h] + size[h]) for h in first])


def message(tmp_path: Path, *args: object, **options: object) -> str:
    survey, mapping = write_survey(tmp_path, *args, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"\S") as caught:
        import_survey(survey, mapping)
    return "\n".join(str(fault) for fault in caught.value.faults)


def test_import__converts_units_codes_and_links(tmp_path: Path) -> None:
    population, report = import_survey(*write_survey(tmp_path))
    rows, persons = by_id(population), population.persons
    assert persons["age"][rows].tolist() == [40, 38, 5, 45, 70]
    assert persons["sex"][rows].tolist() == [0, 1, 0, 1, 1]
    assert persons["earnings"][rows].tolist() == [100.0, 0.0, 0.0, 200.0, 0.0]
    assert persons["self_employment_income"][rows].tolist() == [0.0, 20.0, 0.0, 0.0, 0.0]
    assert persons["pension_income"][rows].tolist() == [0.0, 0.0, 0.0, 0.0, 50.0]
    assert EMPLOYMENT_STATUS[int(persons["employment_status"][rows][4])] == "retired"
    assert persons["head"][rows].tolist() == [0, 0, 0, 0, 0]
    assert persons["spouse"][rows].tolist() == [1, 0, -1, -1, -1]
    assert persons["mother"][rows].tolist() == [-1, -1, 1, 1, -1]
    households = population.households
    order = np.argsort(households["weight"].astype(float))
    assert households["weight"][order].tolist() == [10.5, 20.0]
    assert households["welfare"][order].tolist() == [120.0, 200.0]
    assert households["rent"][order].tolist() == [300.0, 120.0]
    assert households["urban"][order].tolist() == [True, False]
    assert population.regions == ("whole country",)
    assert population.has_design
    assert np.unique(households["psu"]).size == 2
    assert report.persons_weighted == pytest.approx(3 * 10.5 + 2 * 20.0)
    text = "\n".join(report.lines())
    assert "pension: pension_income set to 0 (4 of 5) — asked of pensioners only" in text
    assert "sector: none for everyone — not asked" in text
    store.write(tmp_path / "pop.h5", population)
    assert store.read(tmp_path / "pop.h5").extras[0].name == "rent"


def test_import__reads_all_formats_alike(tmp_path: Path) -> None:
    import pyreadstat

    survey, mapping = write_survey(tmp_path)
    expected, _ = import_survey(survey, mapping)
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS))
    for name in ("pension", "conyuge", "madre"):
        frame[name] = pd.to_numeric(frame[name].replace("", None))
    frame.to_parquet(tmp_path / "survey.parquet")
    pyreadstat.write_dta(frame, str(tmp_path / "survey.dta"))
    pyreadstat.write_sav(frame, str(tmp_path / "survey.sav"))
    frame.to_csv(tmp_path / "survey.csv.gz", index=False)
    for ending in ("parquet", "dta", "sav", "csv.gz"):
        found, _ = import_survey(tmp_path / f"survey.{ending}", mapping)
        for ours, theirs in (
            (found.persons, expected.persons),
            (found.households, expected.households),
        ):
            assert ours.keys() == theirs.keys()
            for column, values in ours.items():
                np.testing.assert_array_equal(values, theirs[column], err_msg=f"{ending} {column}")


def test_import__knows_codes_by_the_labels_of_the_file(tmp_path: Path) -> None:
    import pyreadstat

    _, mapping = write_survey(tmp_path)
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS)).drop(columns=["conyuge", "madre"])
    frame["sexo"] = frame["sexo"].map({"H": 1, "M": 2})
    frame["pension"] = pd.to_numeric(frame["pension"].replace("", None))
    labels = {"sexo": {1: "H", 2: "M"}}
    pyreadstat.write_sav(frame, str(tmp_path / "survey.sav"), variable_value_labels=labels)
    text = MAPPING[: MAPPING.index("links:")] + MAPPING[MAPPING.index("columns:") :]
    mapping.write_text(text, encoding="utf-8")
    population, _ = import_survey(tmp_path / "survey.sav", mapping)
    assert population.persons["sex"][by_id(population)].tolist() == [0, 1, 0, 1, 1]


def test_import__takes_households_from_their_own_file(tmp_path: Path) -> None:
    survey, mapping = write_survey(tmp_path)
    whole, _ = import_survey(survey, mapping)
    frame = pd.read_csv(survey)
    shared = ["peso", "upm", "estrato", "zona", "renta"]
    homes = frame.groupby("hid", as_index=False)[shared].first().iloc[::-1]
    homes.to_csv(tmp_path / "homes.csv", index=False)
    frame.drop(columns=shared).to_csv(survey, index=False)
    split, report = import_survey(survey, mapping, tmp_path / "homes.csv")
    for column, values in whole.households.items():
        np.testing.assert_array_equal(split.households[column], values, err_msg=column)
    assert len(report.files) == 2
    homes.iloc[:1].to_csv(tmp_path / "homes.csv", index=False)
    with pytest.raises(InputError, match=r"homes.csv, column 'hid': 1 household of the person"):
        import_survey(survey, mapping, tmp_path / "homes.csv")


def test_import__does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    survey, mapping = write_survey(tmp_path)
    first, _ = import_survey(survey, mapping)
    frame = pd.read_csv(survey, dtype=str, keep_default_na=False)
    frame.iloc[[3, 0, 4, 1, 2]].to_csv(survey, index=False)
    again, _ = import_survey(survey, mapping)
    for column, values in first.persons.items():
        np.testing.assert_array_equal(again.persons[column], values, err_msg=column)


FAULTS: list[tuple[dict[tuple[int, str], object], str]] = [
    ({(2, "trabajo"): 99, (5, "trabajo"): 99},
     "column 'trabajo': 2 rows hold an unknown code of 'employment_status'; "
     "found '99' in rows 2, 5; expected '0', '3', '6', '11'"),
    ({(2, "linea"): 1}, "columns 'hid', 'linea': 1 row with a duplicate person id; "
     "found row 2 repeats row 1"),
    ({(1, "jefe"): 0}, "column 'jefe': 1 household without a head; found A1 (row 1)"),
    ({(5, "jefe"): 1}, "column 'jefe': 1 household with more than one head; found B2 (row 4)"),
    ({(5, "edad"): 130}, "column 'edad': 1 row holds an impossible age; found 130 in row 5; "
     "expected 0 to 120 years"),
    ({(5, "edad"): 70.5}, "column 'edad': 1 row holds an age that is not whole years"),
    ({(4, "peso"): -2, (5, "peso"): -2},
     "column 'peso': 2 rows hold a negative weight; found -2 in rows 4, 5"),
    ({(4, "peso"): 0, (5, "peso"): 0}, "column 'peso': 2 rows hold a weight of zero; "
     "found rows 4, 5. State zero: drop or zero: keep"),
    ({(4, "peso"): ""}, "column 'peso': 1 row holds no weight"),
    ({(5, "peso"): 21}, "column 'peso': differs between the rows of 1 household; "
     "found B2 (row 4)"),
    ({(3, "edad"): ""}, "column 'edad': 1 row holds no value, which 'age' requires; found row 3. "
     "State missing: {treatment: value, value: ...}"),
    ({(1, "conyuge"): 9}, "column 'conyuge': 1 row names a spouse who is not in the household; "
     "found '9' in row 1"),
    ({(2, "conyuge"): ""}, "column 'conyuge': 1 row names a spouse who does not name them; "
     "found row 1"),
    ({(1, "conyuge"): 1}, "column 'conyuge': 1 row names themselves as spouse"),
    ({(2, "edad"): 4}, "column 'madre': 1 row names a mother who is not older; found row 3"),
    ({(2, "sexo"): "H"}, "column 'madre': 1 row names a mother who is male; found row 3"),
    ({(1, "salario"): "mil"}, "column 'salario': 1 row holds text that is no number; "
     "found 'mil' in row 1; expected numbers for 'earnings'"),
    ({(1, "salario"): -5}, "column 'salario': 1 row makes 'earnings' negative"),
    ({(5, "zona"): 1}, "column 'zona': differs between the rows of 1 household"),
    ({(5, "upm"): 7}, "column 'upm': differs between the rows of 1 household"),
    ({(3, "hid"): ""}, "column 'hid': 1 row holds no household id; found row 3"),
    ({(3, "linea"): ""}, "column 'linea': 1 row holds no person id; found row 3"),
    ({(1, "renta"): "inf", (2, "renta"): "inf", (3, "renta"): "inf"},
     "column 'renta': 3 rows hold an infinite number"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), FAULTS)
def test_import__names_the_fault(
    tmp_path: Path, changes: dict[tuple[int, str], object], expected: str
) -> None:
    assert expected in message(tmp_path, changes)


def test_import__reports_all_faults_at_once(tmp_path: Path) -> None:
    changes = {(1, "edad"): 130, (2, "trabajo"): 99, (5, "peso"): -1, (4, "jefe"): 0,
               (1, "conyuge"): 8, (3, "renta"): "x"}  # fmt: skip
    text = message(tmp_path, changes)
    for column in ("edad", "trabajo", "peso", "jefe", "conyuge", "renta"):
        assert f"'{column}'" in text, column


def test_import__reports_faults_of_columns_beside_missing_ids(tmp_path: Path) -> None:
    text = message(tmp_path, {(1, "edad"): 130, (2, "hid"): "", (3, "renta"): "x"})
    for column in ("edad", "hid", "renta"):
        assert f"'{column}'" in text, column


def test_import__finds_links_to_another_household_where_ids_are_unique_in_the_file(
    tmp_path: Path,
) -> None:
    mapping = MAPPING.replace("{id: linea}", "{id: linea, unique_in: file}")
    changes: dict[tuple[int, str], object] = {(4, "linea"): 4, (5, "linea"): 5, (4, "madre"): 5}
    survey, path = write_survey(tmp_path, changes, mapping)
    import_survey(survey, path)
    text = message(tmp_path, changes | {(4, "madre"): 2, (3, "madre"): 44}, mapping)
    assert "column 'madre': 1 row names a mother of another household; found row 4" in text
    assert "'madre': 1 row names a mother who is not in the file; found '44' in row 3" in text
    assert "duplicate person id" in message(tmp_path, {}, mapping)


def test_import__finds_broken_links_of_other_households_beside_a_duplicate_id(
    tmp_path: Path,
) -> None:
    repeated: dict[tuple[int, str], object] = {(2, "linea"): 1}
    text = message(tmp_path, repeated | {(5, "madre"): 9, (4, "conyuge"): 1})
    assert "1 row with a duplicate person id; found row 2 repeats row 1" in text
    assert "'madre': 1 row names a mother who is not in the household; found '9' in row 5" in text
    assert "'conyuge': 1 row names themselves as spouse; found row 4" in text
    text = message(tmp_path, repeated | {(3, "madre"): 9})
    assert "'madre'" not in text  # whom a household that repeats an id means, nobody knows


def test_import__drops_zero_weights_if_told_and_counts_them(tmp_path: Path) -> None:
    mapping = MAPPING.replace("{column: peso}", "{column: peso, zero: drop}")
    survey, path = write_survey(tmp_path, {(4, "peso"): 0, (5, "peso"): 0}, mapping)
    population, report = import_survey(survey, path)
    assert (population.n_households, population.n_persons) == (1, 3)
    assert "peso: households of weight zero (1 of 2)" in "\n".join(report.lines())


def test_import__names_missing_columns_with_a_hint(tmp_path: Path) -> None:
    text = message(tmp_path, {}, MAPPING.replace("column: salario", "column: salaro"))
    assert "column 'salaro' is not in" in text
    assert "Did you mean 'salario'?" in text
    assert "map.yaml:23" in text
    text = message(tmp_path, {}, MAPPING, without="peso")
    assert "map.yaml:10: column 'peso' is not in" in text


def test_import__refuses_files_it_cannot_read(tmp_path: Path) -> None:
    _, mapping = write_survey(tmp_path)
    with pytest.raises(InputError, match=r"there is no such file"):
        import_survey(tmp_path / "none.csv", mapping)
    (tmp_path / "survey.xls").write_text("")
    with pytest.raises(InputError, match=r"unknown kind of survey file; expected one of .csv"):
        import_survey(tmp_path / "survey.xls", mapping)
    (tmp_path / "bad.dta").write_text("this is no Stata file")
    with pytest.raises(InputError, match=r"bad.dta: cannot be read as stata"):
        import_survey(tmp_path / "bad.dta", mapping)
    (tmp_path / "empty.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(InputError, match=r"empty.csv: has no rows"):
        import_survey(tmp_path / "empty.csv", mapping)


def test_import__reads_text_as_it_is_written_elsewhere(tmp_path: Path) -> None:
    survey, mapping = write_survey(tmp_path)
    expected, _ = import_survey(survey, mapping)
    frame = pd.read_csv(survey, dtype=str, keep_default_na=False)
    frame["peso"] = frame["peso"].str.replace(".", ",")
    frame = frame.rename(columns={"conyuge": "cónyuge"})
    frame.to_csv(survey, index=False, sep=";", encoding="latin-1")
    with pytest.raises(InputError, match=r"survey.csv: cannot be read as csv: 'utf-8'"):
        import_survey(survey, mapping)
    text = MAPPING.replace("column: conyuge", "column: cónyuge")
    style = 'text: {separator: ";", decimal: ",", encoding: latin-1}\n'
    mapping.write_text(text + style, encoding="utf-8")
    found, _ = import_survey(survey, mapping)
    for column, values in expected.households.items():
        np.testing.assert_array_equal(found.households[column], values, err_msg=column)
    np.testing.assert_array_equal(found.persons["spouse"], expected.persons["spouse"])


def test_import__keeps_every_digit_of_long_ids(tmp_path: Path) -> None:
    _, mapping = write_survey(tmp_path)
    frame = pd.DataFrame(ROWS, columns=list(COLUMNS))
    frame["hid"] = frame["hid"].map({"A1": 2**60, "B2": 2**60 + 1})
    for name in ("pension", "conyuge", "madre"):
        frame[name] = pd.to_numeric(frame[name].replace("", None))
    frame.to_parquet(tmp_path / "survey.parquet")
    population, _ = import_survey(tmp_path / "survey.parquet", mapping)
    assert population.n_households == 2


def test_import__asks_whether_a_huge_household_is_one(tmp_path: Path) -> None:
    rows = [["C3", line, int(line == 1), 30, "H", 0, 0, 0, "", "", "", 1, 9, 1, 1, 0]
            for line in range(1, 32_770)]  # fmt: skip
    text = message(tmp_path, extra_rows=rows)
    assert "column 'hid': 1 household of more than 32,767 persons; found C3 (row 6)" in text
