"""Machine code of stages: one file each, named by the hash of all that goes into it.

A stage that is the same in another program, or under another set of reforms, is the same file.
Stages not on disk yet are compiled by several processes at once where that pays.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from microsim.language.compiling import cache_folder
from microsim.language.generating import typed

VERSION = "3"  # of the generated code; part of the cache key
KERNELS = Path(__file__).resolve().parent.parent / "kernels"
WORTH_A_PROCESS = 150  # lines: about the time another process needs to start
PATIENCE = 300.0  # seconds for the other processes


class Stages:
    """The stages of a program for inputs of certain types, being compiled or loaded."""

    def __init__(self, texts: Sequence[str], dtypes: Sequence[Sequence[str]]) -> None:
        self.folder = cache_folder()
        sources = [typed(text, kinds) for text, kinds in zip(texts, dtypes, strict=True)]
        self.names = [_name("stage", source) for source in sources]
        self.sources = dict(zip(self.names, sources, strict=True))
        self.claims = self.folder
        self.missing: list[str] = []
        self.others: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Start other processes on what is not on disk, where that pays."""
        self.missing = self._missing()
        for name in self.missing:
            _ensure(self.folder / f"{name}.py", self.sources[name])
        lines = sum(self.sources[name].count("\n") for name in self.missing)
        others = min(_processors() - 1, lines // WORTH_A_PROCESS, len(self.missing) - 1)
        if others < 1 or multiprocessing.parent_process() is not None:
            return
        self.missing.sort(key=lambda name: -len(self.sources[name]))
        self.claims = Path(tempfile.mkdtemp(prefix="microsim-claims-"))
        for _ in range(others):
            with contextlib.suppress(OSError):
                self.others.append(_start(self.folder, self.claims, self.missing))

    def finish(self) -> list[int]:
        """Return the address of each stage, compiled or loaded."""
        if self.others:
            for name in self.missing:
                if claim(self.claims, name):
                    import_stage(name, self.folder)
        for other in self.others:
            _wait(other)
        if self.missing and not self.others:
            # Processes that want the same at once begin at different places, and find on disk what
            # the others have made meanwhile.
            first = os.getpid() * 7 % len(self.missing)
            for name in self.missing[first:] + self.missing[:first]:
                import_stage(name, self.folder)
        for name, source in self.sources.items():
            _ensure(self.folder / f"{name}.py", source)
        return [int(import_stage(n, self.folder).stage_of_rules.address) for n in self.names]

    def _missing(self) -> list[str]:
        compiled = {path.name.split(".")[0] for path in self.folder.glob("__pycache__/*.nbi")}
        return [n for n in self.sources if n not in sys.modules and n not in compiled]

    def stop(self) -> None:
        """End what other processes still do, and forget who does what."""
        for other in self.others:
            if other.poll() is None:
                other.kill()
                other.wait()
        self.others = []
        if self.claims != self.folder:
            for path in self.claims.iterdir():
                path.unlink()
            self.claims.rmdir()
            self.claims = self.folder


def _start(folder: Path, claims: Path, names: list[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(KERNELS.parent.parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", "microsim.language.precompile"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
    )  # fmt: skip
    given = {"folder": str(folder), "claims": str(claims), "names": names}
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it ended already: this process does the work
            process.stdin.write(json.dumps(given).encode())
            process.stdin.close()
    return process


def _wait(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def claim(claims: Path, name: str) -> bool:
    """Tell whether this process is the first to take a stage."""
    try:
        os.close(os.open(claims / name, os.O_CREAT | os.O_EXCL))
    except OSError:
        return False
    return True


def driver() -> Callable[..., None]:
    """Return the driver, compiled with the kernels it calls.

    It is a copy in the cache folder, named by its content and theirs: numba itself would not notice
    that a kernel the driver calls has changed.
    """
    source = (KERNELS / "driving.py").read_text()
    name, folder = _name("driver", source), cache_folder()
    _ensure(folder / f"{name}.py", source)
    drive: Callable[..., None] = import_stage(name, folder).drive
    return drive


def import_stage(name: str, folder: Path) -> ModuleType:
    """Import a generated module from the cache folder; a stage is compiled then, if new."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load generated rules {name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _name(kind: str, source: str) -> str:
    text = f"{VERSION}|{_kernel_hash()}|{source}"
    return f"microsim_{kind}_{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def _ensure(path: Path, source: str) -> None:
    """Write a module if it is not there; whole or not at all, whoever else writes it too.

    Its time is set to a constant because numba's own cache looks at it.
    """
    with contextlib.suppress(OSError):
        if path.read_text() == source:
            return
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(source)
    os.utime(temporary, (1_600_000_000, 1_600_000_000))
    Path(temporary).replace(path)


@functools.cache
def _kernel_hash() -> str:
    """Hash of the kernels that generated code calls: they are compiled into it."""
    names = (
        "accumulate", "draws", "driving", "jit", "masks", "pointers", "rows", "schedules", "stages",
        "transcendental",
    )  # fmt: skip
    digest = hashlib.blake2b(digest_size=8)
    for name in names:
        digest.update((KERNELS / f"{name}.py").read_bytes())
    digest.update(np.__version__.encode())
    return digest.hexdigest()
