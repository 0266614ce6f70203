"""Coresia with people: the fictional country of tests/data, a small population for it, and ways to
change its files.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from microsim.population import markets, store
from microsim.population.columns import STANDARD, Column
from microsim.population.content import HOUSEHOLD_STRUCTURE, PERSON_STRUCTURE
from microsim.simulation.run import Options, Outcome, run

COUNTRY = Path(__file__).parent.parent / "data" / "coresia"
EXTRAS = (
    Column("rent", "household", "currency/month", "float64", "rent paid", required=False),
    Column(
        "tenure", "household", "category", "int8", "tenure", ("owner", "tenant", "other"), required=False
    ),
    Column("union_member", "person", "boolean", "bool", "member of a union", required=False),
    Column(
        "public_pension", "person", "currency/month", "float64", "pension of a civil servant", required=False
    ),
)  # fmt: skip


def coresian_population(n_households: int = 1500, seed: int = 3) -> store.Population:
    """Return a population of about 3.4 persons a household in markets of about 800 persons.

    Amounts lie on round numbers now and then, so that limits of the law are met exactly.
    """
    rng = np.random.default_rng(seed)
    size = rng.choice([1, 2, 3, 4, 5, 7], n_households)
    start = np.concatenate([[0], np.cumsum(size)])
    n = int(start[-1])
    position = np.arange(n) - np.repeat(start[:-1], size)
    whole = np.repeat(size, size)
    old = np.repeat(rng.random(n_households) < 0.2, size)
    adult = position < 2
    age = np.where(
        adult,
        np.where(old, rng.integers(55, 90, n), rng.integers(18, 62, n)),
        rng.integers(0, 18, n),
    )
    male = position % 2 == 0
    works = adult & (age < 66) & (rng.random(n) < 0.75)
    status = np.where(works, rng.choice([1, 2, 2, 3, 4, 5, 5], n), np.where(adult, 10, 8))
    status = np.where(adult & ~works & (age < 55), 7, status)
    status = np.where(age < 14, 0, status)
    employee = (status >= 1) & (status <= 3)
    own_account = (status == 4) | (status == 5)
    pensioner = (status == 10) & (rng.random(n) < 0.3)
    is_couple = (whole > 1) & adult
    persons = {
        "age": age,
        "sex": np.where(male, 0, 1),
        "employment_status": status,
        "sector": np.where(works, rng.integers(1, 4, n), 0),
        "earnings": np.where(employee, np.round(rng.lognormal(5.6, 0.9, n), 1), 0.0),
        "self_employment_income": np.where(
            own_account, np.round(rng.lognormal(4.5, 0.8, n), 1), 0.0
        ),
        "pension_income": np.where(pensioner, 60.0, 0.0),
        "severe_disability": rng.random(n) < 0.03,
        "orphan": (age < 18) & (rng.random(n) < 0.05),
        "head": np.zeros(n),
        "spouse": np.where(is_couple, 1 - position, -1),
        "mother": np.where(position >= 2, 1, -1),
        "father": np.where(position >= 2, 0, -1),
        "union_member": employee & (rng.random(n) < 0.4),
        "public_pension": np.where(
            pensioner & (rng.random(n) < 0.4), rng.choice([30.0, 80.0], n), 0.0
        ),
    }
    households = {
        "region": rng.integers(0, 2, n_households),
        "urban": rng.random(n_households) < 0.4,
        "welfare": np.round(rng.lognormal(5.0, 0.7, n_households), 2) * size / 3,
        "rent": np.where(
            rng.random(n_households) < 0.4, rng.choice([2.0, 5.0, 12.0], n_households), 0.0
        ),
        "tenure": rng.integers(0, 3, n_households),
        "household_id": 10_000 + np.arange(n_households),
        "size": size,
        "weight": np.round(rng.lognormal(4.5, 0.4, n_households), 2),
        "stratum": rng.integers(0, 3, n_households),
        "psu": np.arange(n_households) // 5,
    }
    known = (*STANDARD, *EXTRAS, *PERSON_STRUCTURE, *HOUSEHOLD_STRUCTURE)
    dtypes = {column.name: column.dtype for column in known}
    persons = {k: np.asarray(v).astype(dtypes[k]) for k, v in persons.items()}
    households = {k: np.asarray(v).astype(dtypes[k]) for k, v in households.items()}
    persons, households = markets.arrange(persons, households, seed, 800)
    return store.Population(
        "Coresia", "CRS", "CRD", 2025, persons, households, ("North", "South"), extras=EXTRAS,
        frame={"poverty_line_830": store.SeriesValue(110.0, "currency/month", "fictional")},
    )  # fmt: skip


def copy_country(folder: Path, *, calibrate: bool = False) -> Path:
    """Copy Coresia; return its scenario file. Without `calibrate` the calibration is left out."""
    country = folder / "coresia"
    shutil.copytree(COUNTRY, country)
    if not calibrate:
        change(country, "scenario.yaml", CALIBRATION, "")
    return country / "scenario.yaml"


CALIBRATION = """\
calibrate:
  - {parameter: transfers.take_up, scheme: older_persons_transfer, item: recipients}
"""


def change(country: Path, name: str, old: str, new: str) -> None:
    """Replace a text that a file of the country holds once."""
    path = country / name
    text = path.read_text()
    assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


NULL_REFORM = """\
reform: Nothing
label: A reform that states the law as it is
source: assumption of the test
replace:
  grant_text: "round(transfers.child_grant * count(members, age < 18), transfers.rounding)"
  transfers.child_grant: {2025-01-01: 8}
  fund.employee_rate: {2025-03-01: 0.06}
"""


def add_null_reform(country: Path) -> None:
    """Give the scenario a fourth reform, which states again what the law says."""
    text = NULL_REFORM.replace("grant_text", "child_grant")
    (country / "reforms" / "nothing.yaml").write_text(text)
    both = "  both: [reforms/universal_pension.yaml, reforms/higher_contributions.yaml]\n"
    change(country, "scenario.yaml", both, both + "  nothing: reforms/nothing.yaml\n")


@dataclass(frozen=True)
class Coresia:
    """A copy of the country with a population, and runs of it.

    `folder` is empty but for both; runs go to new folders below it.
    """

    folder: Path
    scenario: Path
    population: Path

    @property
    def country(self) -> Path:
        """Folder of the law."""
        return self.scenario.parent

    def options(self, name: str, **more: Any) -> Options:
        """Return options of a run into the folder `name`, three shards or more."""
        chosen = {
            "out": self.folder / name,
            "population": str(self.population),
            "shard_persons": 500,
        }
        return Options(**{**chosen, **more})

    def run(self, name: str, **more: Any) -> Outcome:
        """Run the scenario into a folder."""
        return run(self.scenario, self.options(name, **more))

    def shards(self, name: str) -> list[Path]:
        """Return the shard files of a run."""
        return sorted((self.folder / name / "shards").glob("*/*.bin"))


def make_coresia(
    folder: Path, population: Path | None = None, *, calibrate: bool = False
) -> Coresia:
    """Copy the country, with a reform that changes nothing, and write its population unless one is
    given.
    """
    scenario = copy_country(folder, calibrate=calibrate)
    add_null_reform(scenario.parent)
    if population is None:
        population = folder / "coresia.h5"
        store.write(population, coresian_population(600))
    return Coresia(folder, scenario, population)
