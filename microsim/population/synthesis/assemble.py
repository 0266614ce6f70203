"""Makes a national population of persons in households from published figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microsim.errors import Fault, InputError
from microsim.kernels.transcendental import log_array, normal_quantile_array
from microsim.population import markets, opendata
from microsim.population.content import Columns, Population, SeriesValue
from microsim.population.synthesis import (
    distribution,
    families,
    households,
    incomes,
    inputs,
    labour,
    places,
    weights,
)
from microsim.population.synthesis.parameters import load
from microsim.population.synthesis.people import (
    Bools,
    Draws,
    Floats,
    Ints,
    five_year_groups,
    make_persons,
)
from microsim.population.synthesis.plan import Plan, make_plan

DEFAULT_YEAR = 2025
FEWEST_HOUSEHOLDS = 200


@dataclass(frozen=True)
class _Draft:
    """The households before they have work and money."""

    homes: households.Homes
    sex: Ints
    age: Ints
    orphan: Bools
    disabled: Bools
    household: Ints
    weight: Floats
    last_groups: list[int]


def synthesise(
    country: str = "KEN",
    households: int = 100_000,
    seed: int = 1,
    year: int | None = None,
    data: str | Path | None = None,
) -> Population:
    """Make a national population from open data, for any country that has the series.

    Parameters
    ----------
    country
        ISO 3166 alpha-3 code.
    households
        Number of households.
    seed
        The same seed gives the same population, on any machine.
    year
        Year of the population and of its money, 2000 to 2100; 2025 if left out.
    data
        YAML file with series and parameters of the user, put over the shipped ones.

    Returns
    -------
    Population
        With `targets`, the table target against achieved.

    Raises
    ------
    InputError
        Unknown country, series missing (each is named), or faults in a file.

    Examples
    --------
    >>> synthesise("KEN", households=1000, seed=1).country
    'KEN'
    """
    from microsim.population.synthesis.targets import compare

    if households < FEWEST_HOUSEHOLDS:
        expected = f"at least {FEWEST_HOUSEHOLDS}, so that each sex and age group has persons"
        raise InputError(Fault("households", "are too few", str(households), expected))
    if seed < 0:
        raise InputError(Fault("seed", "is negative", str(seed), "0 or more"))
    own = opendata.country(country)
    extra = None if data is None else Path(data)
    if extra is not None:
        own = inputs.with_user_data(own, extra)
    inputs.require(own)
    plan = make_plan(own, load(own.iso3, extra), year or DEFAULT_YEAR)
    person_draws, draft = _draft(plan, households, seed)
    population = _with_work_and_money(plan, draft, person_draws, seed)
    return compare(population, plan, draft.last_groups)


def _draft(plan: Plan, n_households: int, seed: int) -> tuple[Draws, _Draft]:
    n_persons = round(n_households * float(plan.household_size.value or 1.0))
    sex, age = make_persons(plan.by_age, n_persons)
    draws = Draws.of_rows(n_persons, seed, "persons")
    female = sex == 1
    kin = families.make_families(female, age, plan.parameters, draws)
    homes = households.make_households(kin, female, age, n_households, plan.parameters, draws)
    order = homes.order
    orphan = families.mark_orphans(kin, age, plan.parameters, draws)
    disabled = families.mark_severe_disability(age, plan.parameters, draws)
    household = np.repeat(np.arange(homes.size.size), homes.size)
    sex_code = sex.astype(np.int64)
    group = np.minimum(age // 5, 20)
    counts = np.bincount(sex_code * 21 + group, minlength=42).reshape(2, 21)
    cell, last_groups = weights.merged_cells(counts)
    groups = five_year_groups(plan.by_age).reshape(-1)
    targets = np.bincount(cell.reshape(-1), weights=groups).astype(np.float64)
    person_cell = cell[sex_code, group][order]
    weight = weights.household_weights(household, person_cell, targets)
    reordered = Draws(draws.keys[order], seed)
    return reordered, _Draft(
        homes, sex_code[order], age[order], orphan[order], disabled[order], household, weight,
        last_groups,
    )  # fmt: skip


def _with_work_and_money(plan: Plan, draft: _Draft, draws: Draws, seed: int) -> Population:
    homes, household = draft.homes, draft.household
    starts = np.cumsum(homes.size) - homes.size
    household_draws = Draws.of_rows(homes.size.size, seed, "households")
    regions = places.regions_of(plan.parameters, float(plan.urban.value or 0.0))
    region, urban = places.place(regions, homes.size, household_draws)
    position = np.arange(household.size) - starts[household]
    persons = labour.Persons(
        draft.age, draft.sex == 1, position == homes.head, homes.spouse >= 0, urban[household],
        draft.disabled,
    )  # fmt: skip
    status, sector = labour.assign_labour(persons, plan.rates, plan.parameters, draws)
    per_row = household.size / plan.persons
    jobs = labour.FormalJobs(
        round(float(plan.formal.value or 0.0) * per_row),
        round(float(plan.public.value or 0.0) * per_row),
        float(plan.formal_own_account.value or 0.0),
    )
    status = labour.assign_formality(persons, status, sector, jobs, draws)
    money, status = incomes.assign_incomes(
        persons, status, sector, draft.weight[household], float(plan.average_wage.value or 0.0),
        round(float(plan.pensioners.value or 0.0) * per_row), plan.parameters, draws,
    )  # fmt: skip
    received = money.earnings + money.self_employment_income + money.pension_income
    household_income = np.bincount(household, weights=received)
    curve = distribution.fit(plan.evidence)
    disabled = np.bincount(household, weights=draft.disabled) > 0
    score = _welfare_score(
        plan, household_draws, household_income / homes.size, homes.size, urban,
        regions.welfare_shift[region], disabled,
    )  # fmt: skip
    welfare = distribution.assign_welfare(curve, score, homes.size, draft.weight)
    person_columns: Columns = {
        "age": draft.age, "sex": draft.sex, "employment_status": status, "sector": sector,
        "earnings": money.earnings, "self_employment_income": money.self_employment_income,
        "pension_income": money.pension_income, "severe_disability": draft.disabled,
        "orphan": draft.orphan, "head": homes.head, "spouse": homes.spouse,
        "mother": homes.mother, "father": homes.father,
    }  # fmt: skip
    household_columns: Columns = {
        "household_id": np.arange(1, homes.size.size + 1), "size": homes.size,
        "weight": draft.weight, "region": region, "urban": urban, "welfare": welfare,
        "stratum": np.zeros(homes.size.size), "psu": np.arange(homes.size.size),
    }  # fmt: skip
    return _population(plan, person_columns, household_columns, regions.labels, seed)


def _welfare_score(
    plan: Plan,
    draws: Draws,
    income_per_head: Floats,
    size: Ints,
    urban: Bools,
    region_shift: Floats,
    disabled: Bools,
) -> Floats:
    """Return who is richer, in standard deviations; only the order counts."""
    weight = {k: plan.parameters.number("welfare", k) for k in (
        "income", "urban", "log_size", "disability", "noise")}  # fmt: skip
    u = draws.uniform("welfare")
    rank = np.empty(size.size)
    rank[np.lexsort((u, income_per_head))] = (np.arange(size.size) + 0.5) / size.size
    noise = normal_quantile_array(u * (1.0 - 2e-6) + 1e-6)
    score = weight["income"] * normal_quantile_array(rank) + weight["urban"] * urban
    score = score + weight["log_size"] * log_array(size.astype(np.float64))
    score = score + weight["disability"] * disabled + region_shift
    final: Floats = score + weight["noise"] * noise
    return final


def _population(
    plan: Plan, persons: Columns, homes: Columns, regions: tuple[str, ...], seed: int
) -> Population:
    from microsim.population.content import household_columns, person_columns

    persons, homes = markets.arrange(persons, homes, seed)
    types = {c.name: c.dtype for c in (*person_columns(), *household_columns())}
    frame = {
        "population": SeriesValue(plan.persons, "persons", plan.method),
        "gdp": plan.income,
        "government_expenditure": SeriesValue(
            None, "currency/year", "not in the open data", "nothing"
        ),
        "average_wage": plan.average_wage,
        "minimum_wage": SeriesValue(None, "currency/month", "not in the open data", "nothing"),
        "cpi": plan.prices,
        "ppp": plan.ppp,
        **{f"poverty_line_{key}": line for key, line in plan.lines.items()},
    }
    return Population(
        name=f"{plan.country.name} {plan.year}, synthesised",
        country=plan.country.iso3,
        currency=plan.country.currency,
        year=plan.year,
        persons={name: column.astype(types[name]) for name, column in persons.items()},
        households={name: column.astype(types[name]) for name, column in homes.items()},
        regions=regions,
        frame=frame,
        provenance={
            "made_by": "microsim population synthesise",
            "seed": seed,
            "welfare_year": plan.welfare_year,
            "welfare": "the distribution of the survey year, in prices of the population's year",
            "priority": distribution.PRIORITY,
            "parameters": {
                block: {"file": file, "basis": plan.parameters.basis(block),
                        "source": plan.parameters.source(block)}
                for block, file in plan.parameters.files.items()
            },
        },
    )  # fmt: skip
