"""Lives: ours, neworder and vivarium in turns, each in a process of its own."""

from __future__ import annotations

import math
import statistics
import sys
from pathlib import Path

from environments import python_with
from table import Table, millions, seconds
from turns import Backend, start

PEERS = Path(__file__).with_name("lives_peers")
ENGINES = {
    "deaths": ("ours", "ours: ageing, deaths"),
    "minimal": ("ours", "ours: ageing, deaths, births, states"),
    "draw": ("ours", "ours: every process, drawn"),
    "sort": ("ours", "ours: every process, aligned"),
    "neworder": ("neworder_model", "neworder: ageing, deaths, births, states"),
    "vivarium": ("vivarium_model", "vivarium: ageing, deaths"),
}
REQUIREMENTS = {
    "neworder": (("neworder", "pandas", "numpy"), "import neworder, pandas"),
    "vivarium": (("vivarium",), "import vivarium.examples.disease_model"),
}
ALIKE = {"neworder": "minimal", "vivarium": "deaths"}
TARGETS = {"neworder": 8, "vivarium": 5}
LIMIT = 4.0  # standard errors that two engines may differ by in what happened


def compare(persons: int, years: int, repeats: int, folder: Path) -> Table:
    """Return the table of speeds: medians of wall and CPU time, ratios to ours."""
    sys.path.append(str(PEERS))
    import ours

    people, notes = ours.save_people(persons, folder), []
    backends: dict[str, Backend] = {}
    try:
        for name, (module, _) in ENGINES.items():
            python: str | None = sys.executable
            if name in REQUIREMENTS:
                python, reason = python_with(name, *REQUIREMENTS[name], folder)
                if python is None:
                    notes.append(f"SKIPPED {name}: {reason}")
                    continue
            arguments = [str(PEERS / "worker.py"), module, name, str(people), str(years)]
            backends[name] = start(name, str(python), arguments)
        for _ in range(repeats):
            for backend in backends.values():
                backend.turn()
    finally:
        for backend in backends.values():
            backend.end()
    for peer, mine in ALIKE.items():
        if peer in backends:
            check_alike(backends[mine], backends[peer])
    return _table(persons, years, repeats, backends, notes)


def check_alike(mine: Backend, peer: Backend) -> None:
    """Hold two engines to the same lives: counts agree within chance.

    Raises
    ------
    ValueError
        A count differs by more than four standard errors of two Poisson counts.
    """
    for what, n in peer.answers.items():
        own = mine.answers[what]
        if what != "person_years" and abs(n - own) > LIMIT * math.sqrt(n + own):
            raise ValueError(f"{peer.name} lives otherwise: {what} {n:,.0f}, ours {own:,.0f}")


def speeds(backend: Backend) -> tuple[float, float]:
    """Return person-years a second of wall and of CPU time, by medians."""
    lived = backend.answers["person_years"]
    return lived / statistics.median(backend.wall), lived / statistics.median(backend.cpu)


def _table(
    persons: int, years: int, repeats: int, backends: dict[str, Backend], notes: list[str]
) -> Table:
    n = round(backends["minimal"].answers["person_years"] / years)
    table = Table(
        f"Lives, {persons:,} persons for {years} years",
        ("", "wall", "CPU", "person-years/s (wall)", "(CPU)", "ours, alike, is faster (wall)",
         "(CPU)", "wanted", "ours, every process, is faster (CPU)", "peak MiB"),
    )  # fmt: skip
    for name, backend in backends.items():
        wall, cpu = speeds(backend)
        ratios = [""] * 4
        if name in ALIKE:
            alike, full = (speeds(backends[case]) for case in (ALIKE[name], "sort"))
            ratios = [f"{alike[0] / wall:.1f} x", f"{alike[1] / cpu:.1f} x", f"{TARGETS[name]} x",
                      f"{full[1] / cpu:.1f} x"]  # fmt: skip
        table.add(
            ENGINES[name][1], seconds(statistics.median(backend.wall)),
            seconds(statistics.median(backend.cpu)), millions(wall), millions(cpu), *ratios,
            f"{backend.peak:.0f}",
        )  # fmt: skip
    table.notes = [
        f"Medians of {repeats} turns, each engine in turn in a process of its own; about {n:,} "
        "persons a year; CPU seconds of all threads. Making the people ready is not timed. "
        "Alike are the processes: with neworder the same people and rates, with vivarium one rate "
        "of death for all ages. Their counts of births, deaths and states agree within chance, or "
        "the run fails.",
        *notes,
    ]
    return table
