"""What a rule file defines, as plain data: parameters, inputs, variables, units of people."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Location:
    """A place in a file; printed as `file:line`."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class DatedValue:
    """A value of a parameter from a month on.

    month: months since year 0 (year * 12 + month - 1) of the first month the value is the law of. A
    date that is not the first of a month takes effect in the next month, unless the value says
    `first_payroll`.
    value: float; for schedules an array (n, 2) of thresholds and rates; for tables (n, n_keys + 1)
    of keys and value. A suspended value is 0.0 with `suspended` true. `date` is the date as
    written, `source` its own or the parameter's.
    """

    month: int
    value: float | npt.NDArray[np.float64]
    date: str
    source: str
    where: Location
    suspended: bool = False


@dataclass(frozen=True)
class ParameterDefinition:
    """A dated parameter. kind: scalar, schedule or table; category parameters hold the code of the
    label.

    keys: (name, unit) of each table key. index: frame series that moves the last value, or "". at:
    (month, day) at which yearly formulas read it. rate_unit: unit of a schedule's rates.
    """

    name: str
    unit: str
    kind: str
    values: tuple[DatedValue, ...]
    where: Location
    keys: tuple[tuple[str, str], ...] = ()
    rate_unit: str = "share"
    index: str = ""
    at: tuple[int, int] = (12, 31)
    labels: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class InputDefinition:
    """A column of the population that rules may read."""

    name: str
    of: str
    unit: str
    where: Location
    labels: tuple[str, ...] = ()
    default: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class VariableDefinition:
    """A variable with one formula. period: month or year (derived from the unit where that tells).

    cases: list of (condition, result) texts with their locations, the last condition "" for
    otherwise; `formula` is then "". fixed_point: (start, tolerance) or None. of: person, household
    or a declared unit.
    """

    name: str
    of: str
    unit: str
    period: str
    formula: str
    where: Location
    formula_where: Location
    cases: tuple[tuple[str, str, Location], ...] = ()
    labels: tuple[str, ...] = ()
    label: str = ""
    fixed_point: tuple[float, float] | None = None
    source: str = ""


@dataclass(frozen=True)
class UnitDefinition:
    """A claim or tax unit: a partition of the household by a stated rule.

    rule: "person alone", "couple", "couple with dependent children" or "parent with dependent
    children". dependent: text of a boolean person expression (may be ""). children_without_parents:
    head or own.
    """

    name: str
    rule: str
    dependent: str
    children_without_parents: str
    where: Location


@dataclass(frozen=True)
class Definitions:
    """All definitions of one system (or of one system after a reform), by name."""

    parameters: dict[str, ParameterDefinition] = field(default_factory=dict)
    inputs: dict[str, InputDefinition] = field(default_factory=dict)
    variables: dict[str, VariableDefinition] = field(default_factory=dict)
    units: dict[str, UnitDefinition] = field(default_factory=dict)
    frame: dict[str, str] = field(default_factory=dict)  # series name -> unit
