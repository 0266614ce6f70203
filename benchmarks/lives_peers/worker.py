"""One engine of lives, waiting for its turn: so that engines can be timed in turns.

    python worker.py MODULE CASE PEOPLE YEARS

PEOPLE is the file of the people of the start and of their rates. Prints a line READY, then for each
line read one line of JSON: wall and CPU seconds of all years, and what happened. Each turn is a
new life of the same people; making them ready is not timed. `quit` ends it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def turn(engine: ModuleType, case: str, people: Path, years: int) -> dict[str, Any]:
    """Return wall and CPU seconds (of all threads) of one life, and what happened in it."""
    lives = engine.ready(case, people, years)
    wall, cpu = time.perf_counter(), time.process_time()
    engine.live(lives, years)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "peak_mib": peak, "answers": engine.happened(lives, years)}


def main() -> None:
    """Serve turns."""
    module, case, people, years = sys.argv[1:]
    engine = import_module(module)
    turn(engine, case, Path(people), 2)  # the first call compiles, or fills caches
    print("READY", flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        print(json.dumps(turn(engine, case, Path(people), int(years))), flush=True)


if __name__ == "__main__":
    main()
