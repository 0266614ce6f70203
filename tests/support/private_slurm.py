"""A real Slurm on this machine for tests, and runs of Coresia that are sent to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from microsim.execution.scripts import job_name
from microsim.execution.slurm import Slurm
from microsim.shipped import folder

PRIVATE_SLURM = folder("cluster") / "private_slurm.sh"
HOOKS = Path(__file__).parents[1] / "cluster" / "hooks"
PROGRAMS = ("sbatch", "slurmctld", "slurmd", "munged")


@dataclass(frozen=True)
class PrivateSlurm:
    """The private Slurm, as cluster/private_slurm.sh starts it."""

    place: Path

    def does(self, action: str, *more: str) -> str:
        """Call the script."""
        words = [str(PRIVATE_SLURM), action, str(self.place), *more]
        # Not captured through pipes: the daemons it starts would hold them open.
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, timeout=90, check=False
            )
            out.seek(0)
            printed = out.read()
        assert done.returncode == 0, printed
        return printed


@dataclass
class ClusterRun:
    """A run of Coresia on the private Slurm, in a folder of its own."""

    folder: Path
    scenario: Path
    population: Path
    more: tuple[str, ...] = ()
    site: dict[str, object] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """Run directory."""
        return self.folder / "run of 'mine' $(x)"

    def site_file(self, **more: object) -> Path:
        """Write a site file: JSON is YAML."""
        keys: dict[str, object] = {
            "scheduler": "slurm", "partition": "main", "elements": 2, "time": "00:05:00",
            "memory": "900MiB", "signal_seconds": 60, "environment": {}, **self.site, **more,
        }  # fmt: skip
        variables = {str(k): str(v) for k, v in dict(keys["environment"]).items()}
        paths = os.pathsep.join([str(HOOKS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        keys["environment"] = {"PYTHONPATH": paths, "COLUMNS": "300", **variables}
        path = self.folder / "site.yaml"
        path.write_text(json.dumps(keys, indent=1))
        return path

    def submit(self, *words: str, **site: object) -> subprocess.CompletedProcess[str]:
        """Call `microsim submit`."""
        return microsim(
            "submit", str(self.scenario), f"--site={self.site_file(**site)}", f"--out={self.out}",
            f"--population={self.population}", "--shard-persons=500", *self.more, *words,
        )  # fmt: skip

    def status(self) -> dict[str, object]:
        """Return what `microsim status --json` says."""
        found: dict[str, object] = json.loads(microsim("status", str(self.out), "--json").stdout)
        return found

    def shards(self) -> list[Path]:
        """Return the finished shard files."""
        return sorted((self.out / "shards").glob("*/[0-9]*.bin"))

    def log(self, step: str) -> str:
        """Return all logs of a step, the oldest first."""
        files = sorted((self.out / "jobs" / "logs").glob(f"{step}-*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text()}" for file in files)

    def submitted(self, step: str) -> list[dict[str, object]]:
        """Return the jobs of a step that were submitted."""
        lines = (self.out / "jobs" / "submitted.jsonl").read_text().splitlines()
        return [one for one in map(json.loads, lines) if one["step"] == step]

    def digest(self) -> str:
        """Return the digest that `microsim validate` prints."""
        return digest_of(self.out)

    def until(self, what: Callable[[], object], seconds: float = 90.0) -> None:
        """Wait; if it does not come about, show logs and queue."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                logs = "\n".join(self.log(step) for step in ("prepare", "array", "finish"))
                pytest.fail(f"waited {seconds:.0f} s in vain\n{queue()}\n{logs}")
            time.sleep(0.3)

    def until_ended(self, seconds: float = 120.0) -> None:
        """Wait until no job of this run is in the queue."""
        slurm = Slurm(waits=())
        self.until(lambda: not slurm.jobs(job_name(self.out), self.out), seconds)

    def workers(self) -> list[int]:
        """Return the processes that compute units of this run now."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                with contextlib.suppress(OSError):
                    words = (place / "cmdline").read_bytes().decode().split("\0")
                    if words[2:4] == ["microsim", "work"] and words[4] == str(self.out):
                        found.append(int(place.name))
        return found


def queue() -> str:
    """Return the jobs in the queue, as squeue prints them."""
    done = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def microsim(*words: str) -> subprocess.CompletedProcess[str]:
    """Call microsim as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "microsim", *words],
        capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip


def digest_of(out: Path) -> str:
    """Return the digest that `microsim validate` prints."""
    done = microsim("validate", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("digest: ")[1].split()[0]
