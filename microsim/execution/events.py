"""What each worker writes of its work: lines of JSON in a file of its own, which only grows."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from microsim.execution.jobs import Payload


class EventFile:
    """The events of this process: `start`, `begin`, `done`, `raised`, `released`, `end`.

    One process writes one file, so that no lock is needed, on shared disks least of all. A line
    that cannot be written never harms the unit.

    Parameters
    ----------
    folder
        Where the file is; an empty name writes nothing.
    """

    def __init__(self, folder: str) -> None:
        self.problem = ""
        self._descriptor = -1
        self._torn = False
        if not folder:
            return
        path = Path(folder) / f"{socket.gethostname()}.{os.getpid()}.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            self.problem = f"no events are written: {error}"

    def write(self, event: str, **what: Any) -> None:  # noqa: ANN401 - what JSON can hold
        """Append one line; `problem` says what went wrong with the latest, if anything."""
        if self._descriptor < 0:
            return
        line = json.dumps({"event": event, **what, "time": time.time()}, separators=(",", ":"))
        content = ("\n" if self._torn else "") + line + "\n"
        self.problem, self._torn = "", False
        try:
            data = content.encode()
            if os.write(self._descriptor, data) < len(data):
                self._torn, self.problem = True, "an event could be written in part only"
        except OSError as error:
            self._torn, self.problem = True, f"an event could not be written: {error}"

    def close(self) -> None:
        """Write `end` and close the file."""
        if self._descriptor >= 0:
            self.write("end")
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1


def born() -> int:
    """Return when this process began, in ticks since the boot (0 where the system does not tell).

    With the process id it names a process for good: ids are used again.
    """
    return born_of(os.getpid())


def born_of(pid: int) -> int:
    """Return when a process of this host began, 0 if there is none or the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def read_events(path: Path) -> Iterator[Payload]:
    """Yield the events of one file; torn lines (a full disk, a lost host) are left out."""
    with path.open("rb") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                yield event
