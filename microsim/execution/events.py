"""What each worker writes of its work: lines of JSON in a file of its own, which only grows."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from microsim.execution.jobs import Payload

# Files that this process has begun, by process and folder.
_BEGUN: dict[tuple[int, str], Path] = {}


class EventFile:
    """The events of this process: `start`, `begin`, `done`, `raised`, `released`, `end`.

    One process writes one file, so that no lock is needed, on shared disks least of all, and what
    it had in hand when it died is at the end of that file. A line that cannot be written never
    harms the unit.

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
        try:
            self._descriptor = _open(folder)
        except OSError as error:
            self.problem = f"no events are written: {error}"

    def write(self, event: str, /, **what: Any) -> None:  # noqa: ANN401 - what JSON can hold
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


def _open(folder: str) -> int:
    """Return a descriptor of this process's file: `HOST.PID.jsonl`, or `HOST~N.PID.jsonl` if an
    earlier process of the same number has left that.
    """
    mine, flags = (os.getpid(), folder), os.O_WRONLY | os.O_APPEND | os.O_CREAT
    Path(folder).mkdir(parents=True, exist_ok=True)
    if mine in _BEGUN:
        return os.open(_BEGUN[mine], flags, 0o644)
    for attempt in itertools.count():
        host = socket.gethostname() + (f"~{attempt}" if attempt else "")
        path = Path(folder) / f"{host}.{os.getpid()}.jsonl"
        try:
            descriptor = os.open(path, flags | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        _BEGUN[mine] = path
        return descriptor
    raise AssertionError("unreachable")


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


def read_events(path: Path, last: int = 0) -> Iterator[Payload]:
    """Yield the events of one file; torn lines (a full disk, a lost host) are left out.

    Parameters
    ----------
    path
        The file.
    last
        How many bytes at its end to read after the first line; 0 for all of it.
    """
    with path.open("rb") as file:
        yield from _events((file.readline(),))
        if last:
            here, end = file.tell(), file.seek(0, os.SEEK_END)
            file.seek(max(here, end - last))
        yield from _events(file)


def _events(lines: Iterable[bytes]) -> Iterator[Payload]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event
