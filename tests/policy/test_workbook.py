"""Parameters go to a workbook and come back, and only what changed is written."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_system import write_system

from microsim.errors import InputError
from microsim.files import parse_date
from microsim.language.definitions import DatedValue
from microsim.policy.loading import load_system
from microsim.policy.rewriting import import_parameters, same_values
from microsim.policy.values import effective_month
from microsim.policy.workbook import export_parameters, read_workbook

CORESIA = Path(__file__).parent.parent / "data" / "coresia"


@pytest.fixture(scope="module")
def coresia():
    return load_system(CORESIA / "baseline.yaml")


def edited(path, sheet, row, column, value):
    book = openpyxl.load_workbook(path)
    book[sheet].cell(row, column).value = value
    book.save(path)


def test_export__loses_nothing(tmp_path, coresia):
    rows = export_parameters(coresia, tmp_path / "p.xlsx")
    found = read_workbook(tmp_path / "p.xlsx", coresia)
    parameters = coresia.definitions.parameters
    assert set(found) == set(parameters)
    assert all(same_values(one.values, found[name]) for name, one in parameters.items())
    assert rows == 50


def test_export__has_one_sheet_a_group_and_one_a_schedule(tmp_path, coresia):
    export_parameters(coresia, tmp_path / "p.xlsx")
    book = openpyxl.load_workbook(tmp_path / "p.xlsx")
    assert book.sheetnames[:3] == ["Read me", "fund", "pension"]
    assert "income_tax.bands" in book.sheetnames
    row = [cell.value for cell in book["fund"][3]]
    assert row[0] == "fund.lower_limit"
    assert row[4] == 120


def test_import__without_a_change_copies_every_byte(tmp_path, coresia):
    export_parameters(coresia, tmp_path / "p.xlsx")
    done = import_parameters(tmp_path / "p.xlsx", CORESIA / "baseline.yaml", tmp_path / "copy")
    assert done.changes == ()
    for path in ("baseline.yaml", "law/pensions.yaml", "law/health.yaml"):
        assert (tmp_path / "copy" / path).read_bytes() == (CORESIA / path).read_bytes()


def test_import__in_place_changes_one_line_and_keeps_comments(tmp_path):
    shutil.copytree(CORESIA, tmp_path / "coresia")
    system_path = tmp_path / "coresia" / "baseline.yaml"
    export_parameters(load_system(system_path), tmp_path / "p.xlsx")
    edited(tmp_path / "p.xlsx", "fund", 6, 5, 2500)
    done = import_parameters(tmp_path / "p.xlsx", system_path)
    assert [Path(path).name for path in done.files] == ["pensions.yaml"]
    before = (CORESIA / "law/pensions.yaml").read_text().splitlines()
    after = (tmp_path / "coresia/law/pensions.yaml").read_text().splitlines()
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert changed == [("        2025-02-01: 2400", "        2025-02-01: 2500")]


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "fault"),
    [
        ("fund", 2, 5, "many", r"\[fund\]:2: value of parameter fund.lower_limit; found many"),
        ("fund", 2, 7, None, r"\[fund\]:2: parameter fund.lower_limit has no source"),
        ("fund", 2, 3, "share", r"\[fund\]:2: 'unit' of fund.lower_limit; found share"),
        ("fund", 2, 1, "fund.lowest", r"\[fund\]:2: unknown parameter 'fund.lowest'"),
        ("fund", 2, 4, "soon", r"\[fund\]:2: date of parameter fund.lower_limit"),
        ("fund", 2, 4, "2024-02-01", r"has two values from 2024-02-01"),
        ("fund", 1, 5, "amount", r"\[fund\]:1: the columns are others"),
        ("income_tax.bands", 3, 10, 0, r"\[income_tax.bands\]:3: thresholds .* do not increase"),
        ("health.care_cost", 2, 11, "boy", r"\[health.care_cost\]:2: cell of table .* found boy"),
    ],
)
def test_import__names_sheet_and_row_of_a_fault(
    tmp_path, coresia, sheet, row, column, value, fault
):
    export_parameters(coresia, tmp_path / "p.xlsx")
    edited(tmp_path / "p.xlsx", sheet, row, column, value)
    with pytest.raises(InputError, match=fault):
        read_workbook(tmp_path / "p.xlsx", coresia)


def test_import__names_a_file_that_is_no_workbook(tmp_path, coresia):
    (tmp_path / "p.xlsx").write_text("no workbook")
    with pytest.raises(InputError, match="not an XLSX workbook"):
        read_workbook(tmp_path / "p.xlsx", coresia)
    with pytest.raises(InputError, match="no such file"):
        read_workbook(tmp_path / "q.xlsx", coresia)


def test_import__does_not_write_over_other_files(tmp_path, coresia):
    export_parameters(coresia, tmp_path / "p.xlsx")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "baseline.yaml").write_text("mine\n")
    with pytest.raises(InputError, match=r"baseline\.yaml: the file is already there"):
        import_parameters(tmp_path / "p.xlsx", CORESIA / "baseline.yaml", tmp_path / "copy")
    assert (tmp_path / "copy" / "baseline.yaml").read_text() == "mine\n"


def test_import__leaves_what_the_workbook_leaves_out(tmp_path):
    system_path = write_system(tmp_path)
    export_parameters(load_system(system_path), tmp_path / "p.xlsx")
    book = openpyxl.load_workbook(tmp_path / "p.xlsx")
    del book["tax.steps"]
    book.save(tmp_path / "p.xlsx")
    done = import_parameters(tmp_path / "p.xlsx", system_path)
    assert (done.left_out, done.changes, done.files) == (("tax.steps",), (), ())


dates = st.dates(datetime.date(1995, 1, 1), datetime.date(2040, 12, 31)).map(str)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=64)
sources = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=30
).filter(lambda text: text.strip() == text)


@st.composite
def histories(draw, old):
    """Return other dated values for a scalar parameter: some kept, changed, dropped, new."""
    values = {one.date: one for one in old if draw(st.booleans())}
    for date in draw(st.lists(dates, min_size=0 if values else 1, max_size=3)):
        month = effective_month(parse_date(date))
        number, source = draw(numbers), draw(sources)
        values[date] = DatedValue(month, number, date, source, old[0].where)
    ordered = sorted(values.values(), key=lambda one: one.date)
    months = [one.month for one in ordered]
    assume(months == sorted(months) and not ordered[0].suspended)
    return tuple(ordered)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_import__writes_any_change_of_values_exactly(coresia, tmp_path_factory, data):
    parameters = dict(coresia.definitions.parameters)
    scalars = [one for one in parameters.values() if one.kind == "scalar"]
    numeric = [one for one in scalars if one.unit not in ("boolean", "category")]
    for one in data.draw(st.lists(st.sampled_from(numeric), max_size=4, unique_by=id)):
        parameters[one.name] = replace(one, values=data.draw(histories(one.values)))
    changed = replace(coresia, definitions=replace(coresia.definitions, parameters=parameters))
    folder = tmp_path_factory.mktemp("coresia")
    export_parameters(changed, folder / "p.xlsx")
    done = import_parameters(folder / "p.xlsx", CORESIA / "baseline.yaml", folder / "copy")
    kept = coresia.definitions.parameters
    assert bool(done.changes) == any(
        not same_values(kept[name].values, one.values) for name, one in parameters.items()
    )
    found = load_system(folder / "copy" / "baseline.yaml").definitions.parameters
    for name, parameter in parameters.items():
        assert same_values(found[name].values, parameter.values), name
        assert replace(found[name], values=(), where=parameter.where) == replace(
            parameter, values=()
        )
    comment = "# Contributions, a provident fund, and pensions given from outside."
    assert comment in (folder / "copy" / "law" / "pensions.yaml").read_text()
