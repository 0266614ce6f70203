"""A Python that has openfisca-core: this one, or one of its own in the working folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = ("openfisca-core>=43", "numpy")
PROBE = "import openfisca_core.simulation_builder"


def python_with_openfisca(folder: Path) -> tuple[str | None, str]:
    """Return (python, "") or (None, why not)."""
    own = folder / "openfisca" / "bin" / "python"
    for python in (sys.executable, str(own)):
        if Path(python).exists() and _works(python) == "":
            return python, ""
    try:
        _make(own)
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return None, f"openfisca-core could not be installed: {said.strip()[-300:]}"
    reason = _works(str(own))
    return (None, reason) if reason else (str(own), "")


def _works(python: str) -> str:
    done = subprocess.run([python, "-c", PROBE], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]


def _make(python: Path) -> None:
    folder = python.parent.parent
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        commands = [
            [uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(python), *REQUIREMENTS],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "-q", *REQUIREMENTS],
        ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
