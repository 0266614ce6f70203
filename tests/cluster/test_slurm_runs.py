"""Runs on a real Slurm, struck by real faults: nothing finished is lost, the answer is the same."""

from __future__ import annotations

import re
import subprocess
import threading
import time

import pytest
from private_slurm import ClusterRun, microsim, queue

from microsim.execution.scripts import job_name
from microsim.execution.slurm import Slurm


@pytest.fixture(scope="module")
def finished(private_slurm, coresia, tmp_path_factory) -> ClusterRun:
    """Return a run that went through prepare, array and finish."""
    run = ClusterRun(tmp_path_factory.mktemp("finished"), coresia.scenario, coresia.population)
    # Slow units: on a busy machine the run would be over before the second submission looks at it.
    done = run.submit(environment={"MICROSIM_TEST_SECONDS": 4})
    assert done.returncode == 0, done.stderr
    assert "2 elements compute the units" in done.stdout
    refused = run.submit()
    assert refused.returncode == 1
    # As many as have not ended yet: three were submitted, one may be done by now.
    assert re.search(r"\b[23] jobs of this run are in the queue", refused.stderr), refused.stderr
    assert "--again" in refused.stderr
    watched = microsim("status", str(run.out), "--watch", "--every=1")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert ": complete, 3 of 3 units done" in watched.stdout
    run.until_ended()
    return run


def test_array__gives_the_digest_of_a_serial_run(finished, reference):
    assert finished.status()["complete"]
    assert finished.digest() == reference.digest
    assert f"digest: {reference.digest}" in finished.log("finish")


def test_submit__does_nothing_where_nothing_is_missing(finished):
    nothing = finished.submit()
    assert nothing.returncode == 0
    assert "complete; nothing to submit" in nothing.stdout
    other = finished.submit("--seed=7")
    assert other.returncode == 2
    assert "answer to another question; found a difference in seed" in other.stderr
    assert len(finished.submitted("prepare")) == 1


def test_damaged_shard__is_found_by_the_finishing_job_and_made_again(finished, reference):
    shard = finished.shards()[1]
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    (finished.out / "results.h5").unlink()
    assert "array" not in finished.submit().stdout
    finished.until_ended()
    assert "array" in finished.log("finish")
    assert shard.read_bytes() == whole
    assert finished.digest() == reference.digest


def test_held_job__is_named_with_its_remedy(private_slurm, tmp_path, coresia):
    run = ClusterRun(tmp_path, coresia.scenario, coresia.population)
    run.out.mkdir()
    words = ["sbatch", "--hold", f"--job-name={job_name(run.out)}", "--wrap=true"]
    subprocess.run(words, cwd=run.out, check=True, capture_output=True)
    refused = run.submit()
    assert refused.returncode == 1
    job = Slurm().jobs(job_name(run.out), run.out)[0].job
    assert f"is held (JobHeldUser): `scontrol release {job}` lets it go" in refused.stderr
    subprocess.run(["scancel", job], check=True)


def test_crashed_node__its_elements_run_elsewhere(private_slurm, long_run, long_digest):
    long_run.submit(environment={"MICROSIM_TEST_SECONDS": 1.5})
    long_run.until(lambda: len(long_run.shards()) >= 2)
    node = "n1" if " n1\n" in queue() else "n2"
    try:
        assert "is dead, with" in private_slurm.does("crash-node", node)
        long_run.until_ended()
    finally:
        private_slurm.does("start-node", node)
    assert long_run.digest() == long_digest


def test_crashed_controller__jobs_and_submission_go_on(private_slurm, long_run, long_digest):
    long_run.submit(environment={"MICROSIM_TEST_SECONDS": 3})
    long_run.until(lambda: len(long_run.workers()) == 2)
    began, state = time.time(), private_slurm.place / "state" / "job_state"
    # What is not on its disk yet, some seconds later, a controller that crashes has never known.
    long_run.until(lambda: state.stat().st_mtime > began)
    private_slurm.does("crash-controller")
    begun = len(long_run.shards())
    again = threading.Timer(11.0, private_slurm.does, ["start-controller"])
    again.start()
    said = []
    slurm = Slurm(said.append, waits=(1.0, 1.0, 1.0, 1.0))
    script = long_run.folder / "nothing.sh"
    script.write_text("#!/bin/sh\n#SBATCH --output=/dev/null\n")
    job = slurm.submit("nothing.sh", long_run.folder, "nothing", "one of its kind")
    again.join()
    assert job.isdigit()
    assert "trying again" in said[0]
    long_run.until_ended()
    assert len(long_run.shards()) > begun
    assert len(long_run.submitted("array")) == 1, "no job was the worse for it"
    assert long_run.digest() == long_digest


@pytest.fixture(scope="module")
def struck(private_slurm, coresia, tmp_path_factory) -> dict[str, ClusterRun]:
    """Submit runs that meet their fault by themselves, all at once: much of it is waiting."""

    def submitted(name, *words, more=(), population=None, **site):
        place = tmp_path_factory.mktemp(name)
        run = ClusterRun(place, coresia.scenario, population or coresia.population, more)
        done = run.submit(*words, **site)
        assert done.returncode == 0, done.stderr
        return run

    broken = tmp_path_factory.mktemp("broken") / "broken.h5"
    broken.write_text("not a population")
    flag = tmp_path_factory.mktemp("flag") / "struck"
    enough = {"prepare_memory": "900MiB", "finish_memory": "900MiB"}
    return {
        "time": submitted(
            "time", more=("--replicates=4",), time="00:01:00", signal_seconds=30, elements=1,
            prepare_time="00:05:00", finish_time="00:05:00",
            environment={"MICROSIM_TEST_SECONDS": 4},
        ),
        "killed": submitted(
            "killed", more=("--replicates=4",),
            environment={"MICROSIM_TEST_DEADLY": 5, "MICROSIM_TEST_FLAG": flag},
        ),
        "memory": submitted(
            "memory", memory="500MiB", resubmit=0, elements=1, **enough,
            environment={"MICROSIM_TEST_MEMORY": 600},
        ),
        "deadly": submitted("deadly", resubmit=1, environment={"MICROSIM_TEST_DEADLY": 1}),
        "preparation": submitted("preparation", population=broken),
    }  # fmt: skip


def test_failed_preparation__is_told_with_its_words(struck):
    run = struck["preparation"]
    run.until_ended()
    assert not run.shards()
    said = run.log("finish")
    assert "the preparing job did not succeed" in said
    assert "broken.h5" in said


def test_killed_element__is_submitted_again(struck, long_digest):
    run = struck["killed"]
    run.until_ended()
    assert len(run.submitted("array")) == 2, "what was missing, once"
    assert "4 units are missing" in run.log("finish"), "those of the element from number 5 on"
    assert "exit code 137:0" in run.log("finish")
    logs = (run.out / "jobs" / "logs").glob("finish-*.log")
    began_again = min(path.stat().st_mtime for path in logs)
    assert sum(path.stat().st_mtime < began_again for path in run.shards()) == 8, "left alone"
    assert run.digest() == long_digest


def test_deadly_unit__is_submitted_so_often_and_named(struck):
    run = struck["deadly"]
    run.until_ended()
    assert [one["left"] for one in run.submitted("array")] == [1, 0]
    said = run.log("finish")
    assert "1 of 3 units are missing; all others are done and stay" in said
    assert "not computed yet: 1 units (1)" in said
    assert "as often as the site file allows" in said
    status = run.status()
    assert (status["done"], status["missing"], status["complete"]) == (2, 1, False)
    watched = microsim("status", str(run.out), "--watch")
    assert watched.returncode == 1, "nothing more will happen, so it does not wait"
    assert "Its jobs have ended" in watched.stdout
    assert "as often as the site file allows" in watched.stdout


def test_memory_limit__is_named_and_can_be_mended(struck, reference):
    run = struck["memory"]
    run.until_ended()
    said = run.log("finish")
    assert "3 of 3 units are missing" in said
    assert "memory" in said.lower()
    assert run.submit(elements=1).returncode == 0
    run.until_ended()
    assert run.digest() == reference.digest


def test_time_limit__element_goes_back_into_the_queue(struck, long_digest):
    run = struck["time"]
    run.until_ended(200)
    assert len(run.submitted("array")) == 1
    assert "goes back into the queue" in run.log("array")
    assert "share 0 of 1: done" in run.log("array")
    assert run.digest() == long_digest


def test_private_slurm__says_how_it_is(private_slurm):
    said = private_slurm.does("status")
    assert said.count(" up\n") == 4
