"""Merging shards: one part or several, in any cut, gives the same bits; contradictions are named."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from coresia import change

from microsim.errors import RunFailedError
from microsim.language.evaluating import EXCLUDED
from microsim.language.people import World
from microsim.population.store import PopulationReader, open_population
from microsim.results.contents import CONCEPTS
from microsim.results.scratch import ScratchColumns
from microsim.results.shards import ShardDamagedError, read_shard, write_shard
from microsim.scenario.scenario import load_scenario
from microsim.simulation import merging_records
from microsim.simulation.merge import Part, merge
from microsim.simulation.model import Model, build
from microsim.simulation.question import (
    frame_of_population,
    merged_frame,
    question_of,
    systems_of,
)
from microsim.simulation.unit import evaluate_shard

REFORMS = ("universal_pension", "higher_contributions", "both", "nothing")


@dataclass(frozen=True)
class Workshop:
    """Makes models and shards of Coresia; `excluded` households are left out of all sums."""

    country: object
    population: PopulationReader

    def model(self, names, compiled: bool = True) -> Model:
        scenario = load_scenario(self.country.scenario)
        question = question_of(
            self.country.scenario, scenario, str(self.country.population), "0" * 64, 1, ()
        )
        systems = systems_of(question, self.population, scenario)
        frame = merged_frame(scenario.frame, frame_of_population(self.population))
        chosen = ["baseline", *names]
        laws = [systems[name] for name in chosen]
        return build(chosen, laws, frame, scenario.year, compiled=compiled)

    def part(self, folder: Path, names, cuts=(0, 1, 2, 3), excluded=()) -> Part:
        model, files = self.model(names), []
        evaluator = model.evaluator()
        for first, last in itertools.pairwise(cuts):
            unit = SimpleNamespace(first_market=first, last_market=last, excluded=tuple(excluded))
            arrays, _ = evaluate_shard(model, evaluator, self.population, unit, World(1), 1)
            files.append(folder / f"{first}-{last}.bin")
            write_shard(files[-1], {"id": str(first)}, arrays)
        return Part(model, files)

    def merge(self, parts, scratch: Path, names=REFORMS):
        return merge(parts, self.model(names, compiled=False), self.population, scratch)


@pytest.fixture(scope="module")
def workshop(coresia):
    with open_population(coresia.population) as population:
        yield Workshop(coresia, population)


@pytest.fixture(scope="module")
def whole(workshop, tmp_path_factory):
    """All scenarios in one part: what every other way must equal."""
    folder = tmp_path_factory.mktemp("whole")
    part = workshop.part(folder / "shards", REFORMS)
    return part, merge([part], part.model, workshop.population, folder / "scratch")


@pytest.fixture(scope="module")
def halves(workshop, tmp_path_factory):
    """The scenarios in two parts, the second cut into other shards."""
    folder = tmp_path_factory.mktemp("halves")
    return [
        workshop.part(folder / "a", ("universal_pension",)),
        workshop.part(folder / "b", ("higher_contributions", "both", "nothing"), (0, 2, 3)),
    ]


def assert_same(found, expected) -> None:
    for name in ("persons", "persons_n", "places", "places_n"):
        np.testing.assert_array_equal(getattr(found.cells, name), getattr(expected.cells, name))
    assert found.cells.measures == expected.cells.measures
    assert found.cells.extremes == expected.cells.extremes
    assert list(found.cells.extremes) == list(expected.cells.extremes)
    assert found.residuals == expected.residuals
    assert found.poisoned == expected.poisoned
    for name, values in vars(expected.records).items():
        np.testing.assert_array_equal(getattr(found.records, name), values, err_msg=name)


def test_parts__together_are_the_whole_to_the_bit(workshop, whole, halves, tmp_path):
    assert_same(workshop.merge(halves, tmp_path), whole[1])


def test_parts__in_another_order_of_scenarios(workshop, whole, halves, tmp_path):
    names = (*REFORMS[1:], REFORMS[0])
    found = workshop.merge(halves[::-1], tmp_path, names)
    expected = whole[1]
    order = [0, 2, 3, 4, 1]
    np.testing.assert_array_equal(found.cells.persons, expected.cells.persons[order])
    np.testing.assert_array_equal(
        found.records.welfare, np.asarray(expected.records.welfare)[order]
    )
    np.testing.assert_array_equal(
        found.records.instruments, np.asarray(expected.records.instruments)[order]
    )


def test_merge__does_not_depend_on_how_much_is_written_at_once(
    workshop, whole, tmp_path, monkeypatch
):
    part, expected = whole
    monkeypatch.setattr(merging_records, "ENOUGH_BYTES", 1)
    assert_same(merge([part], part.model, workshop.population, tmp_path / "a"), expected)
    one = workshop.part(tmp_path / "one", REFORMS, (0, 3))
    assert_same(merge([one], one.model, workshop.population, tmp_path / "b"), expected)


def test_records__are_what_the_shards_hold(whole):
    """The old way, in memory: the columns of all shards, divided, signed, shared."""
    part, merged = whole
    model, records = part.model, merged.records
    shards = [read_shard(path)[1] for path in part.files]
    together = np.concatenate([shard["columns"] for shard in shards], axis=1)
    kept = ~model.evaluator().households_shared
    assert not kept.all()  # scenarios do share
    n_concepts, row = len(CONCEPTS), 0
    monthly = np.empty((*kept.shape, together.shape[1]))
    for s, c in np.ndindex(kept.shape):
        monthly[s, c] = together[row] / 12 if kept[s, c] else monthly[0, c]
        row += kept[s, c]
    for k, key in enumerate(model.instruments):
        amounts = model.sign(key) * monthly[:, n_concepts + 1 + k]
        np.testing.assert_array_equal(np.asarray(records.instruments)[:, :, k], amounts)
    concepts = np.moveaxis(monthly[:, :n_concepts], 1, 2)
    np.testing.assert_array_equal(records.concepts, concepts)
    change = concepts[:, :, -1] - concepts[0, :, -1]
    welfare = np.concatenate([shard["welfare"] for shard in shards])
    share = model.systems[0].marginal_propensity
    np.testing.assert_array_equal(records.welfare, (welfare + share * change) / records.equivalents)


def test_records__of_what_is_shared_are_there_once(whole):
    records = whole[1].records
    base, null = records.instruments.columns[0], records.instruments.columns[-1]
    assert all(a is b for a, b in zip(base, null, strict=True))
    assert records.welfare.rows[-1] is records.welfare.rows[0]


def test_columns__read_like_an_array(whole):
    columns, rows = whole[1].records.concepts, whole[1].records.welfare
    dense = np.asarray(columns)
    assert dense.shape == columns.shape
    for key in (
        (1, slice(None), 2), (1, slice(5, 9), -1), (-1,), 2, (0, 3), (0, slice(2, 4)),
        (slice(None), 0, 1), (np.int64(1), slice(None), np.int64(0)), (slice(0, 2),),
    ):  # fmt: skip
        np.testing.assert_array_equal(columns[key], dense[key])
    assert columns[1, :, 2] is not None
    assert columns[1, :, 2].base is not None  # seen, not copied
    dense = np.asarray(rows)
    for key in (0, (1, slice(2, 5)), (slice(None), 3), (np.int64(2), 1)):
        np.testing.assert_array_equal(rows[key], dense[key])
    with pytest.raises(IndexError):
        columns[5, :, 0]
    assert len(list(rows)) == len(rows) == 5


# -- households left out -----------------------------------------------------------------------


def ids_of(reader: PopulationReader, rows) -> list[int]:
    return reader.read(0, None, ["household_id"]).households["household_id"][rows].tolist()


@pytest.fixture
def poisoned(my_coresia):
    """A country in which one reform cannot be computed for some households."""
    change(
        my_coresia.country, "reforms/higher_contributions.yaml",
        "{value: [[0, 3], [100, 6]], first_payroll: 2025-06}",
        "{value: [[50, 3], [100, 6]], first_payroll: 2025-06}",
    )  # fmt: skip
    with open_population(my_coresia.population) as population:
        yield Workshop(my_coresia, population)


def test_households_left_out_because_of_another_part__are_reported_once(poisoned, tmp_path):
    names = ("universal_pension", "higher_contributions")
    whole = poisoned.part(tmp_path / "whole", names)
    expected = merge([whole], whole.model, poisoned.population, tmp_path / "s")
    (found,) = expected.poisoned
    assert found.households > 5
    bad = np.concatenate([read_shard(path)[1]["poison"] for path in whole.files]) != 0
    excluded = ids_of(poisoned.population, np.flatnonzero(bad))
    parts = [
        poisoned.part(tmp_path / "a", names[:1], excluded=excluded),
        poisoned.part(tmp_path / "b", names[1:]),
    ]
    codes = np.concatenate([read_shard(path)[1]["poison"] for path in parts[0].files])
    assert set(codes) == {0, EXCLUDED}
    assert_same(poisoned.merge(parts, tmp_path / "t", names), expected)


def test_households_left_out_in_one_part_only__are_refused(poisoned, tmp_path):
    names = ("universal_pension", "higher_contributions")
    parts = [poisoned.part(tmp_path / name, (name,)) for name in names]
    with pytest.raises(RunFailedError, match=r"left out other households; found \d+ left out in"):
        poisoned.merge(parts, tmp_path / "s", names)


def test_the_same_fault_in_two_parts__is_one_place(poisoned, tmp_path):
    part = poisoned.part(tmp_path / "a", ("higher_contributions",))
    again = poisoned.part(tmp_path / "b", ("both",))
    alone = merge([part], part.model, poisoned.population, tmp_path)
    both = poisoned.merge([part, again], tmp_path, ("higher_contributions", "both"))
    assert both.poisoned == alone.poisoned
    assert len(both.poisoned) == 1


# -- what is refused ---------------------------------------------------------------------------


def altered(path: Path, folder: Path, change) -> Path:
    header, arrays = read_shard(path)
    change(arrays)
    target = folder / path.name
    write_shard(target, header, arrays)
    return target


def test_another_baseline__is_refused_with_the_measure(workshop, halves, tmp_path):
    def more(arrays):
        arrays["low"][0, 3, 7] += np.uint64(1)

    other = halves[1]
    files = [altered(other.files[0], tmp_path, more), *other.files[1:]]
    measure = other.model.measures[3]
    with pytest.raises(RunFailedError, match=f"baseline of batch 1 .*{measure.kind}.*same bits"):
        workshop.merge([halves[0], replace(other, files=files)], tmp_path / "s")


def test_other_households__are_refused(workshop, halves, tmp_path):
    def another(arrays):
        arrays["household_id"][2] += 1_000_000

    other = halves[1]
    files = [altered(other.files[0], tmp_path, another), *other.files[1:]]
    with pytest.raises(RunFailedError, match="batches 0 and 1 were evaluated on other households"):
        workshop.merge([halves[0], replace(other, files=files)], tmp_path / "s")


def test_a_shard_too_few__is_refused(workshop, whole, tmp_path):
    part = whole[0]
    with pytest.raises(
        RunFailedError, match=r"do not make up the population; found .* expected 600"
    ):
        merge([replace(part, files=part.files[1:])], part.model, workshop.population, tmp_path)
    missing = [*part.files[:-1], tmp_path / "gone.bin"]
    with pytest.raises(RunFailedError, match=r"gone\.bin: shard file cannot be read; found: No"):
        merge([replace(part, files=missing)], part.model, workshop.population, tmp_path)
    with pytest.raises(RunFailedError, match="no shards"):
        merge([replace(part, files=[])], part.model, workshop.population, tmp_path)


def test_a_damaged_shard__is_refused_and_leaves_nothing_behind(workshop, whole, tmp_path):
    part = whole[0]
    content = bytearray(part.files[1].read_bytes())
    content[-100] ^= 1
    bad = tmp_path / "bad.bin"
    bad.write_bytes(bytes(content))
    files = [part.files[0], bad, part.files[2]]
    scratch = tmp_path / "scratch"
    with pytest.raises(ShardDamagedError, match=r"bad\.bin"):
        merge([replace(part, files=files)], part.model, workshop.population, scratch)
    assert not scratch.exists()


# -- scratch -----------------------------------------------------------------------------------


def test_scratch__is_gone_while_its_arrays_live(tmp_path):
    folder = tmp_path / "scratch"
    with ScratchColumns(folder, 10) as scratch:
        a, b = scratch.column(np.float64), scratch.column(np.int16, (2, 7))
        scratch.write(a, 0, np.arange(4.0))
        scratch.write(a, 4, np.arange(4.0))
        scratch.write(b, 0, np.ones((8, 2, 7), np.int16))
        found = scratch.arrays(8)
    assert not folder.exists()
    np.testing.assert_array_equal(found[a], [0, 1, 2, 3, 0, 1, 2, 3])
    assert found[b].shape == (8, 2, 7)
    assert type(found[a]) is np.ndarray
    assert found[a].flags.writeable  # kernels are compiled for such arrays


def test_scratch__refuses_more_rows_than_it_has(tmp_path):
    with ScratchColumns(tmp_path / "s", 3) as scratch:
        a = scratch.column(np.float64)
        with pytest.raises(ValueError, match="do not fit"):
            scratch.write(a, 2, np.zeros(2))


def test_scratch__of_nobody_has_empty_columns(tmp_path):
    with ScratchColumns(tmp_path / "s", 0) as scratch:
        scratch.column(np.float64)
        assert [len(x) for x in scratch.arrays(0)] == [0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_scratch__says_when_the_disk_is_full(tmp_path):

    with ScratchColumns(tmp_path / "s", 1000) as scratch:
        a = scratch.column(np.float64)
        os.dup2(os.open("/dev/full", os.O_RDWR), scratch._file.fileno())
        with pytest.raises(RunFailedError, match=r"cannot be written; found: No space left"):
            scratch.write(a, 0, np.zeros(1000))
