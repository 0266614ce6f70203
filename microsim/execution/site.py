"""Reads a site file: how jobs are sent to a cluster. Plain data, but for the shell lines it is for.

`prologue` holds lines of shell that run before microsim on every node (`module load ...`). A site
file therefore belongs to the user who submits with it, as a job script does; scenario files never
hold shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from microsim.errors import FaultList, InputError
from microsim.execution.dask_site import load_dask_site
from microsim.files import Fields, FileTree, Node, did_you_mean

SCHEDULERS = ("slurm", "pbs", "lsf")
KEYS = (
    "scheduler", "partition", "queue", "account", "qos", "elements", "throttle", "time",
    "prepare_time", "finish_time", "memory", "prepare_memory", "finish_memory", "cpus",
    "signal_seconds", "requeue", "resubmit", "extra_directives", "prologue", "environment",
    "python", "scratch", "dask",
)  # fmt: skip
DEFAULT_TIME = 3600
DEFAULT_MEMORY = 2048
SHORTEST_AFTER_SIGNAL = 30

# What microsim itself says to each scheduler: a second word on it could lose work. Slurm also takes
# the beginning of a long option for the whole.
OURS = {
    "slurm": (
        "array", "chdir", "clusters", "cpus-per-task", "dependency", "error", "help", "job-name",
        "kill-on-invalid-dep", "mem", "mem-per-cpu", "mem-per-gpu", "no-requeue", "open-mode",
        "output", "parsable", "requeue", "signal", "test-only", "time", "usage", "version",
        "wait", "wrap",
    ),
    "pbs": ("J", "N", "W", "e", "j", "o", "r"),
    "lsf": ("J", "M", "Q", "W", "e", "eo", "n", "o", "oo", "r", "w"),
}  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:+@/=-]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TIME = re.compile(r"(?:(\d{1,3})-)?(\d{1,4}):(\d{2}):(\d{2})\Z")
_MEMORY = re.compile(r"(\d+)\s*(M|MB|MiB|G|GB|GiB|T|TB|TiB)\Z")
_MEBIBYTES = {"M": 1, "G": 1024, "T": 1024 * 1024}


@dataclass(frozen=True)
class Site:
    """How jobs are sent to a cluster.

    Attributes
    ----------
    path
        The site file.
    scheduler
        `slurm`, `pbs` or `lsf`.
    partition
        Partition or queue, or "" for the site's own choice; so with `account` and `qos`.
    elements
        Most elements of the array.
    throttle
        Most elements that run at once, 0 for no limit.
    time, prepare_time, finish_time
        Time limit of an element, of the preparing and of the finishing job, seconds.
    memory, prepare_memory, finish_memory
        Memory of the same, MiB.
    cpus
        Processors of the preparing job, which compiles on all of them; an element uses one.
    signal_seconds
        How long before its time limit an element is told to finish the unit in hand, seconds.
    requeue
        How often an element that met its time limit goes back into the queue.
    resubmit
        How often the finishing job submits what is missing.
    extra_directives
        Lines for the scheduler, as they stand.
    prologue
        Lines of shell before microsim.
    environment
        Variables of the jobs.
    python
        The Python that has microsim, or "" for the one that submits.
    scratch
        Folder of compiled rules and synthesised populations, or "".
    """

    path: str
    scheduler: str = "slurm"
    partition: str = ""
    account: str = ""
    qos: str = ""
    elements: int = 100
    throttle: int = 0
    time: int = DEFAULT_TIME
    prepare_time: int = DEFAULT_TIME
    finish_time: int = DEFAULT_TIME
    memory: int = DEFAULT_MEMORY
    prepare_memory: int = DEFAULT_MEMORY
    finish_memory: int = DEFAULT_MEMORY
    cpus: int = 1
    signal_seconds: int = 300
    requeue: int = 10
    resubmit: int = 3
    extra_directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    python: str = ""
    scratch: str = ""


def load_site(path: str | Path) -> Site:
    """Return a site file.

    Raises
    ------
    InputError
        Every fault of the file, with its line.
    """
    faults = FaultList()
    node = FileTree(path).read(path, faults)
    if node is None:
        raise InputError(faults.faults)
    site = _Reader(node, faults).site(str(path))
    if node.get("dask") is not None:  # another backend reads it; its faults are told here as well
        try:
            load_dask_site(str(path))
        except InputError as error:
            faults.faults.extend(error.faults)
    faults.raise_if_any()
    return site


class _Reader:
    """Reads the fields of a site file; every fault is noted."""

    def __init__(self, node: Node, faults: FaultList) -> None:
        self.fields = Fields(node, faults, KEYS, "the site")
        self.faults = faults

    def site(self, path: str) -> Site:
        scheduler = self.fields.choice("scheduler", SCHEDULERS, "slurm", required=True)
        time, memory = self._time("time", DEFAULT_TIME), self._memory("memory", DEFAULT_MEMORY)
        site = Site(
            path=path,
            scheduler=scheduler,
            partition=self._partition(),
            account=self._name("account"),
            qos=self._name("qos"),
            elements=self._whole("elements", 100, 1, 100_000),
            throttle=self._whole("throttle", 0, 0, 100_000),
            time=time,
            prepare_time=self._time("prepare_time", time),
            finish_time=self._time("finish_time", time),
            memory=memory,
            prepare_memory=self._memory("prepare_memory", memory),
            finish_memory=self._memory("finish_memory", memory),
            cpus=self._whole("cpus", 1, 1, 1024),
            signal_seconds=self._signal(time),
            requeue=self._whole("requeue", 10, 0, 1000),
            resubmit=self._whole("resubmit", 3, 0, 100),
            extra_directives=self._directives(scheduler),
            prologue=self._lines("prologue", self._any_line),
            environment=self._environment(),
            python=self._path("python"),
            scratch=self._path("scratch"),
        )
        self._refuse_what_is_not_there(site)
        return site

    def _refuse_what_is_not_there(self, site: Site) -> None:
        node = self.fields.node_of("qos")
        if node is not None and site.scheduler != "slurm":
            self.faults.add(
                node.where, "qos is a word of Slurm", site.scheduler, "no qos",
                "State the scheduler's own words under extra_directives.",
            )  # fmt: skip

    def _partition(self) -> str:
        first, second = self.fields.node_of("partition"), self.fields.node_of("queue")
        if first is not None and second is not None:
            what = "partition and queue are two words for one thing"
            self.faults.add(second.where, what, "both", "one of them")
        return self._name("partition") or self._name("queue")

    def _name(self, key: str) -> str:
        text = self.fields.text(key)
        node = self.fields.node_of(key)
        if node is not None and text and not _NAME.match(text):
            self.fields.wrong(node, key, "a name of letters, digits, and . , : + @ / = _ -")
            return ""
        return text

    def _whole(self, key: str, default: int, least: int, most: int) -> int:
        number = self.fields.integer(key, default)
        if not least <= number <= most:
            node = self.fields.nodes[key]
            self.fields.wrong(node, key, f"{least} to {most}")
            return default
        return number

    def _time(self, key: str, default: int) -> int:
        node = self.fields.node_of(key)
        if node is None:
            return default
        seconds = seconds_of(self.fields.text(key))
        if not seconds:
            self.fields.wrong(node, key, "a time such as 04:00:00 or 2-12:00:00")
            return default
        return seconds

    def _memory(self, key: str, default: int) -> int:
        node = self.fields.node_of(key)
        if node is None:
            return default
        match = _MEMORY.match(self.fields.text(key))
        mebibytes = int(match[1]) * _MEBIBYTES[match[2][0]] if match else 0
        if not mebibytes:
            self.fields.wrong(node, key, "memory such as 2GiB or 900MiB (of 1024)")
            return default
        return mebibytes

    def _signal(self, time: int) -> int:
        seconds = self._whole("signal_seconds", 300, 10, 65_535)
        node = self.fields.node_of("signal_seconds")
        if seconds > time - SHORTEST_AFTER_SIGNAL:
            if node is not None:
                self.fields.wrong(node, "signal_seconds", f"less than the time limit ({time} s)")
            return max(10, time // 2)
        return seconds

    def _lines(self, key: str, check: Callable[[Node, str], bool]) -> tuple[str, ...]:
        found = []
        for node in self.fields.elements(key):
            text = node.as_text()
            if text is None:
                self.fields.wrong(node, key, "a list of lines")
            elif has_control_characters(text):
                self.faults.add(
                    node.where, f"a line of '{key}' has more than one line", node.described(),
                    "one line without control characters", "Write each line as one of the list.",
                )  # fmt: skip
            elif check(node, text):
                found.append(text)
        return tuple(found)

    def _any_line(self, _node: Node, _text: str) -> bool:
        return True

    def _directives(self, scheduler: str) -> tuple[str, ...]:
        dashes = "--" if scheduler == "slurm" else "-"

        def is_free(node: Node, text: str) -> bool:
            match = re.match(dashes + r"([A-Za-z][\w-]*)", text)
            if match is None:
                what, expected = (
                    "not an option of the scheduler",
                    f"a text that begins with {dashes}",
                )
                self.faults.add(node.where, what, node.described(), expected)
                return False
            if is_ours(scheduler, match[1]):
                what = "microsim decides on this option itself"
                remedy = did_you_mean(match[1].replace("-", "_"), KEYS)
                self.faults.add(node.where, what, node.described(), "another option", remedy)
                return False
            return True

        return self._lines("extra_directives", is_free)

    def _environment(self) -> tuple[tuple[str, str], ...]:
        found = []
        for key, node in self.fields.mapping("environment"):
            text = node.as_text()
            if not _VARIABLE.match(key.text):
                expected = "letters, digits and _"
                self.faults.add(key.where, "not the name of a variable", key.described(), expected)
            elif text is None or has_control_characters(text):
                self.fields.wrong(node, key.text, "a text of one line")
            else:
                found.append((key.text, text))
        return tuple(found)

    def _path(self, key: str) -> str:
        text = self.fields.text(key)
        node = self.fields.node_of(key)
        if node is not None and (not text.startswith("/") or has_control_characters(text)):
            remedy = "A job starts in another folder, and ~ and $ are not expanded here."
            self.fields.wrong(node, key, "an absolute path", remedy)
            return ""
        return text


def seconds_of(text: str) -> int:
    """Return the seconds of `hours:minutes:seconds` or `days-hours:minutes:seconds`, 0 if neither.

    Not `04:00`: that is four hours to people and LSF, and four minutes to Slurm.
    """
    match = _TIME.match(text)
    if match is None:
        return 0
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if seconds > 59 or minutes > 59:
        return 0
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def is_ours(scheduler: str, option: str) -> bool:
    """Tell whether an option of a scheduler is one that microsim decides on."""
    if scheduler == "slurm":
        return any(one.startswith(option) for one in OURS[scheduler])
    return option in OURS[scheduler]


def has_control_characters(text: str) -> bool:
    """Tell whether a text has line ends or other characters that no script should hold."""
    return any(ord(c) < 32 or ord(c) == 127 or c in "\x85\u2028\u2029" for c in text)
