"""What the commands that compute a run share: signals, progress, the printed headline."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from microsim.report.headline import Moved, Official, headline
from microsim.simulation.answer import Outcome


def error_console() -> Console:
    """Return the console that progress and warnings go to."""
    return Console(stderr=True, emoji=False, soft_wrap=True)


@contextmanager
def stopping_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a question that turns true at SIGTERM or SIGUSR1: a scheduler's time is up.

    A second signal ends the program at once.
    """
    asked = [0]

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked[0] += 1
        if asked[0] > 1:
            os._exit(75)

    names = (signal.SIGTERM, signal.SIGUSR1)
    before = [signal.signal(name, note) for name in names]
    try:
        yield lambda: asked[0] > 0
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


def show(outcome: Outcome) -> None:
    """Print the headline of a run, its digest, and what to do next."""
    console = Console(emoji=False, soft_wrap=True, width=max(110, Console().width))
    officials = [
        Official(
            f"{c.scheme}: {c.item}", c.unit, c.official, c.simulated, c.eligible, c.above_eligible
        )
        for c in outcome.trust
    ]
    moved = [
        Moved(
            c.parameter, c.value_before, c.value_after, c.simulated_before / c.official,
            c.simulated_after / c.official, c.reached,
        )
        for c in outcome.calibrated
    ]  # fmt: skip
    rows = [row for row in outcome.rows if not row.draw and not row.replicate]
    identities = outcome.identities
    headline(outcome.contents, rows, identities, officials, moved, console)
    for one in outcome.poisoned:
        ids = ", ".join(str(i) for i in one.first_ids)
        console.print(
            f"{one.where}: {one.what} in {one.variable}: {one.households} households set aside "
            f"in all scenarios (first: {ids}). THESE RESULTS ARE INCOMPLETE until that is settled.",
            markup=False,
            highlight=False,
        )
    if outcome.n_worlds > 1:
        text = f"These are draw 0 and replicate 0 of {outcome.n_worlds} worlds; tables hold all."
        console.print(text, markup=False, highlight=False)
    console.print(f"digest: {outcome.digest}", markup=False, highlight=False)
    console.print(f"Results: {outcome.out}. Next: microsim tables {outcome.out}", markup=False)


def warn(outcome: Outcome, console: Console) -> None:
    """Print what the run warns of."""
    for fault in outcome.warnings:
        console.print(f"warning: {fault}", markup=False, highlight=False)
