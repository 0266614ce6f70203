"""Finds the data folders that ship with the package: scenarios, cluster, results_schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from microsim.errors import Fault, InputError

FOLDERS = ("scenarios", "cluster", "results_schema")


@cache
def folder(name: str) -> Path:
    """Return the shipped folder `name`, in the wheel or beside a checkout.

    Raises
    ------
    InputError
        `name` is none of the shipped folders, or it is in neither place.
    """
    if name not in FOLDERS:
        raise InputError(f"unknown shipped folder {name!r}; expected one of {', '.join(FOLDERS)}.")
    package = Path(__file__).resolve().parent
    wheel, checkout = package / "_shipped" / name, package.parent / name
    if wheel.is_dir():
        return wheel
    if checkout.is_dir() and (package.parent / "pyproject.toml").is_file():
        return checkout
    raise InputError(
        f"shipped folder {name!r} not found; expected {wheel} or {checkout}. "
        "Reinstall microsim-social."
    )


def scenario_file(path: str | Path) -> Path:
    """Return `path` if it exists, else the shipped scenario file of that name.

    `kenya/floor.yaml` and `scenarios/kenya/floor.yaml` both find the shipped scenario, so that an
    installed program runs it without a checkout; a file of the user's own always goes first.

    Raises
    ------
    InputError
        The path is neither; the message lists the shipped scenarios of the nearest name.
    """
    given = Path(path)
    if given.exists():
        return given
    scenarios = folder("scenarios")
    parts = given.parts[1:] if given.parts[:1] == (scenarios.name,) else given.parts
    if not given.is_absolute() and ".." not in parts and parts:
        shipped = scenarios.joinpath(*parts)
        if shipped.is_file():
            return shipped
    known = sorted(
        file.relative_to(scenarios).as_posix() for file in scenarios.glob("*/floor.yaml")
    )
    raise InputError(
        Fault(
            str(path),
            "no such file, here or among the shipped scenarios",
            expected=f"a file, or one of {', '.join(known)}",
            remedy="Name a scenario file, or copy a shipped country with `microsim new`.",
        )
    )
