"""How fast work goes and how much memory it takes, from the last lines of the workers' diaries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 32_768  # bytes read of each file: about two hundred units
SPAN = 300.0  # seconds that the pace is taken from


@dataclass(frozen=True)
class Pace:
    """What workers did lately.

    Attributes
    ----------
    units_per_second, persons_per_second
        Over the last five minutes; 0 if nothing was done.
    workers
        Processes that wrote in that time.
    peak_memory
        Largest memory of any worker that still shows in its file, bytes.
    """

    units_per_second: float = 0.0
    persons_per_second: float = 0.0
    workers: int = 0
    peak_memory: int = 0


def pace_of(folder: Path, now: float | None = None) -> Pace:
    """Return the pace of the last five minutes.

    Parameters
    ----------
    folder
        The folder of event files; there may be none.
    now
        Seconds since the epoch; the time of the call if left out.
    """
    end = time.time() if now is None else now
    units = persons = workers = peak = 0
    first = end
    for path in sorted(folder.glob("*.jsonl")):
        seen = False
        for event in _last_lines(path):
            when = float(event.get("time", 0.0))
            peak = max(peak, int(event.get("peak_memory", 0) or 0))
            if end - when > SPAN:
                continue
            seen = True
            first = min(first, when)
            if event.get("event") == "done":
                units += 1
                persons += int(event.get("persons", 0) or 0)
        workers += seen
    seconds = max(end - first, 1e-9)
    return (
        Pace(units / seconds, persons / seconds, workers, peak)
        if units
        else Pace(workers=workers, peak_memory=peak)
    )


def _last_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events at the end of a file; a line cut short is passed over."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
