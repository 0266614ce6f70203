"""Slurm's part of the matrix: one digest for any number of elements and shard size, straight and
killed and resumed.

It takes minutes, so it is asked for: `pytest -m matrix`.
"""

from __future__ import annotations

import subprocess

import pytest

from microsim.execution.scripts import job_name
from microsim.execution.slurm import Slurm

pytestmark = pytest.mark.matrix
SIZES = ("1", "1300", "1000000000")  # a market each, two, all in one


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("elements", [1, 2, 4])
def test_digest__is_one_and_the_same(long_run, long_digest, elements, size):
    done = long_run.submit(f"--shard-persons={size}", elements=elements)
    assert done.returncode == 0, done.stderr
    long_run.until_ended()
    assert long_run.digest() == long_digest


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("elements", [1, 2, 4])
def test_digest__is_the_same_after_a_kill_and_resume(long_run, long_digest, elements, size):
    """All jobs are killed when some units are done; the same command submits what is missing."""
    words = (f"--shard-persons={size}",)
    long_run.submit(*words, elements=elements, environment={"MICROSIM_TEST_SECONDS": 1})
    long_run.until(lambda: long_run.shards())
    jobs = {one.job for one in Slurm().jobs(job_name(long_run.out), long_run.out)}
    subprocess.run(["scancel", *sorted({job.partition("_")[0] for job in jobs})], check=True)
    long_run.until_ended()
    before = {path: path.stat().st_mtime_ns for path in long_run.shards()}
    assert before
    again = long_run.submit(*words, elements=elements)
    assert again.returncode == 0, again.stderr
    long_run.until_ended()
    assert long_run.digest() == long_digest
    assert {path: path.stat().st_mtime_ns for path in before} == before
