"""`microsim household` and `microsim check`, as a user reads them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import typer
from coresia import copy_country
from typer.testing import CliRunner

from microsim.cli import check, household, new

SHIPPED = Path(__file__).parents[2] / "scenarios"

FAMILY = """\
name: a family
date: 2025-09
system: ../baseline.yaml
frame: ../frame.yaml
members:
  - {name: Amina, age: 34, sex: female, employment_status: formal private employee, earnings: 500}
  - {name: Bahati, age: 36, sex: male, spouse: Amina}
  - {name: Chiku, age: 72, sex: female, employment_status: formal private employee, earnings: 900}
  - {name: Dalia, age: 5, sex: female, mother: Amina, father: Bahati}
show: [fund_employee, tax_before_credit, unit_tax, levy_employee, health_premium, disposable_income]
"""
VARY = "vary: {input: earnings, member: Amina, from: 0, to: 1000000, step: 250000}\n"


def run(*words, width: int = 80):
    app = typer.Typer()
    household.register(app)
    check.register(app)
    new.register(app)
    environment = {"COLUMNS": str(width)}
    return CliRunner().invoke(app, [str(w) for w in words], env=environment, catch_exceptions=False)


def write(tmp_path, more: str = "") -> Path:
    path = copy_country(tmp_path).parent / "cases" / "family.yaml"
    path.write_text(FAMILY + more)
    return path


@pytest.mark.parametrize("width", [80, 200])
def test_household__prints_every_number_whole_within_the_width(tmp_path, width):
    text = run("household", write(tmp_path, VARY), width=width).output
    table, _ = text.split("Left out: ")
    assert "…" not in text
    assert max(len(line) for line in table.splitlines()) <= width
    blocks = len(re.findall(r"^ *1,000,000\b", table, re.MULTILINE))
    assert blocks == (3 if width == 80 else 1)
    cells = set(re.findall(r"\S+", table))
    wanted = run("household", write(tmp_path / "again", VARY), "--format", "csv").output
    for row in wanted.splitlines()[1:]:
        for cell in row.split(",")[1:-1]:
            assert float(cell) == 0.0 or f"{float(cell):,.2f}" in cells, cell


def test_household__leaves_out_columns_of_nothing_and_counts_them(tmp_path):
    text = run("household", write(tmp_path, VARY), width=200).output
    heading = text[: text.index("250,000")]
    assert "Chiku" in heading
    assert "Bahati" not in heading.replace("Amina, Bahati", "")
    assert "Left out: 8 columns that are 0 at every point." in text  # Bahati's and Dalia's


def test_household__prints_a_unit_once_with_its_members(tmp_path):
    lines = run("household", write(tmp_path)).output.splitlines()
    units = [line for line in lines if line.startswith("unit_tax")]
    assert [line.split("  ")[0] for line in units] == [
        "unit_tax Amina, Bahati, Dalia",
        "unit_tax Chiku",
    ]


def test_household__names_units_by_member_where_they_change_with_the_input(tmp_path):
    vary = "vary: {input: age, member: Dalia, from: 16, to: 20, step: 2}\n"
    path = write(tmp_path, vary)
    path.write_text(path.read_text().replace("age: 5,", "age: 16,"))
    text = run("household", path, width=200).output
    assert len(re.findall(r"\bunit_tax\b", text)) == 4  # Dalia leaves the couple's unit at 18
    assert len(re.findall(r"\bchildren of\b", text)) == 4


def test_household__names_the_draws_it_takes_as_certain():
    text = run("household", SHIPPED / "kenya" / "family.yaml").output
    (certain,) = re.findall(r"Draws taken as certain .*: (.*)\.\n", text)
    assert "employer remits NSSF" in certain.split("; ")
    assert "employer contracted out of Tier II" not in certain.split("; ")
    assert "Draws the file fixes: employer contracted out of Tier II: no." in text


def test_check__prints_every_fault(tmp_path):
    country = copy_country(tmp_path).parent
    lines = [f"  v{i}: {{of: person, unit: count, formula: nowhere_{i}}}\n" for i in range(15)]
    tax = country / "law" / "tax.yaml"
    tax.write_text(tax.read_text().replace("\nvariables:\n", "\nvariables:\n" + "".join(lines)))
    result = run("check", country / "baseline.yaml")
    assert result.exit_code == 2
    for i in range(15):
        assert re.search(rf"tax\.yaml:\d+.*nowhere_{i}\b", result.stderr), i
    assert re.search(r"^\d+ faults\.$", result.stderr, re.MULTILINE)


def test_check__warns_of_parameters_nothing_reads(tmp_path):
    country = copy_country(tmp_path).parent
    tax = country / "law" / "tax.yaml"
    spare = "parameters:\n  spare: {unit: share, source: none, values: {2020-01-01: 0.5}}\n"
    tax.write_text(tax.read_text().replace("parameters:\n", spare, 1))
    result = run("check", country / "baseline.yaml")
    (warning,) = [line for line in result.output.splitlines() if line.startswith("warning")]
    assert re.search(r"tax\.yaml:3: parameter spare is read by no formula", warning)
    assert result.exit_code == 0


def test_check__warns_of_nothing_in_the_law_shipped(tmp_path):
    shutil.copytree(SHIPPED / "any_country", tmp_path / "any")
    assert "warning" not in run("check", tmp_path / "any").output


COUNTRIES = sorted(path.parent.name for path in SHIPPED.glob("*/baseline.yaml"))


@pytest.mark.parametrize("country", COUNTRIES)
def test_check__finds_no_fault_in_a_country_copied_elsewhere(tmp_path, country):
    copied = run("new", tmp_path / "mine", "--template", country)
    assert copied.exit_code == 0, copied.output
    checked = run("check", tmp_path / "mine")
    assert checked.exit_code == 0, checked.output
