"""What is printed of a projection: years side by side, events, and the headline."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import pytest
import typer
from budget_contents import random_records
from budget_years import years
from rich.console import Console
from typer.testing import CliRunner

from microsim.budget.projection import projection_identities, projection_tables
from microsim.cli import tables, validate
from microsim.errors import InputError
from microsim.report.arrange import arrange
from microsim.report.blocks import figure_text
from microsim.report.headline import headline
from microsim.report.years import shown_years
from microsim.results.contents import Row
from microsim.results.writer import write_results

PROVENANCE = {
    "software": {"name": "microsim", "version": "0"},
    "inputs": [],
    "seed": 1,
    "created": "2026-01-01T00:00:00Z",
    "execution": {"backend": "serial", "workers": 1},
}
SCENARIOS = ("baseline", "R1", "R2")
LAST = 2037


@pytest.fixture(scope="module")
def app():
    """Return a command line with the two commands."""
    program = typer.Typer()
    tables.register(program)
    validate.register(program)
    return program


def _with_records(contents):
    groups = []
    for g, names in enumerate((SCENARIOS[:2], SCENARIOS[2:])):
        places = [SCENARIOS.index(name) for name in names]
        cells = dataclasses.replace(
            contents.cells,
            **{
                name: getattr(contents.cells, name)[places]
                for name in ("persons", "persons_n", "places")
            },
        )
        groups.append(
            dataclasses.replace(
                contents, scenarios=names, labels=names, cells=cells, regions=("north", "south"),
                records=random_records(g, n_scenarios=len(names)),
            )
        )  # fmt: skip
    return dataclasses.replace(contents, groups=tuple(groups))


@pytest.fixture(scope="module")
def projection():
    """Return contents, rows and identities of 13 years with two life groups."""
    labels = ("Status quo", "Higher pension", "Later retirement")
    made = [
        dataclasses.replace(one, poverty_lines={"national": 1_500.0}, labels=labels)
        for one in years(last=LAST, scenarios=SCENARIOS, lives_of=(0, 0, 1))
    ]
    for k in (0, 5, 12):
        made[k] = _with_records(made[k])
    rows = projection_tables(made)
    return made, rows, projection_identities(made, rows)


@pytest.fixture(scope="module")
def run(projection, tmp_path_factory):
    """Return the run directory of the projection."""
    made, rows, identities = projection
    folder = tmp_path_factory.mktemp("projection")
    write_results(folder / "results.h5", made[0], rows, identities, PROVENANCE, made[1:])
    return folder


def _invoke(app, *arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def _lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_shown_years__are_the_first_every_fifth_and_the_last(projection):
    rows = projection[1]
    assert shown_years(rows) == [2025, 2030, 2035, 2037]
    assert shown_years(rows, 1) == list(range(2025, 2038))
    assert shown_years(rows, 50) == [2025, 2037]
    with pytest.raises(InputError, match="every 0 years: expected 1 or more"):
        shown_years(rows, 0)


def test_tables__stand_years_side_by_side(app, run):
    text = _invoke(app, "tables", run, "--table", "C7")
    assert "C7 Consolidated social budget, 2025 to 2037" in text
    lines = _lines(text)
    assert lines.count("2025 2030 2035 2037") == 4 * len(SCENARIOS)
    assert "baseline: current prices (LCU million)" in lines
    assert "R2: constant prices (constant 2025) (LCU million)" in lines
    total = [x for x in lines if x.startswith("Total expenditure ")]
    assert all(len(x.split()) == 6 for x in total)


def test_tables__show_every_year_if_asked(app, run):
    lines = _lines(_invoke(app, "tables", run, "--table", "C7", "--every", "1"))
    assert " ".join(map(str, range(2025, 2038))) in lines
    with pytest.raises(InputError, match="every 0 years"):
        _invoke(app, "tables", run, "--every", "0")


def test_tables__put_what_stands_for_all_years_apart(app, run):
    lines = _lines(_invoke(app, "tables", run, "--table", "C11", "--scenario", "baseline"))
    start = lines.index("baseline: over all years")
    assert lines[start + 1] == "unit horizon"
    assert "Year the reserve is exhausted year 2027" in lines[start:]
    assert "Year the reserve is exhausted year not within horizon" in lines[start:]
    yearly = next(x for x in lines if x.startswith("PAYG cost rate % "))
    assert len(yearly.split()) == 4 + 4


def test_tables__of_other_years_show_their_own(app, run):
    lines = _lines(_invoke(app, "tables", run, "--table", "D2", "--scenario", "baseline"))
    assert "unit 2025 2030 2037" in lines
    lines = _lines(_invoke(app, "tables", run, "--table", "A5"))
    assert "inflation (data: central bank) 0.05 0.03 0.07" in lines


def test_tables__keep_lines_that_begin_later_in_their_place(projection):
    sheet = next(s for s in arrange(projection[1]) if s.code == "B3")
    block = next(b for b in sheet.blocks if b.title == "baseline: old")
    rows = list(dict.fromkeys(line.row for line in block.lines))
    assert rows[:6] == [
        "Opening", "New awards", "Terminations", "Terminations: death",
        "Terminations: emigration", "Terminations: other causes",
    ]  # fmt: skip
    first = next(line for line in block.lines if line.row == "Terminations: death")
    assert first.cells[0] is None
    assert first.cells[1].value > 0
    assert [line.label for line in block.lines[:3]] == [
        "Opening [OLD]", "    sex: male", "    sex: female",
    ]  # fmt: skip


def test_tables__write_all_years_to_csv(app, run, projection):
    text = _invoke(app, "tables", run, "--format", "csv")
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == len(projection[1])
    assert {int(r["year"]) for r in found} == set(range(2025, 2038))


def test_tables__write_a_workbook_of_years(app, run, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    out = tmp_path / "tables.xlsx"
    _invoke(app, "tables", run, "--format", "xlsx", "--out", out)
    formulas = openpyxl.load_workbook(out)
    values = openpyxl.load_workbook(out, data_only=True)
    assert formulas["C7"]["A1"].value == "C7 Consolidated social budget, 2025 to 2037"
    assert {"A2", "A5", "C8", "C9", "C11", "T2"} <= set(formulas.sheetnames)
    heads = [c.value for c in formulas["C7"][4]]
    assert heads[5:] == ["2025", "2030", "2035", "2037"]
    for code in ("C6", "C7"):
        checked = 0
        for line in formulas[code].iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    checked += 1
                    terms = cell.value[1:].replace("-", "+-").split("+")
                    expected = sum(
                        (-1 if t.startswith("-") else 1) * values[code][t.lstrip("-")].value
                        for t in terms if t
                    )  # fmt: skip
                    stored = values[code][cell.coordinate].value
                    assert stored == pytest.approx(expected, rel=1e-9, abs=1e-5)
        assert checked, code


def test_tables__write_a_page_of_years(app, run, tmp_path):
    out = tmp_path / "tables.html"
    _invoke(app, "tables", run, "--format", "html", "--out", out)
    text = out.read_text(encoding="utf-8")
    assert "<h1>Social budget, TST 2025 to 2037</h1>" in text
    assert "not within horizon" in text


def test_tables__show_a_view_of_every_year(app, run):
    lines = _lines(_invoke(app, "tables", run, "--view", "esspros"))
    old = next(x for x in lines if x.startswith("Old age "))
    assert len(old.split()) == 2 + 4


def test_tables__name_the_years_of_a_projection_that_has_no_fiscal_ones(app, run):
    with pytest.raises(InputError, match="found sums of the years 2025 to 2037"):
        _invoke(app, "tables", run, "--fiscal-year", "7")


def test_validate__takes_a_projection(app, run):
    text = _invoke(app, "validate", run)
    assert "checks hold (I-02, I-04" in text
    assert re.search(r"years: 2025 to 2037; of the \d+ checks of all years, those of 2025", text)


def test_figures__write_years_and_events():
    def text(value, **key):
        return figure_text(Row("SQ", 2060, "C11", "r", "horizon", "year", value, **key))

    assert text(2041.0) == "2041"
    assert text(float("nan"), status="not within horizon") == "not within horizon"


def _headline(projection):
    made, rows, identities = projection
    buffer = io.StringIO()
    console = Console(emoji=False, soft_wrap=True, width=140, file=buffer)
    headline(made[0], rows, identities, [], [], console)
    return buffer.getvalue()


def test_headline__shows_the_budget_over_the_years(projection):
    text = _headline(projection)
    lines = _lines(text)
    assert "Social protection expenditure, % of GDP" in lines
    assert any(re.fullmatch(r"status quo( \d\.\d\d){4}", x) for x in lines)
    assert any(re.fullmatch(r"R1( \d\.\d\d){4} [\d,]+\.\d", x) for x in lines)
    assert "R2: Later retirement" in lines
    n = len(projection[2])
    assert lines[-1] == f"{n} of {n} accounting identities of 2025 to 2037 hold."


def test_headline__shows_funds_and_closed_schemes(projection):
    lines = _lines(_headline(projection))
    assert any(re.fullmatch(r"status quo( -?[\d,]+\.\d){4} 2027", x) for x in lines)
    savings = lines[lines.index("savings") + 1 : lines.index("savings") + 5]
    assert savings[0].startswith("status quo ")
    assert savings[0].endswith("not by 2037")
    assert savings[1].startswith("R2 ")  # the other reform is as the status quo
    assert savings[2].startswith("members' balances, status quo ")
    start = lines.index("Expenditure of closed schemes, % of GDP")
    assert lines[start + 2].startswith("closed, status quo 0.")


def test_headline__shows_the_old_and_says_which_change_has_no_error(projection):
    lines = _lines(_headline(projection))
    start = lines.index("Poverty of persons aged 65 and over, national line, % (change in points)")
    assert lines[start + 1] == "2025 2030 2037 change in 2037"
    rows = {tuple(re.split(r",? ", x)[:2]): x for x in lines[start + 2 : start + 8]}
    assert re.search(r"[+-]\d+\.\d \(\d\.\d\)$", rows["women", "R1"])
    assert re.search(r"\* (\d+\.\d ){3}[+-]\d+\.\d$", rows["men", "R2"])
    assert any("difference of levels without a paired error" in x for x in lines)
    assert any(x.startswith("men, status quo 25.0 25.0") for x in lines)
