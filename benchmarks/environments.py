"""A Python that has another engine: this one, or one of its own in the working folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def python_with(
    name: str, requirements: tuple[str, ...], probe: str, folder: Path
) -> tuple[str | None, str]:
    """Return (python, "") or (None, why not).

    Parameters
    ----------
    name
        Of the package; the environment is made in the folder of that name.
    probe
        A line of Python that works where the package does.
    """
    own = folder / name / "bin" / "python"
    for python in (sys.executable, str(own)):
        if Path(python).exists() and _works(python, probe) == "":
            return python, ""
    try:
        _make(own, requirements)
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return None, f"{requirements[0]} could not be installed: {said.strip()[-300:]}"
    reason = _works(str(own), probe)
    return (None, reason) if reason else (str(own), "")


def _works(python: str, probe: str) -> str:
    done = subprocess.run([python, "-c", probe], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()[-300:]


def _make(python: Path, requirements: tuple[str, ...]) -> None:
    folder = python.parent.parent
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        commands = [
            [uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(python), *requirements],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "-q", *requirements],
        ]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, text=True)
