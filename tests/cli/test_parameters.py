"""`microsim parameters export` and `import`, as a user types them."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from microsim.cli.parameters import app
from microsim.errors import InputError

CORESIA = Path(__file__).parent.parent / "data" / "coresia"


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_parameters__go_out_and_come_back_changed(tmp_path):
    shutil.copytree(CORESIA, tmp_path / "coresia")
    system, workbook = tmp_path / "coresia" / "baseline.yaml", tmp_path / "p.xlsx"
    result = run("export", system, "--out", workbook)
    assert result.output == f"{workbook}: 27 parameters, 50 rows.\n"
    book = openpyxl.load_workbook(workbook)
    book["fund"]["E6"] = 2500
    book.save(workbook)
    result = run("import", workbook, "--system", system, "--in-place")
    assert (
        "fund.upper_limit from 2025-02-01: now 2500\n1 changes; 1 files written." in result.output
    )
    assert "2025-02-01: 2500" in (tmp_path / "coresia/law/pensions.yaml").read_text()


def test_parameters_import__wants_to_know_where_to(tmp_path):
    run("export", CORESIA / "baseline.yaml", "--out", tmp_path / "p.xlsx")
    for words in ([], ["--out", tmp_path / "x", "--in-place"]):
        with pytest.raises(InputError, match="either --out FOLDER or --in-place"):
            run("import", tmp_path / "p.xlsx", "--system", CORESIA / "baseline.yaml", *words)
