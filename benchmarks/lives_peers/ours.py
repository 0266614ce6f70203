"""Our lives beside the peers': the same processes and rates, and every process there is."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import lives as cases

from microsim.dynamics.lives import Lives
from microsim.dynamics.tables import LifeTables

RATE_FOR_ALL = 0.0114  # deaths a year and person, whatever the age
EVERY_STATUS = tuple(range(1, 13))


@dataclass
class Lived:
    """Lives, and what happened in them."""

    lives: Lives
    person_years: int = 0
    births: int = 0
    deaths: int = 0


def deaths_alone(years: int) -> LifeTables:
    """Return rates of ageing and deaths, the same at all ages."""
    minimal = cases.minimal_tables(years)
    return replace(
        minimal, death=np.full_like(minimal.death, 1.0 - np.exp(-RATE_FOR_ALL)),
        birth=np.zeros_like(minimal.birth), status_leave=np.zeros_like(minimal.status_leave),
    )  # fmt: skip


def tables_of(case: str, years: int) -> LifeTables:
    """Return the rates of a case."""
    if case == "deaths":
        return deaths_alone(years)
    return cases.minimal_tables(years) if case == "minimal" else cases.full_tables(years, case)


def ready(case: str, people: Path, years: int) -> Lived:
    """Return the people of a case, about to live. They are as many as those in the file."""
    with np.load(people) as file:
        n = int(file["wanted"])
    alike = case in ("deaths", "minimal")
    persons, households = cases.people(n, cases.STATES if alike else EVERY_STATUS)
    if alike:
        persons = {name: column for name, column in persons.items() if name not in cases.INCOMES}
    wage = 0.0 if alike else 1000.0
    return Lived(Lives(tables_of(case, years), persons, households, average_wage=wage))


def live(lived: Lived, years: int) -> None:
    """Live all years."""
    for _ in range(years):
        lived.person_years += lived.lives.persons["age"].size
        passage = lived.lives.step()
        lived.births += int(passage.births.sum())
        lived.deaths += int(passage.deaths.sum())


def happened(lived: Lived, _years: int) -> dict[str, float]:
    """Return person-years, births, deaths and the persons of each state at the end."""
    status = lived.lives.persons["employment_status"]
    return {
        "person_years": lived.person_years, "births": lived.births, "deaths": lived.deaths,
        **{f"in state {k}": int((status == s).sum()) for k, s in enumerate(cases.STATES)},
    }  # fmt: skip


def save_people(n: int, folder: Path) -> Path:
    """Write the people of the start and the rates for the peers, if they are not there yet."""
    path = folder / f"lives_{n}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        persons, _ = cases.people(n, cases.STATES)
        tables = cases.minimal_tables(1)
        state = np.searchsorted(cases.STATES, persons["employment_status"])
        np.savez(
            path, wanted=n, age=persons["age"], sex=persons["sex"], state=state.astype(np.int8),
            death=tables.death[0], birth=tables.birth[0], girls=tables.girls[0],
            transitions=cases.TRANSITIONS, rate_for_all=RATE_FOR_ALL,
        )  # fmt: skip
    return path
