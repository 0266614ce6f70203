"""What a population is in memory: tables of columns, macro series, targets, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population.columns import LINKS, STANDARD, Column

BASES = ("data", "assumption", "nothing")

Array = npt.NDArray[Any]  # columns differ in type; `dtype` of the registry says which
Columns = dict[str, Array]

PERSON_STRUCTURE: tuple[Column, ...] = (
    *(
        Column(link, "person", "number", "int16", f"household position of the {link}, -1 if none")
        for link in LINKS
    ),
    Column("draw_key", "person", "number", "uint64", "key of the person's random draws"),
)
HOUSEHOLD_STRUCTURE: tuple[Column, ...] = (
    Column("household_id", "household", "number", "int64", "identifier, unique in the file"),
    Column("start", "household", "number", "int64", "row of the household's first person"),
    Column("size", "household", "count", "int16", "persons in the household"),
    Column("weight", "household", "number", "float64", "households this one stands for"),
    Column("market", "household", "number", "int32", "pool of households that interact"),
    Column("stratum", "household", "number", "int32", "sampling stratum"),
    Column("psu", "household", "number", "int32", "primary sampling unit"),
    Column("draw_key", "household", "number", "uint64", "key of the household's random draws"),
)


@dataclass(frozen=True)
class SeriesValue:
    """A macro value: `value` None means that nobody gives it; `basis` is one of `BASES`."""

    value: float | None
    unit: str
    source: str
    basis: str = "data"


@dataclass(frozen=True)
class TargetRow:
    """One line of the table *target against achieved*.

    Attributes
    ----------
    group, item
        What is compared, for example `population` and `female 0-4`.
    unit
        Unit of target and achieved.
    target, achieved
        Values; `target` is None where nobody gives one.
    tolerance
        Largest allowed difference, in `tolerance_kind` terms; None where none is promised.
    tolerance_kind
        `relative` (share of the target) or `absolute` (in `unit`).
    basis
        What the target rests on: `data`, `assumption` or `nothing`.
    source
        Source of the target.
    """

    group: str
    item: str
    unit: str
    target: float | None
    achieved: float
    tolerance: float | None
    tolerance_kind: str
    basis: str
    source: str

    @property
    def difference(self) -> float | None:
        """Achieved less target, in `unit`, or relative to the target."""
        if self.target is None:
            return None
        gap = self.achieved - self.target
        if self.tolerance_kind == "absolute":
            return gap
        return gap / self.target if self.target != 0.0 else (0.0 if gap == 0.0 else np.inf)

    @property
    def passed(self) -> bool | None:
        """Whether the difference is within tolerance; None where there is nothing to hold it to."""
        if self.difference is None or self.tolerance is None:
            return None
        return abs(self.difference) <= self.tolerance


@dataclass(frozen=True)
class Population:
    """A population in memory, persons sorted by (market, household).

    Attributes
    ----------
    persons
        Columns of shape (n_persons,): the standard ones, `head`, `spouse`, `mother`, `father`
        (positions in the household, -1 if none), `draw_key`, and `extras`.
    households
        Columns of shape (n_households,): the standard ones, `household_id`, `start`, `size`,
        `weight`, `market`, `stratum`, `psu`, `draw_key`, and `extras`.
    regions
        Labels of `region`, in code order.
    frame
        Macro series of the population's year, by name.
    anchors
        The two anchors and what they were matched to, by name.
    targets
        Target against achieved.
    has_design
        Whether `stratum` and `psu` describe a real sample.
    extras
        Declared columns beyond the standard ones.
    """

    name: str
    country: str
    currency: str
    year: int
    persons: Columns
    households: Columns
    regions: tuple[str, ...] = ("national",)
    frame: dict[str, SeriesValue] = field(default_factory=dict)
    anchors: dict[str, SeriesValue] = field(default_factory=dict)
    targets: tuple[TargetRow, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    extras: tuple[Column, ...] = ()
    has_design: bool = False

    @property
    def n_persons(self) -> int:
        """Number of person rows."""
        return int(self.persons["age"].size)

    @property
    def n_households(self) -> int:
        """Number of household rows."""
        return int(self.households["size"].size)

    @property
    def household_start(self) -> npt.NDArray[np.int64]:
        """Shape (n_households,), row of each household's first person."""
        return self.households["start"].astype(np.int64, copy=False)

    @property
    def household_of_person(self) -> npt.NDArray[np.int64]:
        """Shape (n_persons,), row of each person's household."""
        size = self.households["size"].astype(np.int64)
        return np.repeat(np.arange(size.size, dtype=np.int64), size)

    @property
    def person_weight(self) -> npt.NDArray[np.float64]:
        """Shape (n_persons,), the weight of the person's household."""
        size = self.households["size"].astype(np.int64)
        return np.repeat(self.households["weight"].astype(np.float64), size)


def person_columns(extras: Iterable[Column] = ()) -> tuple[Column, ...]:
    """Return every column of the person table, structure first."""
    wanted = (*STANDARD, *extras)
    return (*PERSON_STRUCTURE, *(column for column in wanted if column.of == "person"))


def household_columns(extras: Iterable[Column] = ()) -> tuple[Column, ...]:
    """Return every column of the household table, structure first."""
    wanted = (*STANDARD, *extras)
    return (*HOUSEHOLD_STRUCTURE, *(column for column in wanted if column.of == "household"))


def check(population: Population, after_market: int = -1) -> None:
    """Check that a population is whole enough to be written.

    Parameters
    ----------
    after_market
        The last market of the piece before, where a population is written in pieces.

    Raises
    ------
    InputError
        Naming every fault: a column missing, undeclared, or of wrong length; households not
        sorted by market; starts that do not follow from sizes; links outside the household.
    """
    faults = FaultList()
    tables = (
        ("person", population.persons, person_columns(population.extras)),
        ("household", population.households, household_columns(population.extras)),
    )
    for table, columns, declared in tables:
        _check_table(faults, table, columns, declared)
    faults.raise_if_any()
    _check_structure(faults, population, after_market)
    faults.raise_if_any()


def _check_table(
    faults: FaultList, table: str, columns: Columns, declared: tuple[Column, ...]
) -> None:
    names = {column.name for column in declared}
    length = max((column.size for column in columns.values()), default=0)
    if length == 0:
        faults.add(f"{table} table", "has no rows", remedy="A population needs at least one.")
    for column in declared:
        if column.name not in columns:
            if column.required:
                faults.add(f"{table} column {column.name}", "is missing")
            continue
        values = columns[column.name]
        if values.size != length:
            faults.add(f"{table} column {column.name}", "has a wrong length", values.size, length)
        elif values.dtype.kind == "f" and not bool(np.isfinite(values).all()):
            faults.add(
                f"{table} column {column.name}",
                "has values that are not finite",
                int((~np.isfinite(values)).sum()),
                "numbers",
                "State a treatment of missing values in the mapping.",
            )
    for name in columns.keys() - names:
        faults.add(f"{table} column {name}", "is not declared", remedy="Declare it in extras.")


def _check_structure(faults: FaultList, population: Population, after_market: int) -> None:
    households, persons = population.households, population.persons
    size = households["size"].astype(np.int64)
    if bool((size < 1).any()):
        faults.add("household column size", "is below one", int(size.min()), "at least 1")
        return
    if int(size.sum()) != population.n_persons:
        faults.add(
            "household column size",
            "does not add up to the persons",
            int(size.sum()),
            population.n_persons,
        )
        return
    if not np.array_equal(households["start"], np.cumsum(size) - size):
        faults.add("household column start", "does not follow from size")
    if bool((np.diff(households["market"].astype(np.int64)) < 0).any()):
        faults.add(
            "household column market",
            "is not sorted",
            remedy="Use microsim.population.markets.arrange.",
        )
    if int(households["market"][0]) <= after_market:
        first = int(households["market"][0])
        faults.add("household column market", "does not go on from the piece before", first,
                   f"above {after_market}")  # fmt: skip
    if np.unique(households["household_id"]).size != size.size:
        faults.add("household column household_id", "has duplicates")
    if not bool((households["weight"].astype(np.float64) >= 0.0).all()):
        faults.add("household column weight", "is negative")
    region, n_regions = households["region"].astype(np.int64), len(population.regions)
    if bool((region < 0).any()) or bool((region >= n_regions).any()):
        found = f"{region.min()}..{region.max()}"
        faults.add("household column region", "has no label", found, f"0..{n_regions - 1}")
    member_size = np.repeat(size, size)
    for link in LINKS:
        values = persons[link].astype(np.int64)
        if bool((values < -1).any()) or bool((values >= member_size).any()):
            faults.add(f"person column {link}", "points outside the household")
