"""YAML is read as plain data only, with places."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.errors import FaultList
from microsim.files import Fields, FileTree, parse, parse_date, parse_month


def faults_of(text: str) -> list[str]:
    faults = FaultList()
    parse(text, "law.yaml", faults)
    return [str(fault) for fault in faults.faults]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: !!python/object:os.system x\n", "law.yaml:2: tags are not allowed"),
        ("a: !include b.yaml\n", "law.yaml:1: tags are not allowed"),
        ("a: &x 1\nb: 2\n", "law.yaml:1: anchors are not allowed; found &x"),
        ("a: 1\nb: *x\n", "law.yaml:2: aliases are not allowed; found *x"),
        ("a: 1\nb: 2\na: 3\n", "law.yaml:3: duplicate key 'a'; found also on line 1"),
        ("a:\n  b: {c: 1, c: 2}\n", "law.yaml:2: duplicate key 'c'"),
        ("a: 1\n---\nb: 2\n", "law.yaml:2: a second document"),
        ("a: [1, 2\nb: 3\n", "law.yaml:2: not YAML"),
        ("a: 1\n\tb: 2\n", "not YAML"),
        ("- a\n- b\n", "law.yaml:1: the file is not a mapping; found a list of 2"),
        ("", "law.yaml:1: the file is not a mapping; found nothing"),
        ("? [a, b]\n: 1\n", "law.yaml:1: a key must be a single word"),
        ("a: 1\nb: \x07\n", "law.yaml:2: not YAML: a character"),
    ],
)
def test_parse__names_what_plain_data_does_not_allow(text, fault):
    assert any(fault in found for found in faults_of(text)), faults_of(text)


def test_parse__is_not_fooled_by_deep_nesting():
    faults = FaultList()
    with pytest.raises(Exception, match="nested deeper than 64 levels"):
        parse("a: " + "[" * 100 + "]" * 100, "law.yaml", faults)


def test_parse__keeps_dates_and_numbers_as_written():
    node = parse("2024-02-01: 007\n", "law.yaml", FaultList())
    (key, value) = node.entries[0]
    assert (key.text, value.text, value.line) == ("2024-02-01", "007", 1)


def test_parse__tells_quoted_from_plain():
    node = parse('a: "5"\nb: 5\nc: "true"\nd: 8.0e9\ne: yes\nf: .inf\ng: 1_000\n', "x", FaultList())
    assert node.get("a").as_number() is None
    assert node.get("b").as_number() == 5
    assert node.get("c").as_boolean() is None
    assert node.get("d").as_number() == 8.0e9
    assert node.get("e").as_boolean() is None
    assert node.get("f").as_number() is None
    assert node.get("g").as_number() == 1000


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_parse__reads_every_number_exactly(number):
    node = parse(f"a: {number!r}\n", "x", FaultList())
    assert node.get("a").as_number() == number


@given(st.text(max_size=60))
def test_parse__never_fails_with_anything_but_faults(text):
    faults = FaultList()
    node = parse(text, "x", faults)
    assert node is not None or faults.faults


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-29", (2024, 2, 29)),
        ("2023-02-29", None),
        ("2023-13-01", None),
        ("2023-1-1", None),
        ("1900-02-29", None),
        ("2000-02-29", (2000, 2, 29)),
        ("2023-04-31", None),
    ],
)
def test_parse_date__knows_the_calendar(text, day):
    assert parse_date(text) == day


def test_parse_month__wants_year_and_month():
    assert parse_month("2024-03") == (2024, 3)
    assert parse_month("2024-3") is None
    assert parse_month("2024-13") is None


def test_fields__collect_every_fault_at_once():
    faults = FaultList()
    node = parse("nmae: x\nsize: big\nyes: perhaps\nlist: 3\n", "x.yaml", faults)
    fields = Fields(node, faults, ("name", "size", "yes", "list"), "thing")
    fields.text("name", required=True)
    fields.number("size")
    fields.boolean("yes")
    fields.elements("list")
    assert [str(fault) for fault in faults.faults] == [
        "x.yaml:1: unknown key 'nmae' in thing; expected name, size, yes, list. "
        "Did you mean 'name'?",
        "x.yaml:1: thing has no 'name'; found nothing; expected name: ...",
        "x.yaml:2: 'size' of thing; found big; expected a number.",
        "x.yaml:3: 'yes' of thing; found perhaps; expected true or false.",
        "x.yaml:4: 'list' of thing; found 3; expected a list in [ ].",
    ]


@pytest.mark.parametrize("path", ["../../outside.yaml", "/etc/passwd", "a\\b.yaml", "link.yaml"])
def test_file_tree__keeps_paths_inside_the_folder_tree(tmp_path, path):
    country = tmp_path / "scenarios" / "country"
    country.mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("a: 1\n")
    (country / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    faults = FaultList()
    tree = FileTree(country / "baseline.yaml")
    node = parse(f"include: {path}\n", str(country / "baseline.yaml"), faults).get("include")
    assert tree.relative(node, faults) is None
    assert "leaves the folder tree" in str(faults.faults[0])


def test_file_tree__lets_a_data_file_be_a_link(tmp_path):
    country = tmp_path / "scenarios" / "country"
    country.mkdir(parents=True)
    (country / "survey.h5").symlink_to(tmp_path / "elsewhere.h5")
    faults = FaultList()
    node = parse("file: survey.h5\n", str(country / "run.yaml"), faults).get("file")
    assert (
        Path(FileTree(country / "run.yaml").relative(node, faults, data=True)).name == "survey.h5"
    )
    assert not faults.faults


def test_file_tree__names_a_missing_file_and_the_one_meant(tmp_path):
    (tmp_path / "law.yaml").write_text("a: 1\n")
    faults = FaultList()
    FileTree(tmp_path / "law.yaml").read(tmp_path / "lwa.yaml", faults, "x.yaml:3")
    assert "x.yaml:3: cannot read" in str(faults.faults[0])
    assert "Did you mean 'law.yaml'?" in str(faults.faults[0])


def test_file_tree__does_not_suggest_the_folder_it_found(tmp_path):
    (tmp_path / "pension_law").mkdir()
    faults, tree = FaultList(), FileTree(tmp_path / "pension_law")
    tree.read(tmp_path / "pension_law", faults)
    assert str(faults.faults[0]).endswith("found a folder; expected a file.")
    (tmp_path / "pension_law.yaml").write_text("a: 1\n")
    tree.read(tmp_path / "pension_law", faults)
    assert "Did you mean 'pension_law.yaml'?" in str(faults.faults[1])


def test_file_tree__names_the_line_that_is_not_utf8(tmp_path):
    path = tmp_path / "law.yaml"
    path.write_bytes("a: 1\nb: Malm\xf6\n".encode("latin-1"))
    faults = FaultList()
    FileTree(path).read(path, faults)
    assert f"{path}:2: the file is not UTF-8 text; found byte 0xf6" in str(faults.faults[0])


def test_parse__is_fast_enough_for_a_whole_law():
    text = "parameters:\n" + "".join(
        f"  p{i}:\n    unit: currency/month\n    source: Act of 2013, Schedule {i}\n    values:\n"
        f"      2023-02-01: {i}\n      2024-02-01: {{value: {i}, source: notice of January}}\n"
        for i in range(133)
    )
    parse(text, "x", FaultList())
    started = time.process_time()
    parse(text, "x", FaultList())
    assert time.process_time() - started < 0.5  # 0.05 s where it was written
