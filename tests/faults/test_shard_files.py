"""Shard files that are damaged or not a unit's own: found, named, done again, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import time

import pytest
from striking import assert_kept, here, shards, status


def flip(path, at: float) -> None:
    """Turn one bit around."""
    content = bytearray(path.read_bytes())
    content[int(at * (len(content) - 1))] ^= 0x10
    path.write_bytes(bytes(content))


def put(path, content: bytes) -> None:
    path.write_bytes(content)


def first(path) -> bytes:
    """Return the file of another unit of the run."""
    return min(path.parent.glob("*.bin")).read_bytes()


# What is done to a file, and what is said of it.
DAMAGE = {
    "a bit in the header": (lambda path: flip(path, 0.0), "starts with"),
    "a bit in the description": (lambda path: flip(path, 0.005), "the header does not match"),
    "a bit in an array": (lambda path: flip(path, 0.5), "array '.*' does not match its checksum"),
    "the length of the header": (
        lambda path: put(path, path.read_bytes()[:16] + b"\xff" * 8 + path.read_bytes()[24:]),
        "the header does not match",
    ),
    "cut short": (lambda path: os.truncate(path, path.stat().st_size - 1), "bytes instead of"),
    "cut in half": (lambda path: os.truncate(path, path.stat().st_size // 2), "bytes instead of"),
    "empty": (lambda path: os.truncate(path, 0), "starts with b''"),
    "something else": (lambda path: put(path, b"hello"), "starts with b'hello'"),
    "another unit's": (lambda path: put(path, first(path)), "of another work unit"),
}


def run_into(coresia, folder, *more):
    return here(
        "run", coresia.scenario, "--population", coresia.population, "--out", folder,
        "--shard-persons", 1, "--workers", 1, *more,
    )  # fmt: skip


@pytest.fixture
def run(finished_small, tmp_path):
    """Return a copy of the finished run, whose times are those of the files copied."""
    return shutil.copytree(finished_small, tmp_path / "run")


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file__is_found_and_only_it_is_done_again(coresia, reference, run, name):
    damage, reason = DAMAGE[name]
    victim = sorted(run.glob("shards/*/*.bin"))[1]
    kept, whole = shards(run), victim.read_bytes()
    del kept[victim.name]
    damage(victim)
    found = here("verify", run)
    assert found.code == 1
    assert "2 shard files are whole" in found.err
    assert str(victim) in found.err
    assert re.search(reason, found.err)
    assert f"`microsim resume {run}` computes what is missing." in found.err
    again = here("resume", run) if name.startswith("c") else run_into(coresia, run)
    assert again.digest == reference.digest
    assert victim.read_bytes() == whole
    assert_kept(run, kept)
    assert here("verify", run).code == 0
    assert not list(run.glob("failed/*"))


def test_files_of_another_run__are_not_taken(coresia, reference, run, tmp_path):
    """Of another seed under the right name, and under its own."""
    assert run_into(coresia, tmp_path / "other", "--seed", 99).code == 0
    mine, theirs = (sorted(one.glob("shards/*/*.bin")) for one in (run, tmp_path / "other"))
    put(mine[0], theirs[0].read_bytes())
    shutil.copy(theirs[1], mine[1].with_name(theirs[1].name))
    kept = shards(run)
    found = here("verify", run)
    assert found.code == 1
    assert f"{mine[0]}: shard file of another work unit" in found.err
    assert status(run)["done"] == 3
    assert here("resume", run).digest == reference.digest
    del kept[mine[0].name]
    assert_kept(run, kept)
    assert here("gc", run).code == 0
    assert len(shards(run)) == 3  # the stranger's is gone


def test_status__counts_what_verify_takes_away(coresia, reference, run):
    flip(min(run.glob("shards/*/*.bin")), 0.5)
    found = here("verify", run, "--remove")
    assert found.code == 1
    assert "1 damaged files were taken away" in found.err
    now = status(run)
    assert (now["units"], now["done"], now["missing"], now["failed"]) == (3, 2, 1, 0)
    assert not now["complete"]
    left = here("resume", run, "--merge-only")
    assert left.code == 1
    assert "1 of 3 units are missing; all others are done and stay" in left.err
    assert "not computed yet: 1 units (0)" in left.err
    assert here("resume", run).digest == reference.digest


def test_a_damaged_unit_computed_again__is_found_by_verify(my_coresia):
    """Units that leave out households that another reform fails on count, so they are verified."""
    run = my_coresia.folder / "run"
    assert run_into(my_coresia, run).code == 0
    broken = my_coresia.folder / "broken.yaml"
    broken.write_text(
        "reform: Broken\nsource: assumption of the test\nreplace:\n"
        '  child_grant: "transfers.child_grant / (household_size - 5)"\n'
    )
    digest = here("expand", run, "--reform", f"broken={broken}").digest
    assert "9 shard files are whole" in here("verify", run).out
    # of two files of one number the younger counts: it leaves households out
    same = sorted(run.glob("shards/*/0000000-*.bin"), key=lambda path: path.stat().st_mtime_ns)
    assert len(same) == 2
    flip(same[1], 0.5)
    found = here("verify", run)
    assert found.code == 1
    assert str(same[1]) in found.err
    assert here("resume", run).digest == digest
    assert here("gc", run).code == 0
    assert "9 shard files are whole" in here("verify", run).out


def test_gc__removes_only_old_leftovers(coresia, reference, run):
    """A young temporary file may be another process's work in hand."""
    folder = min(run.glob("shards/*"))
    young, old = (folder / f".0000001-abc.bin.host.{k}.partial" for k in (1, 2))
    scratch = run / ".merge-host-1" / "columns"
    scratch.parent.mkdir()
    for path in (young, old, scratch):
        path.write_bytes(b"x" * 100)
    for path in (old, scratch):
        os.utime(path, (time.time() - 7200,) * 2)
    kept = shards(run)
    assert status(run)["done"] == 3
    assert "could go" in here("gc", run, "--dry-run").out
    assert old.exists()
    assert "2 files" in here("gc", run).out
    assert young.exists()
    assert not old.exists()
    assert not scratch.exists()
    assert_kept(run, kept)
    assert run_into(coresia, run).digest == reference.digest


def test_a_damaged_question_or_plan__is_named(coresia, reference, run):
    for name in ("question.json", "frame.json", "cut.json", "plan/00000.json"):
        path = run / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        for ended in (here("status", run), here("resume", run)):
            assert ended.code == 2, name
            assert f"{path}: a file of the run is damaged" in ended.err
        path.write_bytes(whole)
    assert run_into(coresia, run).digest == reference.digest
