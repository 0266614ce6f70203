"""The numbers a synthesis aims at, each with basis and source, before anyone is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.errors import InputError
from microsim.population.content import SeriesValue
from microsim.population.opendata import HOUSEHOLD_SIZE, WPP, Country
from microsim.population.synthesis import macro
from microsim.population.synthesis.demography import population_in
from microsim.population.synthesis.distribution import SHARE_EDGES, Evidence
from microsim.population.synthesis.inputs import labour_rates, missing_fault
from microsim.population.synthesis.labour import LabourRates
from microsim.population.synthesis.parameters import Parameters
from microsim.population.synthesis.people import Floats

# Consumption that surveys find, relative to GNI: a weak pull where poverty says nothing.
SURVEY_SHARE = 0.55
HEADS_PER_ADULT = 0.5


@dataclass(frozen=True)
class Plan:
    """What to aim at, for one country and year.

    Attributes
    ----------
    by_age
        Shape (2, 101), persons by sex and completed age.
    formal, public
        Formal employees, and those of them in the public sector, persons.
    average_wage
        Of formal employees, LCU per month.
    pensioners
        Persons with a contributory pension.
    welfare_year
        Year of the distribution's data.
    """

    country: Country
    parameters: Parameters
    year: int
    by_age: Floats
    method: str
    household_size: SeriesValue
    urban: SeriesValue
    rates: tuple[LabourRates, LabourRates]
    formal: SeriesValue
    public: SeriesValue
    formal_own_account: SeriesValue
    average_wage: SeriesValue
    pensioners: SeriesValue
    evidence: Evidence
    welfare_year: int
    income: SeriesValue
    prices: SeriesValue
    ppp: SeriesValue
    lines: dict[str, SeriesValue]

    @property
    def persons(self) -> float:
        """Population, persons."""
        return float(np.cumsum(self.by_age)[-1])


def make_plan(country: Country, parameters: Parameters, year: int) -> Plan:
    """Gather the targets of a country and year.

    Raises
    ------
    InputError
        A series is missing.
    """
    by_age, method = population_in(country, year)
    persons = float(np.cumsum(by_age)[-1])
    rates = labour_rates(country, year)
    employed, self_share = _employment(by_age, rates)
    income = macro.national_income(country, year, persons)
    if income.value is None:
        raise InputError(missing_fault(country, ["gni_per_head_ppp and ppp of one year"]))
    formal, public, own = _formal(parameters, year, employed, self_share)
    wage = _average_wage(parameters, year, formal, income.value / employed, self_share)
    lines = {key: macro.poverty_line(country, value, year) for key, value in macro.LINES.items()}
    evidence, welfare_year = _evidence(country, year, lines, income.value / persons / 12.0)
    urban = country.latest("urban", year)
    if urban is None:
        raise InputError(missing_fault(country, ["urban"]))
    return Plan(
        country=country,
        parameters=parameters,
        year=year,
        by_age=by_age,
        method=f"{country.sources.get('population', WPP)}; {method}",
        household_size=_household_size(country, parameters, by_age),
        urban=SeriesValue(urban[0] / 100.0, "share", f"{country.source('urban')}, {urban[1]}"),
        rates=rates,
        formal=formal,
        public=public,
        formal_own_account=own,
        average_wage=wage,
        pensioners=_pensioners(parameters, year, by_age, float(formal.value or 0.0) / employed),
        evidence=evidence,
        welfare_year=welfare_year,
        income=income,
        prices=macro.price_index(country, year),
        ppp=macro.purchasing_power(country),
        lines=lines,
    )


def _employment(by_age: Floats, rates: tuple[LabourRates, LabourRates]) -> tuple[float, float]:
    """Return the employed persons and the share of self-employed among them."""
    adults = [float(np.cumsum(by_age[sex, 15:])[-1]) for sex in (0, 1)]
    at_work = [adults[sex] * rates[sex].employment for sex in (0, 1)]
    own = sum(at_work[sex] * rates[sex].self_employed for sex in (0, 1))
    return sum(at_work), own / max(sum(at_work), 1.0)


def _household_size(country: Country, parameters: Parameters, by_age: Floats) -> SeriesValue:
    block, unit = "structure.mean_household_size", "persons"
    if country.household_size is not None and "household_size" in country.sources:
        return SeriesValue(country.household_size, unit, country.sources["household_size"])
    if parameters.has(block):
        value = parameters.number(block, "value")
        return SeriesValue(value, unit, parameters.source(block), parameters.basis(block))
    if country.household_size is not None:
        return SeriesValue(country.household_size, unit, HOUSEHOLD_SIZE)
    persons, adults = float(np.cumsum(by_age)[-1]), float(np.cumsum(by_age[:, 20:])[-1])
    source = f"no data: {HEADS_PER_ADULT} households for each person aged 20 and over"
    return SeriesValue(persons / (HEADS_PER_ADULT * adults), unit, source, "assumption")


def _given(parameters: Parameters, block: str, year: int, unit: str) -> SeriesValue:
    """Return a country file's amount of the year, or of the nearest moved by its growth."""
    entry = parameters.blocks[block]
    values = {int(y): float(value) for y, value in entry["values"].items()}
    start = min(values, key=lambda y: (abs(y - year), y))
    value, source = values[start], f"{parameters.source(block)}; {start}"
    if start == year:
        return SeriesValue(value, unit, source, parameters.basis(block))
    growth, factor = float(entry.get("growth", 0.0)), 1.0
    for _ in range(abs(year - start)):
        factor *= 1.0 + growth
    moved = value * factor if year > start else value / factor
    source += f" moved to {year} with a growth of {growth:g} a year (assumption)"
    return SeriesValue(moved, unit, source, "assumption")


def _formal(
    parameters: Parameters, year: int, employed: float, self_share: float
) -> tuple[SeriesValue, SeriesValue, SeriesValue]:
    def line(block: str) -> float:
        base, slope = (parameters.number(block, k) for k in ("base", "slope"))
        return min(max(base + slope * self_share, 0.01), 1.0)

    block = "labour.formal_employees"
    if parameters.has("labour.formal_jobs"):
        formal = _given(parameters, "labour.formal_jobs", year, "persons")
    else:
        value = line(block) * employed * (1.0 - self_share)
        formal = SeriesValue(value, "persons", parameters.source(block), parameters.basis(block))
    if parameters.has("labour.public_jobs"):
        public = _given(parameters, "labour.public_jobs", year, "persons")
    else:
        block = "labour.public_employees"
        value = parameters.number(block, "share") * float(formal.value or 0.0)
        public = SeriesValue(value, "persons", parameters.source(block), parameters.basis(block))
    block = "labour.formal_own_account"
    own = SeriesValue(line(block), "share", parameters.source(block), parameters.basis(block))
    return formal, public, own


def _average_wage(
    parameters: Parameters, year: int, formal: SeriesValue, per_worker: float, self_share: float
) -> SeriesValue:
    unit = "currency/month"
    if parameters.has("incomes.wage_bill"):
        bill = _given(parameters, "incomes.wage_bill", year, "currency/year")
        value = float(bill.value or 0.0) / float(formal.value or 1.0) / 12.0
        return SeriesValue(value, unit, f"wage bill / formal jobs: {bill.source}", bill.basis)
    block = "incomes.formal_wage"
    base, slope = (parameters.number(block, k) for k in ("base", "slope"))
    value = (base + slope * self_share) * per_worker / 12.0
    return SeriesValue(value, unit, parameters.source(block), parameters.basis(block))


def _pensioners(
    parameters: Parameters, year: int, by_age: Floats, formal_share: float
) -> SeriesValue:
    if parameters.has("incomes.pensions"):
        return _given(parameters, "incomes.pensions", year, "persons")
    block = "incomes.pensioners"
    start = int(parameters.number(block, "from_age"))
    old = float(np.cumsum(by_age[:, start:])[-1])
    value = min(parameters.number(block, "factor") * formal_share, 0.98) * old
    return SeriesValue(value, "persons", parameters.source(block), parameters.basis(block))


def _evidence(
    country: Country, year: int, lines: dict[str, SeriesValue], income_per_head: float
) -> tuple[Evidence, int]:
    """Return the evidence on welfare in LCU per head and month of `year`.

    The distribution of the survey's year is taken as that of `year`, in its prices.
    """
    latest = country.latest("gini", year)
    if latest is None:
        raise InputError(missing_fault(country, ["gini"]))
    gini, survey = latest

    def share(name: str) -> float | None:
        found = country.latest(name, survey)
        return None if found is None else found[0] / 100.0

    poverty = []
    for key, line in lines.items():
        headcount = share(f"poverty_{key}")
        if headcount is not None and line.value is not None:
            poverty.append((line.value, headcount))
    parts = [share(name) for name in (
        "share_decile_1", "share_quintile_1", "share_quintile_2", "share_quintile_3",
        "share_quintile_4", "share_quintile_5", "share_decile_10",
    )]  # fmt: skip
    shares = None
    if all(part is not None for part in parts):
        d1, q1, q2, q3, q4, q5, d10 = (float(part or 0.0) for part in parts)
        raw = np.array([d1, q1 - d1, q2, q3, q4, q5 - d10, d10])
        shares = tuple((raw / float(np.cumsum(raw)[-1])).tolist())
        assert len(shares) == SHARE_EDGES.size - 1  # noqa: S101 - a slip here would be ours
    mean = SURVEY_SHARE * income_per_head
    return Evidence(tuple(poverty), gini / 100.0, shares, mean), survey
