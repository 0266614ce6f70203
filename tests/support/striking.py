"""Starts `microsim` as users do and strikes it: kills, stops, looks at what is left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path

from carrying import MPIEXEC, SUPPORT, mpi_environment

import microsim

ROOT = Path(microsim.__file__).parent.parent  # the program of this test, not another installed

PROGRAM = (sys.executable, "-m", "microsim")
RANKS = (str(MPIEXEC), "-n", "3", sys.executable, "-m", "mpi4py", "-m", "microsim")
Process = subprocess.Popen[bytes]
MARK = "STRIKING"
PATIENCE = 100.0  # seconds until a command that hangs fails its test
# Launching options of each backend: two workers.
BACKENDS: dict[str, tuple[str, ...]] = {
    "serial": ("--backend", "serial", "--workers", "1"),
    "processes": ("--backend", "processes", "--workers", "2"),
    "dask": ("--backend", "dask", "--workers", "2"),
    "mpi": ("--backend", "mpi"),
}


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def digest(self) -> str:
        """The digest it printed; the command must have ended well."""
        assert self.code == 0, self
        return next(
            line.split()[1] for line in self.out.splitlines() if line.startswith("digest: ")
        )


@dataclass
class Commands:
    """Commands started by one test, each in a process group of its own; none survives the test.

    Attributes
    ----------
    folder
        Where they run, and where what they say is written.
    byte_code
        Folder of Python's byte code.
    """

    folder: Path
    byte_code: Path
    started: list[Process] = field(default_factory=list)

    def start(
        self, *arguments: object, program: Sequence[str] = PROGRAM, **environment: str
    ) -> Process:
        """Start a command and go on; a run on mpi is started under mpiexec."""
        given = [str(one) for one in arguments]
        if "mpi" in given and program == PROGRAM:
            program = RANKS
        k = len(self.started)
        with (
            (self.folder / f"said-{k}.out").open("wb") as out,
            (self.folder / f"said-{k}.err").open("wb") as err,
        ):
            process = subprocess.Popen(
                [*program, *given], cwd=self.folder, stdout=out, stderr=err,
                env=self._environment(k, environment), start_new_session=True,
            )  # fmt: skip
        self.started.append(process)
        return process

    def _environment(self, k: int, more: dict[str, str]) -> dict[str, str]:
        usual = {
            MARK: self.mark(k),
            "PYTHONPATH": f"{SUPPORT}{os.pathsep}{ROOT}",
            # the program is started many times: its byte code is made once
            "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.byte_code),
        }  # fmt: skip
        return mpi_environment(**{**usual, **more})

    def mark(self, k: int) -> str:
        """Return what the processes of a command have in their environment."""
        return f"{self.folder}#{k}#"

    def group(self, process: Process) -> list[int]:
        """Return the living processes of a command, whatever their parents and sessions."""
        return marked(self.mark(self.started.index(process)))

    def assert_no_orphans(self, process: Process, patience: float = 20.0) -> None:
        """Check that nothing a command started lives on for long."""
        wait_until(lambda: not self.group(process), f"processes of {process.args} end", patience)

    def wait(self, process: Process, patience: float = PATIENCE) -> Ended:
        """Wait for the end of a command."""
        code = process.wait(timeout=patience)
        k = self.started.index(process)
        out, err = (
            (self.folder / f"said-{k}.{kind}").read_text(errors="replace")
            for kind in ("out", "err")
        )
        return Ended(code, out, err)

    def run(self, *arguments: object, patience: float = PATIENCE, **environment: str) -> Ended:
        """Start a command and wait for its end."""
        return self.wait(self.start(*arguments, **environment), patience)

    def close(self) -> None:
        """End what is still there."""
        for process in self.started:
            for pid in self.group(process):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(timeout=10)


def here(*arguments: object) -> Ended:
    """Run a command in this process: the same, without the time a start takes."""
    from microsim.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(one) for one in arguments])
            code: object = 0
        except SystemExit as error:
            code = error.code or 0
    assert isinstance(code, int)
    return Ended(code, out.getvalue(), err.getvalue())


def shards(run: Path) -> dict[str, tuple[int, int, int]]:
    """Return what tells whether a shard file was touched: its inode, time and size, by name."""
    states = ((path.name, path.stat()) for path in run.glob("shards/*/[0-9]*.bin"))
    return {name: (state.st_ino, state.st_mtime_ns, state.st_size) for name, state in states}


def assert_kept(run: Path, before: dict[str, tuple[int, int, int]]) -> None:
    """Check that finished shard files were not touched since."""
    now = shards(run)
    assert before
    assert {name: now.get(name) for name in before} == before


def status(run: Path) -> dict[str, object]:
    """Return what `microsim status --json` says."""
    from microsim.cli.upkeep import _plain
    from microsim.simulation.upkeep import status_of

    found: dict[str, object] = json.loads(json.dumps(_plain(status_of(run))))
    return found


def wait_until(true: Callable[[], object], what: str, patience: float = 60.0) -> None:
    """Wait for something, looking often."""
    until = time.monotonic() + patience
    while not true():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.002)


def wait_for_shards(run: Path, count: int, process: Process, patience: float = 60.0) -> None:
    """Wait until a run has some finished units and is not at its end."""
    wait_until(
        lambda: len(shards(run)) >= count or process.poll() is not None,
        f"{count} shards in {run}", patience,
    )  # fmt: skip
    assert process.poll() is None, "it ended before it could be struck"


def workers(run: Path) -> dict[int, str]:
    """Return the last event of every worker that has begun its diary, by process."""
    found = {}
    for path in run.glob("events/*.jsonl"):
        lines = path.read_text().splitlines()
        if lines:
            found[int(path.name.split(".")[-2])] = json.loads(lines[-1])["event"]
    return found


def kill_in_unit(run: Path, patience: float = 60.0) -> int:
    """Kill a worker that is in the middle of a unit; return its process id."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for pid in workers(run):
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                continue
            time.sleep(0.001)
            if workers(run)[pid] == "begin":
                os.kill(pid, signal.SIGKILL)
                return pid
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.003)
    raise AssertionError("no worker was found in the middle of a unit")


def marked(mark: str) -> list[int]:
    """Return the living processes with a mark in their environment."""
    found, text = [], f"{MARK}={mark}\0".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                there = text in (folder / "environ").read_bytes() + b"\0"
                alive = ") Z " not in (folder / "stat").read_text()
            except OSError:
                continue
            if there and alive:
                found.append(int(folder.name))
    return found


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a disk of a size in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, timeout=10
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True, timeout=10)


def resize(disk: Path, size: str) -> None:
    """Give a disk in memory another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True, timeout=10)


def can_mount(folder: Path) -> bool:
    """Tell whether this user may mount."""
    try:
        with small_disk(folder, "64k"):
            return True
    except (OSError, subprocess.SubprocessError):
        return False


def ranks(processes: Sequence[int]) -> list[int]:
    """Return those of some processes that are ranks of MPI, not what launches them."""
    found = []
    for pid in processes:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if words[1:3] == [b"-m", b"mpi4py"]:
            found.append(pid)
    return found
