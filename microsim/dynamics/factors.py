"""Factors of a scenario on the probabilities of lives, and their faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import LOGIT, MULTIPLICATIVE, PROCESSES, SORTING
from microsim.dynamics.transition_formulas import transition_key
from microsim.errors import Fault, FaultList, InputError
from microsim.kernels.lives_factors import normalise, shift_logits
from microsim.population.columns import EMPLOYMENT_STATUS, SEX

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.int8]
Ints = npt.NDArray[np.int64]

NONE: Floats = np.zeros(0, np.float64)
NOBODY: Ints = np.zeros(0, np.int64)
NO_FLAGS: Bytes = np.zeros(0, np.int8)
RELATIVE = "_relative"
WITHOUT_FACTOR = ("retirement", *(transition_key(status) for status in EMPLOYMENT_STATUS[1:]))
KNOWN = (*PROCESSES, *(f"{name}{RELATIVE}" for name in PROCESSES), *WITHOUT_FACTOR)


def neutral(key: str) -> float:
    """Return the value of a column of behaviour that leaves a process as the tables have it."""
    return np.nan if key in WITHOUT_FACTOR else 1.0


@dataclass(frozen=True)
class Persons:
    """Those a process may happen to.

    Attributes
    ----------
    starts
        Shape (n_markets + 1,), first persons of the markets.
    sex, age, keys
        Shape (n_persons,), code, completed years, draw key.
    among
        Rows of those it may happen to, in order; None for everybody.
    barred
        Shape (n_persons,), int8: not 0 for those it cannot happen to; None for nobody.
    """

    starts: Ints
    sex: Array
    age: Array
    keys: Array
    among: Ints | None = None
    barred: Bytes | None = None

    @property
    def codes(self) -> tuple[Array, Array]:
        """Return sex and age as unsigned numbers: kernels index with them a fifth faster."""
        return self.sex.view(np.uint8), self.age.view(np.uint8)

    @property
    def choice(self) -> tuple[bool, Ints, Bytes]:
        """Return whether it may happen to all, else to whom, and who is barred."""
        bars = NO_FLAGS if self.barred is None else self.barred
        return self.among is None, NOBODY if self.among is None else self.among, bars


def check_behaviour(behaviour: Mapping[str, Array], n_persons: int) -> dict[str, Floats]:
    """Return the columns of a scenario's behaviour as numbers.

    Raises
    ------
    InputError
        A column of an unknown name, or of a wrong length.
    """
    faults, columns = FaultList(), {}
    for name, column in behaviour.items():
        if name not in KNOWN:
            faults.add(f"behaviour {name}", "is not a process", name, ", ".join(KNOWN))
        elif np.shape(column) != (n_persons,):
            faults.add(f"behaviour {name}", "wrong length", np.shape(column), n_persons)
        else:
            columns[name] = np.ascontiguousarray(column, np.float64)
    faults.raise_if_any()
    return columns


def factor_of(
    process: str, behaviour: Mapping[str, Floats], persons: Persons, table: Floats,
    relative: Floats = NONE, method: str = MULTIPLICATIVE,
) -> Floats:  # fmt: skip
    """Return the factor on a process: shape (n_persons,), or (0,) where it is 1 for all.

    Parameters
    ----------
    relative
        A relative factor of the tables' own, shape (n_persons,) or (0,).
    method
        How relative factors keep the total of the tables: `logit` shifts logits, `none` leaves
        them as they are, all others divide by the mean.

    Raises
    ------
    InputError
        Relative factors of 0 leave too few persons to carry the expected number.
    """
    given = behaviour.get(process + RELATIVE)
    if given is not None:
        relative = given * relative if relative.size else given.copy()
    if relative.size:
        sex, age = persons.codes
        if method == LOGIT:
            row = shift_logits(persons.starts, sex, age, *persons.choice, table, relative)
            if row >= 0:
                raise _too_few(process, persons, row)
        elif method == MULTIPLICATIVE or method in SORTING:
            normalise(persons.starts, sex, age, *persons.choice, table, relative)
    level = behaviour.get(process)
    if level is None:
        return relative
    return level * relative if relative.size else level


def _too_few(process: str, persons: Persons, row: int) -> InputError:
    sex, age = int(persons.sex[row]), int(persons.age[row])
    where = f"{process}, {SEX[sex]} of about age {age}"
    what = "no shift of the logits reaches the expected number"
    found = "the relative factor of too many persons of the market is 0"
    remedy = f"Change the variable that gives the relative factor on {process}."
    return InputError(Fault(where, what, found, "factors above 0", remedy))


def refuse(
    process: str, year: int, row: int, persons: Persons, table: Floats | None, factor: Floats
) -> InputError:
    """Return the error of a probability outside 0 to 1, naming the person."""
    sex, age = int(persons.sex[row]), int(persons.age[row])
    found = f"factor {factor[row]:.6g}"
    if table is not None:
        found = f"{table[sex, age]:.6g} x {factor[row]:.6g} = {table[sex, age] * factor[row]:.6g}"
    who = f"{SEX[sex]} of age {age}, draw key {int(persons.keys[row])}"
    where = f"{process}, year {year}, {who}"
    remedy = f"Change the variable that gives the factor on {process}, or the table."
    return InputError(Fault(where, "the probability is outside 0 to 1", found, "0 to 1", remedy))
