"""`microsim tables` and `microsim validate`: what they print, write and refuse."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import shutil

import h5py
import numpy as np
import pytest
import typer
from budget_contents import mini_social_budget, random_contents, random_records
from typer.testing import CliRunner

from microsim.budget.identities import check_identities
from microsim.budget.tables import all_tables
from microsim.cli import tables, validate
from microsim.errors import FormatError, IdentityViolatedError, InputError, RunFailedError
from microsim.report.arrange import arrange
from microsim.report.blocks import figure_text
from microsim.results.contents import TIDY, Row
from microsim.results.reader import ResultsIncompleteError, read_results
from microsim.results.shards import write_shard
from microsim.results.writer import write_results

PROVENANCE = {
    "software": {"name": "microsim", "version": "0"},
    "inputs": [],
    "seed": 1,
    "created": "2025-01-01T00:00:00Z",
    "execution": {"backend": "serial", "workers": 1},
}


@pytest.fixture(scope="module")
def app():
    """Return a command line with the two commands."""
    program = typer.Typer()
    tables.register(program)
    validate.register(program)
    return program


def _write(folder, contents, rows=None, provenance=PROVENANCE):
    rows = all_tables(contents) if rows is None else rows
    write_results(
        folder / "results.h5", contents, rows, check_identities(contents, rows), provenance
    )
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the run directory of the worked social budget."""
    return _write(tmp_path_factory.mktemp("mini"), mini_social_budget())


@pytest.fixture(scope="module")
def reform(tmp_path_factory):
    """Return a run directory with a reform."""
    return _write(tmp_path_factory.mktemp("reform"), random_contents(21))


def _invoke(app, *arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_tables__prints_the_social_budget(app, run):
    text = _invoke(app, "tables", run)
    assert "C7 Consolidated social budget, 2025" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Total receipts 4,630.0" in lines
    assert "Total expenditure 3,750.0" in lines
    assert "Total receipts 4.63" in lines
    assert "Balance n/a" in lines
    assert any(line.startswith("Further tables: --table A4, B2, ") for line in lines)
    assert "Totals may not add" in text


def test_tables__prints_a_scheme_account(app, run):
    lines = [" ".join(x.split()) for x in _invoke(app, "tables", run, "--table", "C6").splitlines()]
    assert "26 PAYG cost rate = 18 / 23 % 8.00" in lines
    assert "28 Reserve ratio = 22 / 18 years 3.66" in lines
    assert "24 Contributors persons n/a" in lines


def test_tables__shows_another_classification(app, run):
    text = _invoke(app, "tables", run, "--view", "esspros")
    lines = [" ".join(x.split()) for x in text.splitlines()]
    assert "Family/children 580.0" in lines
    assert "Sickness/health care 1,280.0" in lines
    assert "Total 3,510.0" in lines
    with pytest.raises(InputError, match="unknown view 'x'; expected one of c102"):
        _invoke(app, "tables", run, "--view", "x")


def test_tables__writes_tidy_csv(app, run):
    text = _invoke(app, "tables", run, "--table", "C7", "--format", "csv")
    reader = csv.DictReader(io.StringIO(text))
    assert tuple(reader.fieldnames) == TIDY
    found = {
        (r["row"], r["column"]): r for r in reader if r["scenario"] == "SQ" and r["table"] == "C7"
    }
    assert float(found["Balance", "current prices"]["value"]) == 880.0
    assert found["Balance", "% of total"]["value"] == ""
    assert found["Balance", "% of total"]["status"] == "not applicable"
    assert found["Balance", "current prices"]["n"] == ""


def test_tables__writes_a_workbook_with_formulas(app, reform, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    out = tmp_path / "tables.xlsx"
    _invoke(app, "tables", reform, "--format", "xlsx", "--out", out)
    formulas = openpyxl.load_workbook(out)
    values = openpyxl.load_workbook(out, data_only=True)
    assert {"C1", "C6", "C7", "C10"} <= set(formulas.sheetnames)
    for code in ("C1", "C4", "C5", "C6", "C7", "C10"):
        checked = 0
        for line in formulas[code].iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    checked += 1
                    expected = _evaluate(values[code], cell.value)
                    stored = values[code][cell.coordinate].value
                    assert stored == pytest.approx(expected, rel=1e-9, abs=1e-6)
        assert checked, code


def _evaluate(sheet, formula):
    terms = formula[1:].replace("-", "+-").split("+")
    return sum(
        (-1 if term.startswith("-") else 1) * sheet[term.lstrip("-")].value
        for term in terms
        if term
    )


def test_tables__writes_a_page_that_escapes_labels(app, tmp_path):
    contents = mini_social_budget()
    first = dataclasses.replace(contents.schemes[0], label="<script>alert(1)</script>")
    contents = dataclasses.replace(contents, schemes=(first, *contents.schemes[1:]))
    run = _write(tmp_path, contents)
    out = tmp_path / "tables.html"
    _invoke(app, "tables", run, "--format", "html", "--out", out)
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text
    assert "4,630.0" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "Z9"], "table 'Z9' is not in these results; found A4, B2, "),
        (["--scenario", "none"], "scenario 'none' is not in these results; found SQ"),
        (["--format", "pdf"], "unknown format 'pdf'; expected one of text, csv, xlsx, html"),
        (["--format", "xlsx"], "a workbook needs a file: add --out"),
        (["--fiscal-year", "7"], r"found 2025 only; expected monthly sums of 2025 and 2026"),
        (["--fiscal-year", "13"], "expected the first month, 1 to 12"),
    ],
)
def test_tables__refuses_what_it_cannot_do(app, run, arguments, message):
    with pytest.raises(InputError, match=message):
        _invoke(app, "tables", run, *arguments)


def test_tables__says_where_it_cannot_write(app, run, tmp_path):
    with pytest.raises(InputError, match=r"cannot be written; found Is a directory\. Give another"):
        _invoke(app, "tables", run, "--format", "csv", "--out", tmp_path)
    with pytest.raises(InputError, match=r"cannot be written; found .*Is a directory"):
        _invoke(app, "tables", run, "--format", "xlsx", "--out", tmp_path)
    out = tmp_path / "new" / "tables.csv"
    _invoke(app, "tables", run, "--format", "csv", "--out", out)
    assert out.is_file()


def test_figures__tell_zero_missing_suppressed_and_negative_apart():
    def text(value, **key):
        return figure_text(Row("SQ", 2025, "C7", "r", "c", "LCU million", value, **key))

    assert text(0.0) == "0"
    assert text(0.01) == "0.0"
    assert text(-0.01) == "0.0"
    assert text(-1234.56) == "(1,234.6)"
    assert text(np.nan, status="not applicable") == "n/a"
    assert text(np.nan, status="not available") == "n/a"
    assert text(np.nan, status="suppressed", n=10) == "(·)"
    assert text(5.0, n=30) == "5.0 u"
    assert text(5.0, n=50) == "5.0"
    assert text(5.0, n=30, se_sampling=0.24) == "5.0 [0.2] u"
    assert figure_text(None) == ""


def test_arrange__puts_scenarios_side_by_side():
    sheet = next(s for s in arrange(all_tables(random_contents(1))) if s.code == "C7")
    assert sheet.blocks[0].columns == ("SQ", "R1")
    assert [b.title for b in sheet.blocks] == [
        "current prices", "constant prices (constant 2025)", "% of GDP", "% of total",
    ]  # fmt: skip


def test_arrange__keeps_differences_apart():
    contents = dataclasses.replace(
        random_contents(1), records=random_records(1), poverty_lines={"national": 1_500.0}
    )
    sheet = next(s for s in arrange(all_tables(contents)) if s.code == "D1")
    blocks = {block.title: block.columns for block in sheet.blocks}
    assert blocks["national"] == ("SQ", "R1")
    assert blocks["national: reform minus status quo"] == ("R1-SQ",)


def test_arrange__puts_groups_below_their_line_and_units_into_heads():
    sheet = next(s for s in arrange(all_tables(random_contents(1))) if s.code == "B6")
    lines = sheet.blocks[0].lines
    assert sheet.blocks[0].heads == ("covered", "target", "rate (%)")
    assert [line.label for line in lines[1:3]] == ["    sex: male", "    sex: female"]
    assert len({line.row for line in lines[:5]}) == 1


def test_validate__prints_the_digest(app, reform):
    text = _invoke(app, "validate", reform)
    digest = next(x for x in text.splitlines() if x.startswith("digest: ")).split()[1]
    assert len(digest) == 64
    assert "checks hold (I-02, I-04" in text


def test_validate__notices_a_changed_figure(app, reform, tmp_path):
    path = tmp_path / "results.h5"
    path.write_bytes((reform / "results.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["cells/persons"][0, 0, 0, 0, 0] += 1
    with pytest.raises(FormatError, match="results do not match their checksum"):
        _invoke(app, "validate", path)


def test_validate__notices_a_changed_layout(app, reform, tmp_path):
    path = tmp_path / "results.h5"
    path.write_bytes((reform / "results.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file["tables/C/unit"]
        file["cells/persons"].attrs["meaning"] = "other"
    with pytest.raises(FormatError, match=r"(?s)persons: has another meaning.*unit: is missing"):
        _invoke(app, "validate", path)


def test_validate__fails_on_a_violated_identity(app, tmp_path):
    contents = random_contents(22)
    rows = all_tables(contents)
    position = next(i for i, r in enumerate(rows) if r.table == "C7" and r.row == "Balance")
    rows[position] = rows[position]._replace(value=rows[position].value + 1.0)
    run = _write(tmp_path, contents, rows)
    with pytest.raises(IdentityViolatedError, match="consolidated balance = sum of balances"):
        _invoke(app, "validate", run)


def _with_shards(folder, reform, numbers):
    """Return a run directory, of three units, with the shard files of some of them."""
    shutil.copy(reform / "results.h5", folder / "results.h5")
    (folder / "plan").mkdir()
    (folder / "question.json").write_text("{}")
    (folder / "cut.json").write_text('{"markets": [0, 3, 5, 6], "persons": [1, 1, 1]}')
    (folder / "plan" / "00000.json").write_text('{"reforms": [], "draws": [], "replicates": 1}')
    for number in numbers:
        path = folder / "shards" / "0000" / f"{number:07d}-{number:016x}.bin"
        write_shard(path, {"id": f"{number:064x}"[48:]}, {"sums": np.arange(8)})
    return folder


def test_validate__checks_every_shard(app, reform, tmp_path):
    run = _with_shards(tmp_path, reform, range(3))
    assert "shards: 3 found, whole and unaltered" in _invoke(app, "validate", run)
    assert "shards: none kept beside the results" in _invoke(app, "validate", reform)


@pytest.mark.parametrize("position", [0, 20, 100, -1])
def test_validate__names_a_damaged_shard(app, reform, tmp_path, position):
    run = _with_shards(tmp_path, reform, range(3))
    path = run / "shards" / "0000" / f"0000001-{1:016x}.bin"
    content = bytearray(path.read_bytes())
    content[-64 if position == -1 else position] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(RunFailedError, match=r"0000001-0+1\.bin: shard file is damaged") as caught:
        _invoke(app, "validate", run)
    assert caught.value.exit_code == 1


def test_validate__notices_a_missing_shard(app, reform, tmp_path):
    run = _with_shards(tmp_path, reform, [0, 2])
    missing = r"1 of 3 shard files are missing; found none that begins with 0000001-\. Run the same"
    with pytest.raises(RunFailedError, match=missing):
        _invoke(app, "validate", run)


def test_validate__notices_a_shard_under_the_name_of_another(app, reform, tmp_path):
    run = _with_shards(tmp_path, reform, range(3))
    folder = run / "shards" / "0000"
    shutil.copy(folder / f"0000002-{2:016x}.bin", folder / f"0000001-{1:016x}.bin")
    with pytest.raises(RunFailedError, match=r"0000001-.*another work unit; found: id '0+2'"):
        _invoke(app, "validate", run)


def test_validate__takes_rows_of_several_worlds(app, tmp_path):
    """Cells are of the first world: rows of others must not be held against them."""
    contents = random_contents(22)
    rows = all_tables(contents)
    identities = check_identities(contents, rows)
    world = {"draw": 1, "replicate": 2}
    rows += [r._replace(value=2 * r.value, **world) for r in rows]
    identities += [dataclasses.replace(i, **world) for i in identities]
    write_results(tmp_path / "results.h5", contents, rows, identities, PROVENANCE)
    said = _invoke(app, "validate", tmp_path)
    assert "worlds: 2 (parameter draws and Monte Carlo replicates)" in said
    assert f"identities: all {len(identities) // 2} checks hold" in said
    assert f"{len(identities) // 2} more checks held" in said
    found = [(i.draw, i.replicate) for i in read_results(tmp_path).identities]
    assert found == [(i.draw, i.replicate) for i in identities]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_validate__refuses_a_results_file_cut_short(app, reform, tmp_path, share):
    content = (reform / "results.h5").read_bytes()
    (tmp_path / "results.h5").write_bytes(content[: int(share * len(content))])
    for command in ("validate", "tables"):
        with pytest.raises(FormatError, match=r"results\.h5: .*damaged"):
            _invoke(app, command, tmp_path)


def test_validate__refuses_a_results_file_with_bytes_overwritten(app, reform, tmp_path):
    content = (reform / "results.h5").read_bytes()
    refused = 0
    for step in range(1, 20):
        start = step * len(content) // 20
        (tmp_path / "results.h5").write_bytes(
            content[:start] + bytes([255]) * 400 + content[start + 400 :]
        )
        try:
            _invoke(app, "validate", tmp_path)
        except FormatError:
            refused += 1
    assert refused


def test_tables__names_a_part_that_cannot_be_read(app, reform, tmp_path):
    path = tmp_path / "results.h5"
    path.write_bytes((reform / "results.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        del file["cells"]
        file["cells"] = np.arange(3)
    with pytest.raises(ResultsIncompleteError, match="a part is missing or damaged"):
        _invoke(app, "tables", path)


@pytest.fixture(scope="module")
def incomplete(tmp_path_factory):
    """Return a run directory in Kenyan shillings whose run set households aside."""
    poisoned = [
        {
            "variable": "<pension>", "what": "division by zero", "where": "pension.yaml:7",
            "formula": "a / b", "households": 12, "first_ids": [3, 9],
        },
        {
            "variable": "pension old", "what": "amount not finite or out of range", "where": "",
            "formula": "", "households": 1, "first_ids": [4],
        },
    ]  # fmt: skip
    contents = dataclasses.replace(random_contents(21), currency="KES")
    provenance = {**PROVENANCE, "settings": {"poisoned": poisoned}}
    return _write(tmp_path_factory.mktemp("incomplete"), contents, provenance=provenance)


NOTES = (
    "INCOMPLETE: 12 households set aside because <pension> (pension.yaml:7): division by zero",
    "INCOMPLETE: 1 households set aside because pension old: amount not finite or out of range",
)


def test_commands__say_that_results_are_incomplete(app, incomplete, reform, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    text, page, book = (tmp_path / name for name in ("t.txt", "t.html", "t.xlsx"))
    _invoke(app, "tables", incomplete, "--format", "text", "--out", text)
    _invoke(app, "tables", incomplete, "--format", "html", "--out", page)
    _invoke(app, "tables", incomplete, "--format", "xlsx", "--out", book)
    printed = _invoke(app, "tables", incomplete).splitlines()
    sheets = openpyxl.load_workbook(book)
    for number, note in enumerate(NOTES):
        assert printed[number] == note
        assert text.read_text().splitlines()[number] == note
        assert note in _invoke(app, "validate", incomplete).splitlines()
        assert html.escape(note) in page.read_text()
        assert all(sheet.cell(2 + number, 1).value == note for sheet in sheets)
    assert (
        NOTES[0] in CliRunner().invoke(app, ["tables", str(incomplete), "--format", "csv"]).stderr
    )
    assert "INCOMPLETE" not in _invoke(app, "validate", reform) + _invoke(app, "tables", reform)


def test_tables__name_the_currency(app, incomplete, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    page, book = tmp_path / "t.html", tmp_path / "t.xlsx"
    _invoke(app, "tables", incomplete, "--format", "html", "--out", page)
    _invoke(app, "tables", incomplete, "--format", "xlsx", "--out", book)
    printed = _invoke(app, "tables", incomplete, "--table", "C7", "--table", "B4")
    cells = {c.value for s in openpyxl.load_workbook(book) for line in s.iter_rows() for c in line}
    assert {"KES million", "KES/month"} <= cells
    assert "<td>KES million</td>" in page.read_text()
    assert "(KES million)" in printed
    assert "KES/month" in printed
    assert "LCU" not in printed + page.read_text() + " ".join(map(str, cells))
    tidy = _invoke(app, "tables", incomplete, "--table", "C1", "--format", "csv")
    assert "LCU million" in tidy
    assert "KES" not in tidy


def test_arrange__puts_parts_before_their_total():
    sheets = {sheet.code: sheet for sheet in arrange(all_tables(random_contents(1)))}
    assert sheets["C1"].blocks[0].columns == ("simulated", "given", "total")
    assert sheets["C4"].blocks[0].columns == ("given", "total")
    line = next(x for x in sheets["C1"].blocks[0].lines if x.row == "Administration")
    assert [cell.column if cell else "" for cell in line.cells] == ["", "given", "total"]
