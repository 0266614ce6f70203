"""What the benchmarks ran on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "numba", "llvmlite", "h5py", "polars", "pandas")


def described() -> list[tuple[str, str]]:
    """Return (what, value) pairs: processor, cores, caches, memory, system, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = [
        ("processor", _processor()),
        ("cores", f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}"),
        ("caches of a core", _caches()),
        ("memory", f"{memory:.0f} GiB"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("Python", platform.python_version()),
    ]
    return rows + [(name, _version(name)) for name in PACKAGES]


def measured() -> str:
    """Return a line that says when and on what was measured."""
    facts = dict(described())
    when = datetime.now(UTC).strftime("%d %B %Y")
    names = ("processor", "cores", "memory", "system")
    return (
        f"{when}; {', '.join(facts[name] for name in names)}; Python {facts['Python']}; "
        f"busy processes at the start, of others too: {load()}."
    )


def load() -> str:
    """Return the mean number of busy processes of the last minute, of others too."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    """Family and model stand beside the name, which virtual machines shorten."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in found.items()}
    name = facts.get("model name", "unknown")
    widest = next((w for w in ("avx512f", "avx2", "asimd") if w in facts.get("flags", "")), "")
    place = f"family {facts.get('cpu family', '?')}, model {facts.get('model', '?')}"
    return f"{name} ({place}{', ' + widest if widest else ''})"


def _caches() -> str:
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        parts = [(index / name).read_text().strip() for name in ("level", "type", "size")]
        if parts[1] != "Instruction":
            found.append(f"L{parts[0]} {parts[2]}")
    return ", ".join(found) or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
