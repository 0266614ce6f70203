"""Finds the population of a run: a file, or one synthesised once and kept in the user's cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from microsim import __version__
from microsim.errors import Fault, InputError
from microsim.language.compiling import cache_folder
from microsim.scenario.scenario import Scenario


class Choices(Protocol):
    """What the command line may say about the population."""

    @property
    def population(self) -> str:
        """A file, or an empty text."""

    @property
    def country(self) -> str:
        """A country code, or an empty text."""

    @property
    def households(self) -> int | None:
        """A number of households, or None."""


def find_population(
    scenario: Scenario, options: Choices, say: Callable[[str], None]
) -> tuple[str, str]:
    """Return path and content hash of the population a run reads.

    Raises
    ------
    InputError
        No population is named, or its file is not there.
    """
    spec = scenario.population
    file = options.population or spec.file
    if file:
        path = Path(file)
        if not options.population and not path.is_absolute():
            path = Path(scenario.where.file).parent / file
        if not path.is_file():
            raise InputError(Fault(str(scenario.where), "population file not found", str(path)))
        return str(path), content_hash(path)
    country = options.country or spec.country
    households = options.households or spec.households
    if not country:
        raise InputError(
            Fault(
                str(scenario.where), "the scenario names no population", "", "a file or a country",
                "Give --country or --population.",
            )
        )  # fmt: skip
    return _synthesised(country, households, spec.seed, scenario.year, say)


def _synthesised(
    country: str, households: int, seed: int, year: int, say: Callable[[str], None]
) -> tuple[str, str]:
    from microsim.population.store import write
    from microsim.population.synthesis.assemble import synthesise

    name = f"{country}-{year}-{households}-{seed}-{_code_hash()}.h5"
    path = cache_folder().parent / "populations" / name
    if not path.is_file():
        say(f"making a population of {households:,} households of {country} for {year}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, synthesise(country, households, seed, year))
    return str(path), content_hash(path)


def _code_hash() -> str:
    """Hash of the code and data that make a population: a new version makes it anew."""
    from microsim import population
    from microsim.shipped import folder

    digest = hashlib.blake2b(__version__.encode(), digest_size=6)
    for path in sorted(Path(str(population.__file__)).parent.rglob("*")):
        if path.suffix in (".py", ".npz", ".h5", ".gz", ".csv", ".xz"):
            digest.update(path.read_bytes())
    for path in sorted((folder("scenarios") / "populations").glob("*.yaml")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
