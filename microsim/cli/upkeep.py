"""`microsim status`, `verify`, `gc`, `consolidate`: how far a run is, whole or not, what can go."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.cli.progress import MIB, clock
from microsim.errors import RunFailedError
from microsim.simulation.directory import RunDirectory
from microsim.simulation.submitting import end_of_jobs, submitted_status
from microsim.simulation.upkeep import (
    Status,
    collect,
    garbage_of,
    status_of,
    verify_run,
)
from microsim.simulation.worlds import WorldKey

Run = Annotated[Path, typer.Argument(help="run directory")]
SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status")(status)
    app.command("verify")(verify)
    app.command("gc")(gc)
    app.command("consolidate")(consolidate)


def status(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="until the run is complete")] = False,
    every: Annotated[float, typer.Option(help="seconds between looks of --watch")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON")] = False,
) -> None:
    """Say how far a run is, from its files; whoever computes it is not asked."""
    console = Console(emoji=False, soft_wrap=True)
    while True:
        found, ended = submitted_status(run) or status_of(run), end_of_jobs(run)
        text = json.dumps(_plain(found)) if as_json else as_text(run, found)
        console.print(text, markup=False, highlight=False)
        if ended and not as_json and found.phase != "complete":
            console.print(f"Its jobs have ended:\n{ended}", markup=False, highlight=False)
        stuck = found.units > 0 and not found.missing and found.failed
        if not watch or found.phase == "complete":
            return
        if stuck or ended:
            raise typer.Exit(1)
        time.sleep(max(0.2, every))


def _plain(found: Status) -> dict[str, object]:
    return {
        "phase": found.phase, "units": found.units, "done": found.done,
        "missing": found.missing, "failed": found.failed, "complete": found.phase == "complete",
        "seconds_left": found.seconds_left, "persons_per_second": found.pace.persons_per_second,
        "workers": found.pace.workers, "peak_memory": found.pace.peak_memory,
    }  # fmt: skip


def as_text(run: Path, found: Status) -> str:
    """Return a status as people read it."""
    if found.phase == "submitted":
        return f"{run}: submitted; the preparing job has not begun"
    if found.phase == "preparing":
        return f"{run}: being prepared (population, calibration, rules); no unit is known yet"
    parts = [f"{run}: {found.phase}, {found.done:,} of {found.units:,} units done"]
    if found.failed:
        parts.append(f"{found.failed} given up")
    if found.missing:
        parts.append(f"{found.missing:,} to do")
    pace = found.pace
    if pace.units_per_second and found.missing:
        parts.append(f"{pace.workers} workers at {pace.persons_per_second:,.0f} persons/s")
        parts.append(f"{clock(found.seconds_left or 0.0)} left")
    if pace.peak_memory:
        parts.append(f"largest worker {pace.peak_memory / MIB:,.0f} MiB")
    lines = [", ".join(parts)]
    for number, facts in list(RunDirectory(run).failures().items())[:SHOWN]:
        last = (str(facts["text"]).strip().splitlines() or ["no words"])[-1]
        lines.append(f"  unit {number}: {facts['kind']} on {facts['where']}: {last}")
    if found.phase == "complete":
        lines.append(f"Next: microsim tables {run}")
    elif found.phase == "merging":
        lines.append(f"If nothing merges them: microsim resume {run} --merge-only")
    elif found.failed:
        lines.append(f"Mend the cause, then: microsim resume {run} --retry-failed")
    elif not pace.units_per_second:
        lines.append(f"If nothing runs: microsim resume {run}")
    return "\n".join(lines)


def verify(
    run: Run,
    remove: Annotated[
        bool, typer.Option("--remove", help="take damaged files away, to be computed again")
    ] = False,
) -> None:
    """Read every shard file of a run wholly, and compare its checksums."""
    found = verify_run(run)
    lines = [f"{run}: {found.whole} shard files are whole"]
    lines += list(found.damaged.values())[:SHOWN]
    if len(found.damaged) > SHOWN:
        lines.append(f"... and {len(found.damaged) - SHOWN} more damaged files")
    if found.missing:
        some = ", ".join(map(str, found.missing[:SHOWN]))
        more = ", ..." if len(found.missing) > SHOWN else ""
        lines.append(f"missing: {len(found.missing)} units ({some}{more})")
    if remove and found.damaged:
        for path in found.damaged:
            path.unlink(missing_ok=True)
        lines.append(f"{len(found.damaged)} damaged files were taken away")
    if found.damaged or found.missing:
        lines.append(f"`microsim resume {run}` computes what is missing.")
        raise RunFailedError("\n".join(lines))
    Console(emoji=False, soft_wrap=True).print("\n".join(lines), markup=False, highlight=False)


def gc(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what could go")] = False,
) -> None:
    """Remove what nothing needs: old temporary files, and shards of another cut of the run."""
    found = garbage_of(run)
    if not dry_run:
        collect(found)
    what = "could go" if dry_run else "removed"
    text = f"{run}: {len(found.files)} files, {found.size / MIB:,.1f} MiB, {what}"
    Console(emoji=False, soft_wrap=True).print(text, markup=False, highlight=False)


def consolidate(
    run: Run,
    out: Annotated[Path, typer.Option(help="file to write, HDF5")],
    draw: Annotated[int, typer.Option(help="parameter draw of the run; 0: none")] = 0,
    replicate: Annotated[int, typer.Option(help="replicate of the run")] = 0,
    year: Annotated[int | None, typer.Option(help="of a projection: one of --keep-years")] = None,
    scenario: Annotated[str, typer.Option(help="one that has lives of its own")] = "",
) -> None:
    """Copy the values of persons that a run keeps into one compressed file that needs no other."""
    from microsim.results.persons_joined import consolidate as consolidate_file
    from microsim.simulation.keeping import joined_file

    consolidate_file(joined_file(run, WorldKey(draw, replicate), year, scenario), out)
    size = out.stat().st_size / MIB
    text = f"{out}: {size:,.1f} MiB, all parts verified"
    Console(emoji=False, soft_wrap=True).print(text, markup=False, highlight=False)
