"""What goes wrong, said so that a user can mend it: where, what, found, expected, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 10


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one input: where (file:line, column), what is wrong, found, expected, remedy."""

    where: str
    what: str
    found: str = ""
    expected: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return the fault as one line."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.found:
            parts.append(f"found {self.found}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        text = "; ".join(parts).removesuffix(".") + "."
        return f"{text} {self.remedy}" if self.remedy else text


class MicrosimError(Exception):
    """Base of all errors of microsim; `exit_code` is what the command line returns."""

    exit_code = 1


class InputError(MicrosimError):
    """An input is at fault; carries every fault found in it.

    Parameters
    ----------
    faults
        The faults; duplicates are dropped, the order is kept.
    """

    exit_code = 2

    def __init__(self, faults: Iterable[Fault] | Fault | str) -> None:
        if isinstance(faults, str):
            faults = [Fault("", faults)]
        elif isinstance(faults, Fault):
            faults = [faults]
        self.faults: tuple[Fault, ...] = tuple(dict.fromkeys(faults))
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [str(fault) for fault in self.faults[:SHOWN]]
        left = len(self.faults) - SHOWN
        if left > 0:
            lines.append(f"... and {left} more faults ({len(self.faults)} in all).")
        return "\n".join(lines)


class RunFailedError(MicrosimError):
    """A run could not be finished or its results are not sound; exit code 1."""


class QuestionAtFaultError(RunFailedError):
    """A run could not be finished because its own files are at fault; exit code 2.

    Most faults of files are found before a run begins; some show only in the people they meet.
    """

    exit_code = 2


class StoppedError(MicrosimError):
    """Work is left because the run was asked to stop or lost its scheduler; exit code 75.

    What is finished stays; the same command again goes on from there.
    """

    exit_code = 75


class IdentityViolatedError(RunFailedError):
    """An accounting identity does not hold in the results."""


class FormatError(InputError):
    """A file is not of the format or version this reader knows."""


class FaultList:
    """Collects the faults of one input, so that all are reported at once."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(
        self, where: str, what: str, found: object = "", expected: object = "", remedy: str = ""
    ) -> None:
        """Note one fault."""
        self.faults.append(Fault(where, what, str(found), str(expected), remedy))

    def raise_if_any(self) -> None:
        """Raise `InputError` with every fault noted, if there is one."""
        if self.faults:
            raise InputError(self.faults)
