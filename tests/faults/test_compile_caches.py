"""A folder of compiled rules that cannot be written, or that many programs find empty at once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from striking import BACKENDS


@contextmanager
def read_only(source: Path, folder: Path) -> Iterator[Path]:
    """Show a folder at another place, where nobody can write: root neither."""
    folder.mkdir()
    subprocess.run(["mount", "--bind", source, folder], check=True, timeout=10)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True, timeout=10)
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, timeout=10)


@pytest.mark.usefixtures("mounting")
@pytest.mark.parametrize("backend", ["serial", "processes"])
def test_a_read_only_cache__is_used(
    commands, asked_small, reference, rules_cache, tmp_path, backend
):
    """What is compiled there is not compiled again; it is read through a copy."""
    with read_only(rules_cache, tmp_path / "cache") as cache:
        (tmp_path / "tmp").mkdir()
        given = {"MICROSIM_CACHE": str(cache), "TMPDIR": str(tmp_path / "tmp")}
        ended = commands.run(*asked_small, *BACKENDS[backend], **given)
    assert ended.digest == reference.digest
    (copy,) = (tmp_path / "tmp").glob("microsim-*/rules")
    assert copy.parent.stat().st_mode & 0o077 == 0
    assert {path.name for path in copy.glob("*.py")} <= {
        path.name for path in rules_cache.glob("*.py")
    }


@pytest.mark.usefixtures("mounting")
def test_an_empty_read_only_cache__does_not_matter(commands, asked_small, reference, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "tmp").mkdir()
    with read_only(tmp_path / "empty", tmp_path / "cache") as cache:
        given = {"MICROSIM_CACHE": str(cache), "TMPDIR": str(tmp_path / "tmp")}
        ended = commands.run(*asked_small, *BACKENDS["processes"], **given)
    assert ended.digest == reference.digest


def test_an_empty_cache_found_by_several__gives_one_answer(
    commands, asked_small, reference, tmp_path
):
    cache = tmp_path / "cache"
    started = []
    for k in range(3):
        asked_small[asked_small.index("--out") + 1] = str(tmp_path / f"run{k}")
        given = (*asked_small, *BACKENDS["serial"])
        started.append(commands.start(*given, MICROSIM_CACHE=str(cache)))
    ended = [commands.wait(process) for process in started]
    assert [one.digest for one in ended] == [reference.digest] * 3
    assert not list(cache.rglob("*.tmp"))
    shutil.rmtree(cache)
