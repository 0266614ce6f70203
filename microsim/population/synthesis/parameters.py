"""Reads how people live together and earn: the country's file over the generic one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.shipped import folder

Floats = npt.NDArray[np.float64]
SECTIONS = ("structure", "labour", "incomes", "welfare", "prices", "regions")
# Blocks that only a country file has, beside those of generic.yaml.
COUNTRY_ONLY = {
    "structure": ("mean_household_size",),
    "labour": ("formal_jobs", "public_jobs"),
    "incomes": ("wage_bill", "pensions"),
}
BASES = ("data", "assumption")


@dataclass(frozen=True)
class Parameters:
    """The blocks of a country, each with `basis` and `source`.

    Attributes
    ----------
    blocks
        `section.block` -> its entries, from the country's file or else from generic.yaml.
    files
        `section.block` -> the file it came from.
    """

    name: str
    blocks: dict[str, dict[str, Any]]
    files: dict[str, str]

    def has(self, block: str) -> bool:
        """Return whether a block is given."""
        return block in self.blocks

    def number(self, block: str, entry: str) -> float:
        """Return one number of a block."""
        return float(self.blocks[block][entry])

    def basis(self, block: str) -> str:
        """Return what a block rests on: `data` or `assumption`."""
        return str(self.blocks[block]["basis"])

    def source(self, block: str) -> str:
        """Return the source of a block."""
        return str(self.blocks[block]["source"])

    def by_age(self, block: str, age: npt.NDArray[np.integer], column: int = 1) -> Floats:
        """Return a rate by age, interpolated between the block's rows, flat outside them.

        Parameters
        ----------
        age
            Shape (n,), completed years.
        column
            Which number of the row, 1 being the first after the age.
        """
        name, _, entry = block.partition("/")
        return at_ages(self.blocks[name][entry or "rows"], age, column)


def at_ages(
    rows: list[list[float]], age: npt.NDArray[np.integer], column: int = 1
) -> npt.NDArray[np.float64]:
    """Return rows `[age, value, ...]` interpolated at each age, shape (n,)."""
    table = np.array(rows, dtype=np.float64)
    by_year = np.interp(np.arange(0.0, 128.0), table[:, 0], table[:, column])
    return by_year[age]


def load(iso3: str, extra: Path | None = None) -> Parameters:
    """Read the blocks of a country: its own file, the user's, and generic.yaml.

    Parameters
    ----------
    iso3
        Country; a file `scenarios/populations/<ISO3>.yaml` is used if there is one.
    extra
        A file of the user, with the same blocks, that goes before both.

    Raises
    ------
    InputError
        A file has faults; all are named.
    """
    home = folder("scenarios") / "populations"
    paths = [home / "generic.yaml", home / f"{iso3}.yaml", *([extra] if extra else [])]
    blocks: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    name = iso3
    faults = FaultList()
    known: dict[str, set[str]] = {}
    for i, path in enumerate(paths):
        if i == 1 and not path.is_file():
            continue
        content = read_mapping(path)
        name = str(content.get("name", name)) if i else iso3
        for block, entries in _blocks(content):
            if i == 0:
                known[block] = set(entries)
            else:
                _check(faults, path, block, entries, known)
            blocks[block], files[block] = entries, path.name
    faults.raise_if_any()
    return Parameters(name, blocks, files)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    InputError
        No such file, not YAML, or not a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not path.is_file():
        raise InputError(f"{path}: no such file; expected a YAML file of population parameters.")
    try:
        content = YAML(typ="safe", pure=False).load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise InputError(f"{path}: is not valid YAML: {error}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping with {', '.join(SECTIONS)}.")
    return content


def _blocks(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for section, inner in content.items():
        if section in ("welfare", "regions"):
            found.append((section, inner))
        elif section in SECTIONS:
            found.extend((f"{section}.{block}", entries) for block, entries in inner.items())
        elif section not in ("name", "series"):
            found.append((section, inner))
    return found


def _check(
    faults: FaultList, path: Path, block: str, entries: object, known: dict[str, set[str]]
) -> None:
    where = f"{path.name}: {block}"
    section, _, name = block.partition(".")
    country_only = block == "regions" or name in COUNTRY_ONLY.get(section, ())
    if block not in known and not country_only:
        near = sorted(k for k in known if k.startswith(section))
        faults.add(where, "is not a block of population parameters", block, ", ".join(near))
        return
    if not isinstance(entries, dict):
        faults.add(where, "is not a mapping", type(entries).__name__, "basis, source and values")
        return
    if entries.get("basis") not in BASES:
        faults.add(where, "has no basis", entries.get("basis"), "data or assumption")
    if not entries.get("source"):
        faults.add(where, "has no source")
    if block in known and (missing := known[block] - entries.keys()):
        faults.add(where, "lacks entries", expected=", ".join(sorted(missing)))
    if block in known and (unknown := entries.keys() - known[block]):
        faults.add(where, "has unknown entries", ", ".join(sorted(unknown)))
