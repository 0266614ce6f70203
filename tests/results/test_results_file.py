"""The results file: all comes back, in any reader, and a bad file is named for what it is."""

from __future__ import annotations

import dataclasses
import json
import runpy

import h5py
import jsonschema
import numpy as np
import pytest
from budget_contents import random_contents
from budget_years import years

from microsim.budget.identities import check_identities
from microsim.budget.projection import projection_identities, projection_tables
from microsim.budget.tables import all_tables
from microsim.errors import FormatError, InputError
from microsim.results.contents import TIDY
from microsim.results.digest import digest, digest_of_file
from microsim.results.layout import group_spec, provenance_schema
from microsim.results.provenance import check_provenance
from microsim.results.reader import (
    NotResultsError,
    ResultsIncompleteError,
    ResultsTooNewError,
    ResultsTooOldError,
    read_results,
)
from microsim.results.validation import check_layout
from microsim.results.writer import write_results
from microsim.shipped import folder

PROVENANCE = {
    "software": {"name": "microsim", "version": "0"},
    "inputs": [{"name": "baseline.yaml", "sha256": "0" * 64}],
    "seed": 1,
    "created": "2025-01-01T00:00:00Z",
    "execution": {"backend": "serial", "workers": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a written results file with what was written."""
    contents = random_contents(11)
    extremes = {("SQ", "pension", "old"): (10.5, 99.25)}
    cells = dataclasses.replace(contents.cells, extremes=extremes)
    contents = dataclasses.replace(contents, cells=cells)
    rows = all_tables(contents)
    identities = check_identities(contents, rows)
    path = tmp_path_factory.mktemp("run") / "results.h5"
    found = write_results(path, contents, rows, identities, PROVENANCE)
    return path, contents, rows, identities, found


def test_results_file__gives_everything_back(run):
    path, contents, rows, identities, found = run
    back = read_results(path.parent)
    assert found == back.digest == digest(contents, rows) == digest_of_file(path)
    assert back.identities == identities
    assert back.provenance == PROVENANCE
    plain = {f.name for f in dataclasses.fields(contents)} - {"cells", "records"}
    for name in plain:
        assert getattr(back.contents, name) == getattr(contents, name), name
    for name in ("persons", "persons_n", "places"):
        np.testing.assert_array_equal(
            getattr(back.contents.cells, name), getattr(contents.cells, name)
        )
    assert back.contents.cells.extremes == contents.cells.extremes
    assert back.contents.cells.measures == contents.cells.measures
    key = [tuple(str(getattr(r, n)) for n in TIDY) for r in rows]
    assert sorted(key) == sorted(tuple(str(getattr(r, n)) for n in TIDY) for r in back.rows)


def test_results_file__opens_in_xarray_with_labels(run):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path, contents, *_ = run
    with xarray.open_dataset(path, engine="h5netcdf", group="cells") as cells:
        assert cells["persons"].dims == ("scenario", "measure", "sex", "age_group", "status")
        assert cells["persons"].attrs["unit"]
        women = cells["persons"].sel(sex="female", scenario="SQ").sum()
    assert float(women) == pytest.approx(contents.cells.persons[0, :, 1].sum())
    with xarray.open_dataset(path, engine="h5netcdf", group="tables/C") as table:
        frame = table.to_dataframe()
    budget = frame[(frame.table == "C7") & (frame.row == "Balance") & (frame.scenario == "SQ")]
    assert len(budget) == 4


def test_readme__opens_a_file_as_it_says(run, tmp_path, monkeypatch):
    pytest.importorskip("h5netcdf")
    readme = (folder("results_schema") / "README.md").read_text(encoding="utf-8")
    script = tmp_path / "example.py"
    script.write_text(readme.split("```python")[1].split("```")[0])
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.h5").write_bytes(run[0].read_bytes())
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(script))
    assert {"C1", "C7", "C10"} <= set(found["tables"].table)
    found["cells"].close()


@pytest.fixture(scope="module")
def projection(tmp_path_factory):
    """Return a written projection with what was written."""
    made = years(last=2028, lives_of=(0, 1))
    rows = projection_tables(made)
    identities = projection_identities(made, rows)
    path = tmp_path_factory.mktemp("projection") / "results.h5"
    found = write_results(path, made[0], rows, identities, PROVENANCE, made[1:])
    return path, made, rows, identities, found


def test_projection__gives_every_year_back(projection):
    path, made, rows, identities, found = projection
    back = read_results(path)
    check_layout(path)
    assert found == back.digest == digest_of_file(path)
    assert back.identities == identities
    assert len(back.rows) == len(rows)
    assert {r.year for r in back.rows} == {2025, 2026, 2027, 2028}
    first = back.contents
    assert (first.horizon, first.lives_of) == (made[0].horizon, (0, 1))
    assert first.schemes == made[0].schemes
    assert first.schemes[0].fund.target_ratio == 3.0
    assert first.schemes[2].fund.closed
    assert first.schemes[3].fund is None
    assert [repr(one) for one in first.assumptions] == [repr(one) for one in made[0].assumptions]
    for one in made[1:]:
        cells = back.later[one.year]
        assert cells.measures == one.cells.measures
        np.testing.assert_array_equal(cells.persons, one.cells.persons)
        np.testing.assert_array_equal(cells.places, one.cells.places)


def test_projection__has_a_digest_of_every_year(projection):
    _, made, rows, _, found = projection
    later = {one.year: one.cells for one in made[1:]}
    assert digest(made[0], rows, later) == found
    persons = later[2027].persons.copy()
    persons[0, 0, 0, 0, 0] += 1
    changed = {**later, 2027: dataclasses.replace(later[2027], persons=persons)}
    assert digest(made[0], rows, changed) != found
    assert digest(made[0], rows, {2026: later[2026]}) != found


def test_projection__names_a_year_that_does_not_fit(projection, tmp_path):
    _, made, rows, identities, _ = projection
    cells = dataclasses.replace(made[1].cells, places=made[1].cells.places[:, :-1])
    broken = dataclasses.replace(made[1], cells=cells)
    with pytest.raises(InputError, match="years/2026/places: has another shape than its labels"):
        write_results(tmp_path / "r.h5", made[0], rows, identities, PROVENANCE, [broken])


def test_results_file__opens_in_pandas(run):
    pandas = pytest.importorskip("pandas")
    path, _, rows, *_ = run
    with h5py.File(path) as file:
        group = file["tables/C"]
        frame = pandas.DataFrame({n: group[n][()] for n in ("table", "row", "value")})
    assert len(frame) == len([r for r in rows if r.table.startswith("C")])


def test_results_file__says_first_what_it_is(run):
    with h5py.File(run[0]) as file:
        assert file.attrs["format_name"] == "microsim results"
        assert list(file.attrs["format_version"]) == [1, 2]
        assert file.attrs["complete"] == 1
        filters = {d.compression for d in _datasets(file)}
        assert filters <= {None, "gzip"}
        for name in ("cells", "schemes", "tables/C"):
            for spec in group_spec(name).datasets:
                if spec.name in file[name] and not spec.scale:
                    labels = tuple(d.keys()[0] for d in file[name][spec.name].dims)
                    assert labels == spec.dims


def _datasets(group):
    found = []
    group.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


def test_digest__ignores_row_order_and_provenance_but_no_figure(run):
    _, contents, rows, _, found = run
    assert digest(contents, rows[::-1]) == found
    changed = [rows[0]._replace(value=np.nextafter(rows[0].value, 9e9)), *rows[1:]]
    assert digest(contents, changed) != found
    persons = contents.cells.persons.copy()
    persons[0, 0, 0, 0, 0] += 1
    cells = dataclasses.replace(contents.cells, persons=persons)
    assert digest(dataclasses.replace(contents, cells=cells), rows) != found


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.attrs.__setitem__("format_version", [0, 9]), ResultsTooOldError,
         r"too old; found 0\.9; expected version 1\.x\. Run the question again"),
        (lambda f: f.attrs.__setitem__("format_version", [2, 0]), ResultsTooNewError,
         r"too new; found 2\.0; expected version 1\.x\. Upgrade"),
        (lambda f: f.attrs.__delitem__("complete"), ResultsIncompleteError,
         r"was not finished\. Run the same"),
        (lambda f: f.attrs.__setitem__("format_name", "other"), NotResultsError,
         r"is not a results file; found an HDF5 file without our format_name"),
        (lambda f: f.attrs.__delitem__("format_version"), NotResultsError,
         r"found an HDF5 file without our format_version"),
        (lambda f: f.__delitem__("cells"), ResultsIncompleteError, r"a part is missing"),
    ],
)  # fmt: skip
def test_reader__names_what_is_wrong_with_a_file(run, tmp_path, change, error, message):
    path = tmp_path / "results.h5"
    path.write_bytes(run[0].read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(error, match=message) as caught:
        read_results(path)
    assert isinstance(caught.value, FormatError)
    assert caught.value.exit_code == 2


def test_reader__reads_a_newer_minor_version(run, tmp_path):
    path = tmp_path / "results.h5"
    path.write_bytes(run[0].read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = [1, 7]
    assert read_results(path).digest == run[4]


def test_reader__reads_identities_without_the_columns_that_came_later(run, tmp_path):
    path = tmp_path / "results.h5"
    path.write_bytes(run[0].read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = [1, 0]
        del file["identities/draw"], file["identities/replicate"]
    check_layout(path)
    assert read_results(path).identities == run[3]


def test_reader__refuses_what_is_no_results_file(tmp_path):
    with pytest.raises(NotResultsError, match="there is no results file"):
        read_results(tmp_path)
    (tmp_path / "results.h5").write_text("not HDF5")
    with pytest.raises(NotResultsError, match="not an HDF5 file, or damaged"):
        read_results(tmp_path)


def test_writer__leaves_the_old_file_when_it_fails(run, tmp_path):
    _, contents, rows, identities, _ = run
    target = tmp_path / "results.h5"
    target.write_text("old")
    cells = dataclasses.replace(contents.cells, places=contents.cells.places[:, :-1])
    broken = dataclasses.replace(contents, cells=cells)
    with pytest.raises(InputError, match="has another shape than its labels"):
        write_results(target, broken, rows, identities, PROVENANCE)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["results.h5"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "one"}, r"provenance\.seed: has the wrong type; found str; expected integer"),
        ({"execution": {"backend": "serial", "workers": 0}}, r"workers: is too small; found 0"),
        (
            {"inputs": [{"name": "x", "sha256": "short"}]},
            r"inputs\[0\]\.sha256: has the wrong form",
        ),
        ({"software": {"name": "microsim"}}, r"provenance\.software: has no version"),
    ],
)
def test_provenance__is_checked_as_its_schema_says(change, message):
    check_provenance(PROVENANCE)
    jsonschema.validate(PROVENANCE, provenance_schema())
    bad = {**PROVENANCE, **change}
    with pytest.raises(InputError, match=message):
        check_provenance(bad)
    with pytest.raises(jsonschema.ValidationError, match=r"\S"):
        jsonschema.validate(json.loads(json.dumps(bad)), provenance_schema())
