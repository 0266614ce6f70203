"""Makes the job scripts of a run from the shipped templates; every path and value is quoted."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.execution.site import Site, has_control_characters
from microsim.shipped import folder

STEPS = ("prepare", "array", "finish")
LONGEST_NAME = {"slurm": 64, "pbs": 15, "lsf": 64}  # Torque and old PBS take no more
JOBS, LOGS = "jobs", "jobs/logs"
SITE_FILE = "site.yaml"


@dataclass(frozen=True)
class Order:
    """What is to be submitted.

    Attributes
    ----------
    run
        Run directory, absolute.
    prepare
        Words after `microsim prepare`.
    python
        The Python that has microsim.
    cache
        Folder of compiled rules and synthesised populations, or "" for the user's.
    elements
        Elements of the array.
    left
        How often the finishing job may submit what is missing.
    """

    run: Path
    prepare: tuple[str, ...]
    python: str
    cache: str = ""
    elements: int = 1
    left: int = 0


def job_name(run: Path, scheduler: str = "slurm") -> str:
    """Return the name of a run's jobs: letters, digits, `.`, `_` and `-` only."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", run.name).strip("_")
    return f"microsim-{plain or 'run'}"[: LONGEST_NAME[scheduler]]


def check_run_path(run: Path) -> None:
    """Refuse a run directory in which schedulers cannot write logs; blanks and quotes do no harm.

    Slurm and LSF replace `%j` and the like in the folder of a log too, and Slurm cannot write where
    a backslash is.

    Raises
    ------
    InputError
        The path holds `%`, a backslash, line ends or other control characters.
    """
    text = os.path.abspath(run)  # noqa: PTH100 (resolve would follow links)
    if has_control_characters(text) or "%" in text or "\\" in text:
        what = "schedulers cannot write logs in this run directory"
        expected = "a path of one line without % and backslash"
        raise InputError(Fault("--out", what, repr(text), expected))


def render(site: Site, order: Order) -> dict[str, str]:
    """Return the text of each job script, by step."""
    import jinja2

    loader = jinja2.FileSystemLoader(str(folder("cluster") / "templates"))
    environment = jinja2.Environment(  # noqa: S701 - shell, not HTML: filters below quote
        loader=loader, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "sh": shlex.quote, "words": shlex.join, "clock": clock, "minutes": minutes,
    }  # fmt: skip
    values = {
        "site": site,
        "name": job_name(order.run, site.scheduler),
        "run": str(order.run),
        "elements": order.elements,
        "left": order.left,
        "prologue": site.prologue,
        "environment": _environment(site, order),
        **_commands(order),
    }
    return {
        step: environment.get_template(f"{site.scheduler}/{step}.sh.j2").render(values)
        for step in STEPS
    }


def _commands(order: Order) -> dict[str, list[str]]:
    microsim, run = [order.python, "-m", "microsim"], str(order.run)
    site = str(order.run / JOBS / SITE_FILE)
    return {
        "prepare": [*microsim, "prepare", *order.prepare, f"--out={run}"],
        "work": [*microsim, "work", run],
        "merge": [*microsim, "resume", run, "--merge-only"],
        "finish": [
            *microsim, "submit", f"--out={run}", f"--site={site}", f"--finish={order.left}",
        ],
    }  # fmt: skip


def _environment(site: Site, order: Order) -> list[tuple[str, str]]:
    cache = [("MICROSIM_CACHE", order.cache)] if order.cache else []
    return [*cache, *site.environment]


def write(site: Site, order: Order) -> dict[str, Path]:
    """Write the job scripts and a copy of the site file into the run directory."""
    jobs = order.run / JOBS
    (order.run / LOGS).mkdir(parents=True, exist_ok=True)
    kept = jobs / SITE_FILE
    if Path(site.path).resolve() != kept.resolve():
        kept.write_bytes(Path(site.path).read_bytes())
    written = {}
    for step, text in render(site, order).items():
        written[step] = jobs / f"{step}.sh"
        written[step].write_text(text, encoding="utf-8")
    return written


def commands_to_type(site: Site, order: Order, steps: Sequence[str] = STEPS) -> list[str]:
    """Return what a user would type to submit the scripts by hand, one command a line."""
    name = job_name(order.run, site.scheduler)
    found = [f"cd {shlex.quote(str(order.run))}"]
    for k, step in enumerate(steps):
        before, last = (steps[k - 1] if k else ""), k == len(steps) - 1
        command = " ".join([*_WORDS[site.scheduler], *_after(site.scheduler, name, before)])
        command += f" < jobs/{step}.sh" if site.scheduler == "lsf" else f" jobs/{step}.sh"
        noted = not last and site.scheduler != "lsf"  # LSF knows jobs by their names
        found.append(f"{step}=$({command})" if noted else command)
    return found


_WORDS = {"slurm": ("sbatch", "--parsable"), "pbs": ("qsub",), "lsf": ("bsub",)}


def _after(scheduler: str, name: str, before: str) -> list[str]:
    """Return the words that make a job wait for the step before it."""
    if not before:
        return []
    when = "afterany" if before == "array" else "afterok"
    if scheduler == "slurm":
        return ["--kill-on-invalid-dep=yes", f'--dependency="{when}:${before}"']
    if scheduler == "pbs":
        return [f'-W depend={when}:"${before}"']
    return [f"-w '{'ended' if before == 'array' else 'done'}({name}-{before})'"]


def clock(seconds: int) -> str:
    """Return seconds as hours:minutes:seconds."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def minutes(seconds: int) -> str:
    """Return seconds as hours:minutes, rounded up."""
    whole = math.ceil(seconds / 60)
    return f"{whole // 60:02d}:{whole % 60:02d}"
