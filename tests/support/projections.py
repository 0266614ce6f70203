"""Perennia with people: the fictional country of tests/data that is projected, populations for it
with any number of persons of each age, ways to change its tables, and how to read what comes out.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.language.people import World
from microsim.population import markets, store
from microsim.population.columns import EMPLOYMENT_STATUS, STANDARD
from microsim.population.content import HOUSEHOLD_STRUCTURE, PERSON_STRUCTURE
from microsim.results.contents import Cells, Row
from microsim.results.validation import read_verified
from microsim.simulation.phases import Prepared
from microsim.simulation.projecting import ShardLife
from microsim.simulation.run import Options, Outcome, run
from microsim.simulation.worlds import WorldKey

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

COUNTRY = Path(__file__).parent.parent / "data" / "perennia"
PERSONS_PER_MARKET = 600
WEIGHT = 50.0  # of every household
WAGE = 1000.0  # of everybody who works: currency a month, the average wage of the frame
UNDER_AGE, PRIVATE, UNEMPLOYED, STUDENT, RETIRED, OTHER = (
    EMPLOYMENT_STATUS.index(label)
    for label in (
        "under working age", "formal private employee", "unemployed", "student", "retired",
        "other inactive",
    )
)  # fmt: skip
# Largest deviation of a correct engine from the exact value in standard errors; a normal deviate is
# beyond it once in 16,000 comparisons (6e-5).
LIMIT = 4.0


def working_lives(age: Counts) -> Counts:
    """Return the status of each age in a plain working life: at work from 20, retired from 60."""
    return np.select([age < 15, age < 20, age < 60], [UNDER_AGE, STUDENT, PRIVATE], RETIRED).astype(
        np.int64
    )


def population(
    by_age: Iterable[int],
    status: Callable[[Counts], Array] = working_lives,
    *,
    couples: bool = False,
    per_market: int = PERSONS_PER_MARKET,
    seed: int = 5,
) -> store.Population:
    """Return so many persons of each completed age, as many men as women, of one weight.

    Parameters
    ----------
    by_age
        Persons of age 0, 1 and on; each number is even, so that both sexes have the same.
    status
        Gives the employment status of each age.
    couples
        Whether adults of neighbouring ages and different sex live together as couples; else each
        adult heads a household. Persons below 20 live with an adult, without a mother there.
    per_market
        About how many persons a market has.
    """
    by_age = list(by_age)
    age = np.repeat(np.arange(len(by_age)), by_age)
    sex = np.arange(age.size) % 2
    grown = np.flatnonzero(age >= 20)
    young = np.flatnonzero(age < 20)
    n_homes = (grown.size + 1) // 2 if couples else grown.size
    home = np.empty(age.size, np.int64)
    home[grown] = np.arange(grown.size) // 2 if couples else np.arange(grown.size)
    # Children are dealt out to homes at random, so that markets and ages of heads are mixed.
    rng = np.random.default_rng(seed)
    home[young] = rng.integers(0, n_homes, young.size)
    order = np.lexsort((-age, home))
    age, sex, home = age[order], sex[order], home[order]
    size = np.bincount(home, minlength=n_homes)
    position = np.arange(age.size) - np.repeat(np.cumsum(size) - size, size)
    adults = np.bincount(home[age >= 20], minlength=n_homes)
    partnered = (age >= 20) & (adults[home] == 2)
    statuses = status(age)
    persons = {
        "age": age,
        "sex": sex,
        "employment_status": statuses,
        "sector": np.where(np.isin(statuses, range(1, 7)), 3, 0),
        "earnings": np.where(np.isin(statuses, (1, 2, 3)), WAGE, 0.0),
        "self_employment_income": np.where(np.isin(statuses, (4, 5)), WAGE, 0.0),
        "pension_income": np.zeros(age.size),
        "severe_disability": np.zeros(age.size),
        "orphan": np.zeros(age.size),
        "head": np.zeros(age.size),
        "spouse": np.where(partnered, 1 - position, -1),
        "mother": np.full(age.size, -1),
        "father": np.full(age.size, -1),
    }
    households = {
        "region": np.arange(n_homes) % 2,
        "urban": np.arange(n_homes) % 3 == 0,
        "welfare": 200.0 * size,
        "household_id": 1000 + np.arange(n_homes),
        "size": size,
        "weight": np.full(n_homes, WEIGHT),
        "stratum": np.zeros(n_homes),
        "psu": np.arange(n_homes) // 5,
    }
    columns = (*STANDARD, *PERSON_STRUCTURE, *HOUSEHOLD_STRUCTURE)
    dtypes = {column.name: column.dtype for column in columns}
    persons = {name: np.asarray(of).astype(dtypes[name]) for name, of in persons.items()}
    households = {name: np.asarray(of).astype(dtypes[name]) for name, of in households.items()}
    persons, households = markets.arrange(persons, households, seed, per_market)
    return store.Population("Perennia", "PRN", "PRD", 2025, persons, households, ("East", "West"))


def perennian_population(n: int = 2400, seed: int = 5) -> store.Population:
    """Return couples, children and old people with every status that the tables know."""
    falling = np.array([1.0 - x / 95.0 for x in range(95)])
    by_age = 2 * np.rint(falling / falling.sum() * n / 2).astype(np.int64)
    rng = np.random.default_rng(seed)

    def status(age: Counts) -> Array:
        drawn = rng.random(age.size)
        grown = np.searchsorted(np.cumsum([0.1, 0.4, 0.2, 0.1, 0.1]), drawn, side="right")
        grown = np.array([1, PRIVATE, 3, 5, UNEMPLOYED, OTHER])[grown]
        old = np.where(drawn < 0.1, PRIVATE, np.where(drawn < 0.8, RETIRED, OTHER))
        teenager = np.where(drawn < 0.6, STUDENT, np.where(drawn < 0.8, 3, OTHER))
        return np.select([age < 15, age < 20, age < 60], [UNDER_AGE, teenager, grown], old)

    made = population(by_age.tolist(), status, couples=True, seed=seed)
    spread = np.exp(rng.normal(0.0, 0.5, made.persons["age"].size))
    for name in ("earnings", "self_employment_income"):
        made.persons[name] *= np.round(spread, 2)
    made.households["welfare"] *= np.round(rng.lognormal(0.0, 0.6, made.households["size"].size), 2)
    return made


# -- files of the country ------------------------------------------------------------------------


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that a file holds once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def table(column: str, rates: Mapping[str, float] | Iterable[float]) -> str:
    """Return a CSV of values by age, or by the spans given."""
    pairs = rates.items() if isinstance(rates, Mapping) else enumerate(rates)
    lines = [f"{key},{float(value)!r}" for key, value in pairs]
    return "\n".join([f"{column},value", *lines]) + "\n"


def shares(by_span: Mapping[str, Mapping[int, float]]) -> str:
    """Return a CSV of shares of statuses; a span names those that are not 0."""
    lines = ["age,status,value"]
    for span, known in by_span.items():
        lines += [f"{span},{label},{known.get(k, 0)}" for k, label in enumerate(EMPLOYMENT_STATUS)]
    return "\n".join(lines) + "\n"


WORKING_LIVES = shares({
    "0-14": {UNDER_AGE: 1}, "15-19": {STUDENT: 1}, "20-59": {PRIVATE: 1}, "60+": {RETIRED: 1},
})  # fmt: skip
NEVER = "age,value\n0+,0\n"


@dataclass(frozen=True)
class Perennia:
    """A copy of the country with a population, and runs of it into folders beside it."""

    folder: Path
    population: Path

    @property
    def country(self) -> Path:
        """Folder of the law."""
        return self.folder / "perennia"

    @property
    def scenario(self) -> Path:
        """The scenario file."""
        return self.country / "scenario.yaml"

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text that a file of the country holds once."""
        change(self.country / name, old, new)

    def write(self, name: str, text: str) -> None:
        """Write a file of the country."""
        (self.country / name).write_text(text)

    def quiet_lives(self, **tables: str) -> None:
        """Let nothing happen but ageing and plain working lives, and what `tables` say."""
        for name in ("death", "birth", "union", "leaving_home", "disability"):
            self.write(f"lives/{name}.csv", tables.pop(name, NEVER))
        self.write("lives/newborn_death.csv", "value\n0\n")
        self.write("lives/labour.csv", tables.pop("labour", WORKING_LIVES))
        assert not tables

    def past_totals(self, lines: str, entry_age: int = 20, concentration: float = 4.0) -> None:
        """Let past contributions meet official totals: lines of `lives/past.csv`."""
        density = "".join(f"      {label}: [0.3, 0.2]\n" for label in EMPLOYMENT_STATUS[1:])
        block = (
            "\nhistories:\n  formal_work:\n    basis: data\n    source: register of the fund\n"
            f"    entry_age: {entry_age}\n    concentration: {concentration}\n"
            f"    totals: past.csv\n    density:\n{density}"
        )
        lives = self.country / "lives" / "lives.yaml"
        lives.write_text(lives.read_text() + block)
        self.write("lives/past.csv", lines)

    def without_reforms(self) -> None:
        """Leave the baseline alone in the scenario."""
        text = self.scenario.read_text()
        self.scenario.write_text(text[: text.index("reforms:")])

    def options(self, name: str, **more: Any) -> Options:
        """Return options of a run into the folder `name`, several shards."""
        chosen = {
            "out": self.folder / name, "population": str(self.population), "shard_persons": 500,
        }  # fmt: skip
        return Options(**{**chosen, **more})

    def run(self, name: str, **more: Any) -> Outcome:
        """Run the scenario into a folder."""
        return run(self.scenario, self.options(name, **more))

    def shards(self, name: str) -> list[Path]:
        """Return the shard files of a run."""
        return sorted((self.folder / name / "shards").glob("*/*.bin"))


def make_perennia(folder: Path, people: store.Population | Path | None = None) -> Perennia:
    """Copy the country; write its population unless a file is given."""
    shutil.copytree(COUNTRY, folder / "perennia")
    if not isinstance(people, Path):
        path = folder / "perennia.h5"
        store.write(path, people if people is not None else perennian_population())
        people = path
    return Perennia(folder, people)


# -- what comes out ------------------------------------------------------------------------------


def rows_of(outcome: Outcome, table_name: str, **wanted: object) -> list[Row]:
    """Return the rows of a table with the values asked for; of the baseline unless said."""
    asked = {"table": table_name, "scenario": "baseline", **wanted}
    return [
        row for row in outcome.rows if all(getattr(row, key) == of for key, of in asked.items())
    ]


def value_of(outcome: Outcome, table_name: str, **wanted: object) -> float:
    """Return the value of the only row with the values asked for."""
    (row,) = rows_of(outcome, table_name, **wanted)
    return row.value


def series_of(outcome: Outcome, table_name: str, **wanted: object) -> dict[int, float]:
    """Return the values of rows by year."""
    found = rows_of(outcome, table_name, **wanted)
    years = {row.year: row.value for row in found}
    assert len(years) == len(found) > 0, f"{len(found)} rows of {len(years)} years"
    return years


def cells_of(run_folder: Path) -> dict[int, Cells]:
    """Return the cells of each year, as the results file of a run has them."""
    results = read_verified(run_folder)
    return {results.contents.year: results.contents.cells, **results.later}


def persons_in(cells: Cells, scenario: int = 0) -> Floats:
    """Return how many persons, not weighted, there are: shape (2, 7, 13), by sex, age, status."""
    (place,) = (k for k, one in enumerate(cells.measures) if one.kind == "population")
    found: Floats = cells.persons[scenario, place] / WEIGHT
    return found


def life_of(prepared: Prepared, *, group: int = 0, record: bool = False) -> ShardLife:
    """Return the lives of all markets of a prepared run in one life group, not begun."""
    world = WorldKey(0, 0)
    horizon = prepared.horizon(0, world)
    reader = prepared.population
    part = reader.read_markets(0, reader.n_markets)
    chance = World(prepared.question.seed, world.replicate)
    return ShardLife(
        horizon, horizon.groups[group], part, len(reader.regions), chance, record=record
    )


def deviation(found: float, exact: float, variance: float) -> float:
    """Return by how many standard errors a value misses the exact one."""
    return abs(found - exact) / math.sqrt(variance)
