"""Gathers what a synthesis needs: shipped data, the country's file, and what the user supplies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from microsim.errors import Fault, FaultList, InputError
from microsim.files import Fields, Node
from microsim.population.opendata import DECADES, INDICATORS, Country, countries, country
from microsim.population.synthesis.labour import LabourRates

SEXES = ("male", "female")
_BY_SEX = (
    "participation_15plus", "participation_15_64", "participation_25_54", "participation_65plus",
    "employment_15plus", "self_employed", "family_workers", "agriculture", "industry", "services",
)  # fmt: skip
REQUIRED = (
    *(f"{name}_{sex}" for name in _BY_SEX for sex in SEXES),
    "urban", "gini", "poverty_300", "poverty_420", "poverty_830", "gni_per_head_ppp",
)  # fmt: skip
N_GROUPS = 21
SPECIAL = ("population", "ppp", "household_size")
REMEDY = (
    "Supply them with --data FILE, a YAML file with "
    "`series: {NAME: {values: {YEAR: NUMBER}, source: TEXT}}`."
)


def missing_series(data: Country) -> list[tuple[str, str]]:
    """Return (name, meaning) of each series that a synthesis of this country lacks."""
    missing = [(name, INDICATORS[name].meaning) for name in REQUIRED if not data.series.get(name)]
    if data.population is None:
        missing.insert(0, ("population", "persons by sex and 5-year age, 21 groups each"))
    if not data.ppp:
        missing.append(("ppp", "LCU per international dollar"))
    if not data.series.get("inflation") and not data.series.get("gdp_deflator"):
        missing.append(("inflation", INDICATORS["inflation"].meaning))
    return missing


def missing_fault(data: Country, names: list[str]) -> Fault:
    """Return the fault that names missing series and says how to supply them."""
    what = f"series missing: {'; '.join(names)}"
    return Fault(f"{data.iso3} ({data.name})", what, remedy=REMEDY)


def require(data: Country) -> None:
    """Check that a country has every series.

    Raises
    ------
    InputError
        Naming each missing series and how to supply it.
    """
    missing = missing_series(data)
    if missing:
        raise InputError(missing_fault(data, [f"{name} ({meaning})" for name, meaning in missing]))


def coverage() -> dict[str, tuple[str, ...]]:
    """Return, for each country known, the names of the series that are missing (none: it works)."""
    return {code: tuple(name for name, _ in missing_series(country(code))) for code in countries()}


def with_user_data(data: Country, path: Path) -> Country:
    """Return the country with the series of a user's file put over the shipped ones.

    Raises
    ------
    InputError
        The file has faults; all are named.
    """
    from microsim.population.synthesis.parameters import read_file

    faults = FaultList()
    node = read_file(path).get("series")
    fields = Fields(
        node or Node(str(path), 1, "mapping"), faults, (*INDICATORS, *SPECIAL), "series"
    )
    series, sources = dict(data.series), dict(data.sources)
    changed: dict[str, Any] = {}
    for name, entry in fields.nodes.items():
        if name not in fields.known:
            continue
        keys = ("source", "year", *SEXES) if name == "population" else ("source", "values")
        inner = Fields(entry, faults, keys, f"series {name}")
        sources[name] = inner.text("source", required=True)
        if name == "population":
            changed |= _population(inner)
            continue
        values = _values(inner)
        if name == "ppp":
            changed["ppp"] = values
        elif name == "household_size":
            changed["household_size"] = next(iter(values.values()), None)
        else:
            series[name] = values
    faults.raise_if_any()
    return replace(data, series=series, sources=sources, **changed)


def _values(fields: Fields) -> dict[int, float]:
    found = {}
    for year, node in fields.mapping("values", required=True):
        when, value = year.as_integer(), node.as_number()
        if when is None or value is None:
            fields.wrong(node, year.text, "a number for a year")
        else:
            found[when] = value
    return found


def _population(fields: Fields) -> dict[str, Any]:
    table = []
    for sex in SEXES:
        node = fields.node_of(sex, required=True)
        numbers = [] if node is None else [part.as_number() for part in node.elements]
        good = [x for x in numbers if x is not None and x >= 0.0]
        if len(good) == N_GROUPS == len(numbers) and sum(good) > 0.0:
            table.append(good)
        elif node is not None:
            fields.wrong(node, sex, f"{N_GROUPS} numbers of persons, ages 0-4 to 100 and over")
    year = fields.integer("year", required=True)
    if len(table) < len(SEXES):
        return {}
    groups = np.repeat(np.array([table], dtype=np.float64), len(DECADES), axis=0)
    return {"population": groups, "population_year": year}


def labour_rates(data: Country, year: int) -> tuple[LabourRates, LabourRates]:
    """Return the labour statistics of men and women in the year, or the nearest with data."""
    return _rates_of(data, year, "male"), _rates_of(data, year, "female")


def _rates_of(data: Country, year: int, sex: str) -> LabourRates:
    def share(name: str) -> float:
        found = data.latest(f"{name}_{sex}", year)
        if found is None:
            raise InputError(missing_fault(data, [f"{name}_{sex}"]))
        return found[0] / 100.0

    def optional(name: str) -> float | None:
        found = data.latest(f"{name}_{sex}", year)
        return None if found is None else found[0] / 100.0

    participation = (
        share("participation_15plus"), share("participation_15_64"),
        share("participation_25_54"), share("participation_65plus"),
    )  # fmt: skip
    return LabourRates(
        participation=participation,
        employment=share("employment_15plus"),
        youth_employment=optional("employment_15_24"),
        youth_unemployment=optional("unemployment_15_24"),
        self_employed=share("self_employed"),
        family_workers=min(share("family_workers"), share("self_employed")),
        sectors=(share("agriculture"), share("industry"), share("services")),
    )
