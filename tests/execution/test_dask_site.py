"""Dask workers through Slurm: site files are data, lost jobs are replaced, silence ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from carrying import SUPPORT
from listening import Collected

from microsim.errors import InputError, RunFailedError
from microsim.execution.backend import run_job
from microsim.execution.dask_site import DaskSite, load_dask_site
from microsim.execution.jobs import Job
from microsim.execution.place import Place
from microsim.shipped import folder as shipped

FULL = """\
scheduler: slurm
dask:
  queue: normal
  account: my_project
  cores: 4
  processes: 2
  memory: 8GB
  walltime: "04:00:00"
  interface: ib0
  job_extra_directives: [--requeue, --open-mode=append, "-C haswell"]
  worker_extra_args: [--lifetime, 3h, "--lifetime-stagger 5m"]
  local_directory: $TMPDIR
  log_directory: ~/logs
  job_script_prologue: ["module load python"]
  python: /opt/python
  jobs: 20
"""


def load(folder: Path, text: str) -> DaskSite:
    path = folder / "site.yaml"
    path.write_text(text)
    return load_dask_site(str(path))


def test_load_dask_site__reads_every_key(tmp_path):
    assert load(tmp_path, FULL) == DaskSite(
        cores=4, memory="8GB", log_directory="~/logs", processes=2, minimum_jobs=20,
        maximum_jobs=20, queue="normal", account="my_project", walltime="04:00:00",
        interface="ib0", local_directory="$TMPDIR", python="/opt/python",
        job_extra_directives=("--requeue", "--open-mode=append", "-C haswell"),
        worker_extra_args=("--lifetime", "3h", "--lifetime-stagger 5m"),
        job_script_prologue=("module load python",),
    )  # fmt: skip


def test_load_dask_site__one_unit_at_a_time_on_each_core_and_tls(tmp_path):
    site = load(tmp_path, "dask: {cores: 8, memory: 16GB, log_directory: logs, maximum_jobs: 5}")
    assert (site.processes, site.minimum_jobs, site.maximum_jobs) == (8, 1, 5)


@pytest.mark.parametrize("name", ["slurm", "private_test"])
def test_the_site_files_that_ship__are_read(name):
    load_dask_site(str(shipped("cluster") / "sites" / f"{name}.yaml"))


WRONG = {
    "no dask": ("scheduler: slurm\n", ":1: no 'dask' in the site file"),
    "unknown key": (FULL.replace("queue:", "qeue:"), ":3: unknown key 'qeue' in dask"),
    "a list": ("dask: [1]\n", ":1: dask is not a mapping"),
    "no memory": (FULL.replace("  memory: 8GB\n", ""), "dask has no 'memory'"),
    "no cores": (FULL.replace("cores: 4", "cores: 0"), ":5: 'cores' of dask; found 0"),
    "processes": (FULL.replace("processes: 2", "processes: 5"), ":6: 'processes' of dask"),
    "memory": (FULL.replace("8GB", "much"), ":7: 'memory' of dask; found much; expected a size"),
    "walltime": (FULL.replace('"04:00:00"', "soon"), ":8: 'walltime' of dask; found soon"),
    "jobs": (FULL + "  minimum_jobs: 9\n  maximum_jobs: 3\n", "at most maximum_jobs (3)"),
    "a command in a path": (FULL.replace("$TMPDIR", '"$(reboot)"'), ":12: 'local_directory'"),
    "a command in an argument": (FULL.replace("3h", '"3h; reboot"'), ":11: 'worker_extra_args'"),
    "a line in a directive": (
        FULL.replace("--requeue", '"--requeue\\nreboot"'), ":10: 'job_extra_directives'",
    ),
    "a command in the queue": (FULL.replace("normal", "'a b'"), ":3: 'queue' of dask"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=list(WRONG))
def test_faults_of_a_site_file__have_their_line(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "site.yaml" in str(caught.value)


def test_a_missing_site_file__is_said(tmp_path):
    place = Place(backend="dask", site=str(tmp_path / "no.yaml"))
    with pytest.raises(InputError, match=r"--site: cannot read .*no\.yaml"):
        run_job(Job("jobs:square", {}, [{"unit": 0, "x": 1}]), place, Collected())


# -- with a real Slurm ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slurm():
    """Start a private Slurm; its programs are found through the environment."""
    if shutil.which("slurmctld", path=os.environ["PATH"] + ":/usr/sbin") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Slurm is not installed: apt-get install slurm-wlm munge")
        pytest.skip("Slurm is not installed: apt-get install slurm-wlm munge")
    script = shipped("cluster") / "private_slurm.sh"
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # short: there are sockets in it
    subprocess.run(["bash", script, "start", folder], check=True, timeout=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield folder
        subprocess.run(["bash", script, "stop", folder], check=True, timeout=60)
    shutil.rmtree(folder)


def site_file(folder: Path, **more: str) -> str:
    keys = {
        "queue": "main", "cores": "1", "memory": "700MB", "walltime": '"00:10:00"',
        "local_directory": str(folder), "log_directory": str(folder / "logs"), "jobs": "2",
        "job_script_prologue": f'["export PYTHONPATH={SUPPORT}"]', **more,
    }  # fmt: skip
    path = folder / "site.yaml"
    path.write_text("dask:\n" + "".join(f"  {key}: {value}\n" for key, value in keys.items()))
    return str(path)


def jobs_of_slurm() -> list[str]:
    asked = subprocess.run(
        ["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True, timeout=20
    )
    return asked.stdout.split()


@pytest.mark.slow
def test_a_lost_job__is_replaced_and_no_unit_lost(slurm, tmp_path):
    """Over TLS: the site names no loopback interface."""

    class Cancelling(Collected):
        def done(self, receipt: dict) -> None:
            super().done(receipt)
            if len(self.receipts) == 2:
                self.jobs = set(jobs_of_slurm())
                victim = min(self.jobs)
                subprocess.run(["scancel", "-s", "KILL", victim], check=True, timeout=20)
            elif len(self.receipts) > 2:
                self.jobs |= set(jobs_of_slurm())

    (tmp_path / "tries").mkdir()
    units = [{"unit": k} for k in range(20)]
    job = Job("jobs:scripted", {"folder": str(tmp_path / "tries"), "seconds": 0.8}, units)
    heard = Cancelling()
    run_job(job, Place(backend="dask", site=site_file(tmp_path)), heard)
    assert heard.numbers == list(range(20))
    assert heard.failures == []
    assert len(heard.jobs) >= 3
    threading.Event().wait(1.0)
    assert jobs_of_slurm() == []


@pytest.mark.slow
def test_jobs_whose_workers_do_not_come_up__fail_the_run_with_their_words(slurm, tmp_path):
    site = site_file(tmp_path, python="/no/such/python", jobs="1", interface="lo")
    place = Place(backend="dask", site=site, start_timeout=4.0)
    job = Job("jobs:square", {}, [{"unit": 0, "x": 1}])
    with pytest.raises(
        RunFailedError, match=r"(?s)no Dask worker for 4 s.*/no/such/python: No such file"
    ):
        run_job(job, place, Collected())
