"""What a mapping says: which columns of the user's survey become which columns of a population."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from microsim.population.columns import Column

ROWS = ("persons", "tax units")
ROLES = ("head", "spouse", "dependants")
LINKED = ("spouse", "mother", "father")
BLANKS = ("", ".", "NA", "NaN", "nan")

# How often a flow is paid in a year: money a day, week, ... becomes money a month or a year.
TIMES_A_YEAR = {
    "currency/day": 365.0,
    "currency/week": 52.0,
    "currency/fortnight": 26.0,
    "currency/month": 12.0,
    "currency/quarter": 4.0,
    "currency/year": 1.0,
}
UNITS = (
    "boolean",
    "category",
    "count",
    "currency",
    "currency/month",
    "currency/year",
    "months",
    "number",
    "share",
    "years",
)
MISSING_TREATMENTS = ("error", "value", "as head")
NEGATIVE_TREATMENTS = ("error", "zero", "keep")

EXACT = 2**53  # whole numbers up to here are exact in float64
DECIMAL = re.compile(r"^-?(0|[1-9]\d*)\.0+$")  # how software writes whole numbers beside blanks

Scalar = float | bool | str


@dataclass(frozen=True)
class Missing:
    """What happens where a value is missing: an error unless a treatment is stated.

    Attributes
    ----------
    treatment
        `error`; `value`: put `value`; `as head`: the value of the tax unit's head.
    codes
        Texts and numbers that mean missing, besides blanks.
    because
        The user's reason, printed in the report.
    """

    treatment: str = "error"
    value: Scalar = 0.0
    codes: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class Source:
    """Where the values of one target column come from, for one role.

    Attributes
    ----------
    columns
        The user's columns; several are added up. Empty if the value is `constant`.
    constant
        The value of every row, or None.
    missing
        Treatment of missing values of these columns.
    where
        `file:line` in the mapping.
    """

    columns: tuple[str, ...] = ()
    constant: Scalar | None = None
    missing: Missing = field(default_factory=Missing)
    where: str = ""


@dataclass(frozen=True)
class Case:
    """One case of a column derived from others: conditions, all of which hold, and the result.

    `conditions` are (target column, comparison, number or label); empty for `otherwise`.
    """

    conditions: tuple[tuple[str, str, float | str], ...]
    result: str


@dataclass(frozen=True)
class ColumnMapping:
    """How one column of the population is made.

    Attributes
    ----------
    column
        The target column: standard or extra.
    sources
        One source under "" for files of persons or of households; by role for tax units.
    codes
        The user's codes (as text, numbers in shortest form) to labels, booleans or numbers.
    unit
        Unit of the user's values.
    multiply
        Factor on the user's values, for files in thousands.
    negative
        `error`, `zero` or `keep`.
    across_rows
        How a household column follows from the rows of a household: `same` or `sum`.
    cases
        Cases of a derived column.
    because
        Why a constant, an assumption or a treatment is right, printed in the report.
    """

    column: Column
    sources: dict[str, Source]
    where: str
    codes: dict[str, Scalar] = field(default_factory=dict)
    unit: str = ""
    multiply: float = 1.0
    negative: str = "error"
    across_rows: str = "same"
    cases: tuple[Case, ...] = ()
    because: str = ""


@dataclass(frozen=True)
class Band:
    """Dependants of one age band of a tax unit.

    Attributes
    ----------
    ages
        First and last age; each age in it is equally likely.
    count
        Column with the number of people of the band; "" takes what is left of the unit's persons.
    less
        Columns whose people are part of `count` but of other bands.
    holders
        Ages at which the unit's head and spouse are part of `count`, or None.
    """

    ages: tuple[int, int]
    count: str
    less: tuple[str, ...]
    holders: tuple[int, int] | None
    where: str
    because: str


@dataclass(frozen=True)
class Expansion:
    """How rows that are tax units become persons.

    Attributes
    ----------
    persons
        Column with the number of persons of the unit.
    spouse_column, spouse_codes
        The unit has a spouse where the column holds one of the codes.
    household_head
        `first unit` or `eldest unit head`.
    bands
        Dependants by age band.
    female
        Share of women by kind: `head of couple`, `head with dependants`, `head alone`,
        `dependant`; the spouse is of the other sex.
    children_up_to
        Dependants up to this age are children of the unit's head and spouse.
    youngest_parent
        No link where the parent would have been younger than this at the birth.
    """

    persons: str
    spouse_column: str
    spouse_codes: tuple[str, ...]
    household_head: str
    bands: tuple[Band, ...]
    female: dict[str, float]
    female_because: str
    children_up_to: int
    youngest_parent: int
    children_because: str
    where: str


@dataclass(frozen=True)
class Link:
    """A column that names another person of the household by id; `none` are codes for nobody."""

    column: str
    none: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Weight:
    """Columns of the sample design.

    Attributes
    ----------
    column
        Household weight.
    within_household
        `error` if rows of a household differ, or `mean` over its persons.
    zero
        `error`, `keep` or `drop` households of weight 0.
    stratum, psu
        Columns of stratum and primary sampling unit, several make one; may be empty.
    """

    column: str
    within_household: str
    zero: str
    multiply: float
    stratum: tuple[str, ...]
    psu: tuple[str, ...]
    where: str
    because: str = ""


@dataclass(frozen=True)
class Mapping:
    """A mapping file, checked.

    Attributes
    ----------
    separator, decimal, encoding
        How text files are written.
    household_id
        Columns that together name a household.
    person_id, ids_unique_in
        Column that names a person, and whether it does so within the `household` or the `file`.
    head_column, head_codes
        The person is head where the column holds one of the codes.
    assumptions
        What the user assumes about the file as a whole, printed in the report.
    """

    path: Path
    name: str
    source: str
    country: str
    currency: str
    year: int
    rows: str
    separator: str
    decimal: str
    encoding: str
    household_file: str
    households_without_persons: str
    household_id: tuple[str, ...]
    person_id: str
    ids_unique_in: str
    head_column: str
    head_codes: tuple[str, ...]
    weight: Weight
    links: dict[str, Link]
    columns: dict[str, ColumnMapping]
    expansion: Expansion | None
    assumptions: tuple[str, ...]
    where: dict[str, str]


def code_text(value: object) -> str:
    """Return a code as text: 1, 1.0, "1" and "1.0" are the same code.

    Examples
    --------
    >>> code_text(1.0), code_text("1.0"), code_text(" Male "), code_text("01")
    ('1', '1', 'Male', '01')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return str(int(value))
    text = str(value).strip()
    return text.split(".")[0] if DECIMAL.match(text) else text
