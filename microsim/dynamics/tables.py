"""The rates of a population's lives: what may happen to whom in each year, with its checks.

Steps. Step `k` leads from 1 July of `first_year + k` to 1 July of the year after, and belongs to
that later year. Ages 0 to 120 are completed years at the start of the step, sexes are male (0)
and female (1), employment statuses are in the order of `population.columns.EMPLOYMENT_STATUS`.

Factors. A scenario moves the rates of a process through columns of the population, one value a
person, by keys of `Lives.step(behaviour)`:

``<process>_relative``
    A multiplier between persons (of rich and poor, married and single). It must not change what
    is expected in total: inside each market, sex and 5-year age group the column is divided by
    its mean, weighted by the rates of the tables, before use; with the method `logit` it
    multiplies odds, which are shifted to the same total; with `none` it is used as it is. A
    process that has one is named in `LifeTables.normalised`.
``<process>``
    A level: a factor on the probability, used as it is, after the relative one. It does change
    the total (a reform that lowers mortality by a tenth states 0.9).

Processes are `mortality`, `fertility`, `union`, `dissolution`, `emigration`, `disability`,
`leaving_home` and `formal` (entering formal work). `retirement` is a probability, not a factor:
NaN leaves it to the tables. So are those of `Formulas.keys`, probabilities or logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from microsim.dynamics.past_totals import PastTotals, Solved
from microsim.dynamics.transition_formulas import Formulas
from microsim.errors import FaultList
from microsim.kernels.lives_sorting import SBD, SBDL, SBP
from microsim.population.columns import EMPLOYMENT_STATUS, OLDEST, SEX

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

N_AGES = OLDEST + 1
N_STATUSES = len(EMPLOYMENT_STATUS)
N_PARITIES = 10
# How events are aligned to what the tables say; a drawn event has no outside number to meet.
SORTING: Mapping[str, int] = {"sbp": SBP, "sbd": SBD, "sbdl": SBDL}
NONE, MULTIPLICATIVE, LOGIT = "none", "multiplicative", "logit"
METHODS = (NONE, MULTIPLICATIVE, LOGIT, *SORTING)
OF_TRANSITIONS = ("sbdl",)  # how a matrix keeps to shares: by one draw, ratios of odds kept
# Choices that not every method suits: shares of statuses are numbers wanted, not chances; of
# unions, husbands who marry again are no part of those whose total the tables give.
METHODS_OF: Mapping[str, tuple[str, ...]] = {
    "labour": (NONE, *SORTING),
    "union": (NONE, MULTIPLICATIVE, *SORTING),
}
PROCESSES = (
    "mortality", "fertility", "union", "dissolution", "emigration", "disability",
    "leaving_home", "formal",
)  # fmt: skip
ROW_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Origin:
    """The file a table came from: `lines` is of the table's shape, 0 where no line says it."""

    file: str
    column: int
    lines: Ints

    def where(self, index: tuple[int, ...]) -> str:
        """Return `file:line:column` of a cell."""
        line = int(self.lines[index])
        return f"{self.file}:{line}:{self.column}" if line else self.file


@dataclass(frozen=True)
class Earnings:
    """What work pays: logarithms relative to the average wage of the year.

    Attributes
    ----------
    log_level
        Shape (13, 2), by status and sex: mean of the logarithm at the profile's level 0.
    age_profile
        Shape (2, 121), by sex and age: what age adds to the logarithm.
    sigma_permanent
        Shape (13,): standard deviation, between persons, of what stays for life.
    sigma_transitory
        Shape (13,): standard deviation, in the cross section, of what passes.
    rho
        Shape (13,): correlation of what passes from one year to the next.
    wage_level
        Shape (n_steps + 1,): average wage of each year over that of the first, nominal.
    """

    log_level: Floats
    age_profile: Floats
    sigma_permanent: Floats
    sigma_transitory: Floats
    rho: Floats
    wage_level: Floats


@dataclass(frozen=True)
class PastWork:
    """Formal work before the first year, of those whose history nobody recorded.

    Attributes
    ----------
    entry_age
        Age at which working lives begin.
    density
        Shape (2, 13), by sex and present status: mean share of the years since `entry_age` spent
        in formal work.
    concentration
        Sum of the two parameters of the Beta distribution of that share between persons.
    totals
        What administrations count of groups of persons, whose densities are drawn and calibrated
        to it; None where nothing is.
    solved
        How each of the totals is met, once that is found (`past_densities.solve`).
    """

    entry_age: float
    density: Floats
    concentration: float
    totals: PastTotals | None = None
    solved: tuple[Solved, ...] = ()


@dataclass(frozen=True)
class LifeTables:
    """The rates of every process, by step, sex and age.

    Attributes
    ----------
    death
        Shape (n_steps, 2, 121): probability to die within the step, of a person of the age at
        its start.
    newborn_death
        Shape (n_steps, 2): probability that one born in the step dies before its end.
    birth
        Shape (n_steps, 121): births in the step per woman of the age at its start, also one who
        dies or leaves within it. A child of a mother who leaves goes with her.
    girls
        Shape (n_steps,): share of girls among births.
    emigration
        Shape (n_steps, 2, 121): probability to leave the country within the step, of one who
        does not die in it, by age at its start.
    immigration
        Shape (n_steps, 2, 121): immigrants of the step who are of the age at its END, per
        resident of the market (both sexes, all ages) at its start.
    union
        Shape (n_steps, 2, 121): probability that an unpartnered person forms a union.
    dissolution
        Shape (n_steps, 121): probability that a union ends (other than by death or migration),
        by the age of the wife.
    age_gap_mean, age_gap_deviation
        Husband's age less the wife's at the union, years.
    polygamy
        Share of new unions in which the man already has a wife.
    leaving_home, elder_joins
        Shape (2, 121): probability a year that an unpartnered adult who lives with parents sets
        up a household; that an elder without kin in the household joins a child's.
    parity_factor
        Shape (10,): relative chance of a birth by the number of earlier births, the last for 9
        and more; normalised like a relative factor.
    unpartnered_birth_factor
        Relative chance of a birth of a woman without partner; normalised like a relative factor.
    disability_onset, disability_recovery
        Shape (n_steps, 2, 121): probabilities to become severely disabled, and to recover.
    status_share
        Shape (n_steps + 1, 2, 121, 13): wanted shares of the employment statuses on 1 July of
        each year, of persons of that age then; each row adds up to 1.
    status_leave
        Shape (2, 121, 13): probability a year to leave a status, before alignment.
    status_affinity
        Shape (13, 13): relative weight of moving from a status (row) to another (column).
    alignment
        Method (`METHODS`, for some only `METHODS_OF`) by choice: `mortality`, `fertility`,
        `emigration`, `union`,
        `dissolution`, `leaving_home`, `elders`, `disability`, `recovery`, `labour`; one left out
        is `multiplicative`.
    normalised
        Processes that have a relative factor.
    transition
        Shape (n_steps, 2, 121, 13, 13): probability of each employment status (last axis) by the
        one before, of persons of that age at the END of the step; instead of `status_leave` and
        `status_affinity`, of which they are then summaries. None: those two say who moves.
    formulas
        What moves persons instead of `transition`, if formulas do.
    origins
        Where tables that came from CSV files stand, by the table's name here.
    """

    first_year: int
    n_steps: int
    death: Floats
    newborn_death: Floats
    birth: Floats
    girls: Floats
    emigration: Floats
    immigration: Floats
    union: Floats
    dissolution: Floats
    age_gap_mean: float
    age_gap_deviation: float
    polygamy: float
    leaving_home: Floats
    elder_joins: Floats
    parity_factor: Floats
    unpartnered_birth_factor: float
    disability_onset: Floats
    disability_recovery: Floats
    status_share: Floats
    status_leave: Floats
    status_affinity: Floats
    earnings: Earnings
    past_work: PastWork
    alignment: Mapping[str, str] = field(default_factory=dict)
    normalised: tuple[str, ...] = ()
    transition: Floats | None = None
    formulas: Formulas | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def last_year(self) -> int:
        """Return the year the last step leads to."""
        return self.first_year + self.n_steps

    def check(self) -> None:
        """Check every table.

        Raises
        ------
        InputError
            A table of the wrong shape; a number that is not finite; a probability or share
            outside 0 to 1; a rate or factor below 0; shares of statuses, or transitions from one,
            that do not add up to 1.
            Every fault is named with its table, year, sex and age, and its cell if it was read
            from a file.
        """
        faults = FaultList()
        for name, axes, upper in TABLES:
            if table_of(self, name) is not None:
                _check_table(self, name, axes, upper, faults)
        _check_rows(self, "status_share", faults)
        if self.transition is not None:
            _check_rows(self, "transition", faults)
        _check_numbers(self, faults)
        for process, method in self.alignment.items():
            known = METHODS_OF.get(process, METHODS)
            if process == "labour" and self.transition is not None:
                known = (NONE, *OF_TRANSITIONS)
            if method not in known:
                faults.add(f"alignment of {process}", "unknown method", method, " or ".join(known))
        faults.raise_if_any()


# Name, axes and largest value of each table; an axis is one of those of `_extent`.
TABLES: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("death", ("step", "sex", "age"), 1.0),
    ("newborn_death", ("step", "sex"), 1.0),
    ("birth", ("step", "age"), 1.0),
    ("girls", ("step",), 1.0),
    ("emigration", ("step", "sex", "age"), 1.0),
    ("immigration", ("step", "sex", "age"), 1.0),
    ("union", ("step", "sex", "age"), 1.0),
    ("dissolution", ("step", "age"), 1.0),
    ("leaving_home", ("sex", "age"), 1.0),
    ("elder_joins", ("sex", "age"), 1.0),
    ("parity_factor", ("births",), np.inf),
    ("disability_onset", ("step", "sex", "age"), 1.0),
    ("disability_recovery", ("step", "sex", "age"), 1.0),
    ("status_share", ("year", "sex", "age", "status"), 1.0),
    ("status_leave", ("sex", "age", "status"), 1.0),
    ("status_affinity", ("status", "status"), np.inf),
    ("transition", ("step", "sex", "age", "status", "status"), 1.0),
    ("earnings.log_level", ("status", "sex"), np.nan),
    ("earnings.age_profile", ("sex", "age"), np.nan),
    ("earnings.sigma_permanent", ("status",), np.inf),
    ("earnings.sigma_transitory", ("status",), np.inf),
    ("earnings.rho", ("status",), 1.0),
    ("earnings.wage_level", ("year",), np.inf),
    ("past_work.density", ("sex", "status"), 1.0),
)
SHOWN_CELLS = 5  # of one table; the rest is counted


def _extent(tables: LifeTables, axis: str) -> int:
    return {
        "step": tables.n_steps, "year": tables.n_steps + 1, "sex": len(SEX), "age": N_AGES,
        "status": N_STATUSES, "births": N_PARITIES,
    }[axis]  # fmt: skip


def table_of(tables: LifeTables, name: str) -> Floats:
    """Return a table by its name in `TABLES`; `transition` may be None."""
    group, _, entry = name.partition(".")
    found: Floats = getattr(getattr(tables, group), entry) if entry else getattr(tables, name)
    return found


def cell_of(tables: LifeTables, axes: tuple[str, ...], index: tuple[int, ...]) -> str:
    """Return the year, sex, age and status of a cell, in words."""
    words = []
    for axis, i in zip(axes, index, strict=True):
        if axis in ("step", "year"):
            words.append(f"year {tables.first_year + i + (axis == 'step')}")
        elif axis == "sex":
            words.append(SEX[i])
        elif axis == "status":
            words.append(EMPLOYMENT_STATUS[i])
        else:
            words.append(f"{axis} {i}")
    return ", ".join(words)


def _note(
    tables: LifeTables, name: str, axes: tuple[str, ...], cells: Ints, values: Floats,
    what: str, expected: str, faults: FaultList,
) -> None:  # fmt: skip
    """Note the first cells at fault and how many more there are."""
    origin = tables.origins.get(name)
    for row in cells[:SHOWN_CELLS]:
        index = tuple(int(i) for i in row)
        where = origin.where(index) if origin is not None else f"table {name}"
        told = f"{name}: {what} ({cell_of(tables, axes, index)})"
        faults.add(where, told, f"{float(values[index]):.6g}", expected)
    if len(cells) > SHOWN_CELLS:
        left = len(cells) - SHOWN_CELLS
        faults.add(f"table {name}", f"{what} in {left} more cells", "", expected)


def _check_table(
    tables: LifeTables, name: str, axes: tuple[str, ...], upper: float, faults: FaultList
) -> None:
    values = table_of(tables, name)
    shape = tuple(_extent(tables, axis) for axis in axes)
    if values.shape != shape:
        words = " x ".join(axes)
        faults.add(f"table {name}", "wrong shape", values.shape, f"{shape} ({words})")
        return
    wrong = np.argwhere(~np.isfinite(values))
    _note(tables, name, axes, wrong, values, "not a finite number", "a number", faults)
    if np.isnan(upper):
        return
    with np.errstate(invalid="ignore"):
        outside = np.isfinite(values) & ((values < 0.0) | (values > upper))
    what, expected = ("outside 0 to 1", "0 to 1") if upper == 1.0 else ("below 0", "0 or more")
    _note(tables, name, axes, np.argwhere(outside), values, what, expected, faults)


def _check_rows(tables: LifeTables, name: str, faults: FaultList) -> None:
    """Note rows of status shares, or of transitions, that do not add up to 1."""
    shares = table_of(tables, name)
    axes = next(axes for known, axes, _ in TABLES if known == name)
    if shares.shape != tuple(_extent(tables, axis) for axis in axes):
        return
    total = np.cumsum(shares, axis=-1)[..., -1]
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(np.abs(total - 1.0) > ROW_TOLERANCE)
    what = "the shares do not add up to 1"
    for index in map(tuple, wrong[:SHOWN_CELLS].tolist()):
        cell = cell_of(tables, axes[:-1], index)
        origin = tables.origins.get(name)
        where = origin.where((*index, 0)) if origin else f"table {name}"
        faults.add(where, f"{name}: {what} ({cell})", f"{total[index]:.9g}", "1")
    if len(wrong) > SHOWN_CELLS:
        faults.add(f"table {name}", f"{what} in {len(wrong) - SHOWN_CELLS} more rows", "", "1")


def _check_numbers(tables: LifeTables, faults: FaultList) -> None:
    if tables.n_steps < 1:
        faults.add("life tables", "no step", tables.n_steps, "at least one year ahead")
    numbers = (
        ("age_gap_mean", tables.age_gap_mean, -np.inf, np.inf),
        ("age_gap_deviation", tables.age_gap_deviation, 0.0, np.inf),
        ("polygamy", tables.polygamy, 0.0, 1.0),
        ("unpartnered_birth_factor", tables.unpartnered_birth_factor, 0.0, np.inf),
        ("past_work.entry_age", tables.past_work.entry_age, 0.0, float(OLDEST)),
        ("past_work.concentration", tables.past_work.concentration, 0.0, np.inf),
    )
    for name, value, low, high in numbers:
        if not (np.isfinite(value) and low <= value <= high):
            faults.add("life tables", name, value, f"a number from {low:g} to {high:g}")
