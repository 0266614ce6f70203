"""Shows units being computed: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from microsim.execution.jobs import Payload
from microsim.execution.listener import Failure

EVERY = 2.0  # seconds between plain lines, at least
WINDOW = 200  # units the rate is taken from
MIB = 2**20


class Shown:
    """A watch for the command line, to be used as a context.

    Parameters
    ----------
    console
        Where to show it: standard error.
    quiet
        Show failures only.
    """

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.bar: Progress | None = None
        self._forget()

    def _forget(self) -> None:
        self.missing = self.count = self.failures = self.persons = self.left = self.peak = 0
        self.recent: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self.started = self.last = time.monotonic()

    def __enter__(self) -> Self:
        """Return the watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the bar."""
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    # -- what happens -----------------------------------------------------------------------

    def began(self, n_missing: int, n_units: int, persons: int) -> None:
        """Say what is done already, and begin the bar."""
        self._close()
        self._forget()
        self.missing, self.left = n_missing, persons
        if n_missing < n_units:
            self._say(f"{n_units - n_missing} of {n_units} shards are done already")
        if self.console.is_terminal and not self.quiet and n_missing:
            columns = (
                TextColumn("units"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                TextColumn("{task.fields[facts]}"),
            )  # fmt: skip
            self.bar = Progress(*columns, console=self.console, transient=True)
            self.task = self.bar.add_task("units", total=n_missing, facts="")
            self.bar.start()

    def done(self, receipt: Payload) -> None:
        """Count a unit."""
        self.count += 1
        persons = int(receipt.get("persons", 0))
        self.persons += persons
        self.peak = max(self.peak, int(receipt.get("peak_memory", 0)))
        self.recent.append((time.monotonic(), persons))
        self._show()

    def failed(self, failure: Failure) -> None:
        """Say at once that a unit was given up."""
        self.failures += 1
        last = (failure.text.strip().splitlines() or ["no words"])[-1]
        text = f"unit {failure.unit['unit']} was given up ({failure.kind}, {failure.where}): {last}"
        self.console.print(text, markup=False, highlight=False)
        self._show()

    def note(self, text: str) -> None:
        """Say what happened."""
        self._say(text)

    # -- showing ----------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False, highlight=False)

    def _show(self) -> None:
        if self.bar is not None:
            facts = self.facts()
            self.bar.update(self.task, completed=self.count + self.failures, facts=facts)
            return
        now = time.monotonic()
        if now - self.last >= EVERY or self.count + self.failures == self.missing:
            self.last = now
            self._say(f"unit {self.count + self.failures} of {self.missing}: {self.facts()}")

    def facts(self) -> str:
        """Return rate, time left, failures and memory as text."""
        rate = self._rate()
        parts = [f"{rate:,.0f} persons/s"]
        if rate > 0 and self.left > self.persons:
            parts.append(f"{clock((self.left - self.persons) / rate)} left")
        if self.failures:
            parts.append(f"{self.failures} failed")
        if self.peak:
            parts.append(f"largest worker {self.peak / MIB:,.0f} MiB")
        return ", ".join(parts)

    def _rate(self) -> float:
        since = self.recent[0][0] if len(self.recent) == WINDOW else self.started
        seconds = time.monotonic() - since
        return sum(persons for _, persons in self.recent) / seconds if seconds > 0 else 0.0


def clock(seconds: float) -> str:
    """Return a duration as people read it: 45 s, 12 min, 3 h 20 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
