"""A listener that keeps what it hears; as a script, it runs a job under MPI and writes it down."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from microsim.errors import MicrosimError
from microsim.execution.backend import run_job, serve_if_worker
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure
from microsim.execution.place import Place


class Collected:
    """Keeps what it hears; asks to stop once `stop_after` units are done."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.stop_after = stop_after
        self.receipts: list[Payload] = []
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self.error: BaseException | None = None

    def done(self, receipt: Payload) -> None:
        self.receipts.append(receipt)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stopping(self) -> bool:
        return len(self.receipts) >= self.stop_after

    @property
    def numbers(self) -> list[int]:
        """The units that are done, in their order."""
        return sorted(receipt["unit"] for receipt in self.receipts)


class _Written(Collected):
    """Writes what it hears at once: an MPI job may end at any time."""

    def __init__(self, path: Path, stop_after: int) -> None:
        super().__init__(stop_after)
        self.path = path

    def write(self, kind: str, content: object) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([kind, content]) + "\n")

    def done(self, receipt: Payload) -> None:
        super().done(receipt)
        self.write("done", receipt)

    def failed(self, failure: Failure) -> None:
        super().failed(failure)
        self.write("failed", asdict(failure))


def main(job_file: str, heard_file: str) -> int:
    """Run the job of a file on the ranks of this program, the way the command line does."""
    if serve_if_worker():
        return 0
    plain = json.loads(Path(job_file).read_text())
    listener = _Written(Path(heard_file), plain["stop_after"])
    for job in plain["jobs"]:
        try:
            run_job(Job(**job), Place(backend="mpi"), listener)
        except MicrosimError as error:
            listener.write("error", [type(error).__name__, str(error)])
            return error.exit_code
    listener.write("end", None)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
