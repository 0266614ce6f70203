"""A Python that has openfisca-core: this one, or one of its own in the working folder."""

from __future__ import annotations

from pathlib import Path

from environments import python_with

REQUIREMENTS = ("openfisca-core>=43", "numpy")
PROBE = "import openfisca_core.simulation_builder"


def python_with_openfisca(folder: Path) -> tuple[str | None, str]:
    """Return (python, "") or (None, why not)."""
    return python_with("openfisca", REQUIREMENTS, PROBE, folder)
