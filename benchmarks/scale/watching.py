"""Watches the memory and the CPU time of processes while they run, through /proc."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

SECONDS_BETWEEN_LOOKS = 0.02
KIB = 1024


@dataclass
class Seen:
    """The largest memory of a process, bytes: resident in all, and without pages of files.

    Pages of files can be given back at any time: they are a use of free memory, not a need.
    """

    resident: int = 0
    own: int = 0

    def look(self, pid: int | str) -> None:
        """Take note of the present state of a process, if it is still there."""
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        self.resident = max(self.resident, _bytes(facts.get("VmHWM")))
        self.own = max(self.own, _bytes(facts.get("RssAnon")))


def _bytes(text: str | None) -> int:
    return int(text.split()[0]) * KIB if text else 0


@dataclass
class Watched:
    """A program that has ended: its seconds, those of its processor, its memory at most."""

    wall: float
    cpu: float
    seen: Seen


def watched(arguments: list[str], environment: dict[str, str], log: Path) -> Watched:
    """Run a program and watch its own memory, not that of those it starts."""
    began, seen, before = time.perf_counter(), Seen(), os.times()
    with log.open("w") as said:
        process = subprocess.Popen(arguments, env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            seen.look(process.pid)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed: {log.read_text()[-2500:]}")
    after = os.times()
    cpu = (
        after.children_user - before.children_user + after.children_system - before.children_system
    )
    return Watched(time.perf_counter() - began, cpu, seen)


@dataclass
class Myself:
    """Watches this process in a `with` block: its memory, and files without a name it has open."""

    seen: Seen = field(default_factory=Seen)
    scratch: int = 0

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()
        self.seen.look("self")

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            self.seen.look("self")
            self.scratch = max(self.scratch, _nameless())


def _nameless() -> int:
    """Return the bytes on disk of open files that have no name any more."""
    sizes = {}  # of each file once: a mapped one is open twice
    for entry in os.scandir("/proc/self/fd"):
        try:
            found = os.fstat(int(entry.name))
        except OSError:
            continue
        if found.st_nlink == 0:
            sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())
