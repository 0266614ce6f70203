"""Results open outside this project: the readers that ship give the numbers that were written.

R runs for real, with both of its packages. Julia and Stata are not run here: what their readers
name must be in the layout, and what h5dump gives Stata is parsed as its reader does.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from budget_contents import random_contents, random_records

from microsim.budget.identities import check_identities
from microsim.budget.tables import all_tables
from microsim.results.contents import AGES, TIDY
from microsim.results.layout import group_spec
from microsim.results.writer import write_results
from microsim.shipped import folder

READERS = folder("results_schema") / "readers"
PROVENANCE = {
    "software": {"name": "microsim", "version": "0"},
    "inputs": [],
    "seed": 1,
    "created": "2025-01-01T00:00:00Z",
    "execution": {"backend": "serial", "workers": 1},
}
TEXT = {d.name for d in group_spec("tables/C").datasets if d.dtype == "text"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a results file, its contents and rows in the order of the file."""
    contents = dataclasses.replace(random_contents(5), records=random_records(5))
    rows = all_tables(contents)
    path = tmp_path_factory.mktemp("run") / "results.h5"
    write_results(path, contents, rows, check_identities(contents, rows), PROVENANCE)
    return path, contents, sorted(rows, key=lambda r: r.table[0])


def absent(what: str) -> None:
    """Skip, but not where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed, and must be where CI=true")
    pytest.skip(f"{what} is not installed: THE READER WAS NOT RUN")


def test_h5py__reads_every_table(written):
    path, _, rows = written
    with h5py.File(path) as file:
        assert sorted(file["tables"]) == sorted({r.table[0] for r in rows})
        values = np.concatenate([file[f"tables/{f}/value"][()] for f in sorted(file["tables"])])
        names = [t for f in sorted(file["tables"]) for t in file[f"tables/{f}/row"].asstr()[()]]
    np.testing.assert_array_equal(values, [r.value for r in rows])
    assert names == [r.row for r in rows]


def test_xarray_and_pandas__read_tables_and_cells(written):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path, contents, rows = written
    with xarray.open_dataset(path, engine="h5netcdf", group="tables/D", phony_dims="sort") as data:
        frame = data.to_dataframe()
    mine = [r for r in rows if r.table.startswith("D")]
    np.testing.assert_array_equal(frame["value"], [r.value for r in mine])
    assert list(frame["status"]) == [r.status for r in mine]
    with xarray.open_dataset(path, engine="h5netcdf", group="cells") as cells:
        np.testing.assert_array_equal(cells["persons"], contents.cells.persons)
        np.testing.assert_array_equal(
            cells["places"].sel(area="urban"), contents.cells.places[..., 1]
        )


R_PROGRAM = """
source(commandArgs(TRUE)[1])
r <- read_results(commandArgs(TRUE)[2], commandArgs(TRUE)[3])
into <- function(name) file.path(commandArgs(TRUE)[4], name)
raw <- function(x, name) writeBin(as.double(x), into(name), endian = "little")
lines <- function(x, name) writeLines(x, into(name), useBytes = TRUE)
for (name in c("value", "se_sampling", "n", "year", "draw")) raw(r$tables[[name]], name)
raw(r$cells$persons, "persons")
raw(r$cells$persons_n, "persons_n")
raw(r$cells$places, "places")
raw(r$cells$persons["R1", , "female", "25-59", ], "part")
raw(r$identities$left, "left")
lines(r$tables$row, "row")
lines(r$tables[["function"]], "function")
lines(dimnames(r$cells$persons)$measure, "measure")
stopifnot(is.data.frame(r$tables), nchar(r$attributes$digest) == 64, r$attributes$year == 2025)
stopifnot(grepl("created", r$provenance))
"""


@pytest.fixture(scope="module")
def r_program():
    """Return the program that runs R scripts."""
    found = shutil.which("Rscript")
    if found is None:
        absent("R")
    return found


def run_r(r_program, package, text, *arguments):
    there = subprocess.run(
        [r_program, "-e", f'stopifnot(requireNamespace("{package}", quietly = TRUE))'],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    if there.returncode:
        absent(f"the R package {package}")
    return subprocess.run(
        [r_program, "-e", text, *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("package", ["rhdf5", "hdf5r"])
def test_r__reads_every_number_to_the_bit(r_program, written, tmp_path, package):
    path, contents, rows = written
    script = READERS / "R" / "read_results.R"
    done = run_r(r_program, package, R_PROGRAM, script, path, package, tmp_path)
    assert done.returncode == 0, done.stderr

    def raw(name):
        return np.fromfile(tmp_path / name, "<f8")

    for name in ("value", "se_sampling", "n", "year", "draw"):
        np.testing.assert_array_equal(raw(name), [float(getattr(r, name)) for r in rows])
    for name in ("row", "function"):
        found = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        assert found == [getattr(r, name) for r in rows]
    cells = contents.cells
    # R keeps the first dimension together, NumPy the last.
    np.testing.assert_array_equal(raw("persons"), cells.persons.ravel(order="F"))
    np.testing.assert_array_equal(raw("persons_n"), cells.persons_n.ravel(order="F"))
    np.testing.assert_array_equal(raw("places"), cells.places.ravel(order="F"))
    age = AGES.index("25-59")
    np.testing.assert_array_equal(raw("part"), cells.persons[1, :, 1, age].ravel(order="F"))
    measures = (tmp_path / "measure").read_text(encoding="utf-8").splitlines()
    assert measures == [f"{m.kind}|{m.scheme}|{m.item}|{m.statistic}" for m in cells.measures]
    identities = check_identities(contents, all_tables(contents))
    np.testing.assert_array_equal(raw("left"), [i.left for i in identities])


@pytest.mark.parametrize("package", ["rhdf5", "hdf5r"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.__setitem__("format_version", [2, 0]), "has version 2.0; expected 1.x"),
        (lambda a: a.__delitem__("complete"), "was not finished"),
        (lambda a: a.__setitem__("format_name", "other"), "is not a results file"),
    ],
)
def test_r__refuses_what_it_cannot_read(r_program, written, tmp_path, package, change, message):
    path = tmp_path / "results.h5"
    shutil.copy(written[0], path)
    with h5py.File(path, "r+") as file:
        change(file.attrs)
    script = READERS / "R" / "read_results.R"
    done = run_r(r_program, package, R_PROGRAM, script, path, package, tmp_path)
    assert done.returncode != 0
    assert message in done.stderr


def test_julia_and_stata_readers__name_what_the_layout_has():
    julia = (READERS / "julia" / "read_results.jl").read_text(encoding="utf-8")
    cells = {d.name for d in group_spec("cells").datasets}
    for dims in re.findall(r"const OF_\w+ = \[(.*)\]", julia):
        assert set(re.findall(r'"(\w+)"', dims)) <= cells
    named = set(re.findall(r'"(\w+)" => OF_', julia))
    assert named == {"persons", "persons_n", "places", "places_n"} <= cells
    stata = (READERS / "stata" / "read_results.do").read_text(encoding="utf-8")
    assert set(re.search(r"local text (.*)", stata)[1].split()) == TEXT
    assert set(re.search(r"local numbers (.*)", stata)[1].split()) == set(TIDY) - TEXT
    for text in (julia, stata, (READERS / "R" / "read_results.R").read_text(encoding="utf-8")):
        for opening, closing in ("()", "[]", "{}"):
            plain = re.sub(r'"[^"\n]*"', '""', text)
            assert plain.count(opening) == plain.count(closing)


def test_h5dump__gives_stata_lines_it_can_parse(written, tmp_path):
    """The command of the Stata reader, run; its output parsed as its Mata function does."""
    program = shutil.which("h5dump")
    if program is None:
        absent("h5dump")
    path, _, rows = written
    stata = (READERS / "stata" / "read_results.do").read_text(encoding="utf-8")
    options = re.search(r'shell h5dump (.*) -o "`raw\'" -d', stata)[1].replace('"', "").split()

    def lines(column):
        raw = tmp_path / column
        subprocess.run(
            [program, *options, "-o", raw, "-d", f"/tables/C/{column}", path],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        found = [line.strip() for line in raw.read_text(encoding="utf-8").splitlines()]
        return [line.removesuffix(",") for line in found if line]

    mine = [r for r in rows if r.table.startswith("C")]
    np.testing.assert_array_equal([float(x) for x in lines("value")], [r.value for r in mine])
    np.testing.assert_array_equal([int(x) for x in lines("n")], [r.n for r in mine])
    for column in ("row", "price_basis", "status"):
        assert [x[1:-1] for x in lines(column)] == [getattr(r, column) for r in mine]
