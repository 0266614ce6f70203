"""The population file: nothing is lost in it, slices equal the whole, foreign files are named."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.errors import FormatError, InputError
from microsim.population import markets, store
from microsim.population.columns import STANDARD, Column
from microsim.population.repeating import repeat

EXTRA = Column("rent", "household", "currency/month", "float64", "rent paid", required=False)


def make_population(sizes: list[int], persons_per_market: int = 6) -> store.Population:
    n_households, n_persons = len(sizes), sum(sizes)
    persons: dict[str, np.ndarray] = {}
    households: dict[str, np.ndarray] = {"rent": np.linspace(0.0, 9.0, n_households)}
    for column in STANDARD:
        length = n_persons if column.of == "person" else n_households
        values = np.arange(length) % 2
        (persons if column.of == "person" else households)[column.name] = values.astype(
            column.dtype
        )
    for link in ("head", "spouse", "mother", "father"):
        persons[link] = np.full(n_persons, 0 if link == "head" else -1, dtype=np.int16)
    households["household_id"] = np.arange(n_households, dtype=np.int64) + 1000
    households["size"] = np.array(sizes, dtype=np.int16)
    households["weight"] = np.full(n_households, 2.5)
    households["stratum"] = np.zeros(n_households, dtype=np.int32)
    households["psu"] = np.arange(n_households, dtype=np.int32)
    persons, households = markets.arrange(persons, households, 7, persons_per_market)
    row = store.TargetRow(
        "poverty", "3.00", "share", 0.1, 0.105, 0.01, "absolute", "data", "a source"
    )
    blank = store.TargetRow(
        "poverty", "none", "share", None, 0.2, None, "absolute", "nothing", "nobody"
    )
    return store.Population(
        name="test",
        country="XYZ",
        currency="XYD",
        year=2025,
        persons=persons,
        households=households,
        regions=("north", "south"),
        frame={
            "gdp": store.SeriesValue(None, "currency/year", "nobody", "nothing"),
            "cpi": store.SeriesValue(101.5, "index", "test"),
        },
        anchors={"wage_bill": store.SeriesValue(12.0, "currency/year", "test", "assumption")},
        targets=(row, blank),
        provenance={"seed": 7},
        extras=(EXTRA,),
    )


def assert_equal(left: store.Population, right: store.Population) -> None:
    for name in ("persons", "households"):
        ours, theirs = getattr(left, name), getattr(right, name)
        assert ours.keys() == theirs.keys()
        for column, values in ours.items():
            assert values.dtype == theirs[column].dtype, column
            np.testing.assert_array_equal(values, theirs[column])
    for name in ("name", "country", "currency", "year", "regions", "frame", "anchors", "targets",
                 "provenance", "extras", "has_design"):  # fmt: skip
        assert getattr(left, name) == getattr(right, name), name


def test_store__returns_what_was_written(tmp_path: Path) -> None:
    population = make_population([1, 3, 2, 5, 4, 1])
    store.write(tmp_path / "a.h5", population)
    assert_equal(store.read(tmp_path / "a.h5"), population)
    assert not list(tmp_path.glob(".*")), "a temporary file is left"


def test_store__writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        store.write(tmp_path / name, make_population([1, 3, 2]))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=20), st.data())
def test_slices__put_together_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("slices") / "a.h5"
    population = make_population(sizes)
    store.write(path, population)
    cut = data.draw(st.integers(0, len(sizes)))
    with store.open_population(path) as reader:
        assert reader.market_starts[-1] == reader.n_households
        assert reader.market_person_starts[-1] == reader.n_persons
        parts = [reader.read(0, cut), reader.read(cut, reader.n_households)]
        for name, whole in population.persons.items():
            np.testing.assert_array_equal(np.concatenate([p.persons[name] for p in parts]), whole)
        starts = np.concatenate([p.households["start"] + p.first_person for p in parts])
        np.testing.assert_array_equal(starts, population.households["start"])
        by_market = [reader.read_markets(m, m + 1, ["age"]) for m in range(reader.n_markets)]
        assert sum(part.n_persons for part in by_market) == population.n_persons
        assert set(by_market[0].persons) == {"age"}


def test_markets__keep_households_whole_and_keys_apart() -> None:
    population = make_population([2] * 500, persons_per_market=100)
    market = population.households["market"]
    assert np.unique(market).size == 10
    assert np.bincount(market).min() > 20
    keys = np.concatenate([population.persons["draw_key"], population.households["draw_key"]])
    assert np.unique(keys).size == keys.size


def test_keys__depend_on_seed_and_id_alone() -> None:
    ids = np.array([5, 9, 1], dtype=np.int64)
    keys = markets.household_keys(1, ids)
    np.testing.assert_array_equal(markets.household_keys(1, ids[::-1]), keys[::-1])
    assert not np.any(markets.household_keys(2, ids) == keys)


def test_write__names_every_fault(tmp_path: Path) -> None:
    population = make_population([1, 2])
    del population.persons["age"]
    population.households["welfare"][0] = np.nan
    with pytest.raises(InputError, match=r"column age: is missing(.|\n)*welfare: has values that"):
        store.write(tmp_path / "a.h5", population)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("spouse", 9, "person column spouse: points outside the household"),
        ("region", 2, "household column region: has no label"),
        ("market", 99, "household column market: is not sorted"),
        ("weight", -1.0, "household column weight: is negative"),
        ("size", 0, "household column size: is below one"),
    ],
)
def test_write__names_broken_structure(
    tmp_path: Path, column: str, value: float, message: str
) -> None:
    population = make_population([1, 2, 3])
    table = population.persons if column in population.persons else population.households
    table[column][0] = value
    with pytest.raises(InputError, match=message):
        store.write(tmp_path / "a.h5", population)


def _spoil(path: Path, attribute: str, value: object) -> None:
    with h5py.File(path, "a") as file:
        file.attrs[attribute] = value


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("format_name", "something", "is not a population file"),
        ("format_version", np.array([2, 0]), r"newer format; found version 2\.0"),
        ("complete", False, "is incomplete"),
    ],
)
def test_open__names_the_kind_of_file(
    tmp_path: Path, attribute: str, value: object, message: str
) -> None:
    store.write(tmp_path / "a.h5", make_population([1, 2]))
    _spoil(tmp_path / "a.h5", attribute, value)
    with pytest.raises(FormatError, match=message):
        store.open_population(tmp_path / "a.h5")


def test_open__names_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        store.read(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(FormatError, match="is not an HDF5 file"):
        store.read(tmp_path / "text.h5")


def test_read__names_unknown_columns_and_ranges(tmp_path: Path) -> None:
    store.write(tmp_path / "a.h5", make_population([1, 2]))
    with store.open_population(tmp_path / "a.h5") as reader:
        with pytest.raises(FormatError, match="has no column incoem; expected one of"):
            reader.read(0, 1, ["incoem"])
        with pytest.raises(FormatError, match="expected a range within 0 to 2"):
            reader.read(0, 5)


def test_target_row__tells_pass_from_nothing() -> None:
    rows = make_population([1]).targets
    assert rows[0].passed is True
    assert rows[1].passed is None


def test_pieces__written_one_by_one_are_the_whole(tmp_path: Path) -> None:
    population = make_population([2, 3, 1, 4] * 5)
    store.write(tmp_path / "whole.h5", population)
    header = replace(population, persons={}, households={})
    with (
        store.open_population(tmp_path / "whole.h5") as reader,
        store.PopulationWriter(tmp_path / "pieces.h5", header) as writer,
    ):
        assert reader.n_markets > 2
        for market in range(reader.n_markets):
            part = reader.read_markets(market, market + 1)
            writer.append(part.persons, part.households)
    assert_equal(store.read(tmp_path / "pieces.h5"), population)


def test_pieces__out_of_order_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    population = make_population([2, 3])
    header = replace(population, persons={}, households={})

    def write_twice() -> None:
        with store.PopulationWriter(tmp_path / "pieces.h5", header) as writer:
            writer.append(population.persons, population.households)
            writer.append(population.persons, population.households)

    with pytest.raises(InputError, match="market: does not go on from the piece before"):
        write_twice()
    assert not list(tmp_path.iterdir())


def test_repeat__keeps_totals_and_draws_anew(tmp_path: Path) -> None:
    population = make_population([2, 3, 1, 4] * 5)
    store.write(tmp_path / "one.h5", population)
    repeat(tmp_path / "one.h5", tmp_path / "three.h5", 3)
    many = store.read(tmp_path / "three.h5")
    assert many.n_persons == 3 * population.n_persons
    assert many.households["weight"].sum() == pytest.approx(population.households["weight"].sum())
    assert np.unique(many.households["household_id"]).size == many.n_households
    assert np.unique(many.persons["draw_key"]).size == many.n_persons
    n_markets = np.unique(population.households["market"]).size
    assert np.unique(many.households["market"]).size == 3 * n_markets
    assert many.frame == population.frame
    with pytest.raises(InputError, match="times: is too small; found 0; expected at least 1"):
        repeat(tmp_path / "one.h5", tmp_path / "none.h5", 0)


def test_open__names_a_damaged_file(tmp_path: Path) -> None:
    store.write(tmp_path / "a.h5", make_population([1, 2]))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["markets"]
    with pytest.raises(FormatError, match=r"a\.h5: is damaged"):
        store.read(tmp_path / "a.h5")


def test_write__names_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written there"):
        store.write(tmp_path / "file" / "a.h5", make_population([1]))
