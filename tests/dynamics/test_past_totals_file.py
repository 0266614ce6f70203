"""Reading official totals of past contributions: every cell is understood or named as wrong."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from microsim.dynamics.past_totals_file import read_past_totals
from microsim.errors import FaultList
from microsim.files import FileTree
from microsim.population.columns import EMPLOYMENT_STATUS

HEADER = "status,sex,age,insured,months,mean,deviation,source\n"
PRIVATE = "formal private employee"


def read(folder: Path, text: str | bytes, concentration: float = 4.0):
    path = folder / "past.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults, tree = FaultList(), FileTree(path)
    found = read_past_totals(tree, str(path), concentration, 20.0, faults, "lives.yaml:9")
    return found, [str(fault).replace(str(folder), "") for fault in faults.faults]


def test_totals__are_read_by_group(tmp_path):
    found, faults = read(
        tmp_path,
        HEADER
        + f'{PRIVATE},male,20-39,1200,34000,0.5,0.2,"register, 2024"\n'
        + f"{PRIVATE},female,40+,,,0.6,,register\n"
        + "retired,female,65,,800,,,register\n\n",
    )
    assert faults == []
    assert found is not None
    one, other, last = found.rows
    assert (one.insured, one.months, one.mean, one.deviation) == (1200.0, 34000.0, 0.5, 0.2)
    assert one.group == f"{PRIVATE}, male, 20-39"
    assert one.source == "register, 2024"
    assert one.where("months").endswith("past.csv:2:5")
    assert math.isnan(other.months)
    assert other.target(1000.0) == 600.0
    assert last.target(1000.0) == 800.0
    private, retired = EMPLOYMENT_STATUS.index(PRIVATE), EMPLOYMENT_STATUS.index("retired")
    assert (found.cell[0, 20:40, private] == 0).all()
    assert (found.cell[1, 40:, private] == 1).all()
    assert found.cell[1, 65, retired] == 2
    assert np.count_nonzero(found.cell >= 0) == 20 + 81 + 1


def test_columns_left_out__hold_for_all(tmp_path):
    found, faults = read(tmp_path, "sex,mean,source\nmale,0.4,x\nfemale,0.3,x\n")
    assert faults == []
    assert found is not None
    assert (found.cell[0] == 0).all()
    assert (found.cell[1] == 1).all()
    found, _ = read(tmp_path, "mean,source\n0.4,x\n")
    assert found is not None
    assert found.rows[0].group == "all"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("status,men,mean,source\n", "/past.csv:1:2: unknown column; found men"),
        ("mean,mean,source\n", "/past.csv:1:2: a column is named twice; found mean"),
        ("status,mean\n", "/past.csv:1: a column is missing; found status, mean; expected source"),
        ("status,source\n", "expected mean or months"),
        (HEADER, "/past.csv: no official total; expected a line for each group"),
        (HEADER + "a,b\n", "/past.csv:2: number of cells; found 2; expected 8 cells"),
        (HEADER + "employee,male,20+,,,0.5,,x\n", "/past.csv:2:1: 'status' of the total"),
        (HEADER + f"{PRIVATE},man,20+,,,0.5,,x\n", "/past.csv:2:2: 'sex' of the total; found man"),
        (HEADER + f"{PRIVATE},,20+,,,0.5,,x\n", "/past.csv:2:2: 'sex' of the total; found nothing"),
        (HEADER + f"{PRIVATE},male,39-20,,,0.5,,x\n", "/past.csv:2:3: 'age' of the total"),
        (HEADER + f"{PRIVATE},male,130,,,0.5,,x\n", "/past.csv:2:3: 'age' of the total; found 130"),
        (HEADER + f"{PRIVATE},male,20+,-3,,0.5,,x\n", "/past.csv:2:4: 'insured' of the total"),
        (HEADER + f"{PRIVATE},male,20+,,many,0.5,,x\n", "/past.csv:2:5: 'months' of the total"),
        (HEADER + f"{PRIVATE},male,20+,,,55,,x\n", "/past.csv:2:6: 'mean' of the total; found 55"),
        (HEADER + f"{PRIVATE},male,20+,,,0.5,nan,x\n", "/past.csv:2:7: 'deviation' of the total"),
        (HEADER + f"{PRIVATE},male,20+,,,0.5,,\n", "/past.csv:2:8: the total has no source"),
        (HEADER + f"{PRIVATE},male,20+,9,,,0.2,x\n", "no figure; expected mean or months"),
        (HEADER + f"{PRIVATE},male,20+,0,9,,0.2,x\n", "/past.csv:2:5: months of"),
        (HEADER + f"{PRIVATE},male,20+,,,0.5,0.5,x\n", "found 0.5; expected 0, or 0.0005 to 0.488"),
        (HEADER + f"{PRIVATE},male,20+,,,0.5,1e-5,x\n", "/past.csv:2:7: deviation of the density"),
        (HEADER + f"{PRIVATE},male,20+,,,1,0.1,x\n", "/past.csv:2:7: deviation of the density"),
        (HEADER + f"{PRIVATE},male,20+,,,0,0.1,x\n", "found 0.1; expected 0 or nothing: at a mean"),
        (
            HEADER + f"{PRIVATE},male,15-20,,,0.5,,x\n",
            f"/past.csv:2:6: 'mean' of {PRIVATE}, male, 15-20, where nobody can have months; "
            "found 0.5 of persons up to 20; expected persons older than the entry age, 20",
        ),
        (HEADER + f"{PRIVATE},male,0-15,9,,0,,x\n", "/past.csv:2:4: 'insured' of"),
        (HEADER + f"{PRIVATE},male,0-15,,9,,,x\n", "/past.csv:2:5: 'months' of"),
        (HEADER + "under working age,male,0+,,9,,,x\n", "found 9 of persons up to 14"),
        (
            HEADER + f"{PRIVATE},male,20+,,,0.5,,x\n{PRIVATE},male,60+,,,0.5,,x\n",
            "/past.csv:3: a group is told twice",
        ),
        (b"mean,source\n0.5,\xff\n", "/past.csv: the file is not UTF-8 text"),
        ('mean,source\n0.5,"x\n', "not CSV"),
    ],
)
def test_faults__name_file_line_and_cell(tmp_path, text, fault):
    found, faults = read(tmp_path, text)
    assert found is None
    assert any(fault in one for one in faults), faults


@pytest.mark.parametrize("deviation", ["", "0"])
def test_everybody__may_have_the_mean_and_nobody_below_the_entry_age_months(tmp_path, deviation):
    found, faults = read(
        tmp_path,
        HEADER
        + f"{PRIVATE},male,21,,,1,{deviation},x\n"
        + f"{PRIVATE},female,21,,,0,{deviation},x\n"
        + "under working age,male,0-14,0,0,0,,x\n",
    )
    assert faults == []
    assert found is not None


def test_dispersion__has_to_be_stated_somewhere(tmp_path):
    _, faults = read(tmp_path, "mean,source\n0.5,x\n", concentration=0.0)
    assert "the dispersion of all is not stated" in faults[0]
    _, faults = read(tmp_path, "mean,source\n0.5,x\n", concentration=0.01)
    assert "concentration of the density of all" in faults[0]
    found, faults = read(tmp_path, "mean,deviation,source\n0.5,0.1,x\n", concentration=0.0)
    assert found is not None
    assert faults == []


def test_faults__are_told_all_at_once(tmp_path):
    lines = f"{PRIVATE},man,20+,,,5,,\n{PRIVATE},male,x,,,0.5,,x\n"
    _, faults = read(tmp_path, HEADER + lines)
    assert len(faults) == 4


def test_missing_file__is_named_where_it_is_asked_for(tmp_path):
    faults = FaultList()
    path = str(tmp_path / "none.csv")
    assert read_past_totals(FileTree(path), path, 4.0, 20.0, faults, "lives.yaml:9") is None
    assert faults.faults[0].where == "lives.yaml:9"
