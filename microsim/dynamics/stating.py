"""What formulas state of the moves between employment statuses, checked person by person."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.choosing import Chance
from microsim.dynamics.factors import Persons
from microsim.dynamics.tables import ROW_TOLERANCE
from microsim.dynamics.transition_formulas import Formulas
from microsim.errors import Fault, InputError
from microsim.population.columns import EMPLOYMENT_STATUS, SEX

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Stated = tuple[Floats, Ints, bool, int, int, int]
NOTHING: Stated = (np.zeros((0, 0)), np.zeros(0, np.int64), False, -1, 0, 0)


def stated_by(formulas: Formulas | None, group: Persons, status: Array, chance: Chance) -> Stated:
    """Return what the kernels of transitions take of formulas: columns, codes, logit, base, ages.

    Parameters
    ----------
    formulas
        Of the tables; None states nothing.
    group, status
        The persons of the new year and the status each is in. Shape (n_persons,).
    chance
        With the behaviour as of the end of the year before.

    Raises
    ------
    InputError
        A probability outside 0 to 1, or probabilities that add up to more than 1; named with the
        person, the year, the formula and its line.
    """
    if formulas is None or formulas.keys[0] not in chance.behaviour:
        return NOTHING
    stated = np.stack([chance.behaviour[key] for key in formulas.keys])
    if not formulas.logit:
        first, last = formulas.ages
        asked = (group.age >= first) & (group.age <= last) & (status != 0)
        _check(formulas, np.where(asked, stated, np.nan), group, chance.year)
    codes = np.array(formulas.statuses, np.int64)
    return stated, codes, formulas.logit, formulas.base, *formulas.ages


def _check(formulas: Formulas, stated: Floats, group: Persons, year: int) -> None:
    """Refuse what are no probabilities, of the first person at fault."""
    outside = (stated < 0.0) | (stated > 1.0)
    total = np.cumsum(stated, axis=0)[-1]
    wrong = np.flatnonzero(outside.any(axis=0) | (total > 1.0 + ROW_TOLERANCE))
    if not wrong.size:
        return
    i = int(wrong[0])
    sex, age, key = SEX[int(group.sex[i])], int(group.age[i]), int(group.keys[i])
    who = f"year {year}, {sex} of age {age}, draw key {key}"
    faults = [
        Fault(
            formulas.places[j],
            f"{formulas.variables[j]}, probability of {EMPLOYMENT_STATUS[code]} ({who})",
            f"{stated[j, i]:.6g}", "0 to 1", "Change the formula, or use `logit`.",
        )
        for j, code in enumerate(formulas.statuses) if outside[j, i]
    ]  # fmt: skip
    if not faults:
        parts = " + ".join(
            f"{name} {x:.6g}" for name, x in zip(formulas.variables, stated[:, i], strict=True)
        )
        what = f"the probabilities of all statuses add up to more than 1 ({who})"
        found, remedy = f"{parts} = {total[i]:.9g}", "Change the formulas, or use `logit`."
        faults = [Fault(formulas.places[0], what, found, "at most 1", remedy)]
    raise InputError(faults)
