"""Finds the value of a parameter at a month or day, and cuts a year where the law changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from microsim.errors import Fault, InputError
from microsim.files import month_index, parse_date
from microsim.language.definitions import DatedValue, Definitions, ParameterDefinition
from microsim.policy.system import GivenRule
from microsim.policy.values import Value, effective_month


class YearlySeries(Protocol):
    """A macro frame: values of named series by year."""

    def value(self, name: str, year: int) -> float:
        """Return the value of a series in a year, or raise `InputError`."""


def dated_value_at(parameter: ParameterDefinition, month: int, yearly: bool = False) -> DatedValue:
    """Return the dated value in force, before any indexation.

    Parameters
    ----------
    parameter
        The parameter.
    month
        Months since year 0 (`year * 12 + month - 1`).
    yearly
        Read at the parameter's `at` day of the year that `month` lies in (31 December unless it
        says otherwise), as yearly formulas do; else read at the first day of the month.

    Raises
    ------
    InputError
        There is no value at that date.
    """
    if yearly:
        day = (month // 12, *parameter.at)
        asked = f"{day[0]:04d}-{day[1]:02d}-{day[2]:02d}"
        found = [one for one in parameter.values if _first_day(one) <= day]
    else:
        asked = f"{month // 12:04d}-{month % 12 + 1:02d}"
        found = [one for one in parameter.values if one.month <= month]
    if not found:
        raise InputError(
            Fault(
                str(parameter.where),
                f"parameter {parameter.name} has no value at {asked}",
                f"first value from {parameter.values[0].date}",
                f"a value from {asked} or before",
                "Write 0 from an early date if the law had nothing then.",
            )
        )
    return found[-1]


def _first_day(value: DatedValue) -> tuple[int, int, int]:
    """Return the day a value takes effect: its date, or the first of the month of first payroll."""
    date = parse_date(value.date)
    if date is not None and effective_month(date) == value.month:
        return date
    return value.month // 12, value.month % 12 + 1, 1


def value_at(
    parameter: ParameterDefinition,
    month: int,
    yearly: bool = False,
    frame: YearlySeries | None = None,
) -> Value:
    """Return the value of a parameter at a month, indexed after its last dated value.

    Parameters
    ----------
    parameter
        The parameter; schedules and tables give arrays as `DatedValue` describes them.
    month
        Months since year 0.
    yearly
        Read as a yearly formula does (`dated_value_at`).
    frame
        Gives the series of `after_last: {index: ...}`: the last value is multiplied by the series'
        value in the year asked over that in the year of the last value. Thresholds of a schedule
        and values of a table move; rates and keys do not.

    Raises
    ------
    InputError
        No value at that date, or the index is not given for one of the two years.
    """
    found = dated_value_at(parameter, month, yearly)
    first_year, year = found.month // 12, month // 12
    if not parameter.index or found is not parameter.values[-1] or year <= first_year:
        return found.value
    subject, where = f"parameter {parameter.name}", str(parameter.where)
    factor = _index_factor(subject, where, parameter.index, (first_year, year), frame)
    if isinstance(found.value, float):
        return found.value * factor
    moved = np.array(found.value)
    column = 0 if parameter.kind == "schedule" else -1
    moved[:, column] *= factor
    moved.flags.writeable = False
    return moved


def _index_factor(
    subject: str, where: str, index: str, years: tuple[int, int], frame: YearlySeries | None
) -> float:
    first_year, year = years
    what = f"{subject} follows the series '{index}' after {first_year}"
    if frame is None:
        expected = f"a frame with values of {index} in {first_year} and {year}"
        raise InputError(Fault(where, what, "no frame", expected, "Give the scenario a frame."))
    try:
        start, now = frame.value(index, first_year), frame.value(index, year)
    except InputError as error:
        raise InputError([Fault(where, what, "no such value"), *error.faults]) from error
    if not start > 0:
        raise InputError(Fault(where, what, f"{start:g} in {first_year}", "a value above 0"))
    return now / start


def given_value(given: GivenRule, year: int, frame: YearlySeries | None = None) -> float:
    """Return the amount of a given line in a year, currency a year (reserve: currency).

    Without an index the value of exactly that year is needed; with one, the latest value before
    the year moves with the series.

    Raises
    ------
    InputError
        No value for the year, or the index is not given for one of the two years.
    """
    if year in given.values:
        return given.values[year]
    earlier = [one for one in given.values if one < year]
    what = f"given line '{given.line}'"
    if not given.index or not earlier:
        years = ", ".join(str(one) for one in given.values)
        remedy = "Add the year's value, or index: a series of the frame."
        fault = Fault(str(given.where), f"{what} has no value for {year}", years, str(year), remedy)
        raise InputError(fault)
    first_year = max(earlier)
    factor = _index_factor(what, str(given.where), given.index, (first_year, year), frame)
    return given.values[first_year] * factor


def periods_of_year(
    definitions: Definitions, year: int, used: Iterable[str]
) -> list[tuple[int, int]]:
    """Return the stretches of a year in which no used parameter changes.

    Parameters
    ----------
    definitions
        Holds the parameters.
    year
        The year.
    used
        Names of the parameters that count.

    Returns
    -------
    list
        (first month 1 to 12, number of months), in order; the numbers sum to 12.
    """
    january = month_index(year, 1)
    cuts = {january}
    for name in used:
        values = definitions.parameters[name].values
        previous = None
        for value in values:
            if january < value.month < january + 12 and not _same(previous, value):
                cuts.add(value.month)
            previous = value
    starts = sorted(cuts)
    ends = [*starts[1:], january + 12]
    return [(start - january + 1, end - start) for start, end in zip(starts, ends, strict=True)]


def _same(one: DatedValue | None, other: DatedValue) -> bool:
    return one is not None and np.array_equal(one.value, other.value)
