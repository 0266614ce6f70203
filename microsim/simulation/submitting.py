"""Sends a run to a cluster: checks it, writes the job scripts, submits what is missing."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from microsim.errors import Fault, FaultList, InputError, RunFailedError
from microsim.execution import scripts
from microsim.execution.pace import pace_of
from microsim.execution.scripts import Order
from microsim.execution.site import Site, load_site
from microsim.execution.slurm import Slurm, require_slurm
from microsim.scenario.draws import read_draws
from microsim.scenario.scenario import Scenario, load_scenario
from microsim.simulation.directory import RunDirectory
from microsim.simulation.run import Options, check_options, words_of
from microsim.simulation.upkeep import Status, status_of

SUBMITTED = "submitted.jsonl"
ENDED = "ended.txt"  # why the jobs of a run ended before it was complete
RULES = "rules"  # compiled rules; synthesised populations lie beside it
Say = Callable[[str], None]


@dataclass(frozen=True)
class Submitted:
    """What was done.

    Attributes
    ----------
    steps
        The job of each step, by step; empty numbers if nothing was submitted.
    commands
        What to type instead, where microsim did not submit.
    """

    order: Order
    steps: tuple[str, ...]
    jobs: dict[str, str]
    commands: tuple[str, ...] = ()
    complete: bool = False


def check_and_submit(
    path: Path | None, site_path: Path, options: Options, say: Say = lambda _: None,
    *, again: bool = False, dry_run: bool = False,
) -> Submitted:  # fmt: skip
    """Submit what is missing of a run.

    Parameters
    ----------
    path
        The scenario file; None for a run that is prepared already.
    options
        What to run, as for `run`; its `out` is the run directory.
    say
        Receives a line at each step.
    again
        Submit although jobs of this run are in the queue.
    dry_run
        Only write the scripts.

    Raises
    ------
    InputError
        Every fault of scenario and site file; another question's directory; no Slurm here.
    RunFailedError
        Jobs of this run are in the queue, or Slurm refused.
    """
    site = _check(path, site_path, options)
    run = Path(os.path.abspath(options.out))  # noqa: PTH100 (resolve would follow links)
    status = status_of(run) if RunDirectory(run).exists else None
    order = _order(path, site, options, run, status)
    steps = steps_of(path, status, options.retry_failed)
    if status is not None and status.failed and not status.missing and not options.retry_failed:
        raise RunFailedError(
            f"{run}: {status.failed} units were given up, and no other is missing "
            f"(microsim status {run} names them). When the cause is mended, add --retry-failed."
        )
    if not steps:
        return Submitted(order, (), {}, complete=True)
    by_hand = dry_run or site.scheduler != "slurm"
    slurm = Slurm(say)
    if not by_hand:
        require_slurm()
        if not again:
            _refuse_if_queued(slurm, run)
    if options.retry_failed and not dry_run:
        forget_failures(run)
    scripts.write(site, order)
    if by_hand:
        commands = scripts.commands_to_type(site, order, steps)
        return Submitted(order, steps, {}, tuple(commands))
    return Submitted(order, steps, send(slurm, order, steps))


def steps_of(path: Path | None, status: Status | None, retry_failed: bool) -> tuple[str, ...]:
    """Return the steps that a run needs: preparing, units, the end."""
    if status is None or status.phase == "preparing":
        return scripts.STEPS
    if status.phase == "complete":
        return ()
    first = ("prepare",) if path is not None else ()  # it also refuses another question
    units = ("array",) if status.missing or (retry_failed and status.failed) else ()
    return (*first, *units, "finish")


def _order(
    path: Path | None, site: Site, options: Options, run: Path, status: Status | None
) -> Order:
    missing = status.missing + (status.failed if options.retry_failed else 0) if status else 0
    cache = os.environ.get("MICROSIM_CACHE", "")
    if site.scratch:
        cache = str(Path(site.scratch) / RULES)
    return Order(
        run=run,
        prepare=words_of(path, options) if path is not None else (),
        python=site.python or sys.executable,
        cache=os.path.abspath(cache) if cache else "",  # noqa: PTH100
        elements=min(site.elements, missing) or site.elements,
        left=site.resubmit,
    )


# -- checking ------------------------------------------------------------------------------------


def _check(path: Path | None, site_path: Path, options: Options) -> Site:
    """Return the site; all faults of site, scenario and options are told at once."""
    faults = FaultList()
    site = Site(str(site_path))

    def checked(step: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the step returns
        try:
            return step()
        except InputError as error:
            faults.faults.extend(error.faults)
            return None

    site = checked(lambda: load_site(site_path)) or site
    checked(lambda: scripts.check_run_path(options.out))
    checked(lambda: check_options(options))
    if path is not None:
        scenario = checked(lambda: load_scenario(path))
        if scenario is not None:
            checked(lambda: _check_question(scenario, options))
    elif not RunDirectory(options.out).exists:
        remedy = "Name the scenario file: microsim submit FILE --site SITE --out RUN."
        faults.add(str(options.out), "no scenario file, and not a run directory", remedy=remedy)
    faults.raise_if_any()
    return site


def _check_question(scenario: Scenario, options: Options) -> None:
    """Refuse what the preparing job would refuse hours later."""
    systems = scenario.systems(options.settings).values()
    if options.draws:
        tables = [system.definitions.parameters.values() for system in systems]
        read_draws(options.draws, {p.name for one in tables for p in one if p.kind == "scalar"})
    faults = FaultList()
    file = options.population
    if not file and scenario.population.file:
        file = str(Path(scenario.where.file).parent / scenario.population.file)
    if file and not Path(file).is_file():
        faults.add(str(scenario.where), "population file not found", file)
    if not file and not (options.country or scenario.population.country):
        remedy = "Give --country or --population."
        faults.add(str(scenario.where), "the scenario names no population", remedy=remedy)
    faults.raise_if_any()
    directory = RunDirectory(options.out)
    if directory.exists:
        _refuse_another_question(directory, scenario, options)


def _refuse_another_question(directory: RunDirectory, scenario: Scenario, options: Options) -> None:
    """The preparing job compares all; here what can be seen without the population."""
    stored = directory.question()
    asked = {
        "files": [[file.name, file.sha256] for file in scenario.files],
        "seed": scenario.seed if options.seed is None else options.seed,
        "settings": list(options.settings),
        "persons": list(options.persons),
        "keep_years": list(options.keep_years),
    }
    names = {
        "files": "the scenario's files", "settings": "--set", "persons": "--keep-persons",
        "keep_years": "--keep-years",
    }  # fmt: skip
    found = [
        names.get(key, key)
        for key, value in asked.items()
        if json.dumps(stored.get(key)) != json.dumps(value)
    ]
    if found:
        what = "this run directory holds the answer to another question"
        expected = "the same question, or a new directory"
        remedy = "Choose another --out, or remove the directory."
        difference = "a difference in " + ", ".join(found)
        raise InputError(Fault(str(directory.path), what, difference, expected, remedy))


def _refuse_if_queued(slurm: Slurm, run: Path) -> None:
    if not run.is_dir():
        return
    queued = slurm.jobs(scripts.job_name(run), run)
    if queued:
        some = ", ".join(f"{one.job} ({one.state.lower()})" for one in queued[:5])
        lines = [
            f"{run}: {len(queued)} jobs of this run are in the queue: {some}. Wait for them "
            f"(microsim status {run} --watch), cancel them (scancel), or submit with --again; two "
            "at once do the same units twice, and harm nothing."
        ]
        lines += [
            f"Job {one.job} is held ({one.reason}): `scontrol release {one.job}` lets it go."
            for one in queued
            if "held" in one.reason.lower()
        ]
        raise RunFailedError("\n".join(lines))


def forget_failures(run: Path) -> None:
    """Let all units that were given up be tried again."""
    directory = RunDirectory(run)
    for number in directory.failures():
        directory.forget_failure(number)
    directory.set_events_aside()


# -- submitting ----------------------------------------------------------------------------------


def send(slurm: Slurm, order: Order, steps: tuple[str, ...]) -> dict[str, str]:
    """Submit steps one after the other, each depending on the one before; return their jobs.

    Raises
    ------
    RunFailedError
        Slurm refused; the message says what was submitted before.
    """
    jobs: dict[str, str] = {}
    name = scripts.job_name(order.run)
    (order.run / scripts.JOBS / ENDED).unlink(missing_ok=True)
    for step in steps:
        after = ""
        if jobs:
            before = steps[len(jobs) - 1]
            after = ("afterany:" if before == "array" else "afterok:") + jobs[before]
        comment = f"{step} {uuid.uuid4().hex[:12]}"
        try:
            job = slurm.submit(f"{scripts.JOBS}/{step}.sh", order.run, name, comment, after)
        except RunFailedError as error:
            there = ", ".join(f"{one} {number}" for one, number in jobs.items())
            raise RunFailedError(
                f"the {step} job was not submitted: {error}"
                + (f"\nSubmitted before: {there}; the same command goes on later." if there else "")
            ) from error
        jobs[step] = job
        note(order, step, job, after)
    return jobs


def submitted_status(run: Path) -> Status | None:
    """Return the status of a run whose preparing job has not begun; None once it has."""
    directory = RunDirectory(run)
    if directory.exists or not (directory.jobs / SUBMITTED).is_file():
        return None
    return Status("submitted", 0, 0, 0, 0, pace_of(directory.events))


def keep_end_of_jobs(run: Path, text: str) -> None:
    """Write down why the jobs of a run have ended and none follows."""
    (run / scripts.JOBS / ENDED).write_text(text + "\n", encoding="utf-8")


def end_of_jobs(run: Path) -> str:
    """Return why the jobs of a run ended before it was complete, or nothing."""
    path = run / scripts.JOBS / ENDED
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def note(order: Order, step: str, job: str, after: str) -> None:
    """Write down a job in the run directory."""
    facts = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "step": step, "job": job, "after": after,
        "elements": order.elements, "left": order.left,
    }  # fmt: skip
    with (order.run / scripts.JOBS / SUBMITTED).open("a", encoding="utf-8") as file:
        file.write(json.dumps(facts) + "\n")


def noted(run: Path, step: str) -> dict[str, Any]:
    """Return the last job of a step as it was written down, or an empty mapping."""
    path = run / scripts.JOBS / SUBMITTED
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in reversed(lines):
        try:
            facts: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if facts.get("step") == step:
            return facts
    return {}


def fewer_left(order: Order, missing: int, before: int, most: int) -> Order:
    """Return the order of another round for what is missing.

    The number of elements changes from round to round: what one element left undone, units of equal
    remainder, is spread over all.
    """
    elements = min(most, missing) or 1
    if elements == before and elements > 2:
        elements -= 1
    return replace(order, elements=elements, left=order.left - 1)
