"""Files of persons: written by unit, joined only when all are whole, read by anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from microsim.errors import InputError
from microsim.results import persons_joined
from microsim.results.persons import PersonsError, verify_persons, write_persons
from microsim.results.persons_joined import (
    MOST_LINKED,
    check_linked,
    consolidate,
    copy_persons,
    join_persons,
    link_persons,
    linked_files,
)

SIZES = (40_000, 3, 0, 25_000)


def make_files(run, names=("baseline", "reform"), batch=0, sizes=SIZES):
    """Write the files of one batch of scenarios; return them and all their values."""
    rng, first, files = np.random.default_rng(batch), 0, []
    values = {f"{name}/{v}": [] for name in names for v in ("tax", "grant")}
    for k, n in enumerate(sizes):
        columns = {name: rng.normal(size=n) for name in values}
        for name, parts in values.items():
            parts.append(columns[name])
        row = first + np.arange(n)
        path = run / "persons" / f"{batch}-{k}.h5"
        files.append(
            write_persons(
                path, columns, {"person": row, "household_id": 7 * row}, {"id": f"{batch}-{k}"},
                {"tax": "LCU/month"},
            )
        )  # fmt: skip
        first += n
    return files, {name: np.concatenate(parts) for name, parts in values.items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run folder with a linked and a copied file, and what is in them."""
    folder = tmp_path_factory.mktemp("run")
    files, values = make_files(folder)
    link_persons([files], folder / "persons.h5")
    copy_persons([files], folder / "copied.h5")
    return folder, files, values


@pytest.mark.parametrize("name", ["persons.h5", "copied.h5"])
def test_joined_file__opens_in_h5py_from_anywhere(run, name, tmp_path, monkeypatch):
    folder, _, values = run
    monkeypatch.chdir(tmp_path)  # parts are found from the joined file, not from here
    with h5py.File(folder / name) as file:
        assert file.attrs["format_name"] == "microsim persons"
        assert file.attrs["persons"] == sum(SIZES)
        for column, expected in values.items():
            np.testing.assert_array_equal(file[column][()], expected)
            assert file[column].dims[0].keys() == ["person"]
        np.testing.assert_array_equal(file["household_id"], 7 * np.arange(sum(SIZES)))
        assert file["baseline/tax"].attrs["unit"] == "LCU/month"


@pytest.mark.parametrize("name", ["persons.h5", "copied.h5"])
def test_joined_file__opens_in_xarray_and_pandas(run, name):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    folder, _, values = run
    with xarray.open_dataset(folder / name, engine="h5netcdf", group="reform") as found:
        assert found["grant"].dims == ("person",)
        frame = found.to_dataframe()
    np.testing.assert_array_equal(frame["grant"].to_numpy(), values["reform/grant"])
    with xarray.open_dataset(folder / name, engine="h5netcdf") as found:
        assert found["household_id"].dims == ("person",)
        assert int(found["person"][-1]) == sum(SIZES) - 1


def test_joined_file__moves_with_its_run(run, tmp_path):
    folder, _, values = run
    shutil.copytree(folder, tmp_path / "moved")
    with h5py.File(tmp_path / "moved" / "persons.h5") as file:
        np.testing.assert_array_equal(file["reform/tax"], values["reform/tax"])
    check_linked(tmp_path / "moved" / "persons.h5")


def test_copied_file__is_compressed_and_needs_no_other(run, tmp_path):
    folder, _, values = run
    shutil.copy(folder / "copied.h5", tmp_path / "alone.h5")
    with h5py.File(tmp_path / "alone.h5") as file:
        dataset = file["baseline/grant"]
        assert (dataset.compression, dataset.compression_opts) == ("gzip", 1)
        assert dataset.chunks == (32_768,)
        assert dataset.fletcher32
        np.testing.assert_array_equal(dataset, values["baseline/grant"])


def test_consolidate__gives_what_was_linked(run, tmp_path):
    consolidate(run[0] / "persons.h5", tmp_path / "whole.h5")
    assert (tmp_path / "whole.h5").read_bytes() == (run[0] / "copied.h5").read_bytes()
    with pytest.raises(PersonsError, match="links no other files"):
        consolidate(run[0] / "copied.h5", tmp_path / "again.h5")


def test_batches__are_joined_with_one_baseline(run, tmp_path):
    files, values = make_files(tmp_path)
    more, other = make_files(tmp_path, ("baseline", "third"), 1, (65_000, 3))
    for make, name in ((link_persons, "a.h5"), (copy_persons, "b.h5")):
        make([files, more], tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            assert set(file) >= {"baseline", "reform", "third", "person", "household_id"}
            np.testing.assert_array_equal(file["baseline/tax"], values["baseline/tax"])
            np.testing.assert_array_equal(file["third/tax"], other["third/tax"])
    few, _ = make_files(tmp_path, ("baseline", "fourth"), 2, (65_000,))
    with pytest.raises(PersonsError, match=r"2-0\.h5: file of persons has other persons"):
        link_persons([files, few], tmp_path / "c.h5")


# -- what is refused ---------------------------------------------------------------------------


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


DAMAGE = {
    "missing": (lambda p: p.unlink(), "cannot be read; found: No such file"),
    "a bit": (flip, "was altered"),
    "cut": (lambda p: p.write_bytes(p.read_bytes()[:-9]), "was altered"),
    "empty": (lambda p: p.write_bytes(b""), "was altered"),
    "another": (lambda p: p.write_bytes(p.with_name("0-1.h5").read_bytes()), "was altered"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_a_file_that_is_not_whole__is_named_and_nothing_is_written(run, tmp_path, damage):
    strike, message = damage
    shutil.copytree(run[0], tmp_path / "run")
    files = linked_files(tmp_path / "run" / "persons.h5")
    strike(files[0][3].path)
    before = sorted(tmp_path.rglob("*"))
    for make in (link_persons, copy_persons, join_persons):
        with pytest.raises(PersonsError, match=rf"0-3\.h5: file of persons {message}") as caught:
            make(files, tmp_path / "run" / "new.h5")
        assert caught.value.path == files[0][3].path
    with pytest.raises(PersonsError, match=r"0-3\.h5"):
        check_linked(tmp_path / "run" / "persons.h5")
    with pytest.raises(PersonsError, match=r"0-3\.h5"):
        consolidate(tmp_path / "run" / "persons.h5", tmp_path / "run" / "new.h5")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_another_unit__is_refused(run, tmp_path):
    files, _ = make_files(tmp_path)
    wrong = [files[0], type(files[1])(files[1].path, "other", 3, files[1].sha256)]
    with pytest.raises(PersonsError, match="another work unit; found id '0-1' and 3 persons"):
        link_persons([wrong], tmp_path / "p.h5")
    other, _ = make_files(tmp_path, ("baseline",), 5, (4,))
    with pytest.raises(PersonsError, match=r"has other columns \(reform/grant, reform/tax\)"):
        link_persons([[files[0], other[0]]], tmp_path / "p.h5")
    (tmp_path / "text.h5").write_text("text")
    recorded = type(files[1])(tmp_path / "text.h5", "x", 1, "")
    with pytest.raises(PersonsError, match="was altered"):
        verify_persons(recorded)
    with pytest.raises(InputError, match="there are none to join"):
        join_persons([], tmp_path / "p.h5")


def test_a_file_outside_the_run__is_refused(run, tmp_path):
    with pytest.raises(InputError, match="lies outside the run directory"):
        link_persons([run[1]], tmp_path / "elsewhere.h5")


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("baseline/tax", np.zeros(3), r"has shape \(3,\)"),
        ("baseline/tax", np.array(["a", "b"]), "has type str"),
        ("tax", np.zeros(2), "not a scenario/variable"),
        ("../tax", np.zeros(2), "has shape|not a scenario/variable"),
    ],
)
def test_columns_that_do_not_fit__are_refused(tmp_path, column, values, message):
    ids = {"person": np.arange(2), "household_id": np.arange(2)}
    if column == "../tax":
        column = "a/../tax"
    with pytest.raises(InputError, match=message):
        write_persons(tmp_path / "p.h5", {column: values}, ids, {"id": "x"})
    assert list(tmp_path.iterdir()) == []


# -- many files --------------------------------------------------------------------------------


def test_many_files__are_copied_instead_of_linked(tmp_path, monkeypatch):
    monkeypatch.setattr(persons_joined, "MOST_LINKED", 3)
    files, values = make_files(tmp_path)
    with pytest.raises(InputError, match="too many files of persons to link; found 4; expected 3"):
        link_persons([files], tmp_path / "a.h5")
    assert join_persons([files], tmp_path / "b.h5") == "copied"
    assert join_persons([files[:3]], tmp_path / "c.h5") == "linked"
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["reform/tax"], values["reform/tax"])


READ = """
import resource, sys
import h5py, numpy
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
with h5py.File(sys.argv[1]) as file:
    assert not numpy.isnan(file["baseline/tax"][()]).any()
    assert len(file["baseline/tax"]) == int(sys.argv[2])
"""


@pytest.mark.slow
def test_most_linked__can_be_read_with_1024_open_files(tmp_path):
    files, _ = make_files(tmp_path, ("baseline",), 0, (2,) * MOST_LINKED)
    link_persons([files], tmp_path / "p.h5")
    command = [sys.executable, "-c", READ, str(tmp_path / "p.h5"), str(2 * MOST_LINKED)]
    subprocess.run(command, check=True, timeout=120, cwd=os.sep)
