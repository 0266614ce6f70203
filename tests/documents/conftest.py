"""One small run of Kenya in a folder that looks to a reader like the checkout."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from documents import CHECKOUT

from microsim.cli.main import main


@dataclass(frozen=True)
class Reader:
    """Who follows the documents: types commands in a folder and sees what they print."""

    folder: Path
    first_result: str
    projection: str

    def types(self, *words: str) -> str:
        """Return what `microsim WORDS` prints; a command that fails is an error."""
        return typed(self.folder, *words)


def typed(folder: Path, *words: str) -> str:
    """Run `microsim WORDS` in a folder."""
    before, printed, code = Path.cwd(), io.StringIO(), 0
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            main(list(words))
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    finally:
        os.chdir(before)
    assert code == 0, f"microsim {' '.join(words)}: exit code {code}"
    return printed.getvalue()


@pytest.fixture(scope="session")
def reader(tmp_path_factory) -> Reader:
    """Return a reader who has run the README's two examples, with fewer households."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "scenarios").symlink_to(CHECKOUT / "scenarios")
    printed = typed(folder, "run", "scenarios/kenya/floor.yaml", "--households", "2000")
    ahead = typed(folder, "run", "scenarios/kenya/pension_2060.yaml", "--households", "2000")
    (folder / "run").symlink_to(folder / "runs" / "floor")  # the name in results_schema/README.md
    return Reader(folder, printed, ahead)
