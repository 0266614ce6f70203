"""Transition matrices in CSV files: what is read, and how each fault is named, all at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transition_tables import LABELS, header, lines, matrix

from microsim.dynamics.transition_files import read_transitions
from microsim.errors import FaultList
from microsim.files import FileTree

YEARS = range(2026, 2029)
AGES = range(15, 65)
JOBS = {"unemployed": {"formal private employee": 0.25, "informal employee": 0.25}}
FIRED = {"formal private employee": {"unemployed": 0.1}}


def read(tmp_path: Path, text: str, ages: range = AGES) -> tuple[np.ndarray | None, list[str]]:
    path = tmp_path / "moves.csv"
    path.write_text(text, encoding="utf-8")
    faults = FaultList()
    found = read_transitions(FileTree(path), str(path), YEARS, ages, faults)
    return found, [str(one).replace(str(path), "moves.csv") for one in faults.faults]


def test_a_plain_matrix__holds_for_all(tmp_path: Path) -> None:
    found, faults = read(tmp_path, header() + lines(JOBS | FIRED))
    assert not faults
    assert found is not None
    assert found.shape == (3, 2, 50, 12, 12)
    assert (found == matrix(JOBS | FIRED)[1:, 1:]).all()


def test_years_sexes_and_ages__each_have_their_own(tmp_path: Path) -> None:
    text = header("age", "sex", "year")
    text += lines(JOBS, "15-24,male,2020-2027,") + lines(FIRED, "15-24,male,2028-2040,")
    text += lines({}, "25+,male,2026-2028,") + lines(JOBS | FIRED, "15-64,female,2026-2028,")
    found, faults = read(tmp_path, text)
    assert not faults
    assert found is not None
    assert (found[:2, 0, :10] == matrix(JOBS)[1:, 1:]).all()
    assert (found[2, 0, :10] == matrix(FIRED)[1:, 1:]).all()
    assert (found[:, 0, 10:] == np.eye(12)).all()
    assert (found[:, 1] == matrix(JOBS | FIRED)[1:, 1:]).all()


def changed(old: str, new: str) -> str:
    text = header("age") + lines(JOBS, "15-64,")
    assert text.count(old) == 1
    return text.replace(old, new)


LAST = "15-64,other inactive," + "0.0," * 11 + "1.0\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            changed(LAST, LAST.replace("1.0", "0.999")),
            "moves.csv:13: the probabilities of a row of transition do not add up to 1 (from other "
            "inactive); found 0.999; expected 1.",
        ),
        (changed(LAST, LAST.replace("1.0", "0.99999999")), "moves.csv:13: the probabilities"),
        (
            changed(LAST, LAST.replace("1.0", "1.5")),
            "moves.csv:13:14: other inactive of transition; found 1.5; expected a number from 0",
        ),
        (
            changed(LAST, LAST.replace("inactive,0.0", "inactive,-0.5")),
            "moves.csv:13:3: formal public employee of transition; found -0.5",
        ),
        (
            changed(LAST, LAST.replace("1.0", "all")),
            "moves.csv:13:14: other inactive of transition",
        ),
        (
            changed(LAST, ""),
            "moves.csv: transition lacks year 2026, male, age 15, from other inactive; expected "
            "every cell once; where nobody moves, a line with 1 in the column of its own status",
        ),
        (
            changed(LAST, LAST + LAST),
            "moves.csv:14: a cell of transition is told twice (age 15-64, from other inactive); "
            "found also on line 13",
        ),
        (
            changed("15-64,student", "15-64,pupil"),
            "moves.csv:9:2: from of transition; found pupil; expected formal public employee",
        ),
        (changed("15-64,student", "15-64,under working age"), "moves.csv:9:2: from of transition"),
        (
            changed("15-64,student", "15-80,student"),
            "moves.csv:9:1: age of transition; found 15-80",
        ),
        (
            changed("15-64,student", "20-64,student"),
            "transition lacks year 2026, male, age 15, from",
        ),
        (
            changed(",retired,disabled inactive", ",retird,disabled inactive"),
            "moves.csv:1:12: unknown column; found retird",
        ),
        (
            changed(",retired,disabled inactive", ",disabled inactive"),
            "moves.csv:1: a column is missing",
        ),
        (header("year") + lines({}, "2026,"), "moves.csv: transition does not hold the year 2028"),
    ],
)
def test_faults__are_named_with_line_and_cell(tmp_path: Path, text: str, fault: str) -> None:
    found, faults = read(tmp_path, text)
    assert found is None
    assert any(fault in one for one in faults), faults


def test_faults__come_all_at_once(tmp_path: Path) -> None:
    text = header() + lines({}).replace("student,0.0", "student,0.5").replace("0.0,1.0\n", "2,1\n")
    _, faults = read(tmp_path, text.replace("retired,0.0", "retird,0.0"))
    assert [one.split(": ")[0] for one in faults] == [
        "moves.csv:9",
        "moves.csv:11:1",
        "moves.csv:13:12",
    ]


def test_thirds__add_up_to_one_within_a_billionth(tmp_path: Path) -> None:
    third = dict.fromkeys(("informal employee", "unemployed"), 0.3333333333)
    text = header() + lines({"student": third})
    assert text.count("0.3333333334") == 1
    found, faults = read(tmp_path, text.replace("0.3333333334", "0.3333333333"))
    assert found is not None, faults
    assert len(LABELS) == 12
