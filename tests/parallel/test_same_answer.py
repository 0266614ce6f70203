"""The digest of a run does not depend on backend, workers, threads, shards, kills, or damage in
between.
"""

from __future__ import annotations

import pytest

from microsim.results.shards import read_shard
from microsim.simulation import carrying
from microsim.simulation import run as run_module


def test_reference__has_several_shards_and_scenarios(coresia, reference):
    assert len(coresia.shards("reference")) >= 3
    assert reference.contents.records.concepts.shape[0] == 5
    assert reference.poisoned == ()


@pytest.mark.parametrize(
    ("backend", "workers", "shard_persons"),
    [
        ("serial", 1, 500),
        ("serial", 2, 500),
        ("serial", 3, 10**9),
        ("serial", 1, 1),
        ("serial", 1, 1300),
        ("processes", 1, 500),
        ("processes", 2, 500),
        ("processes", 3, 1),
        ("processes", 2, 10**9),
    ],
)
def test_digest__does_not_depend_on_how_it_is_run(
    coresia, reference, tmp_path, backend, workers, shard_persons
):
    outcome = coresia.run(
        str(tmp_path / "run"), backend=backend, workers=workers, shard_persons=shard_persons
    )
    assert outcome.digest == reference.digest


def test_a_second_run__does_nothing_but_the_tables(coresia, reference, tmp_path):
    name = str(tmp_path / "run")
    coresia.run(name)
    times = {path: path.stat().st_mtime_ns for path in coresia.shards(name)}
    said: list[str] = []
    outcome = run_module.run(coresia.scenario, coresia.options(name), said.append)
    assert outcome.digest == reference.digest
    assert {path: path.stat().st_mtime_ns for path in coresia.shards(name)} == times
    assert any(f"{len(times)} of {len(times)} shards are done already" in line for line in said)


def test_deleted_shards__are_done_again_on_another_backend(coresia, reference, tmp_path):
    name = str(tmp_path / "run")
    coresia.run(name)
    first, *others = coresia.shards(name)
    kept = first.stat().st_mtime_ns
    for path in others:
        path.unlink()
    outcome = coresia.run(name, backend="processes", workers=2)
    assert outcome.digest == reference.digest
    assert first.stat().st_mtime_ns == kept


def flip(path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 0x10
    path.write_bytes(bytes(content))


DAMAGE = {
    "a bit in the header": lambda path: flip(path, 0.0),
    "a bit in the description": lambda path: flip(path, 0.01),
    "a bit in an array": lambda path: flip(path, 0.5),
    "the length of the header": lambda path: path.write_bytes(
        path.read_bytes()[:16] + b"\xff" * 8 + path.read_bytes()[24:]
    ),
    "cut in half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_bytes(b"hello"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_a_damaged_shard__is_done_again(coresia, reference, tmp_path, damage):
    name = str(tmp_path / "run")
    coresia.run(name)
    before = [path.read_bytes() for path in coresia.shards(name)]
    damage(coresia.shards(name)[1])
    assert coresia.run(name).digest == reference.digest
    assert [path.read_bytes() for path in coresia.shards(name)] == before


def test_a_shard_of_another_question__is_not_taken(coresia, reference, tmp_path):
    mine, other = str(tmp_path / "mine"), str(tmp_path / "other")
    coresia.run(mine)
    coresia.run(other, seed=99)
    victim = coresia.shards(mine)[0]
    victim.write_bytes(coresia.shards(other)[0].read_bytes())
    assert coresia.run(mine).digest == reference.digest


def test_a_left_over_temporary_file__does_no_harm(coresia, reference, tmp_path):
    name = str(tmp_path / "run")
    coresia.run(name)
    victim = coresia.shards(name)[0]
    victim.with_name(f".{victim.name}.tmp").write_bytes(victim.read_bytes()[:100])
    victim.unlink()
    assert coresia.run(name).digest == reference.digest


def test_a_worker_killed_in_a_unit__does_not_move_the_answer(
    coresia, reference, tmp_path, monkeypatch
):
    monkeypatch.setattr(carrying, "START", "jobs:killed_once")
    name = str(tmp_path / "run")
    outcome = coresia.run(name, backend="processes", workers=1, shard_persons=1)
    assert (tmp_path / "run" / "killed").exists()
    assert outcome.digest == reference.digest


def test_a_run_that_ends_early__keeps_its_finished_shards(
    coresia, reference, tmp_path, monkeypatch
):
    """What a kill of the whole program leaves behind: some shards, no results."""
    name, run_job = str(tmp_path / "run"), carrying.run_job

    def half(job, *rest):
        run_job(type(job)(job.start, job.setup, job.units[:2]), *rest)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(carrying, "run_job", half)
        coresia.run(name)
    assert len(coresia.shards(name)) == 2
    assert not (tmp_path / "run" / "results.h5").exists()
    kept = {path: path.stat().st_mtime_ns for path in coresia.shards(name)}
    assert coresia.run(name).digest == reference.digest
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_shards__hold_integer_sums_only_besides_household_columns(coresia, reference):
    """Sums travel as integers, so that no order of merging can round."""
    for path in coresia.shards("reference"):
        _, arrays = read_shard(path)
        for name in ("hi", "low", "count", "place_hi", "place_low", "place_count"):
            assert arrays[name].dtype.kind in "iu"
