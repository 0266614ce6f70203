"""Makes the life tables of a projection from a lives file, the open data and the population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from microsim.dynamics import household_rates, open_rates, transitions
from microsim.dynamics.base_year import BaseYear, base_year
from microsim.dynamics.earnings_profiles import Reader, earnings_of, wage_path
from microsim.dynamics.lives_blocks import BALANCE, NONE, TABLE_WORDS, Process
from microsim.dynamics.lives_file import LivesSpec
from microsim.dynamics.past_totals import PastTotals
from microsim.dynamics.past_totals_file import read_past_totals
from microsim.dynamics.rate_files import Form, read_rates
from microsim.dynamics.status_tables import statuses
from microsim.dynamics.tables import N_AGES, N_STATUSES, LifeTables, Origin, PastWork
from microsim.errors import Fault, FaultList, InputError
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.population.opendata import Country
from microsim.population.store import PopulationReader
from microsim.population.synthesis.parameters import Parameters
from microsim.population.synthesis.parameters import load as load_parameters

Floats = npt.NDArray[np.float64]
# Process -> table of `LifeTables`, key of the block that names its file, axes.
FILES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("mortality", "death", "table", ("year", "sex", "age")),
    ("mortality", "newborn_death", "newborns", ("year", "sex")),
    ("fertility", "birth", "table", ("year", "age")),
    ("fertility", "girls", "girls", ("year",)),
    ("migration", "emigration", "table", ("year", "sex", "age")),
    ("migration", "immigration", "immigration", ("year", "sex", "age")),
    ("unions", "union", "table", ("year", "sex", "age")),
    ("leaving_home", "leaving_home", "table", ("sex", "age")),
    ("disability", "disability_onset", "table", ("year", "sex", "age")),
    ("labour", "status_share", "table", ("year", "sex", "age", "status")),
)


class _Households(TypedDict):
    """Tables of unions, homes and disability, by their name in `LifeTables`."""

    union: Floats
    dissolution: Floats
    age_gap_mean: float
    age_gap_deviation: float
    polygamy: float
    leaving_home: Floats
    elder_joins: Floats
    disability_onset: Floats
    disability_recovery: Floats


@dataclass(frozen=True)
class Made:
    """Life tables and what they were made from.

    Attributes
    ----------
    tables
        The rates, checked.
    population
        Shape (n_steps + 1, 2, 121): persons of the country expected on 1 July of each year.
    vital
        Births, deaths and migration as found.
    base
        Sums of the population file.
    """

    tables: LifeTables
    population: Floats
    vital: open_rates.VitalRates
    base: BaseYear


def tables_of(
    spec: LivesSpec,
    country: Country | None,
    reader: PopulationReader,
    years: tuple[int, int],
    read: Reader,
    wages: Mapping[int, float] | None = None,
    before: Reader | None = None,
    base: BaseYear | None = None,
) -> Made:
    """Return the life tables of a projection.

    Parameters
    ----------
    spec
        The lives file.
    country
        Open data of the population's country; None where there is none.
    reader
        The population of the first year.
    years
        First and last year.
    read
        Gives a parameter of the scenario whose lives these are, by name and year.
    wages
        Average wages known by year (of the frame), currency units per month.
    before
        Gives a parameter of the law under which the people of the file live (the baseline); None
        takes `read`.
    base
        Sums of the population file, if it was read before (`Made.base`): for scenarios with
        tables of their own.

    Raises
    ------
    InputError
        A series that the open data lack; every fault of the tables in files, with file and line;
        a rate that cannot be reached.
    """
    span = range(years[0], years[1] + 1)
    if len(span) < 2:
        found = f"{years[0]} to {years[1]}"
        raise InputError(Fault(str(spec.where), "lives need a year ahead", found, "a later year"))
    faults = FaultList()
    given, origins = read_files(spec, span, faults)
    past_totals = read_totals(spec, faults)
    faults.raise_if_any()
    base = base_year(reader) if base is None else base
    vital = _vital(spec, country, span, given, base)
    parameters, fertility = load_parameters(reader.country), spec.processes["fertility"]
    tables = LifeTables(
        first_year=span[0],
        n_steps=len(span) - 1,
        death=vital.death,
        newborn_death=vital.newborn_death,
        birth=vital.birth,
        girls=vital.girls,
        emigration=vital.emigration,
        immigration=vital.immigration,
        **_households(spec, parameters, vital.death, given),
        parity_factor=np.array([one[0] for one in fertility.rows("parity")]),
        unpartnered_birth_factor=fertility.number("unpartnered"),
        **statuses(spec, span, given, base, vital.population, (read, before or read)),
        earnings=earnings_of(
            base,
            spec.processes["earnings"].number("permanent_share"),
            spec.processes["earnings"].number("persistence"),
            _wage_level(wages or {}, read, span),
        ),
        past_work=_past_work(spec.histories["formal_work"], past_totals),
        alignment=spec.alignment,
        normalised=spec.normalised,
        origins=origins,
    )
    tables.check()
    return Made(tables, vital.population, vital, base)


def read_files(
    spec: LivesSpec, span: range, faults: FaultList
) -> tuple[dict[str, Floats], dict[str, Origin]]:
    """Return the tables that come from files, by name, and where their cells stand.

    Every file is noted in the tree of the lives file.

    Parameters
    ----------
    spec
        The lives file.
    span
        Years of the projection.
    faults
        Collects every fault of every file.
    """
    values: dict[str, Floats] = {}
    origins: dict[str, Origin] = {}
    for name, table, key, axes in FILES:
        process = spec.processes[name]
        path = process.table if key == "table" else process.text(key)
        if not path or path in TABLE_WORDS.get(name, ()):
            continue
        years = range(span[0] if "status" in axes else span[1], span[-1] + 1)
        form = Form(table, axes, years)
        found = read_rates(spec.tree, path, form, faults, process.place(key))
        if found is not None:
            values[table], origins[table] = found
    if "transitions" in spec.processes:
        values |= transitions.read(
            spec.processes["transitions"], spec.tree, range(span[1], span[-1] + 1), faults
        )
    return values, origins


def read_totals(spec: LivesSpec, faults: FaultList) -> PastTotals | None:
    """Return the official totals of contributions before the first year; None without, or with
    every fault of their file, which is noted in the tree of the lives file.
    """
    block = spec.histories["formal_work"]
    path = block.text("totals")
    if not path:
        return None
    return read_past_totals(
        spec.tree, path, block.number("concentration"), block.number("entry_age"), faults,
        block.place("totals"),
    )  # fmt: skip


def _vital(
    spec: LivesSpec, country: Country | None, span: range, given: dict[str, Floats], base: BaseYear
) -> open_rates.VitalRates:
    method = spec.processes["migration"].table
    if method not in TABLE_WORDS["migration"]:
        method = open_rates.GIVEN
    names = ("death", "newborn_death", "birth", "girls", "emigration", "immigration")
    rates = open_rates.Given(**{name: given.get(name) for name in names})
    # Published totals need the published population to start from; given rates need none.
    published = method in (BALANCE, open_rates.OPEN_DATA) or rates.birth is None
    return open_rates.vital_rates(
        country, span, NONE if method == NONE else method, rates,
        None if published else base.population,
    )  # fmt: skip


def _households(
    spec: LivesSpec, parameters: Parameters, death: Floats, given: dict[str, Floats]
) -> _Households:
    """Return the tables of unions, homes and disability."""
    n = len(death)
    unions, disability = spec.processes["unions"], spec.processes["disability"]
    dissolution = np.tile(
        household_rates.rows_at_ages(spec.processes["dissolution"].rows("rows")), (n, 1)
    )
    gap = _number_or(unions, "age_gap", parameters.number("structure.age_gap", "mean"))
    deviation = parameters.number("structure.age_gap", "deviation")
    recovery = disability.number("recovery")
    union = given.get("union")
    if union is None:
        partnered = household_rates.partnered_shares(parameters)
        union = household_rates.union_rates(partnered, death, dissolution, gap)
    leaving = given.get("leaving_home")
    if leaving is None:
        older = parameters.number("structure.mother_age", "mean")
        leaving = household_rates.leaving_rates(
            household_rates.shares_with_mother(parameters),
            household_rates.partnered_shares(parameters),
            union[0],
            household_rates.at_older(death[0, 1], older),
        )
    onset = given.get("disability_onset")
    if onset is None:
        by_age = household_rates.onset_rates(household_rates.disabled_shares(parameters), recovery)
        onset = np.broadcast_to(by_age, (n, 2, N_AGES)).copy()
    return {
        "union": union,
        "dissolution": dissolution,
        "age_gap_mean": gap,
        "age_gap_deviation": _number_or(unions, "age_gap_deviation", deviation),
        "polygamy": unions.number("polygamy"),
        "leaving_home": leaving,
        "elder_joins": household_rates.rows_by_sex(spec.processes["elders"].rows("rows")),
        "disability_onset": onset,
        "disability_recovery": np.full((n, 2, N_AGES), recovery),
    }


def _number_or(process: Process, key: str, otherwise: float) -> float:
    return process.number(key) if key in process.entries else otherwise


def _wage_level(wages: Mapping[int, float], read: Reader, span: range) -> Floats:
    path = wage_path(wages, read, span)
    return np.array([path[year] / path[span[0]] for year in span])


def _past_work(block: Process, totals: PastTotals | None) -> PastWork:
    density = np.zeros((2, N_STATUSES))
    stated = block.entries["density"]
    assert isinstance(stated, Mapping)  # noqa: S101 (its kind says so)
    for label, pair in stated.items():
        assert isinstance(pair, tuple)  # noqa: S101
        density[:, EMPLOYMENT_STATUS.index(label)] = pair
    return PastWork(block.number("entry_age"), density, block.number("concentration"), totals)
