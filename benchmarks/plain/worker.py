"""One backend on one data folder, waiting for its turn: so that backends can be timed in turns.

    python worker.py BACKEND FOLDER

Prints a line READY, then for each line read one line of JSON: wall and CPU seconds and the answers.
`quit` ends it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

MODULES = {
    "ours": "ours", "ours_again": "ours", "numpy": "baselines", "pandas": "baselines",
    "polars": "baselines", "openfisca": "openfisca_country",
}  # fmt: skip
VERSIONS = ("numpy", "numba", "pandas", "polars")


def backend_of(name: str) -> tuple[Callable[[Path], Any], Callable[[Any], tuple[Any, Any]]]:
    """Return the loader and the computation of a backend."""
    module = import_module(MODULES[name])
    return getattr(module, f"load_{name}"), getattr(module, f"run_{name}")


def timed(run: Callable[[Any], tuple[Any, Any]], data: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return wall and CPU seconds (of all threads) of one run, and its answers."""
    wall, cpu = time.perf_counter(), time.process_time()
    kept, answers = run(data)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    del kept
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "peak_mib": peak, "answers": answers}


def main() -> None:
    """Serve turns."""
    load, run = backend_of(sys.argv[1])
    data = load(Path(sys.argv[2]))
    run(data)  # the first call compiles, or fills caches
    print("READY", flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        print(json.dumps(timed(run, data)), flush=True)


if __name__ == "__main__":
    np.seterr(all="warn")
    main()
