"""Makes the transition matrices between employment statuses that a lives file gives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from microsim.dynamics.earnings_profiles import Reader
from microsim.dynamics.lives_blocks import Process
from microsim.dynamics.tables import N_STATUSES
from microsim.dynamics.transition_files import read_transitions
from microsim.dynamics.transition_formulas import Formulas
from microsim.errors import FaultList
from microsim.files import FileTree
from microsim.language.definitions import VariableDefinition
from microsim.population.columns import EMPLOYMENT_STATUS

Floats = npt.NDArray[np.float64]
TABLE, TOWARDS = "transition", "transition_towards"


def ages_of(process: Process) -> range:
    """Return the ages, at the end of a step, that a block of transitions is for."""
    (first,), (last,) = process.rows("ages")
    return range(int(first), int(last) + 1)


def read(process: Process, tree: FileTree, years: range, faults: FaultList) -> dict[str, Floats]:
    """Return the matrices of a block by name; every fault of their files is noted."""
    found = {}
    for table, key in ((TABLE, "table"), (TOWARDS, "towards")):
        path = process.table if key == "table" else process.text(key)
        if path:
            ages, asked = ages_of(process), process.place(key)
            matrix = read_transitions(tree, path, years, ages, faults, asked)
            if matrix is not None:
                found[table] = matrix
    return found


def formulas_of(process: Process, variables: Mapping[str, VariableDefinition]) -> Formulas | None:
    """Return the formulas of a block of transitions, or None if it has a matrix.

    Parameters
    ----------
    variables
        Of the lives file: a formula that stands there is named with its line in messages.
    """
    kind, named = process.formulas
    if not named:
        return None
    ages, base = ages_of(process), process.text("base")
    places = (
        str(variables[name].where) if name in variables else process.place(f"{kind}.{status}")
        for status, name in named.items()
    )
    return Formulas(
        statuses=tuple(EMPLOYMENT_STATUS.index(status) for status in named),
        variables=tuple(named.values()),
        places=tuple(places),
        logit=kind == "logit",
        base=EMPLOYMENT_STATUS.index(base) if base in EMPLOYMENT_STATUS else -1,
        ages=(ages[0], ages[-1]),
    )


def matrices(
    process: Process, given: Mapping[str, Floats], implied: Floats, read: Reader, years: range
) -> Floats:
    """Return the matrix of each step: as given for its ages, else as shares and moves imply.

    Parameters
    ----------
    process
        The block `transitions`.
    given
        Tables from files, by name.
    implied
        Shape (n_steps, 2, 121, 13, 13), see `implied_by`.
    read
        Gives a parameter by name and year.
    years
        Years that the steps lead to.

    Raises
    ------
    InputError
        A share of the way to the other matrix outside 0 to 1.
    """
    told = given[TABLE]
    if TOWARDS in given:
        way = _way(process, read, years)[:, None, None, None, None]
        told = (1.0 - way) * told + way * given[TOWARDS]
    ages = ages_of(process)
    found = implied.copy()
    found[:, :, ages.start : ages.stop, 1:, 0] = 0.0
    found[:, :, ages.start : ages.stop, 1:, 1:] = told
    return found


def _way(process: Process, read: Reader, years: range) -> Floats:
    """Return the share of the way to the other matrix in each year."""
    name, faults = process.text("share"), FaultList()
    way = [read(name, year) for year in years]
    for year, value in zip(years, way, strict=True):
        if not 0.0 <= value <= 1.0:
            what = f"{name} in {year}, the share of the way to the other matrix"
            faults.add(process.place("share"), what, f"{value:g}", "0 to 1")
    faults.raise_if_any()
    return np.array(way)


def implied_by(shares: Floats, leave: Floats, affinity: Floats) -> Floats:
    """Return the transitions that shares and moves imply: who leaves, times affinity x share.

    Parameters
    ----------
    shares
        Shape (n_steps, 2, 121, 13), in the year each step leads to.
    leave
        Shape (2, 121, 13), probability to leave; all leave what nobody of an age has.
    affinity
        Shape (13, 13).

    Returns
    -------
    Floats
        Shape (n_steps, 2, 121, 13, 13): probability of each status (last axis) by the one before.
    """
    found = np.zeros((*shares.shape, N_STATUSES))
    leaving = np.where(shares == 0.0, 1.0, leave)
    for own in range(N_STATUSES):
        others = shares.copy()
        others[..., own] = 0.0
        weights = others * affinity[own]
        total = np.cumsum(weights, axis=-1)[..., -1:]
        weights = np.where(total > 0.0, weights, others)
        total = np.cumsum(weights, axis=-1)[..., -1:]
        some = total[..., 0] > 0.0
        out = np.where(some, leaving[..., own], 0.0)
        scale = np.divide(out[..., None], total, out=np.zeros_like(total), where=total > 0.0)
        found[..., own, :] = weights * scale
        found[..., own, own] = 1.0 - out
    return found


def led_to(first: Floats, transition: Floats) -> Floats:
    """Return the shares of statuses that transitions lead to, in expectation.

    Deaths and migration are taken to be the same in every status, retirement by rule is left out.

    Parameters
    ----------
    first
        Shape (2, 121, 13): shares in the first year.
    transition
        Shape (n_steps, 2, 121, 13, 13).

    Returns
    -------
    Floats
        Shape (n_steps + 1, 2, 121, 13).
    """
    path = np.zeros((len(transition) + 1, *first.shape))
    path[0] = first
    path[1:, :, 0, 0] = 1.0
    for k, matrix in enumerate(transition):
        for before in range(N_STATUSES):  # in this order, so that no machine adds up in another
            path[k + 1, :, 1:] += path[k, :, :-1, before, None] * matrix[:, 1:, before]
        path[k + 1] /= np.cumsum(path[k + 1], axis=-1)[..., -1:]
    return path
