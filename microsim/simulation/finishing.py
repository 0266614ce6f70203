"""The job after the array: merges a run, or submits what is missing once more, or says why not."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from microsim.errors import InputError, RunFailedError, StoppedError
from microsim.execution import scripts
from microsim.execution.scripts import Order
from microsim.execution.site import load_site
from microsim.execution.slurm import Ended, Slurm
from microsim.simulation.answer import Outcome
from microsim.simulation.carrying import Watch
from microsim.simulation.directory import RunDirectory
from microsim.simulation.run import Options, resume
from microsim.simulation.submitting import fewer_left, keep_end_of_jobs, noted, send
from microsim.simulation.upkeep import status_of

SHOWN = 10
TAIL = 4096  # bytes of a log that are looked at
_TELLING = re.compile(r"memory|killed|oom|error|cancelled|no space", re.IGNORECASE)
Say = Callable[[str], None]


def finish(run: Path, site_path: Path, left: int, options: Options, watch: Watch) -> Outcome:
    """End a run whose array has ended; if it cannot be, `status` tells why.

    Parameters
    ----------
    left
        How often what is missing may still be submitted.

    Raises
    ------
    StoppedError
        Units were missing and were submitted once more.
    RunFailedError
        The run cannot be completed; the message says what is missing, and why.
    """
    try:
        return _finish(run, site_path, left, options, watch)
    except (RunFailedError, InputError) as error:
        keep_end_of_jobs(run, str(error))
        raise


def _finish(run: Path, site_path: Path, left: int, options: Options, watch: Watch) -> Outcome:
    slurm = Slurm(watch.note)
    if not RunDirectory(run).exists or status_of(run).phase == "preparing":
        raise RunFailedError(_not_prepared(run))
    reason = None
    if not status_of(run).missing:
        try:
            return resume(run, options, watch.note, watch, merge_only=True)
        except RunFailedError as error:  # a shard file may turn out to be damaged
            reason = error
    missing = status_of(run).missing
    if not missing and reason is not None:
        raise reason
    ends = ends_of_elements(slurm, run)
    if left > 0:
        watch.note("\n".join([f"{run}: {missing} units are missing.", *ends]))
        raise StoppedError(_submit_again(slurm, run, site_path, left, missing))
    try:
        return resume(run, options, watch.note, watch, merge_only=True)
    except RunFailedError as error:
        again = f"The array was submitted as often as the site file allows (resubmit). {_AGAIN}"
        raise RunFailedError("\n".join([str(error), *ends, again])) from error


_AGAIN = "When the cause is mended, the same `microsim submit` does what is missing."


def _submit_again(slurm: Slurm, run: Path, site_path: Path, left: int, missing: int) -> str:
    site = load_site(site_path)
    before = noted(run, "array")
    cache = os.environ.get("MICROSIM_CACHE", "")
    order = Order(run, (), site.python or sys.executable, cache, left=left)
    order = fewer_left(order, missing, int(before.get("elements", 0)), site.elements)
    scripts.write(site, order)
    jobs = send(slurm, order, ("array", "finish"))
    return (
        f"submitted what is missing: array {jobs['array']} with {order.elements} elements, then "
        f"{jobs['finish']} ends the run; {order.left} more rounds are allowed"
    )


def _not_prepared(run: Path) -> str:
    job = noted(run, "prepare").get("job", "")
    log = run / scripts.LOGS / f"prepare-{job}.log"
    words = tail_of(log).splitlines()[-SHOWN:]
    lines = [f"{run}: the preparing job did not succeed, so there was nothing to compute."]
    if words:
        lines += [f"The end of {log}:", *(f"  {line}" for line in words)]
    return "\n".join(lines)


# -- how the elements ended ----------------------------------------------------------------------


def ends_of_elements(slurm: Slurm, run: Path) -> list[str]:
    """Return a line for each element of the last array that did not end well."""
    array = noted(run, "array").get("job", "")
    ended = slurm.ended_badly(array) if array else []
    lines = [_end_of_element(run, array, one) for one in ended[:SHOWN]]
    if len(ended) > SHOWN:
        lines.append(f"  ... and {len(ended) - SHOWN} more elements")
    return lines


def _end_of_element(run: Path, array: str, one: Ended) -> str:
    log = run / scripts.LOGS / f"array-{array}_{one.element}.log"
    lines = [line.strip() for line in tail_of(log).splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)] or lines
    reason = "" if one.reason in ("", "None") else f" ({one.reason})"
    text = f"  element {one.element} of array {array}: {one.state}{reason}"
    text += f", exit code {one.exit_code}, on {one.node}; {log.name}"
    return text + (f": {telling[-1]}" if telling else " is empty")


def tail_of(log: Path) -> str:
    """Return the end of a log, or nothing if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
