"""One unit that always goes wrong: all others are done, it is given up with a reason, and done when
the cause is gone.
"""

from __future__ import annotations

import json
import sys

import faulty_jobs
import pytest
from striking import BACKENDS, MPIEXEC, assert_kept, shards, status

FILE = faulty_jobs.__file__
MOST_RUNS = 6


def start(commands, backend, crime, *arguments):
    """Run the command line with a guilty unit."""
    program = [sys.executable, FILE, crime]
    if backend == "mpi":
        program = [str(MPIEXEC), "-n", "3", sys.executable, "-m", "mpi4py", FILE, crime]
    given = (*arguments, *BACKENDS[backend])
    return commands.wait(commands.start(*given, program=program))


def tries(run) -> int:
    return len(list(run.glob("try.*")))


def given_up(run) -> dict:
    (path,) = run.glob("failed/*")
    assert path.name == f"{faulty_jobs.GUILTY:07d}.json"
    return json.loads(path.read_text())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_unit_that_kills_its_worker__is_given_up_and_only_that(
    commands, asked_small, reference, tmp_path, backend
):
    run = tmp_path / "run"
    for _ in range(MOST_RUNS):  # where the program dies with its unit, the user starts it again
        ended = start(commands, backend, "killing", *asked_small)
        if ended.code == 1 and "are missing" in ended.err:
            break
        assert backend in ("serial", "mpi"), ended
        assert ended.code != 0
    n = len(shards(run)) + 1
    assert n == 3
    facts = given_up(run)
    assert facts["kind"] == "died"
    assert 3 <= tries(run) <= 4
    assert f"1 of {n} units are missing; all others are done and stay." in ended.err
    assert (
        f"unit 1 (markets 1 to 1, draw 0, replicate 0): died, {facts['attempts']} times on "
        in ended.err
    )
    assert f"Mend the cause, then `microsim resume {run} --retry-failed`." in ended.err
    assert "If memory ran out, add --shard-persons with a smaller number" in ended.err
    assert status(run)["failed"] == 1
    assert_only_tried_when_asked(commands, run, reference, asked_small, backend)


def assert_only_tried_when_asked(commands, run, reference, asked_small, backend) -> None:
    before, tried = shards(run), tries(run)
    ended = start(commands, backend, "killing", *asked_small)
    assert ended.code == 1
    assert "1 of 3 units are missing" in ended.err
    assert "--retry-failed" in ended.err
    assert tries(run) == tried
    (run / "mended").touch()
    ended = start(commands, backend, "killing", *asked_small, "--retry-failed")
    assert ended.digest == reference.digest
    assert_kept(run, before)
    assert not list(run.glob("failed/*"))
    assert status(run)["complete"]


@pytest.mark.parametrize("backend", ["serial", "mpi"])
def test_a_unit_that_raises__is_given_up_at_once_with_its_traceback(
    commands, asked_small, reference, tmp_path, backend
):
    run = tmp_path / "run"
    ended = start(commands, backend, "raising", *asked_small)
    assert ended.code == 1
    facts = given_up(run)
    assert facts["kind"] == "raised"
    assert facts["text"].strip().endswith("ZeroDivisionError: an error of the program")
    assert tries(run) == 1
    assert "unit 1 (markets 1 to 1, draw 0, replicate 0): raised on process " in ended.err
    assert "ZeroDivisionError: an error of the program" in ended.err
    assert len(shards(run)) == 2
    before = shards(run)
    (run / "mended").touch()
    assert commands.run("resume", run).code == 1
    assert commands.run("resume", run, "--retry-failed").digest == reference.digest
    assert_kept(run, before)
