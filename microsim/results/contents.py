"""What one run yields before it becomes tables: schemes, weighted sums, household records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from microsim.dynamics.register import Assumption as Assumption
from microsim.population.columns import AGE_GROUP_STARTS as AGE_GROUP_STARTS
from microsim.population.columns import AGE_GROUPS, EMPLOYMENT_STATUS, SEX
from microsim.results.scenario_columns import ScenarioColumns, ScenarioRows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PAYERS = ("employees", "employers", "self-employed", "other protected persons", "government")
KINDS = ("cash periodic", "cash lump sum", "in kind")
PILLARS = (
    "social insurance",
    "universal",
    "social assistance",
    "provident fund",
    "micro-insurance",
    "employer liability",
)
FUNCTIONS = (
    "OLD", "SUR", "DIS", "SICK", "HEALTH", "MAT", "EI", "UNE", "FAM", "HOU", "SOC", "EDU",
)  # fmt: skip

# Labels of the axes of the cells, in the order of the arrays
SEXES = SEX
AGES = AGE_GROUPS
STATUSES = EMPLOYMENT_STATUS
AREAS = ("rural", "urban")

# What the `status` of a tidy row may say
ROW_STATUS = ("ok", "not applicable", "not available", "suppressed", "not within horizon")

FUND_KINDS = ("defined benefit", "defined contribution")
FUND_TIMINGS = ("mid-year", "half-interest", "start")

# What happens in a year to the population, and to the recipients of a benefit, persons
POPULATION_FLOWS = ("births", "deaths", "immigrants", "emigrants")
BENEFIT_FLOWS = ("opening", "new", "death", "emigration", "other", "closing")

# Income concepts of the records, currency a month per household (the part of the CEQ ladder that a
# static cash model has)
CONCEPTS = ("market", "market plus pensions", "net market", "gross", "disposable")


@dataclass(frozen=True)
class Contribution:
    """A contribution line of a scheme: its id within the scheme and who pays it."""

    id: str
    payer: str


@dataclass(frozen=True)
class Benefit:
    """A benefit line of a scheme.

    `of` is person or household (or a declared unit); `minimum` is the legal minimum in currency a
    month, if stated;
    `has_eligible` says whether eligibility is simulated (take-up can be reported).
    """

    id: str
    function: str
    kind: str
    means_tested: bool
    of: str
    minimum: float | None = None
    has_eligible: bool = False


@dataclass(frozen=True)
class GivenLine:
    """An amount given from outside for the run's year, printed as given. Currency a year (reserve:
    currency)."""

    line: str
    value: float
    source: str
    function: str = ""
    kind: str = ""
    means_tested: bool = False
    scheme: str = ""  # other scheme of a transfer


@dataclass(frozen=True)
class Fund:
    """What a scheme with a reserve states of it.

    Attributes
    ----------
    kind
        One of `FUND_KINDS`.
    timing
        One of `FUND_TIMINGS`: when in the year flows fall, for the interest on them.
    interest
        Rate of return of the year, a share; None where nobody gives it.
    opening
        Reserve at the start of the year, currency, where the law states it for this year.
    target_ratio
        Reserve wanted at the end of the horizon, in years of the last expenditure, or None.
    closed
        Whether nobody can enter any more.
    """

    kind: str
    timing: str = "mid-year"
    interest: float | None = None
    opening: float | None = None
    target_ratio: float | None = None
    closed: bool = False


@dataclass(frozen=True)
class Scheme:
    """A scheme as the tables need it; no rules.

    `administration_basis`: "", share_of_benefits, share_of_contributions or per_recipient
    (currency a year).
    `general_revenue`, `external`: shares of expenditure; `balance`: who pays the deficit ("" or
    general_revenue).
    `scenarios`: in which scenarios it exists.
    """

    id: str
    label: str
    pillar: str
    contributory: bool
    partial: bool
    contributions: tuple[Contribution, ...]
    benefits: tuple[Benefit, ...]
    given: tuple[GivenLine, ...]
    administration_basis: str = ""
    administration_value: float = 0.0
    general_revenue: float = 0.0
    external: float = 0.0
    balance: str = ""
    has_insurable_earnings: bool = False
    scenarios: tuple[str, ...] = ()
    fund: Fund | None = None


@dataclass(frozen=True)
class Tax:
    """A tax or levy: origin is households or corporations; `earmarked_for` a scheme id or empty."""

    id: str
    label: str
    kind: str
    origin: str
    earmarked_for: str = ""


@dataclass(frozen=True, order=True)
class Measure:
    """What one row of the cells holds.

    kind, scheme, item and statistic, with all amounts in currency a year and all counts in persons
    (or person-months):

    - benefit, scheme, benefit id: amount, entitlement, months, ever, december, covered (persons
      living in a unit that
      receives), eligible_months, at_minimum_months; at household-paid benefits the head stands for
      the household, except `covered`
    - contribution, scheme, contribution id: amount, due (what the law asks; equals amount where no
      `due` is declared)
    - scheme, scheme, "": contributor_months, contributor_ever, contributor_december, insurable
      (earnings), covered_wages
      (earnings + self-employment income of contributors in the months they contribute)
    - tax, "", tax id: amount, payers
    - income, "", concept or earnings/self_employment_income/...: amount
    - population, "", "": persons
    - coverage, "", indicator: covered and target; the indicators are any, children, mothers,
      disability, unemployed,
      older, work_injury, vulnerable (SDG 1.3.1), households_with_children
    - fund, scheme, "": balances (members' own at the end of the year, currency), new_awards
      (capital value of the pensions awarded in the year, currency)
    - fund, scheme, benefit id: closed (amounts paid to persons who were there in the first year of
      the run), accrued (of these, what was earned up to that year)
    """

    kind: str
    scheme: str
    item: str
    statistic: str


@dataclass(frozen=True)
class Cells:
    """Exact weighted sums of each measure by scenario and cell of persons.

    persons: shape (n_scenarios, n_measures, 2 sexes, 7 age groups, 13 statuses); persons_n the
    same shape, int64:
    distinct source households behind it. places: shape (n_scenarios, n_measures, n_regions, 2
    [rural, urban]).
    """

    measures: tuple[Measure, ...]
    persons: Floats
    persons_n: Ints
    places: Floats
    extremes: dict[tuple[str, str, str], tuple[float, float]] = field(default_factory=dict)
    """(scenario, scheme, benefit) -> (smallest, largest) monthly amount paid to a recipient in
    December."""
    places_n: Ints | None = None
    """Distinct source households behind `places`, same shape; a household lives in one place, so
    sums over places are exact."""


@dataclass(frozen=True)
class Records:
    """Household records for distribution tables, in household order.

    All arrays have first axis n_households except where scenarios come first.
    welfare: (n_scenarios, n) currency/month per equivalent person; concepts: (n_scenarios, n, 5)
    currency/month per household;
    instruments: (n_scenarios, n, n_instruments) currency/month per household, positive for
    benefits, negative for what the household pays;
    receives: (n_scenarios, n, n_instruments) bool, None: whoever has an amount other than 0;
    members: (n, 2, 7) int16 persons by sex and age
    group.
    equivalents: (n,) number of equivalent persons; head_sex, head_status: codes; n_disabled:
    persons with severe disability.
    Of large populations the arrays are mapped from disk, a column at a time: read
    `concepts[scenario, :, column]`, not `concepts[scenario]`.
    """

    household_id: Ints
    weight: Floats
    size: Ints
    equivalents: Floats
    members: npt.NDArray[np.int16]
    region: Ints
    urban: npt.NDArray[np.bool_]
    head_sex: Ints
    head_status: Ints
    n_disabled: Ints
    psu: Ints
    stratum: Ints
    has_design: bool
    welfare: Floats | ScenarioRows
    concepts: Floats | ScenarioColumns
    instruments: Floats | ScenarioColumns
    instrument_names: tuple[str, ...]
    receives: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class FrameValue:
    """A macro value of the run's year; `value` None means nobody gives it (shares print n/a).

    `label` is what the frame file calls it, or "".
    """

    value: float | None
    unit: str
    source: str
    label: str = ""


@dataclass(frozen=True)
class Alignment:
    """What lives were made to reach in a year: wanted and reached, in `unit`.

    Attributes
    ----------
    chance
        Standard error that as many persons would have if each were drawn apart; None: no persons
        are drawn.
    expected
        What the rates lead to, where the target comes from elsewhere.
    """

    what: str
    target: float
    achieved: float
    unit: str = "persons"
    chance: float | None = None
    expected: float | None = None

    @property
    def miss(self) -> float:
        """What was reached less what was wanted."""
        return self.achieved - self.target


@dataclass(frozen=True)
class Memo:
    """A figure that stands below a table of a scenario, from the rates of its lives."""

    scenario: str
    row: str
    value: float
    unit: str
    group: str = ""


@dataclass(frozen=True)
class Contents:
    """Everything a run hands to the tables, of one year.

    `scenarios[0]` is the baseline (status quo). `frame` has at least the keys gdp,
    government_expenditure, average_wage, minimum_wage, cpi (value None where nobody gives it).
    `poverty_lines`: name -> currency/month per equivalent person. `retirement_age` in years by sex
    (male, female) or None.
    """

    scenarios: tuple[str, ...]
    labels: tuple[str, ...]
    country: str
    currency: str
    year: int
    schemes: tuple[Scheme, ...]
    taxes: tuple[Tax, ...]
    frame: dict[str, FrameValue]
    poverty_lines: dict[str, float]
    retirement_age: tuple[float, float] | None
    regions: tuple[str, ...]
    equivalence: str
    welfare_meaning: str
    cells: Cells
    records: Records | None
    household_residuals: tuple[float, ...] = ()
    """By scenario: largest |disposable - (market + benefits - taxes - contributions)| of any
    household, divided by the larger of
    1 and the largest of these amounts in that household (I-14). Empty: the run did not measure
    it."""
    horizon: tuple[int, int] | None = None
    """First and last year of a projection; None: a run of one year."""
    flows: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """(scenario, sex) -> persons by `POPULATION_FLOWS`, from the year before to this; empty in the
    first year."""
    left_out: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """(scenario, sex) -> persons of a projection who are in no table of the year, because a rule
    could not be computed for their household; empty if there are none."""
    benefit_flows: Mapping[tuple[str, str, str, str], Mapping[str, float]] = field(
        default_factory=dict
    )
    """(scenario, scheme, benefit, sex) -> persons by `BENEFIT_FLOWS`: those who received it in the
    year before (opening) and in this (closing), and why the others came or went; benefits of
    persons only, empty in the first year."""
    assumptions: tuple[Assumption, ...] = ()
    """Of the whole projection."""
    alignment: tuple[Alignment, ...] = ()
    memo: tuple[Memo, ...] = ()
    """Of a projection, below table A1."""
    lives_of: tuple[int, ...] = ()
    """By scenario: number of the life group whose people it has; empty: all have the same."""
    groups: tuple[Contents, ...] = ()
    """Contents of each life group with its own scenarios and records, in years with distribution
    tables; empty: `records` are those of all scenarios."""

    @property
    def in_detail(self) -> bool:
        """Whether the year has distribution tables and breakdowns by place: others stay small."""
        return self.horizon is None or bool(self.groups) or self.records is not None


# One row of the tidy form of every table (DESIGN: results). Absent figures are NaN; `status` tells
# "not applicable" and
# "suppressed" from "ok".
TIDY = (
    "scenario", "draw", "replicate", "year", "table", "scheme", "function", "row", "column",
    "group", "unit", "price_basis", "value", "se_sampling", "se_mc", "n", "status",
)  # fmt: skip


# `replicate` of a row that is the mean over all replicates of its draw
MEAN = -1


class Row(NamedTuple):  # a projection has hundreds of thousands: this is made four times faster
    """One figure of one table, in the tidy form."""

    scenario: str
    year: int
    table: str
    row: str
    column: str
    unit: str
    value: float
    scheme: str = ""
    function: str = ""
    group: str = ""
    price_basis: str = "current"
    se_sampling: float = float("nan")
    se_mc: float = float("nan")
    n: int = -1
    status: str = "ok"
    draw: int = 0
    replicate: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """An accounting identity checked in the results: its two sides and whether it holds.

    `left`, `right`, `residual` and `tolerance` are in the unit of the figures compared.
    """

    id: str
    scenario: str
    what: str
    left: float
    right: float
    residual: float
    tolerance: float
    holds: bool
    draw: int = 0
    replicate: int = 0
