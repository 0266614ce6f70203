"""Who hears what becomes of the units, and may ask the run to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from microsim.execution.jobs import Payload


@dataclass(frozen=True)
class Failure:
    """A unit that was given up.

    Attributes
    ----------
    unit
        The unit, as it was handed out.
    kind
        `raised`: the worker reported an error. `refused`: that the files of the question are at
        fault. `died`: it ended its worker too often.
    text
        The traceback, or the faults, or how the last worker ended and its last words.
    attempts
        How often it was tried.
    where
        Host and process of the last attempt, as far as known.
    """

    unit: Payload
    kind: Literal["raised", "refused", "died"]
    text: str
    attempts: int
    where: str


class Listener(Protocol):
    """Hears of each unit once: `done` or `failed`; all calls come from the thread of `run_job`."""

    def done(self, receipt: Payload) -> None:
        """Take the receipt of a finished unit."""

    def failed(self, failure: Failure) -> None:
        """Take a unit that was given up; the others go on."""

    def note(self, text: str) -> None:
        """Take a line for the user."""

    def stopping(self) -> bool:
        """Tell whether to hand out nothing more; units in hand are still finished."""
