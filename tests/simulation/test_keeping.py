"""The value of each person, kept where asked."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from microsim.cli.main import main
from microsim.errors import InputError
from microsim.population import store
from microsim.simulation.explaining import explain_run


def command(*arguments: object) -> int:
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def kept(coresia):
    """Return a run that keeps contributions of each person."""
    outcome = coresia.run("kept", persons=("fund_employee",))
    return coresia, outcome


def test_a_run__keeps_what_explain_shows(kept):
    coresia, outcome = kept
    with (
        h5py.File(outcome.out / "persons.h5") as file,
        store.open_population(coresia.population) as people,
    ):
        assert file["person"][()].tolist() == list(range(people.n_persons))
        households = people.read(columns=["household_id", "weight", "size"]).households
        values = file["baseline/fund_employee"][()]
        owner = file["household_id"][()]
        for household in households["household_id"][:40:4]:
            step = explain_run(outcome.out, int(household), ["fund_employee"]).steps[-1]
            mine = values[owner == household]
            shown = np.asarray(step.values, dtype=float).reshape(-1)
            np.testing.assert_array_equal(mine, shown)
        assert file["baseline/fund_employee"].attrs["unit"] == "currency/month"


def test_a_null_reform__keeps_the_same_values(kept):
    with h5py.File(kept[1].out / "persons.h5") as file:
        baseline, null = (file[f"{s}/fund_employee"][()] for s in ("baseline", "nothing"))
        higher = file["higher_contributions/fund_employee"][()]
    np.testing.assert_array_equal(baseline, null)
    assert (higher > baseline).any()


def test_keeping__moves_no_result(kept, reference):
    assert [str(r) for r in kept[1].rows] == [str(r) for r in reference.rows]


def test_a_damaged_file_of_persons__is_made_again(kept, tmp_path):
    coresia, outcome = kept
    path = sorted((outcome.out / "persons").glob("*/*.h5"))[1]
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    assert coresia.run("kept", persons=("fund_employee",)).digest == outcome.digest
    assert path.read_bytes() == before
    path.unlink()
    assert coresia.run("kept", persons=("fund_employee",)).digest == outcome.digest
    assert path.read_bytes() == before


def test_consolidate__copies_into_one_file(kept, tmp_path):
    out = tmp_path / "all.h5"
    assert command("consolidate", kept[1].out, "--out", out) == 0
    with h5py.File(out) as file, h5py.File(kept[1].out / "persons.h5") as linked:
        for name in ("person", "baseline/fund_employee", "both/fund_employee"):
            np.testing.assert_array_equal(file[name][()], linked[name][()])
            assert not file[name].is_virtual


def test_keeping__refuses_what_persons_do_not_have(coresia, tmp_path, reference, capsys):
    unknown = r"--keep-persons: unknown variable; found fund_employe;"
    with pytest.raises(InputError, match=unknown):
        coresia.run(str(tmp_path / "a"), persons=("fund_employe",))
    of_households = "variable child_grant is of; found household; expected person"
    with pytest.raises(InputError, match=of_households):
        coresia.run(str(tmp_path / "b"), persons=("child_grant",))
    assert command("consolidate", reference.out, "--out", tmp_path / "x.h5") == 2
    assert "a run without --keep-persons" in capsys.readouterr().err
