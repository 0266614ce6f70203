"""The value of each person in chosen years of a projection, read back as users do."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from projections import life_of, make_perennia, population, series_of, value_of

from microsim.cli.main import main
from microsim.cli.run import options_of
from microsim.errors import InputError
from microsim.execution.place import Place
from microsim.simulation.planning import forecast
from microsim.simulation.run import expand, open_run, prepare, resume

KEPT = ("months_credited", "fund_pension")
YEARS = (2026, 2028)
LONGER = """\
reform: Longer lives
label: Lives that differ, so that there are two life groups
source: assumption of the test
replace:
  life.mortality_factor: {2026-01-01: 0.8}
"""
ASKED = {"persons": KEPT, "keep_years": YEARS}


def shortened(country):
    country.change("scenario.yaml", "to: 2035", "to: 2028")
    country.write("reforms/longer.yaml", LONGER)
    country.change(
        "scenario.yaml", "  nothing: reforms/nothing.yaml\n", "  longer: reforms/longer.yaml\n"
    )
    return country


@pytest.fixture(scope="module")
def kept(rules_cache, perennia, tmp_path_factory):
    """Return Perennia to 2028 with a reform of rules and one of lives, and a run that keeps."""
    country = shortened(make_perennia(tmp_path_factory.mktemp("kept"), perennia.population))
    return country, country.run("kept", **ASKED)


def content(run, name):
    """Return every dataset of a joined file, by name."""
    found = {}

    def note(path, item):
        if isinstance(item, h5py.Dataset) and not path.startswith("files/"):
            found[path] = item[()]

    with h5py.File(run / name) as file:
        file.visititems(note)
    return found


FILES = [f"persons-{year}{own}.h5" for year in YEARS for own in ("", "-longer")]


def test_files__of_each_year_and_of_scenarios_with_lives_of_their_own(kept):
    _, outcome = kept
    assert sorted(path.name for path in outcome.out.glob("persons*.h5")) == sorted(FILES)
    for name in FILES:
        own = "longer" in name
        with h5py.File(outcome.out / name) as file:
            assert file.attrs["format_name"] == "microsim persons"
            assert file.attrs["format_version"].tolist() == [1, 1]
            assert file.attrs["year"] == int(name[8:12])
            assert file.attrs["complete"] == 1
            scenarios = {"longer"} if own else {"baseline", "higher_pension"}
            assert {*file} == {"person", "household_id", "people", "files", *scenarios}
            assert {*file["people"]} == {"weight", "sex", "age", "employment_status"}
            for scenario in scenarios:
                assert {*file[scenario]} == set(KEPT)
            assert "the same in all years" in file["person"].attrs["meaning"]
            assert file["people/weight"].attrs["unit"] == "persons"
            assert np.unique(file["person"][()]).size == file.attrs["persons"] > 2000


def test_values__are_those_that_lives_have(kept):
    """The run keeps for each person what the law gives in that year of the person's life."""
    _, outcome = kept
    run = open_run(outcome.out)
    for group, own, scenario in ((0, "", "baseline"), (1, "-longer", "longer")):
        life = life_of(run, group=group)
        names = [state.name for state, _ in life.group.model.carried.states]
        for year in (2025, 2026, 2027, 2028):
            life.begin_year()
            life.evaluate(1)
            if year not in YEARS:
                continue
            found = content(outcome.out, f"persons-{year}{own}.h5")
            np.testing.assert_array_equal(found["people/age"], life.persons["age"])
            np.testing.assert_array_equal(found["people/sex"], life.persons["sex"])
            months = life.last.states[0][names.index("months_credited")]
            np.testing.assert_array_equal(found[f"{scenario}/months_credited"], months)


def test_weighted_sums__are_those_of_the_tables(kept):
    _, outcome = kept
    for year in YEARS:
        found = content(outcome.out, f"persons-{year}.h5")
        paid = value_of(
            outcome, "B4", year=year, row="Expenditure", scheme="fund", column="old_age", group=""
        )
        total = math.fsum(found["people/weight"] * found["baseline/fund_pension"])
        assert total == pytest.approx(1e6 * paid, rel=1e-12)


def test_ids__join_years_and_scenarios_to_a_panel(kept):
    _, outcome = kept
    then, now, longer = (
        content(outcome.out, f"persons-{name}.h5") for name in ("2026", "2028", "2028-longer")
    )
    both, i, j = np.intersect1d(then["person"], now["person"], return_indices=True)
    assert 0.9 * then["person"].size < both.size < then["person"].size  # some died
    np.testing.assert_array_equal(then["people/sex"][i], now["people/sex"][j])
    np.testing.assert_array_equal(then["people/age"][i] + 2, now["people/age"][j])
    more = now["baseline/months_credited"][j] - then["baseline/months_credited"][i]
    assert set(np.unique(np.round(more, 9))) == {0.0, 12.0, 24.0}
    born = ~np.isin(now["person"], then["person"])
    assert (now["people/age"][born] < 2).all()
    there, i, j = np.intersect1d(now["person"], longer["person"], return_indices=True)
    assert there.size > 0.95 * now["person"].size
    assert longer["person"].size > now["person"].size  # longer lives
    np.testing.assert_array_equal(now["people/age"][i], longer["people/age"][j])


def test_xarray__reads_a_year_by_scenario(kept):
    _, outcome = kept
    path = outcome.out / "persons-2028.h5"
    raw = content(outcome.out, path.name)
    with (
        xr.open_dataset(path, engine="h5netcdf", group="higher_pension") as values,
        xr.open_dataset(path, engine="h5netcdf", group="people") as people,
    ):
        assert values["fund_pension"].dims == ("person",)
        assert values["fund_pension"].attrs["unit"] == "currency/year"
        np.testing.assert_array_equal(values["fund_pension"], raw["higher_pension/fund_pension"])
        np.testing.assert_array_equal(people["age"], raw["people/age"])
        assert people["age"].attrs["unit"] == "years"
    with xr.open_dataset(path, engine="h5netcdf") as ids:
        np.testing.assert_array_equal(ids["person"], raw["person"])


def test_keeping__moves_no_result(kept):
    country, outcome = kept
    assert country.run("plain").digest == outcome.digest


@pytest.mark.parametrize(
    ("backend", "workers", "shard_persons"), [("serial", 2, 10**9), ("processes", 2, 1)]
)
def test_bits__do_not_depend_on_how_it_is_run(kept, tmp_path, backend, workers, shard_persons):
    country, outcome = kept
    other = country.run(
        str(tmp_path / "run"), backend=backend, workers=workers, shard_persons=shard_persons,
        **ASKED,
    )  # fmt: skip
    for name in FILES:
        mine, others = content(outcome.out, name), content(other.out, name)
        assert mine.keys() == others.keys()
        for path, values in mine.items():
            np.testing.assert_array_equal(values, others[path])


def test_a_damaged_or_missing_file__is_made_again(kept):
    country, outcome = kept
    before = content(outcome.out, FILES[1])
    paths = sorted((outcome.out / "persons").glob("2026-longer/*/*.h5"))
    assert len(paths) >= 3
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    paths[1].unlink()
    again = resume(outcome.out, country.options("kept"))
    assert again.digest == outcome.digest
    assert paths[0].read_bytes() == whole
    after = content(outcome.out, FILES[1])
    for path, values in before.items():
        np.testing.assert_array_equal(values, after[path])


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    return int(caught.value.code or 0)


def test_gc_and_consolidate__know_the_files_of_years(kept, tmp_path, capsys):
    _, outcome = kept
    there = sorted((outcome.out / "persons").rglob("*.h5"))
    assert command("gc", outcome.out) == 0
    assert sorted((outcome.out / "persons").rglob("*.h5")) == there
    out = tmp_path / "all.h5"
    asked = ("--year", 2028, "--scenario", "longer", "--out", out)
    assert command("consolidate", outcome.out, *asked) == 0
    raw = content(outcome.out, "persons-2028-longer.h5")
    with h5py.File(out) as file:
        assert file.attrs["year"] == 2028
        np.testing.assert_array_equal(file["person"], raw["person"])
        assert not file["longer/fund_pension"].is_virtual
    assert command("consolidate", outcome.out, "--out", tmp_path / "none.h5") == 2
    assert "--keep-years 2026,2028" in capsys.readouterr().err


def test_expand__keeps_the_persons_of_added_reforms(kept, tmp_path):
    country, outcome = kept
    copy = shortened(make_perennia(tmp_path, country.population))
    copy.without_reforms()
    copy.run("grown", **ASKED)
    reforms = [
        (name, [copy.country / "reforms" / f"{name}.yaml"]) for name in ("higher_pension", "longer")
    ]
    grown = expand(copy.folder / "grown", copy.options("grown"), reforms)
    for name in FILES:
        mine, others = content(outcome.out, name), content(grown.out, name)
        assert mine.keys() == others.keys()
        for path, values in mine.items():
            np.testing.assert_array_equal(values, others[path])


def test_plan__counts_what_is_kept(kept, tmp_path):
    country, _ = kept
    forecasts = []
    for name, asked in (("plain", {}), ("keeping", ASKED)):
        prepared = prepare(country.scenario, country.options(str(tmp_path / name), **asked))
        forecasts.append(forecast(prepared, 0.0).disk)
    rows = 2 * 2400 * 2  # persons x years x life groups, about
    assert forecasts[1] - forecasts[0] > rows * 8 * 4


def test_the_panel_of_the_documentation__joins_two_years(kept, monkeypatch):
    _, outcome = kept
    text = (Path(__file__).parents[2] / "results_schema" / "README.md").read_text()
    (code,) = (part for part in text.split("```text\n")[1:] if "def kept(year" in part)
    code = code.partition("```")[0].replace("2030", "2026").replace("2060", "2028")
    monkeypatch.chdir(outcome.out.parent)
    outcome.out.parent.joinpath("run").symlink_to(outcome.out)
    found: dict[str, xr.DataArray] = {}
    exec(code, found)  # noqa: S102 - the file is ours
    assert found["growth"].size > 2000
    assert float(found["growth"].min()) > -1e-9
    assert float(found["growth"].max()) == pytest.approx(24.0)


def test_static_ageing__keeps_the_same_people_with_the_weights_of_each_year(rules_cache, tmp_path):
    rng = np.random.default_rng(4)

    def status(age):
        grown = rng.choice([1, 2, 2, 3, 5, 7, 10, 12], age.size)
        return np.where(age < 15, 0, np.where(age < 20, rng.choice([3, 8, 12], age.size), grown))

    people = population([2 * max(1, 16 - age // 6) for age in range(95)], status)
    country = make_perennia(tmp_path, people)
    country.change("scenario.yaml", "to: 2035", "to: 2027\nageing: static")
    outcome = country.run("run", persons=("fund_contribution",), keep_years=(2025, 2027))
    then, now = (content(outcome.out, f"persons-{year}.h5") for year in (2025, 2027))
    np.testing.assert_array_equal(then["person"], now["person"])
    assert (then["people/weight"] != now["people/weight"]).any()
    for year, found in ((2025, then), (2027, now)):
        rows = series_of(outcome, "A1", row="Total", group="", unit="persons")
        assert math.fsum(found["people/weight"]) == pytest.approx(rows[year], rel=1e-9)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"persons": KEPT}, "the years in which values of each person are kept are not said"),
        ({"persons": KEPT, "keep_years": (2024, 2028, 2029)}, "outside the projection; found 2024"),
        ({"keep_years": (2026,)}, "--keep-years: years in which nothing is kept; found 2026"),
        ({"persons": ("fund_pensoin",), "keep_years": YEARS}, "unknown variable; found fund_pens"),
    ],
)
def test_years__that_cannot_be_kept_are_refused(kept, tmp_path, asked, match):
    country, _ = kept
    with pytest.raises(InputError, match=match):
        country.run(str(tmp_path / "run"), **asked)


def test_other_years__are_another_question(kept):
    country, _ = kept
    with pytest.raises(InputError, match=r"another question.*--keep-years"):
        country.run("kept", persons=KEPT, keep_years=(2026,))


def test_years__are_read_from_the_command_line(tmp_path):
    def asked(text):
        return options_of(
            tmp_path, None, None, None, None, None, "", None, 1, None, "x", text, Place("serial", 1)
        ).keep_years

    assert asked("2060, 2030,2030") == (2030, 2060)
    assert asked("") == ()
    with pytest.raises(InputError, match="--keep-years: not a year; found 30"):
        asked("30")
