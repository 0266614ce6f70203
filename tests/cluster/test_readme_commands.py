"""The commands of cluster/README.md, typed one after the other on a real Slurm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from documents import blocks

from microsim.shipped import folder

README = folder("cluster") / "README.md"
NOT_RUN = re.compile(r"<!-- not run: (.+) -->\n```sh\n$")
PLACE = "/tmp/slurm"  # noqa: S108 - as the README writes it


def marked(block) -> str:
    """Return the reason why a block is not run, or nothing."""
    lines = README.read_text(encoding="utf-8").splitlines(keepends=True)
    found = NOT_RUN.search("".join(lines[: block.line - 1]))
    return found[1] if found else ""


BLOCKS = [block for block in blocks(README) if block.language == "sh"]
RUN = [block for block in BLOCKS if not marked(block)]


def test_blocks__are_run_or_say_why_not():
    assert len(BLOCKS) - len(RUN) == 3
    assert all(len(marked(block)) > 20 for block in BLOCKS if block not in RUN)
    assert sum(len(block.text.splitlines()) for block in RUN) >= 20


@pytest.fixture(scope="module")
def place(private_slurm, rules_cache, tmp_path_factory):
    """Return a folder that looks to a reader like the checkout. A Slurm of its own is started."""
    where = tmp_path_factory.mktemp("reader")
    (where / "cluster").symlink_to(README.parent)
    return where


def test_commands__run_in_order(place):
    slurm = tempfile.mkdtemp(prefix="slurm")  # short: there are sockets in it
    lines = [line for block in RUN for line in block.text.splitlines() if line]
    script = "\n".join(["set -eu", *(say_and_do(line) for line in lines)]).replace(PLACE, slurm)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    try:
        with (place / "printed").open("w") as out:
            done = subprocess.run(
                ["bash", "-c", script], cwd=place, env={**os.environ, "PATH": path},
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False, timeout=400,
            )  # fmt: skip
    finally:
        stop = [str(README.parent / "private_slurm.sh"), "stop", slurm]
        subprocess.run(stop, check=True, capture_output=True, timeout=60)
        shutil.rmtree(slurm)
    printed = (place / "printed").read_text()
    assert done.returncode == 0, printed[-6000:]
    assert printed.count("$ ") == len(lines)
    digests = re.findall(r"^digest: (\w{64})$", printed, re.MULTILINE)
    assert len(digests) >= 3
    assert len(set(digests)) == 1, "array, MPI and Dask agree to the bit"
    assert "complete; nothing to submit" in printed


def say_and_do(line: str) -> str:
    """Return a line of shell that prints a command and runs it."""
    quoted = line.replace("'", "'\\''")
    return f"printf '$ %s\\n' '{quoted}'\n{line}"
