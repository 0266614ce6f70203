"""Reads how people live together and earn: the country's file over the generic one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.files import FileTree, Node
from microsim.population.synthesis.blocks import BLOCKS, COUNTRY_ONLY, SUPERSEDED, read_blocks
from microsim.shipped import folder

Floats = npt.NDArray[np.float64]


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
        return at_ages(self.blocks[block]["rows"], age, column)


def at_ages(rows: list[list[float]], age: npt.NDArray[np.integer], column: int = 1) -> Floats:
    """Return rows `[age, value, ...]` interpolated at each age, shape (n,)."""
    table = np.array(rows, dtype=np.float64)
    by_year: Floats = np.interp(np.arange(0.0, 128.0), table[:, 0], table[:, column])
    rates: Floats = by_year[age]
    return rates


def read_file(path: Path) -> Node:
    """Read a YAML file of parameters or series.

    Raises
    ------
    InputError
        The file is missing or not a mapping in YAML.
    """
    faults = FaultList()
    top = FileTree(path).read(path, faults)
    faults.raise_if_any()
    return top if top is not None else Node(str(path), 1, "mapping")


def load(iso3: str, extra: Path | None = None) -> Parameters:
    """Read the blocks of a country: generic.yaml, its own file over it, the user's over both.

    Parameters
    ----------
    iso3
        Country; a file `scenarios/populations/<ISO3>.yaml` is used if there is one.
    extra
        A file of the user with the same blocks.

    Raises
    ------
    InputError
        A file has faults; all are named with their lines.
    """
    home = folder("scenarios") / "populations"
    paths = [home / "generic.yaml", home / f"{iso3}.yaml"]
    paths = [path for path in paths if path.is_file()] + ([extra] if extra else [])
    blocks: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    faults = FaultList()
    for path in paths:
        found = read_blocks(read_file(path), faults)
        blocks |= found
        files |= dict.fromkeys(found, path.name)
    for name in BLOCKS.keys() - blocks.keys() - set(COUNTRY_ONLY):
        faults.add(f"{home / 'generic.yaml'}:1", f"the block {name} is missing")
    faults.raise_if_any()
    for given, idle in SUPERSEDED.items():
        if given in blocks:
            del blocks[idle], files[idle]
    return Parameters(iso3, blocks, files)
