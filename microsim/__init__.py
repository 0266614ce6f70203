"""Household-level microsimulation of social protection: law, households, social budget."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# The small Python API, loaded when first used: `import microsim` itself stays quick.
_PUBLIC = {
    "run": "microsim.simulation.run",
    "Options": "microsim.simulation.run",
    "read_results": "microsim.results.reader",
    "load_system": "microsim.policy.loading",
    "load_scenario": "microsim.scenario.scenario",
    "load_cases": "microsim.scenario.cases",
    "synthesise": "microsim.population.synthesis.assemble",
    "read_population": "microsim.population.store",
    "InputError": "microsim.errors",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Return a public name, importing the module it lives in."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'microsim' has no attribute {name!r}")
    module = importlib.import_module(_PUBLIC[name])
    return getattr(module, "read" if name == "read_population" else name)
