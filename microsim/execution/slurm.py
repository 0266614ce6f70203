"""Talks to Slurm by sbatch, squeue and scontrol; waits for a controller that is away for a moment.

Never by sacct: many sites have no accounting, or a slow one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microsim.errors import InputError, RunFailedError

WAITS = (2.0, 5.0, 15.0, 30.0, 60.0)  # seconds between tries
LONGEST_CALL = 120.0  # seconds
# What Slurm says when the same call may succeed a moment later.
_AWAY = re.compile(
    r"unable to contact slurm|connection refused|timed out|try again|temporarily unable|"
    r"zero bytes|communication connection|socket|resource temporarily",
    re.IGNORECASE,
)
_SEPARATOR = "\x1f"


@dataclass(frozen=True)
class QueuedJob:
    """A job in Slurm's queue, waiting or running. `job` is the array's number for its elements."""

    job: str
    state: str
    reason: str
    comment: str


@dataclass(frozen=True)
class Ended:
    """An element of an array that did not end well, as Slurm tells it."""

    element: str
    state: str
    reason: str
    exit_code: str
    node: str


class Slurm:
    """The Slurm of this machine.

    Parameters
    ----------
    say
        Receives a line when something is tried again.
    waits
        Seconds to wait between tries.
    """

    def __init__(
        self, say: Callable[[str], None] = lambda _: None, waits: Sequence[float] = WAITS
    ) -> None:
        self.say, self.waits = say, tuple(waits)

    def submit(self, script: str, folder: Path, name: str, comment: str, after: str = "") -> str:
        """Submit a script in a folder and return the number of its job.

        Parameters
        ----------
        name, comment
            Its job name, and a comment that no other job has: after a call that timed out the job
            is looked for, so that it is not submitted twice.
        after
            A dependency such as `afterok:12`, or "".

        Raises
        ------
        RunFailedError
            Slurm refused, in its own words, or could not be reached.
        """
        words = ["sbatch", "--parsable", f"--comment={comment}"]
        if after:
            words += ["--kill-on-invalid-dep=yes", f"--dependency={after}"]

        def there() -> str:
            jobs = self.jobs(name, folder)
            return next((one.job for one in jobs if one.comment == comment), "")

        text = self._call([*words, script], folder, there)
        job = text.strip().split(";")[0]
        if not job.isdigit():
            raise RunFailedError(f"sbatch did not say the number of a job, but: {text.strip()!r}")
        return job

    def jobs(self, name: str, folder: Path) -> list[QueuedJob]:
        """Return the jobs of a name that were submitted in a folder and have not ended.

        Raises
        ------
        RunFailedError
            Slurm could not be reached.
        """
        columns = _SEPARATOR.join(("%F", "%T", "%r", "%k", "%Z"))
        words = ["squeue", "--noheader", f"--name={name}", f"--format={columns}"]
        found = []
        for line in self._call(words).splitlines():
            parts = line.split(_SEPARATOR)
            if len(parts) == 5 and _same_folder(parts[4].strip(), folder):
                found.append(QueuedJob(*(part.strip() for part in parts[:4])))
        return found

    def ended_badly(self, array: str) -> list[Ended]:
        """Return the elements of an array that Slurm still knows and that did not complete."""
        try:
            text = self._call(["scontrol", "--oneliner", "show", "job", array])
        except RunFailedError:
            return []  # Slurm forgets jobs after some minutes (MinJobAge)
        found = []
        for line in text.splitlines():
            facts = dict(re.findall(r"(\w+)=(\S*)", line))
            if facts.get("JobState", "COMPLETED") != "COMPLETED":
                found.append(
                    Ended(
                        facts.get("ArrayTaskId", "?"), facts["JobState"], facts.get("Reason", ""),
                        facts.get("ExitCode", ""), facts.get("NodeList", ""),
                    )
                )  # fmt: skip
        return found

    def _call(
        self,
        words: Sequence[str],
        folder: Path | None = None,
        there: Callable[[], str] = lambda: "",
    ) -> str:
        """Return what a command prints; try again while Slurm is away.

        `there` tells the result of an earlier try that arrived after all.
        """
        for wait in (*self.waits, None):
            code, printed, complaint = _run(words, folder)
            if code == 0:
                return printed
            if not _AWAY.search(complaint):
                raise RunFailedError(f"{words[0]}: {complaint or f'exit code {code}'}")
            if wait is None:
                break
            self.say(f"{complaint}; trying again in {wait:.0f} s")
            time.sleep(wait)
            if found := there():
                return found
        raise RunFailedError(
            f"{words[0]}: {complaint} (tried {len(self.waits) + 1} times). "
            "Run the same command again when Slurm answers."
        )


def require_slurm() -> None:
    """Refuse to go on where Slurm's commands are missing.

    Raises
    ------
    InputError
        One of the commands is not found.
    """
    missing = [name for name in ("sbatch", "squeue", "scontrol") if shutil.which(name) is None]
    if missing:
        raise InputError(
            f"{', '.join(missing)}: no such command here. Submit on a login node of the cluster, "
            "or see the scripts and commands with --dry-run; cluster/private_slurm.sh starts a "
            "small Slurm to try them."
        )


def _run(words: Sequence[str], folder: Path | None) -> tuple[int, str, str]:
    """Run a command outside the environment of the job that this may be part of."""
    # sbatch hands on its environment: a job of ours must not begin with the numbers of another's
    # (SLURM_RESTART_COUNT), nor with its limits.
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SLURM") or name == "SLURM_CONF"
    }
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, no shell
            list(words), cwd=folder, env=clean, capture_output=True, text=True, check=False,
            timeout=LONGEST_CALL, stdin=subprocess.DEVNULL, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, "", f"timed out after {LONGEST_CALL:.0f} s"
    except OSError as error:
        return 1, "", error.strerror or str(error)
    return done.returncode, done.stdout, done.stderr.strip()


def _same_folder(text: str, folder: Path) -> bool:
    try:
        return Path(text).samefile(folder)
    except OSError:
        return False
