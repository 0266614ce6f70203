"""What households of a projection had in the first year: their welfare answers to the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import Evaluation, Weighting
from microsim.language.people import People, World
from microsim.results.contents import CONCEPTS
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.people import people_of

Columns = Mapping[str, npt.NDArray[Any]]


class OfYear(Protocol):
    """People of a year, in one life group."""

    @property
    def horizon(self) -> Horizon:
        """Years, rates and laws."""

    @property
    def group(self) -> LifeGroup:
        """Whose lives."""

    @property
    def world(self) -> World:
        """Seed and replicate."""

    @property
    def people(self) -> People:
        """As rules see them."""

    @property
    def persons(self) -> Columns:
        """Columns of persons."""

    @property
    def households(self) -> Columns:
        """Columns of households."""


def first_income(
    of: OfYear, out: Evaluation, weighting: Weighting, threads: int
) -> npt.NDArray[np.float64]:
    """Return the disposable income of each household under the law of the baseline.

    Parameters
    ----------
    of, weighting
        People of the first year.
    out
        What the laws of their own group give.
    threads
        To evaluate the baseline's with.

    Returns
    -------
    Shape (n_households,), currency units per month; NaN where it could not be computed.
    """
    first = of.horizon.groups[0]
    if of.group.number:
        evaluator = first.evaluator(0, with_columns=True)
        people = people_of(
            dict(of.persons), dict(of.households), first.model.program.population_inputs
        )
        out = evaluator.run(people, weighting, of.world, threads)
    months = float(sum(first.laws[0][0].months))
    income: npt.NDArray[np.float64] = out.households[0, CONCEPTS.index("disposable")] / months
    income[out.poison != 0] = np.nan
    return income
