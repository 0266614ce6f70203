"""The package as it is published: an sdist, and the wheel built from that sdist."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def build(kind: str, source: Path, into: Path) -> Path:
    """Build an sdist or a wheel with the build system that pyproject.toml names."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = [path for path in into.iterdir() if path.is_file()]
    return made


@pytest.fixture(scope="session")
def sdist(tmp_path_factory) -> Path:
    """Return the folder of the unpacked sdist."""
    into = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", CHECKOUT, into / "archive")) as archive:
        archive.extractall(into, filter="data")
    (folder,) = [path for path in into.iterdir() if path.name != "archive"]
    return folder


@pytest.fixture(scope="session")
def wheel(sdist, tmp_path_factory) -> Path:
    """Return the folder of the unpacked wheel, built from the sdist."""
    into = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build("wheel", sdist, into / "archive")) as archive:
        archive.extractall(into / "site")  # noqa: S202 - our own archive
    return into / "site"
