"""`microsim submit` at the login node: all faults first, scripts written, failures told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from microsim.cli.main import main
from microsim.errors import RunFailedError
from microsim.execution.scripts import Order
from microsim.execution.slurm import Slurm, _run
from microsim.shipped import folder
from microsim.simulation.directory import RunDirectory
from microsim.simulation.ledger import open_ledger
from microsim.simulation.submitting import (
    check_and_submit,
    fewer_left,
    note,
    noted,
    send,
    steps_of,
)
from microsim.simulation.upkeep import status_of

SITES = folder("cluster") / "sites"


@pytest.fixture
def call(capsys):
    """Return a function that calls the command line: exit code, output, errors."""

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["submit", *map(str, words)])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def no_slurm(monkeypatch, tmp_path):
    """Leave no command to be found."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Return a folder of stand-ins for Slurm's commands; a test writes what they do."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")

    def does(name, lines):
        (tools / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tools / name).chmod(0o755)

    for name in ("squeue", "scontrol"):
        does(name, "true")
    return does


def words_of(coresia, out, site="private_test.yaml"):
    return (
        coresia.scenario, f"--site={SITES / site}", f"--out={out}",
        f"--population={coresia.population}", "--shard-persons=500",
    )  # fmt: skip


def test_dry_run__writes_and_prints_and_submits_nothing(call, coresia, tmp_path, no_slurm):
    out = tmp_path / "run"
    code, printed, _ = call(*words_of(coresia, out), "--set=transfers.child_grant=9", "--dry-run")
    assert code == 0
    assert "#SBATCH --array=0-3" in printed
    assert "  prepare=$(sbatch --parsable jobs/prepare.sh)" in printed
    assert sorted(path.name for path in (out / "jobs").iterdir()) == [
        "array.sh", "finish.sh", "logs", "prepare.sh", "site.yaml",
    ]  # fmt: skip
    text = (out / "jobs" / "prepare.sh").read_text()
    assert f"prepare {coresia.scenario} --shard-persons=500" in text
    assert "--set=transfers.child_grant=9" in text
    assert not (out / "question.json").exists()


def test_missing_slurm__is_said_before_anything_is_written(call, coresia, tmp_path, no_slurm):
    out = tmp_path / "run"
    code, _, complaint = call(*words_of(coresia, out))
    assert code == 2
    assert "sbatch, squeue, scontrol: no such command here" in complaint
    assert "--dry-run" in complaint
    assert not out.exists()


def test_faults__of_site_and_scenario_are_told_together(call, my_coresia, tmp_path):
    law = next(my_coresia.country.glob("law/*.yaml"))
    law.write_text(law.read_text() + "\nnonsense: 1\n")
    site = tmp_path / "site.yaml"
    site.write_text("scheduler: slurm\nelements: none\n")
    out = tmp_path / "a%j"
    code, _, complaint = call(my_coresia.scenario, f"--site={site}", f"--out={out}")
    assert code == 2
    assert "site.yaml:2: 'elements' of the site" in complaint
    assert "unknown key 'nonsense'" in complaint
    assert "schedulers cannot write logs" in complaint
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set=transfers.child_grant=much"], "much"),
        (["--draws=/no/such.csv"], "/no/such.csv: cannot be read"),
        (["--population=/no/such.h5"], "population file not found; found /no/such.h5"),
        (["--replicates=0"], "--replicates: too few replicates"),
        (["--shard-persons=0"], "--shard-persons: too few persons"),
        (["--seed=-1"], "--seed: not a seed"),
    ],
)
def test_faults__of_options_are_told_before_a_job_waits(call, coresia, tmp_path, words, message):
    code, _, complaint = call(*words_of(coresia, tmp_path / "run"), *words)
    assert code == 2
    assert message in complaint


def test_submit__wants_a_site_and_something_to_run(call, coresia, tmp_path):
    code, _, complaint = call(coresia.scenario)
    assert (code, "sites/slurm.yaml and edit it" in complaint) == (2, True)
    code, _, complaint = call(f"--site={SITES / 'private_test.yaml'}")
    assert (code, "no scenario file and no --out" in complaint) == (2, True)
    code, _, complaint = call(f"--site={SITES / 'private_test.yaml'}", f"--out={tmp_path}")
    assert (code, "no scenario file, and not a run directory" in complaint) == (2, True)


@pytest.mark.parametrize(("site", "command"), [("pbs", "qsub -W depend"), ("lsf", "bsub -w 'done")])
def test_other_schedulers__get_scripts_and_commands(call, coresia, tmp_path, site, command):
    code, printed, _ = call(*words_of(coresia, tmp_path / "run", f"{site}.yaml"))
    assert code == 0
    assert f"templates for {site.upper()} are checked as text only; nobody has run them" in printed
    assert command in printed


def test_transient_failure__is_tried_again_and_not_submitted_twice(stand_in, tmp_path):
    calls = tmp_path / "calls"
    stand_in(
        "sbatch",
        f'echo "$2" >>{calls}; if [ $(wc -l <{calls}) -lt 3 ]; then\n'
        "echo 'sbatch: error: Batch job submission failed: Socket timed out' >&2; exit 1; fi\n"
        "echo '42;cluster'",
    )
    said: list[str] = []
    slurm = Slurm(said.append, waits=(0.0, 0.0, 0.0))
    assert slurm.submit("x.sh", tmp_path, "name", "mark") == "42"
    assert len(said) == 2
    # The second of these arrived although the call failed: squeue knows its comment.
    calls.unlink()
    facts = "\x1f".join(["43", "PENDING", "None", "mark", str(tmp_path)])
    stand_in("squeue", f"echo '{facts}'")
    assert slurm.submit("x.sh", tmp_path, "name", "mark") == "43"
    assert len(calls.read_text().splitlines()) == 1


def test_lasting_failure__says_what_slurm_said_and_what_was_submitted(stand_in, tmp_path):
    stand_in(
        "sbatch",
        'case "$*" in *array.sh*) echo "sbatch: error: Invalid account" >&2; exit 1;; esac; echo 5',
    )
    (tmp_path / "jobs").mkdir()
    order = Order(tmp_path, (), "/python")
    refused = r"(?s)array job was not submitted: .*Invalid account.*before: prepare 5"
    with pytest.raises(RunFailedError, match=refused):
        send(Slurm(waits=()), order, ("prepare", "array", "finish"))
    assert noted(tmp_path, "prepare")["job"] == "5"


def test_absent_controller__is_given_up_after_some_tries(stand_in, tmp_path):
    stand_in("sbatch", "echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1")
    with pytest.raises(RunFailedError, match=r"tried 3 times\)\. Run the same command again when"):
        Slurm(waits=(0.0, 0.0)).submit("x.sh", tmp_path, "name", "mark")


def test_environment_of_a_job__is_not_handed_on(stand_in, monkeypatch, tmp_path):
    stand_in("sbatch", "env")
    for name in ("SLURM_RESTART_COUNT", "SLURM_JOB_ID", "SLURMD_NODENAME"):
        monkeypatch.setenv(name, "9")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    monkeypatch.setenv("SBATCH_RESERVATION", "mine")
    _, printed, _ = _run(["sbatch"], tmp_path)
    assert "SLURM_CONF=/etc/slurm.conf" in printed
    assert "SBATCH_RESERVATION=mine" in printed
    assert "SLURM_RESTART_COUNT" not in printed
    assert "SLURMD_NODENAME" not in printed


@pytest.mark.parametrize(
    ("missing", "before", "most", "elements"),
    [(1, 4, 100, 1), (50, 4, 100, 50), (900, 100, 100, 99), (900, 99, 100, 100), (2, 2, 4, 2)],
)
def test_next_round__spreads_what_one_element_left(missing, before, most, elements):
    order = fewer_left(Order(Path("/run"), (), "/python", left=3), missing, before, most)
    assert (order.elements, order.left) == (elements, 2)


def test_noted__survives_a_line_cut_short(tmp_path):
    (tmp_path / "jobs").mkdir()
    note(Order(tmp_path, (), "/python", elements=3), "array", "7", "")
    with (tmp_path / "jobs" / "submitted.jsonl").open("a") as file:
        file.write('{"step": "array", "jo')
    assert noted(tmp_path, "array")["elements"] == 3
    assert noted(tmp_path, "finish") == {}


@pytest.fixture
def incomplete(coresia, reference, tmp_path):
    """Return a copy of a finished run that lacks one unit and its results."""
    out = tmp_path / "incomplete"
    shutil.copytree(reference.out, out)
    (out / "results.h5").unlink()
    sorted((out / "shards" / "0000").iterdir())[0].unlink()
    return out


def test_incomplete_run__only_what_is_missing_is_submitted(call, coresia, incomplete, no_slurm):
    code, printed, _ = call(*words_of(coresia, incomplete), "--dry-run")
    assert code == 0
    assert "#SBATCH --array=0-0\n" in printed
    site = f"--site={SITES / 'private_test.yaml'}"
    code, printed, _ = call(site, f"--out={incomplete}", "--dry-run")
    assert code == 0
    assert "prepare" not in printed
    assert "array=$(sbatch --parsable jobs/array.sh)" in printed


def test_given_up_units__are_submitted_only_when_told(call, coresia, incomplete, stand_in):
    directory = RunDirectory(incomplete)
    facts = {"id": open_ledger(directory).unit(0).id, "kind": "died", "attempts": 3}
    directory.keep_failure(0, {**facts, "where": "here", "text": "it died"})
    assert status_of(incomplete).failed == 1
    code, _, complaint = call(*words_of(coresia, incomplete))
    assert code == 1
    assert "1 units were given up, and no other is missing" in complaint
    stand_in("sbatch", "echo 5")
    code, printed, _ = call(*words_of(coresia, incomplete), "--retry-failed")
    assert code == 0
    assert "1 elements compute the units" in printed
    assert status_of(incomplete).failed == 0


def test_steps__of_a_run():
    assert steps_of(Path("x"), None, False) == ("prepare", "array", "finish")


def test_complete_run__is_left_alone(coresia, reference, tmp_path):
    found = check_and_submit(
        None, SITES / "private_test.yaml", coresia.options("reference"), dry_run=True
    )
    assert found.complete
    assert not (reference.out / "jobs").exists()
    assert json.dumps(found.jobs) == "{}"
