"""A run directory on a full disk: the disk is named, no unit is blamed, room is all it takes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from striking import BACKENDS, assert_kept, resize, shards, small_disk, status

pytestmark = pytest.mark.usefixtures("mounting")


def assert_whole(run) -> None:
    """Check that nothing half-written was left, under any name."""
    assert not list(run.rglob("*.partial"))
    assert not list(run.glob(".merge-*"))


@pytest.mark.parametrize(("backend", "then"), [("serial", "processes"), ("dask", "serial")])
def test_a_disk_full_in_the_middle__is_named_and_room_is_enough(
    commands, asked, long_answer, tmp_path, backend, then
):
    run = tmp_path / "disk" / "run"
    with small_disk(tmp_path / "disk", "3m") as disk:
        asked[asked.index("--out") + 1] = str(run)
        ended = commands.run(*asked, *BACKENDS[backend])
        assert ended.code == 1
        assert re.search(
            r"run/shards/0000/\d{7}-\w+\.bin: No space left on device; its disk has 0 of 3 MiB "
            r"free\. What is finished is kept: make room, then run the same command again\.",
            ended.err,
        ), ended.err
        assert "Traceback" not in ended.err
        assert_whole(run)
        before, found = shards(run), status(run)
        assert 5 < found["done"] < 41
        assert found["failed"] == 0
        resize(disk, "100m")
        assert commands.run(*asked, *BACKENDS[then]).digest == long_answer.digest
        assert_kept(run, before)
        assert status(run)["complete"]


def test_a_disk_full_in_the_merge__loses_no_shard(commands, asked, long_answer, tmp_path):
    """First there is no room for the merge's scratch, then none for the results."""
    run = tmp_path / "disk" / "run"
    with small_disk(tmp_path / "disk", "9m") as disk:
        asked[asked.index("--out") + 1] = str(run)
        ended = commands.run(*asked, *BACKENDS["serial"])
        assert ended.code == 1
        assert "household columns cannot be written; found: No space left on device" in ended.err
        before = shards(run)
        assert len(before) == 41
        assert_whole(run)
        resize(disk, "12m")
        ended = commands.run("resume", run)
        assert ended.code == 1
        assert re.search(r"run/results\.h5: No space left on device; its disk has \d ", ended.err)
        assert "Traceback" not in ended.err
        assert status(run)["phase"] == "merging"
        assert not (run / "results.h5").exists()
        assert_whole(run)
        resize(disk, "100m")
        assert commands.run("resume", run, "--merge-only").digest == long_answer.digest
        assert_kept(run, before)


@pytest.mark.parametrize("room", [8, 40, 150, 250, 320])
def test_a_population_without_room__ends_in_order(commands, tmp_path, room):
    """Wherever it runs out, also when the file is closed: HDF5 alone would crash at the end."""
    with small_disk(tmp_path / "disk", f"{room}k") as disk:
        words = f"population synthesise --country KEN --households 2000 --out {disk}/p.h5".split()
        ended = commands.run(*words)
        assert ended.code == 1
        assert re.search(r"disk/p\.h5: No space left on device; its disk has \d", ended.err)
        assert "Traceback" not in ended.err
        assert not list(disk.iterdir())
        resize(disk, "100m")
        assert commands.run(*words).code == 0


def test_a_disk_full_at_the_start__leaves_no_half_of_the_law(
    commands, asked, long_answer, tmp_path
):
    """Copies of the law are whole or not there: a half one would be taken for the law later."""
    run = tmp_path / "disk" / "run"
    with small_disk(tmp_path / "disk", "48k") as disk:
        asked[asked.index("--out") + 1] = str(run)
        ended = commands.run(*asked, *BACKENDS["serial"])
        assert ended.code == 1
        assert "No space left on device" in ended.err
        assert "Traceback" not in ended.err
        assert_whole(run)
        copies, country = run / "question" / "scenarios" / "coresia", Path(asked[1]).parent
        law = list(copies.rglob("*.yaml"))
        assert law
        for path in law:
            assert path.read_bytes() == (country / path.relative_to(copies)).read_bytes()
        resize(disk, "100m")
        assert commands.run(*asked, *BACKENDS["serial"]).digest == long_answer.digest


def test_a_disk_that_cannot_be_written__is_named(commands, asked, long_answer, tmp_path):
    run = tmp_path / "disk" / "run"
    with small_disk(tmp_path / "disk", "100m") as disk:
        asked[asked.index("--out") + 1] = str(run)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True, timeout=10)
        ended = commands.run(*asked, *BACKENDS["serial"])
        assert ended.code == 2  # before anything is computed for it
        assert f"--out: cannot be made; found {disk} may not be written to" in ended.err
        assert "Traceback" not in ended.err
