"""The `dask` part of a site file: how Dask workers are started through Slurm, as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from microsim.errors import FaultList
from microsim.files import Fields, FileTree, Node

# One word of a command line or directive: nothing that a shell would take apart. `$NAME` is let
# through, sites name their local disks so.
_WORD = re.compile(r"[A-Za-z0-9_./@%+=:,~^${}\[\]-]+\Z")
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)? ?[kKMGT]?i?B?\Z")
_WALLTIME = re.compile(r"([0-9]+-)?[0-9]{1,3}(:[0-9]{2}){0,2}\Z")
# microsim makes this folder itself, and expands ~ only: nothing else a shell would expand
_FOLDER = re.compile(r"~?[A-Za-z0-9_./@%+=:,-]+\Z")

KEYS = (
    "queue", "account", "cores", "processes", "memory", "walltime", "interface",
    "job_extra_directives", "worker_extra_args", "local_directory", "log_directory",
    "job_script_prologue", "python", "jobs", "minimum_jobs", "maximum_jobs",
)  # fmt: skip


@dataclass(frozen=True)
class DaskSite:
    """How to start Dask workers at a site.

    Attributes
    ----------
    queue, account, walltime, interface, local_directory, python
        As the site has them, or "" for what Slurm or dask-jobqueue take themselves.
    cores, processes, memory
        Of one job; each process is one worker with one unit at a time.
    job_extra_directives
        Further directives (`#SBATCH ...`), each with its option.
    worker_extra_args
        Further arguments of `dask worker`.
    job_script_prologue
        Lines of shell at the head of each job: the file's owner runs them.
    log_directory
        A folder that all nodes see: logs of workers, and the keys of this run's TLS.
    minimum_jobs, maximum_jobs
        How many jobs are kept up: as many as the work left can use, within these.
    """

    cores: int
    memory: str
    log_directory: str
    processes: int
    minimum_jobs: int
    maximum_jobs: int
    queue: str = ""
    account: str = ""
    walltime: str = ""
    interface: str = ""
    local_directory: str = ""
    python: str = ""
    job_extra_directives: tuple[str, ...] = ()
    worker_extra_args: tuple[str, ...] = ()
    job_script_prologue: tuple[str, ...] = ()


def load_dask_site(path: str) -> DaskSite:
    """Read the `dask` part of a site file.

    Raises
    ------
    InputError
        Every fault of it, with file and line.
    """
    faults = FaultList()
    node = FileTree(path).read(path, faults, "--site")
    part = node.get("dask") if node is not None else None
    if node is not None and part is None:
        faults.add(node.where, "no 'dask' in the site file", "", "dask: ...")
    faults.raise_if_any()
    assert part is not None  # noqa: S101 - a fault was raised
    site = _site(_Words(part, faults, KEYS, "dask"))
    faults.raise_if_any()
    return site


class _Words(Fields):
    """Fields whose texts go into a job script."""

    def checked(self, node: Node, key: str, text: str, pattern: re.Pattern[str], like: str) -> str:
        if not pattern.match(text):
            self.wrong(node, key, like)
            return ""
        return text

    def word(self, key: str, pattern: re.Pattern[str] = _WORD, like: str = "one word") -> str:
        node, text = self.node_of(key), self.text(key)
        return self.checked(node, key, text, pattern, like) if node and text else ""

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of words, or of an option and its value."""
        found = []
        for node in self.elements(key):
            text = node.as_text() or ""
            for part in text.split(" ") if text else [""]:
                self.checked(node, key, part, _WORD, "words without quotes, `;`, `&`, `|`, ...")
            found.append(text)
        return tuple(found)

    def positive(self, key: str, default: int) -> int:
        value, node = self.integer(key, default), self.node_of(key)
        if node is not None and value < 1:
            self.wrong(node, key, "1 or more")
        return max(value, 1)


def _site(fields: _Words) -> DaskSite:
    for key in ("memory", "log_directory", "cores"):
        fields.node_of(key, required=True)
    cores = fields.positive("cores", 1)
    jobs = fields.positive("jobs", 1)
    site = DaskSite(
        cores=cores,
        processes=fields.positive("processes", cores),
        memory=fields.word("memory", _MEMORY, "a size, such as 4GB"),
        log_directory=fields.word("log_directory", _FOLDER, "a folder, without $ or { }"),
        minimum_jobs=fields.positive("minimum_jobs", jobs),
        maximum_jobs=fields.positive("maximum_jobs", max(jobs, fields.integer("minimum_jobs"))),
        queue=fields.word("queue"),
        account=fields.word("account"),
        walltime=fields.word("walltime", _WALLTIME, "HH:MM:SS in quotes"),
        interface=fields.word("interface"),
        local_directory=fields.word("local_directory"),
        python=fields.word("python"),
        job_extra_directives=fields.words("job_extra_directives"),
        worker_extra_args=fields.words("worker_extra_args"),
        job_script_prologue=fields.texts("job_script_prologue"),
    )
    if site.processes > site.cores:
        node = fields.node_of("processes") or fields.node
        fields.wrong(node, "processes", f"at most the {site.cores} cores of a job")
    if site.minimum_jobs > site.maximum_jobs:
        node = fields.node_of("minimum_jobs") or fields.node
        fields.wrong(node, "minimum_jobs", f"at most maximum_jobs ({site.maximum_jobs})")
    return site
