"""How processes end, in words: signals by name, and the last lines they wrote."""

from __future__ import annotations

import signal
from pathlib import Path

LAST_LINES = 20
LAST_BYTES = 4000
OUT_OF_MEMORY = (
    "if memory ran out, use smaller shards (--shard-persons) or fewer workers on a machine"
)


def ending(code: int | None) -> str:
    """Return in words how a process ended.

    Parameters
    ----------
    code
        Its exit code; below zero for a signal.
    """
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"ended by {name}" + (f" ({OUT_OF_MEMORY})" if -code == signal.SIGKILL else "")


def last_words(path: Path) -> str:
    """Return the last lines of a log, or an empty text."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LAST_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-LAST_LINES:])
