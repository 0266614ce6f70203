"""Makes persons out of tax units: who is in each, how old, of which sex, whose child."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.kernels.draws import decision_hash, uniforms
from microsim.population.checks import note_rows
from microsim.population.import_report import ImportReport
from microsim.population.mapping import Band, Expansion
from microsim.population.readers import Table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HEAD, SPOUSE, DEPENDANT = 0, 1, 2
AGE_DRAW, SEX_DRAW = "age of a dependant in the survey", "sex of a person in the survey"


@dataclass(frozen=True)
class Members:
    """Persons of tax units.

    Attributes
    ----------
    unit
        Shape (n_persons,), row of the tax unit, in the order asked for.
    role
        Shape (n_persons,): 0 head, 1 spouse, 2 dependant.
    band
        Shape (n_persons,), number of the dependant's band, -1 for head and spouse.
    """

    unit: Ints
    role: Ints
    band: Ints


def count_members(
    faults: FaultList,
    report: ImportReport,
    table: Table,
    expansion: Expansion,
    head_age: Floats,
    spouse_age: Floats,
    spouse: Mask,
) -> Ints:
    """Return heads, spouses and dependants by band of each tax unit.

    Parameters
    ----------
    head_age, spouse_age
        Shape (n_units,), completed years as the survey has them; NaN where there is none.
    spouse
        Shape (n_units,), whether the unit has a spouse.

    Returns
    -------
    Shape (n_units, 2 + n_bands).
    """
    persons = _whole(faults, table, expansion.persons)
    counts = np.zeros((table.n_rows, 2 + len(expansion.bands)), dtype=np.int64)
    counts[:, HEAD], counts[:, SPOUSE] = 1, spouse
    for number, band in enumerate(expansion.bands):
        if band.count:
            people = _band_count(faults, table, band, head_age, spouse_age)
        else:
            people = persons - counts.sum(axis=1)
            report.note(
                "expansion",
                expansion.persons,
                f"people in no age count, taken as dependants of {_ages(band)}",
                int(np.maximum(people, 0).sum()),
                int(persons.sum()),
                band.because,
            )
        columns = tuple(name for name in (band.count or expansion.persons, *band.less) if name)
        note_rows(
            faults,
            table,
            columns,
            people < 0,
            f"leave a negative number of dependants of {_ages(band)}",
            remedy=f"See the band at {band.where}.",
        )
        counts[:, 2 + number] = np.maximum(people, 0)
    note_rows(
        faults,
        table,
        (expansion.persons,),
        counts.sum(axis=1) != persons,
        "do not add up: head, spouse and dependants of all bands are not the unit's persons",
        remedy=f"Mend the bands at {expansion.where}, or end them with {{rest: true}}.",
    )
    return counts


def _ages(band: Band) -> str:
    return f"ages {band.ages[0]} to {band.ages[1]}"


def _whole(faults: FaultList, table: Table, column: str) -> Ints:
    numbers, wrong = table.numbers(column)
    bad = wrong | ~np.isfinite(numbers) | (numbers < 0) | (numbers != np.floor(numbers))
    note_rows(
        faults,
        table,
        (column,),
        bad,
        "hold no whole number of people",
        values=table.columns[column],
    )
    return np.where(bad, 0.0, numbers).astype(np.int64)


def _band_count(
    faults: FaultList, table: Table, band: Band, head_age: Floats, spouse_age: Floats
) -> Ints:
    people = _whole(faults, table, band.count)
    for column in band.less:
        people = people - _whole(faults, table, column)
    if band.holders is not None:
        for age in (head_age, spouse_age):
            people = people - ((age >= band.holders[0]) & (age <= band.holders[1]))
    return people


def list_members(counts: Ints, order: Ints) -> Members:
    """Return the persons of the tax units in `order` (rows): head, spouse, then bands."""
    kinds = counts.shape[1]
    repeats = counts[order].ravel()
    unit = np.repeat(np.repeat(order, kinds), repeats)
    kind = np.repeat(np.tile(np.arange(kinds), order.size), repeats)
    return Members(unit, np.minimum(kind, DEPENDANT), np.where(kind >= 2, kind - 2, -1))


def draw_ages(members: Members, expansion: Expansion, keys: npt.NDArray[np.uint64], seed: int,
              year: int) -> Floats:  # fmt: skip
    """Return ages of dependants, each age of the band equally likely; NaN for heads and spouses."""
    drawn = uniforms(keys, seed, 0, decision_hash(AGE_DRAW), year, 0)
    first = np.array([band.ages[0] for band in expansion.bands] or [0], dtype=np.float64)
    last = np.array([band.ages[1] for band in expansion.bands] or [0], dtype=np.float64)
    age = first[members.band] + np.floor(drawn * (last - first + 1.0)[members.band])
    return np.where(members.band >= 0, age, np.nan)


def draw_sex(members: Members, expansion: Expansion, keys: npt.NDArray[np.uint64], seed: int,
             year: int) -> Ints:  # fmt: skip
    """Return the sex of everyone, 0 male and 1 female, by the stated shares of women."""
    n_units = int(members.unit.max()) + 1
    size = np.bincount(members.unit, minlength=n_units)
    couple = np.bincount(members.unit[members.role == SPOUSE], minlength=n_units) > 0
    share = np.full(members.unit.size, expansion.female["dependant"])
    head = members.role == HEAD
    kinds = ("head of couple", "head with dependants", "head alone")
    alone = size[members.unit] == 1
    for kind, here in zip(
        kinds,
        (
            couple[members.unit],
            ~couple[members.unit] & ~alone,
            alone,
        ),
        strict=True,
    ):
        share[head & here] = expansion.female[kind]
    drawn = uniforms(keys, seed, 0, decision_hash(SEX_DRAW), year, 0)
    sex: Ints = (drawn < share).astype(np.int64)
    of_head = np.zeros(n_units, dtype=np.int64)
    of_head[members.unit[head]] = sex[head]
    return np.where(members.role == SPOUSE, 1 - of_head[members.unit], sex)


def link_members(
    members: Members, expansion: Expansion, age: Floats, sex: Ints, position: Ints
) -> tuple[dict[str, Ints], int]:
    """Return positions of spouse, mother and father, and the children left without a parent.

    `position`: shape (n_persons,), each person's position in the household.
    """
    n_units = int(members.unit.max()) + 1
    links = {
        name: np.full(position.size, -1, dtype=np.int64) for name in ("spouse", "mother", "father")
    }
    child = (members.role == DEPENDANT) & (age <= expansion.children_up_to)
    for role, other in ((HEAD, SPOUSE), (SPOUSE, HEAD)):
        here = members.role == role
        at, years = np.full(n_units, -1, dtype=np.int64), np.full(n_units, np.nan)
        of_sex = np.zeros(n_units, dtype=np.int64)
        at[members.unit[here]] = position[here]
        years[members.unit[here]] = age[here]
        of_sex[members.unit[here]] = sex[here]
        partner = members.role == other
        links["spouse"][partner] = at[members.unit[partner]]
        old_enough = years[members.unit] - age >= expansion.youngest_parent
        for name, code in (("father", 0), ("mother", 1)):
            mine = child & old_enough & (of_sex[members.unit] == code) & (at[members.unit] >= 0)
            links[name][mine] = at[members.unit[mine]]
    orphaned = child & (links["mother"] < 0) & (links["father"] < 0)
    return links, int(orphaned.sum())
