"""Tables of rates in CSV files: what is read, and how each fault is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microsim.dynamics.rate_files import Form, read_rates
from microsim.dynamics.tables import Origin
from microsim.errors import FaultList
from microsim.files import FileTree

DEATH = Form("death", ("year", "sex", "age"), range(2026, 2029))
STATUS = Form("status_share", ("year", "sex", "age", "status"), range(2025, 2026))


def read(
    tmp_path: Path, text: str, form: Form = DEATH
) -> tuple[tuple[np.ndarray, Origin] | None, list[str]]:
    path = tmp_path / "rates.csv"
    path.write_text(text, encoding="utf-8")
    faults = FaultList()
    found = read_rates(FileTree(path), str(path), form, faults)
    return found, [str(one).replace(str(path), "rates.csv") for one in faults.faults]


def test_spans__cover_years_and_ages(tmp_path: Path) -> None:
    text = (
        "year,sex,age,value\n2020-2028,male,0-59,0.01\n2026-2027,male,60+,0.05\n"
        "2028,male,60-120,0.04\n2026-2028,female,0+,0.02\n"
    )
    found, faults = read(tmp_path, text)
    assert not faults
    assert found is not None
    values, origin = found
    assert values.shape == (3, 2, 121)
    assert values[0, 0, [0, 59, 60, 120]].tolist() == [0.01, 0.01, 0.05, 0.05]
    assert values[2, 0, 60] == 0.04
    assert (values[:, 1] == 0.02).all()
    assert origin.where((2, 0, 60))[-len("rates.csv:4:4") :] == "rates.csv:4:4"


def test_columns_left_out__hold_for_all(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "value\n0.03\n")
    assert not faults
    assert found is not None
    assert (found[0] == 0.03).all()


def test_years_beyond_the_projection__may_stand_there(tmp_path: Path) -> None:
    found, faults = read(tmp_path, "year,value\n1990-2025,0.9\n2026-2100,0.1\n")
    assert not faults
    assert found is not None
    assert (found[0] == 0.1).all()


def test_years_wholly_outside_the_projection__are_not_used(tmp_path: Path) -> None:
    text = "year,value\n1990,0.9\n2000-2010,0.8\n2026-2028,0.1\n2029-2040,0.2\n2041+,0.3\n"
    found, faults = read(tmp_path, text)
    assert not faults
    assert found is not None
    assert (found[0] == 0.1).all()


def test_examples_of_a_span__are_years_for_years_and_ages_for_ages(tmp_path: Path) -> None:
    _, (fault,) = read(tmp_path, "year,value\n2030-2026,0.1\n")
    assert "expected 2026 to 2028, a span 2026-2030, or an open one 2040+" in fault
    _, (fault,) = read(tmp_path, "age,value\n20-10,0.1\n")
    assert "expected 0 to 120, a span 10-14, or an open one 80+" in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("year,value\n2026-2027,0.1\n", "rates.csv: death does not hold the year 2028"),
        ("age,value\n0-99,0.1\n", "rates.csv: death lacks year 2026, male, age 100"),
        ("sex,value\nmale,0.1\n", "rates.csv: death lacks year 2026, female, age 0"),
        ("value\n0.1\n0.1\n", "rates.csv:3: a cell of death is told twice (the only one)"),
        ("age,value\n0+,0.1\n7,0.2\n", "rates.csv:3: a cell of death is told twice (age 7)"),
        ("age,value\n0+,1.01\n", "rates.csv:2:2: value of death; found 1.01; expected a number"),
        ("age,value\n0+,-0.1\n", "rates.csv:2:2: value of death; found -0.1"),
        ("age,value\n0+,nan\n", "rates.csv:2:2: value of death; found nan"),
        ("age,value\n0+,\n", "rates.csv:2:2: value of death; found nothing"),
        ("age,value\nten,0.1\n", "rates.csv:2:1: age of death; found ten"),
        ("age,value\n20-10,0.1\n", "rates.csv:2:1: age of death; found 20-10"),
        ("age,value\n0-130,0.1\n", "rates.csv:2:1: age of death; found 0-130"),
        ("year,value\nsoon,0.1\n", "rates.csv:2:1: year of death; found soon"),
        ("sex,value\nwomen,0.1\n", "rates.csv:2:1: sex of death; found women"),
        ("sex,value\nfemal,0.1\n", "Did you mean 'female'?"),
        ("age,sexe,value\n0+,male,0.1\n", "rates.csv:1:2: unknown column; found sexe"),
        ("age,age,value\n0+,0+,0.1\n", "rates.csv:1:2: a column is named twice"),
        ("age\n0+\n", "rates.csv:1: a column is missing; found age; expected value"),
        ("age,value\n0+\n", "rates.csv:2: number of cells; found 1; expected 2 cells"),
        ('age,value\n"0+,0.1\n', "not CSV"),
        ("", "rates.csv:1: a column is missing"),
    ],
)
def test_faults__are_named_with_their_cell(tmp_path: Path, text: str, fault: str) -> None:
    found, faults = read(tmp_path, text)
    assert found is None
    assert any(fault in one for one in faults), faults


def test_a_faulty_line__is_not_told_as_missing_too(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "age,value\n0-60,2\n61+,0.1\n")
    assert len(faults) == 1


def test_many_missing_cells__are_counted(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "age,value\n0-100,0.1\n")
    assert len(faults) == 6
    assert faults[-1] == "rates.csv: death lacks 115 more cells."


def test_statuses__must_add_up_to_one(tmp_path: Path) -> None:
    rows = "age,status,value\n0-14,under working age,1\n15+,under working age,0\n"
    labels = [
        "formal public employee", "formal private employee", "formal own-account",
        "informal own-account", "family worker", "unemployed", "student", "home duties",
        "retired", "disabled inactive", "other inactive",
    ]  # fmt: skip
    rows += "".join(f"0+,{label},0\n" for label in labels)
    good, faults = read(
        tmp_path, rows + "0-14,informal employee,0\n15+,informal employee,1\n", STATUS
    )
    assert not faults
    assert good is not None
    bad, faults = read(
        tmp_path, rows + "0-14,informal employee,0\n15+,informal employee,0.9\n", STATUS
    )
    assert bad is None
    what = "rates.csv:16: the shares of status_share do not add up to 1 (year 2025, male, age 15)"
    assert faults[0] == f"{what}; found 0.9; expected 1."
    assert faults[-1].startswith("rates.csv: the shares do not add up to 1 in 207 more rows")
    _, faults = read(tmp_path, "age,value\n0+,1\n", STATUS)
    assert "a column is missing; found age, value; expected status" in faults[0]


def test_a_file_that_is_not_there__is_named_where_it_is_asked_for(tmp_path: Path) -> None:
    faults = FaultList()
    path = tmp_path / "death.csv"
    assert read_rates(FileTree(path), str(path), DEATH, faults, "lives.yaml:9") is None
    assert str(faults.faults[0]).startswith("lives.yaml:9: cannot read")


def test_a_file_that_is_no_text__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "death.csv"
    path.write_bytes(b"value\n\xff\xfe\n")
    faults = FaultList()
    assert read_rates(FileTree(path), str(path), DEATH, faults) is None
    assert "not UTF-8" in str(faults.faults[0])
