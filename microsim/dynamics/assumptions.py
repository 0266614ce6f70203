"""The register of assumptions of lives: every driver with its value, how far it may go, and why."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from microsim.dynamics.earnings_profiles import Reader
from microsim.dynamics.labour_paths import EMPLOYEES, FORCE, FORMAL, UNEMPLOYED, WORKING_AGE, total
from microsim.dynamics.lives_blocks import ALIGNED, Process
from microsim.dynamics.lives_file import LivesSpec
from microsim.dynamics.lives_tables import Made
from microsim.dynamics.past_totals import PastTotals
from microsim.dynamics.projection import expected
from microsim.dynamics.register import Assumption
from microsim.dynamics.tables import LifeTables
from microsim.policy.dated import dated_value_at

Floats = npt.NDArray[np.float64]
FACTOR = "factor on the table"
ECONOMY = "economy."
DATA = "data"
SHOWN_AGE = 40
SHOWN_MOVES = (
    ("formal private employees who stay a year", 2, slice(2, 3)),
    ("informal employees in formal work a year later", 3, slice(1, 3)),
    ("unemployed at work a year later", UNEMPLOYED, slice(1, UNEMPLOYED)),
)  # words, status before, statuses after
OF_STATIC = ("mortality", "fertility", "migration", "labour", "formal_work")


def assumptions(
    spec: LivesSpec, made: Made, read: Reader, *, static: bool = False
) -> list[Assumption]:
    """Return the register: processes in the file's order, then the parameters of the file.

    A series shows its first and its last value; where it does not move, its first.

    Parameters
    ----------
    spec
        The lives file.
    made
        The tables made from it.
    read
        Gives a parameter of the baseline by name and year.
    static
        Under static ageing only what the population, the statuses, past work and the economy
        depend on is registered: nothing else is used.
    """
    rows: list[Assumption] = []
    drivers = _drivers(spec, made)
    blocks = {**spec.processes, **spec.histories}
    for name, process in blocks.items():
        if static and name not in OF_STATIC:
            continue
        if name in spec.sensitivity:
            low, high = spec.sensitivity[name]
            driver = f"{_words(name)}, {FACTOR}"
            rows.append(_row(process, driver, 1.0, "number", low, high, aligned=not static))
        for driver, unit, values in drivers.get(name, ()):
            # Flows belong to the year a step leads to, stocks to the first year as well.
            years = (made.tables.first_year + (name != "labour"), made.tables.last_year)
            rows += [
                _row(process, driver + when, value, unit, aligned=not static)
                for when, value in _first_and_last(values, years)
            ]
        if name == "formal_work":
            rows += _past_totals(made.tables.past_work.totals)
    used = tuple(spec.parameters)
    if static:
        used = tuple(n for n in used if n in spec.table_parameters or n.startswith(ECONOMY))
    return [*rows, *_parameters(spec, made.tables, read, used)]


def _past_totals(totals: PastTotals | None) -> list[Assumption]:
    """Return what is counted of contributions before the first year, line by line of its file.

    It is data, whatever the basis of the densities of those who are not counted.
    """
    nobody = math.nan
    return [
        Assumption(f"{words}, {one.group}", value, nobody, nobody, unit, one.source, DATA)
        for one in (totals.rows if totals is not None else ())
        for words, value, unit in (
            ("insured before the first year", one.insured, "persons"),
            ("months credited before the first year", one.months, "months"),
            ("mean density of past contributions", one.mean, "share"),
            ("deviation of past densities", one.deviation, "share"),
        )
        if not math.isnan(value)
    ]


def _row(
    process: Process, driver: str, value: float, unit: str,
    low: float = math.nan, high: float = math.nan, *, aligned: bool = True,
) -> Assumption:  # fmt: skip
    """Return a row whose source says how the events of the process are aligned."""
    source = process.source
    if aligned and process.name in ALIGNED:
        source = f"{source}; alignment: {process.align}"
    return Assumption(driver, value, low, high, unit, source, process.basis)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _first_and_last(
    values: tuple[float, float] | float, years: tuple[int, int]
) -> list[tuple[str, float]]:
    if isinstance(values, float):
        return [("", values)]
    if values[0] == values[1]:
        return [("", values[0])]
    return [(f", {year}", value) for year, value in zip(years, values, strict=True)]


Driver = tuple[str, str, tuple[float, float] | float]


def _drivers(spec: LivesSpec, made: Made) -> dict[str, list[Driver]]:
    """Return (driver, unit, first and last value) of each process."""
    tables = made.tables
    flows = expected(tables, made.population[0])
    net = np.cumsum(flows.immigrants - flows.emigrants, axis=1)[:, -1]
    children = np.cumsum(tables.birth, axis=-1)[:, -1]
    lives = [life_expectancy(tables, sex) for sex in (0, 1)]
    work = _labour(made)
    earnings = spec.processes["earnings"]
    formal = tables.past_work.density[:, 2]
    return {
        "mortality": [
            ("life expectancy at birth, men", "years", _ends(lives[0])),
            ("life expectancy at birth, women", "years", _ends(lives[1])),
        ],
        "fertility": [
            ("children per woman", "number", _ends(children)),
            ("share of girls among births", "share", _ends(tables.girls)),
        ],
        "migration": [("net migration a year", "persons", _ends(net))],
        "unions": [
            ("unions of unpartnered women of 25 a year", "share", _ends(tables.union[:, 1, 25])),
            ("husband's age less wife's", "years", tables.age_gap_mean),
            ("new unions of men who have a wife", "share", tables.polygamy),
        ],
        "dissolution": [
            ("unions dissolved a year, wife of 30", "share", _ends(tables.dissolution[:, 30]))
        ],
        "leaving_home": [
            ("men of 25 leaving home a year", "share", _one(tables.leaving_home[0, 25]))
        ],
        "elders": [
            ("women of 70 joining a child a year", "share", _one(tables.elder_joins[1, 70]))
        ],
        "disability": [
            (
                "new severe disability at 60 a year",
                "share",
                _ends(tables.disability_onset[:, 0, 60]),
            )
        ],
        "labour": work,
        "moves": []
        if tables.transition is not None and tables.formulas is None
        else [
            (
                "formal private employees who leave a year",
                "share",
                _one(tables.status_leave[0, 40, 2]),
            )
        ],
        "transitions": _transitions(made),
        "earnings": [
            (
                "variance of earnings that stays for life",
                "share",
                earnings.number("permanent_share"),
            ),
            ("correlation of the rest from year to year", "share", earnings.number("persistence")),
        ],
        "formal_work": [
            ("formal work in the past, private employees, men", "share", _one(formal[0])),
            ("formal work in the past, private employees, women", "share", _one(formal[1])),
        ],
    }


def _transitions(made: Made) -> list[Driver]:
    """Return the probabilities of some moves, of the first step and the last."""
    matrix, formulas = made.tables.transition, made.tables.formulas
    if matrix is None:
        return []
    if formulas is not None:
        kind = "logits" if formulas.logit else "probabilities"
        words = f"moves between employment statuses by formulas ({kind})"
        return [(words, "number", float(len(formulas.variables)))]
    found: list[Driver] = []
    for words, before, after in SHOWN_MOVES:
        for sex, who in enumerate(("men", "women")):
            values = np.cumsum(matrix[:, sex, SHOWN_AGE, before][:, after], axis=-1)[:, -1]
            found.append((f"{words}, {who} of {SHOWN_AGE}", "share", _ends(values)))
    return found


def _ends(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[-1])


def _one(value: np.float64) -> float:
    return float(value)


def life_expectancy(tables: LifeTables, sex: int) -> Floats:
    """Return the life expectancy at birth of each step, years. Shape (n_steps,).

    It is the sum of the person-years lived at each age by one born, at the step's rates.
    """
    years = 1.0 - tables.newborn_death[:, sex]
    lived = years.copy()
    for age in range(tables.death.shape[-1]):
        years = years * (1.0 - tables.death[:, sex, age])
        lived += years
    return lived


def _labour(made: Made) -> list[Driver]:
    """Return participation, unemployment and formality of the first and the last year.

    A rate of nobody (unemployment where no one works or wants to) is left out.
    """
    ends = []
    for t in (0, -1):
        persons = made.population[t][..., None] * made.tables.status_share[t]
        adults = persons[:, WORKING_AGE:]
        force = [total(adults[sex, :, FORCE]) for sex in (0, 1)]
        ends.append(
            (
                *((force[sex], total(adults[sex])) for sex in (0, 1)),
                (total(adults[..., UNEMPLOYED]), force[0] + force[1]),
                (total(adults[..., FORMAL]), total(adults[..., EMPLOYEES])),
            )
        )
    words = (
        "participation of men 15+", "participation of women 15+", "unemployment rate",
        "formal employees among employees",
    )  # fmt: skip
    return [
        (word, "share", (first[0] / first[1], last[0] / last[1]))
        for word, first, last in zip(words, *ends, strict=True)
        if first[1] > 0.0 and last[1] > 0.0
    ]


def _parameters(
    spec: LivesSpec, tables: LifeTables, read: Reader, used: Collection[str]
) -> list[Assumption]:
    """Return the parameters that are used, with the value in force in the first and last year."""
    rows = []
    for name in used:
        parameter = spec.parameters[name]
        if parameter.kind != "scalar" or parameter.unit in ("boolean", "category"):
            continue
        low, high = spec.sensitivity.get(name, (math.nan, math.nan))
        years = (tables.first_year, tables.last_year)
        values = (read(name, years[0]), read(name, years[1]))
        for (when, value), year in zip(_first_and_last(values, years), years, strict=False):
            source = dated_value_at(parameter, year * 12 + 11, yearly=True).source
            driver = f"{parameter.label or name}{when}"
            rows.append(Assumption(driver, value, low, high, parameter.unit, source, "assumption"))
    return rows
