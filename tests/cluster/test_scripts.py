"""Job scripts: hostile names stay words, and the array's script minds signals and exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from microsim.errors import InputError
from microsim.execution.scripts import (
    STEPS,
    Order,
    check_run_path,
    commands_to_type,
    job_name,
    render,
    write,
)
from microsim.execution.site import SCHEDULERS, Site

HOSTILE = "a 'b' \"c\" $(touch pwned) `touch pwned` ; touch pwned # & > | * -x"
MARKS = {"slurm": "#SBATCH", "pbs": "#PBS", "lsf": "#BSUB"}

# Stands for a Python that has microsim: it writes down its words and variables.
STAND_IN = """\
#!/bin/bash
exec {python} - "$@" <<'END'
import json, os, sys
with open(os.environ["SEEN"], "w") as file:
    json.dump({{"words": sys.argv[1:], "environment": dict(os.environ)}}, file)
END
"""


@pytest.fixture
def order(tmp_path) -> Order:
    """Return an order all of whose names are hostile."""
    place = tmp_path / HOSTILE.replace("/", "")
    place.mkdir()
    python = place / f"python {HOSTILE}"
    python.write_text(STAND_IN.format(python=sys.executable))
    python.chmod(0o755)
    words = (f"/{HOSTILE}.yaml", f"--set=x={HOSTILE}", "--seed=1\n2")
    return Order(place / f"-run {HOSTILE}", words, str(python), f"/cache {HOSTILE}", 12, 2)


def site(scheduler, **more):
    keys = {
        "scheduler": scheduler, "partition": "short", "account": "mine", "throttle": 5,
        "prologue": ("true",), "environment": (("MINE", HOSTILE),), **more,
    }  # fmt: skip
    return Site("site.yaml", **keys)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_scripts__hostile_names_stay_words(scheduler, step, order, tmp_path):
    order.run.mkdir()
    script = tmp_path / "job.sh"
    script.write_text(render(site(scheduler), order)[step])
    seen = tmp_path / "seen.json"
    numbers = {"SLURM_ARRAY_TASK_ID": "3", "PBS_ARRAY_INDEX": "3", "LSB_JOBINDEX": "4"}
    done = subprocess.run(
        ["bash", script], env={**os.environ, **numbers, "SEEN": str(seen)}, cwd=order.run,
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(seen.read_text())
    run = str(order.run)
    kept = f"{run}/jobs/site.yaml"
    expected = {
        "prepare": ["prepare", *order.prepare, f"--out={run}"],
        "array": ["work", run, "--element", "3", "--of", "12"],
        "finish": ["submit", f"--out={run}", f"--site={kept}", "--finish=2"]
        if scheduler == "slurm"
        else ["resume", run, "--merge-only"],
    }
    assert found["words"] == ["-m", "microsim", *expected[step]]
    assert found["environment"]["MICROSIM_CACHE"] == f"/cache {HOSTILE}"
    assert found["environment"]["MINE"] == HOSTILE
    assert found["environment"]["PYTHONSAFEPATH"] == "1"
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_directives__are_one_block_of_plain_characters(scheduler, step, order):
    lines = render(site(scheduler), order)[step].splitlines()
    mark = MARKS[scheduler]
    block = [line for line in lines[1:] if line.startswith(mark)]
    assert lines[0] == "#!/bin/bash"
    assert lines[1 : 1 + len(block)] == block, "schedulers stop at the first line of shell"
    assert len(block) >= 6
    for line in block:
        assert re.fullmatch(mark + r" -[-A-Za-z0-9_=:.,/@% \[\]\"]+", line), line


def test_slurm_directives__say_what_the_site_says(order):
    text = render(site("slurm", qos="q", time=5400, extra_directives=("--exclusive",)), order)
    assert "\n#SBATCH --array=0-11%5\n" in text["array"]
    for line in ("--time=01:30:00", "--signal=B:USR1@300", "--mem=2048M", "--exclusive"):
        assert f"\n#SBATCH {line}\n" in text["array"]
    for line in ("--requeue", "--open-mode=append", "--partition=short", "--account=mine"):
        for step in STEPS:
            assert f"\n#SBATCH {line}\n" in text[step]


def test_pbs_directives__say_what_the_site_says(order):
    text = render(site("pbs", time=5400), order)
    assert "\n#PBS -J 0-11%5\n" in text["array"]
    assert "\n#PBS -l walltime=01:30:00\n" in text["array"]
    assert "\n#PBS -q short\n" in text["finish"]
    assert "timeout --preserve-status --signal=USR1 5100 " in text["array"]
    one = render(site("pbs"), Order(order.run, (), "/python", elements=1))
    assert "#PBS -J" not in one["array"], "PBS knows no array of one"


def test_lsf_directives__say_what_the_site_says(order):
    text = render(site("lsf", time=5430, cpus=4), order)
    name = job_name(order.run, "lsf")
    assert f'\n#BSUB -J "{name}-array[1-12]%5"\n' in text["array"]
    assert "\n#BSUB -W 01:31\n" in text["array"]
    assert "\n#BSUB -Q 75\n" in text["array"]
    assert "\n#BSUB -n 4\n" in text["prepare"]
    assert "\n#BSUB -n 1\n" in text["array"]


@pytest.mark.parametrize("scheduler", ["pbs", "lsf"])
def test_other_schedulers__say_that_nobody_ran_them(scheduler, order):
    for text in render(site(scheduler), order).values():
        assert "Checked as text only" in text


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("floor", "microsim-floor"), ("-rf $(x)", "microsim--rf_x"), ("ünï", "microsim-n"),
        ("$()", "microsim-run"), ("a" * 99, "microsim-" + "a" * 55), ("a\nb", "microsim-a_b"),
    ],
)  # fmt: skip
def test_job_name__is_plain(name, job):
    assert job_name(Path("/runs") / name) == job
    assert len(job_name(Path("/runs") / name, "pbs")) <= 15


@pytest.mark.parametrize("name", ["a%jb", "a\\b", "a\nb", "a\x1bb"])
def test_run_path__that_schedulers_cannot_write_in_is_refused(name):
    with pytest.raises(InputError, match=r"--out: schedulers cannot write logs in this run direc"):
        check_run_path(Path("/runs") / name)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_commands_to_type__submit_in_the_run_directory(scheduler, order, tmp_path):
    order.run.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sbatch", "qsub", "bsub"):
        (tools / name).write_text('#!/bin/sh\necho "$0 $* in $PWD" >>"$CALLS"\necho 17\n')
        (tools / name).chmod(0o755)
    (order.run / "jobs").mkdir()
    for step in STEPS:
        (order.run / "jobs" / f"{step}.sh").touch()
    calls = tmp_path / "calls"
    path = f"{tools}:{os.environ['PATH']}"
    text = "\n".join(commands_to_type(site(scheduler), order))
    subprocess.run(["bash", "-ec", text], env={"PATH": path, "CALLS": str(calls)}, check=True)
    lines = calls.read_text().splitlines()
    assert len(lines) == 3
    assert all(line.endswith(f" in {order.run}") for line in lines)
    assert not list(tmp_path.rglob("pwned"))
    short = commands_to_type(site(scheduler), order, ("array", "finish"))
    assert len(short) == 3
    assert "prepare" not in "".join(short[1:])


# -- what the array's script does with signals and exit codes --------------------------------------


@pytest.fixture
def element(tmp_path):
    """Return a function that starts an element whose microsim is a stand-in of shell lines."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "scontrol").write_text(
        f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n[ ! -e {tmp_path}/away ] || exit 1\n'
    )
    (tools / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.1\n")
    python = tools / "python"
    for tool in (tools / "scontrol", tools / "sleep"):
        tool.chmod(0o755)

    def start(lines, restarts=""):
        python.write_text(f"#!/bin/bash\n{lines}\n")
        python.chmod(0o755)
        order = Order(tmp_path / "run", (), str(python), elements=2)
        script = tmp_path / "array.sh"
        script.write_text(render(Site("x", requeue=2), order)["array"])
        numbers = {
            "SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_JOB_ID": "7", "SLURM_RESTART_COUNT": restarts,
            "PATH": f"{tools}:{os.environ['PATH']}", "UP": str(tmp_path / "up"),
        }  # fmt: skip
        return subprocess.Popen(["bash", script], env=numbers, stdout=subprocess.PIPE, text=True)

    start.calls = tmp_path / "calls"
    start.up = tmp_path / "up"
    start.away = tmp_path / "away"
    return start


CATCHES = "trap 'sleep 1; exit 75' USR1; touch $UP; while true; do /bin/sleep 0.05; done"


def warn(process, element):
    """Send USR1 as Slurm does, once the work is under way."""
    while not element.up.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)


@pytest.mark.parametrize("code", [0, 1, 2, 75])
def test_element__ends_with_the_code_of_its_work(element, code):
    process = element(f"exit {code}")
    process.communicate(timeout=20)
    assert process.returncode == code
    assert element.calls.exists() == (code == 75)


def test_element__waits_for_the_unit_in_hand_and_is_requeued(element):
    process = element(CATCHES)
    warn(process, element)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 75
    assert "goes back into the queue" in said
    assert element.calls.read_text() == "requeue 7_1\n"


def test_element__is_requeued_a_bounded_number_of_times(element):
    process = element("exit 75", restarts="2")
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 75
    assert "was in the queue again 2 times" in said
    assert not element.calls.exists()


def test_element__asks_again_where_the_controller_is_away(element):
    element.away.touch()
    process = element("exit 75")
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 75
    assert element.calls.read_text() == "requeue 7_1\n" * 5
    assert "could not be put back" in said


def test_element__signal_before_microsim_listens_is_no_failure(element):
    process = element("touch $UP; exec /bin/sleep 20")
    warn(process, element)
    process.communicate(timeout=20)
    assert process.returncode == 75
    assert element.calls.read_text() == "requeue 7_1\n"


def test_element__killed_work_is_a_failure(element):
    process = element("kill -KILL $$")
    process.communicate(timeout=20)
    assert process.returncode == 137
    assert not element.calls.exists()


def test_write__keeps_the_site_file_beside_the_scripts(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("scheduler: slurm\n")
    order = Order(tmp_path / "run", ("/x.yaml",), "/python")
    written = write(Site(str(file)), order)
    assert [path.name for path in written.values()] == ["prepare.sh", "array.sh", "finish.sh"]
    kept = tmp_path / "run" / "jobs" / "site.yaml"
    assert kept.read_text() == "scheduler: slurm\n"
    write(Site(str(kept)), order)
    assert kept.read_text() == "scheduler: slurm\n"
