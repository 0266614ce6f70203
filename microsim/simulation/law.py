"""Reads the parameters of a system at the months of a year, as rules are evaluated with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from microsim.errors import FaultList, InputError
from microsim.files import month_index
from microsim.kernels.schedules import pack_schedule, pack_table
from microsim.language.definitions import Definitions, ParameterDefinition
from microsim.language.graph import Graph, parameters_of
from microsim.language.people import Floats, Law
from microsim.policy.dated import periods_of_year, value_at


class Series(Protocol):
    """A macro frame: `value` raises `InputError` where nobody gives one."""

    def value(self, name: str, year: int) -> float:
        """Return the value of a series in a year."""


def used_parameters(graph: Graph, ids: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the names of parameters and frame series read in monthly and in yearly formulas."""
    monthly: set[str] = set()
    yearly: set[str] = set()
    for key in ids:
        if key in graph.formulas:
            formula = graph.formulas[key]
            (monthly if formula.period == "month" else yearly).update(parameters_of(formula.root))
    return monthly, yearly


def common_periods(
    systems: Sequence[Definitions], year: int, used: Sequence[Iterable[str]]
) -> tuple[tuple[int, int], ...]:
    """Return the stretches of a year in which no law of any scenario changes.

    Sums over the year are made month by month, so that cutting it finer moves no bit.
    """
    starts = {1}
    for definitions, names in zip(systems, used, strict=True):
        dated = [name for name in names if not name.startswith(("frame.", "quota."))]
        starts.update(first for first, _ in periods_of_year(definitions, year, dated))
    ordered = sorted(starts)
    ends = [*ordered[1:], 13]
    return tuple((start, end - start) for start, end in zip(ordered, ends, strict=True))


def packed(parameter: ParameterDefinition, value: float | Floats) -> float | Floats:
    """Return a value in the form rules read: schedules and tables packed in one array."""
    if parameter.kind == "schedule":
        return pack_schedule(np.asarray(value))
    return pack_table(np.asarray(value)) if parameter.kind == "table" else value


class LawReader:
    """Reads one system's parameters; collects what has no value at a date."""

    def __init__(
        self,
        definitions: Definitions,
        frame: Series,
        year: int,
        cut_offs: Mapping[str, float] | None = None,
    ) -> None:
        self.definitions, self.frame, self.year = definitions, frame, year
        self.cut_offs = cut_offs or {}
        self.faults = FaultList()

    def law(
        self, periods: Sequence[tuple[int, int]], monthly: Iterable[str], yearly: Iterable[str]
    ) -> Law:
        """Return the law of a year cut into periods (first month, months).

        Raises
        ------
        InputError
            A parameter or frame series that a formula reads has no value at the date.
        """
        first_months = [month_index(self.year, first) for first, _ in periods]
        law = Law(
            self.year,
            tuple(n for _, n in periods),
            {n: tuple(self._value(n, m, False) for m in first_months) for n in sorted(monthly)},
            {n: self._value(n, month_index(self.year, 12), True) for n in sorted(yearly)},
        )
        self.faults.raise_if_any()
        return law

    def law_of_month(
        self, month: int, n_months: int, monthly: Iterable[str], yearly: Iterable[str]
    ) -> Law:
        """Return the law of a single month, for `n_months` such months."""
        index = month_index(self.year, month)
        law = Law(
            self.year,
            (n_months,),
            {n: (self._value(n, index, False),) for n in sorted(monthly)},
            {n: self._value(n, index, False) for n in sorted(yearly)},
        )
        self.faults.raise_if_any()
        return law

    def _value(self, name: str, month: int, yearly: bool) -> float | Floats:
        try:
            if name.startswith(
                "quota."
            ):  # until a run has frozen it, everybody eligible has a place
                return self.cut_offs.get(name, math.inf)
            if name.startswith("frame."):
                return self.frame.value(name[6:], self.year)
            parameter = self.definitions.parameters[name]
            return packed(parameter, value_at(parameter, month, yearly, self.frame))
        except InputError as error:
            self.faults.faults.extend(error.faults)
            return 0.0
