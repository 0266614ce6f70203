"""Finds the data folders that ship with the package: scenarios, cluster, results_schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from microsim.errors import InputError

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
