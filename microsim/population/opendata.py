"""The open data shipped with the package: population, labour, prices, inequality by country."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError

COUNTRIES_FILE = Path(__file__).parent / "data" / "countries.csv"
DATA_FILE = Path(__file__).parent / "data" / "open_data.npz"
DECADES = tuple(range(2000, 2101, 10))
FIRST_ANNUAL_YEAR, LAST_ANNUAL_YEAR = 2000, 2100
FIRST_PANEL_YEAR, LAST_PANEL_YEAR = 2000, 2026
FIRST_FERTILITY_YEAR, LAST_FERTILITY_YEAR = 2000, 2075
MORTALITY_PERIODS = tuple(range(1995, 2100, 5))  # first year of each, 1995-2000 to 2095-2100
MORTALITY_AGES = (0, 1, *range(5, 101, 5))  # first age of each group; the last is open
FERTILITY_AGES = tuple(range(10, 55, 5))
MISSING = np.iinfo(np.int32).min

WPP = "UN DESA, World Population Prospects 2024 (CC BY 3.0 IGO)"
GAPMINDER = "Gapminder Systema Globalis (CC BY 4.0), based on"
ILO = f"{GAPMINDER} ILOSTAT modelled estimates"
WORLD_BANK = f"{GAPMINDER} World Bank"
HOUSEHOLD_SIZE = "UN Population Division, Household Size and Composition 2019 (via covasim, MIT)"
PPP = "World Bank PA.NUS.PPP, of GDP (ODC-PDDL 1.0)"
CPI = "World Bank consumer-price inflation (ODC-PDDL 1.0)"


@dataclass(frozen=True)
class Indicator:
    """A series of the panel: name at the source, stored step, whose data, the user's key."""

    source_name: str
    step: float
    source: str
    meaning: str


def _rates() -> dict[str, Indicator]:
    entries = {}
    for sex, prefix, part in (("", "", ""), ("_male", "males_", "male_"),
                              ("_female", "females_", "female_")):  # fmt: skip
        who = sex.strip("_") or "both sexes"
        for age, label in (("15plus", "15+"), ("15_64", "15-64"), ("25_54", "25-54"),
                           ("65plus", "65+")):  # fmt: skip
            entries[f"participation_{age}{sex}"] = Indicator(
                f"{prefix}aged_{age}_labour_force_participation_rate_percent",
                1e-3, ILO, f"labour force participation rate, {label}, {who}, %",
            )  # fmt: skip
        for age, label in (("15plus", "15+"), ("15_24", "15-24")):
            entries[f"employment_{age}{sex}"] = Indicator(
                f"{prefix}aged_{age}_employment_rate_percent",
                1e-3, ILO, f"employment to population ratio, {label}, {who}, %",
            )  # fmt: skip
            entries[f"unemployment_{age}{sex}"] = Indicator(
                f"{prefix}aged_{age}_unemployment_rate_percent",
                1e-3, ILO, f"unemployment rate, {label}, {who}, %",
            )  # fmt: skip
        for status, label in (("self_employed", "self-employed (with family workers)"),
                              ("family_workers", "contributing family workers")):  # fmt: skip
            tail = f"{sex.strip('_')}_employment" if sex else "employment"
            entries[f"{status}{sex}"] = Indicator(
                f"{part}{status}_percent_of_{tail}",
                1e-4, ILO, f"{label}, % of employment, {who}",
            )  # fmt: skip
        for sector, word in (("agriculture", "agriculture"), ("industry", "industry"),
                             ("services", "service")):  # fmt: skip
            tail = f"{sex.strip('_')}_employment" if sex else "employment"
            entries[f"{sector}{sex}"] = Indicator(
                f"{part}{word}_workers_percent_of_{tail}",
                1e-4, ILO, f"employment in {sector}, % of employment, {who}",
            )  # fmt: skip
    return entries


def _distribution() -> dict[str, Indicator]:
    shares = {
        "share_decile_1": "poorest_10percent",
        "share_quintile_1": "poorest_20percent",
        "share_quintile_2": "2nd_poorest_20percent",
        "share_quintile_3": "middle_20percent",
        "share_quintile_4": "2nd_richest_20percent",
        "share_quintile_5": "richest_20percent",
        "share_decile_10": "richest_10percent",
    }
    entries = {
        key: Indicator(f"income_share_of_{name}", 1e-3, WORLD_BANK, f"share of the {name}, %")
        for key, name in shares.items()
    }
    entries["gini"] = Indicator("inequality_index_gini", 1e-3, WORLD_BANK, "Gini index, %")
    for key, name in (
        ("poverty_300", "extreme_poverty_percent_people_below_300_a_day"),
        ("poverty_420", "poverty_percent_people_below_420_a_day"),
        ("poverty_830", "poverty_percent_people_below_830_a_day"),
    ):
        line = f"{int(key[-3:]) / 100:.2f}"
        entries[key] = Indicator(
            name, 1e-3, WORLD_BANK, f"poor at {line} international $ (2021 PPP) a day, %"
        )
    return entries


INDICATORS: dict[str, Indicator] = {
    **_rates(),
    **_distribution(),
    "urban": Indicator(
        "urban_population_percent_of_total", 1e-4, WORLD_BANK, "urban population, %"
    ),
    "gni_per_head_ppp": Indicator(
        "gnipercapita_ppp_current_international",
        1.0,
        WORLD_BANK,
        "GNI per head, current international $",
    ),
    "gdp_deflator": Indicator(
        "inflation_annual_percent", 1e-3, WORLD_BANK, "inflation of the GDP deflator, %"
    ),
    "inflation": Indicator("cpi_inflation_pct", 1e-3, CPI, "consumer-price inflation, %"),
}


VITAL_SERIES = {  # key -> (column of the annual summary, what one unit of it is)
    "tfr": ("tfr", 1.0),
    "e0_male": ("e0_male", 1.0),
    "e0_female": ("e0_female", 1.0),
    "net_migration": ("net_migration_thousands", 1000.0),
    "births": ("births_thousands", 1000.0),
    "deaths": ("deaths_thousands", 1000.0),
    "boys_per_girl": ("srb", 1.0),
}


@dataclass(frozen=True)
class Vital:
    """What is published of births, deaths and migration of one country; NaN where nothing is.

    Attributes
    ----------
    mortality
        Shape (n_periods, 2, 22): central death rate by 5-year period (`MORTALITY_PERIODS`), sex
        (male, female) and age group (`MORTALITY_AGES`).
    fertility
        Shape (n_years, 9): births per woman and year by calendar year from
        `FIRST_FERTILITY_YEAR` and age group (`FERTILITY_AGES`).
    annual
        Key of `VITAL_SERIES` -> shape (n_years,), by calendar year from `FIRST_ANNUAL_YEAR`:
        children per woman, years of life at birth, persons a year, boys born per girl.
    """

    mortality: npt.NDArray[np.float64]
    fertility: npt.NDArray[np.float64]
    annual: dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Country:
    """The open data of one country.

    Attributes
    ----------
    population
        Shape (n_decades, 2, 21): persons on 1 July by sex (male, female) and 5-year age (the last
        is 100 and over), at `DECADES`; None if missing.
    births, birth_rate
        Shape (n_years,), from `FIRST_ANNUAL_YEAR`: births a year, births per person; NaN if none.
    series
        Indicator -> year -> value, in the indicator's own unit (per cent ...).
    ppp
        Year -> LCU per international dollar of GDP.
    household_size
        Mean persons in a household, or None.
    sources
        Sources of the series that the user supplied, by name.
    population_year
        Year of a population that the user supplied, used for whatever year is asked for.
    vital
        Births, deaths and migration, or None where nothing is published.
    """

    iso3: str
    name: str
    currency: str
    population: npt.NDArray[np.float64] | None
    births: npt.NDArray[np.float64]
    birth_rate: npt.NDArray[np.float64]
    series: dict[str, dict[int, float]]
    ppp: dict[int, float]
    household_size: float | None
    sources: dict[str, str] = field(default_factory=dict)
    population_year: int | None = None
    vital: Vital | None = None

    def latest(self, name: str, year: int) -> tuple[float, int] | None:
        """Return (value, its year) of an indicator: of `year`, or else of the nearest year.

        Of two years equally near the earlier is taken.
        """
        values = self.series.get(name)
        if not values:
            return None
        nearest = min(values, key=lambda other: (abs(other - year), other))
        return values[nearest], nearest

    def source(self, name: str) -> str:
        """Return the source of a series: the user's own, or that of the shipped data."""
        return self.sources.get(name) or INDICATORS[name].source


@cache
def _names() -> dict[str, dict[str, str]]:
    with COUNTRIES_FILE.open(encoding="utf-8", newline="") as handle:
        return {row["iso3"]: row for row in csv.DictReader(handle)}


@cache
def _data() -> dict[str, npt.NDArray[np.generic]]:
    with np.load(DATA_FILE, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def countries() -> tuple[str, ...]:
    """Return the ISO 3166 alpha-3 codes of all countries known, sorted."""
    return tuple(_names())


def country(iso3: str) -> Country:
    """Return the open data of a country.

    Raises
    ------
    InputError
        The code is not a known ISO 3166 alpha-3 code.
    """
    code = iso3.upper()
    if code not in _names():
        near = [c for c, row in _names().items() if iso3.lower() in row["name"].lower()]
        hint = f"Did you mean {', '.join(near[:3])}?" if near else ""
        expected = "an ISO 3166 alpha-3 code such as KEN"
        raise InputError(Fault("country", "unknown code", repr(iso3), expected, hint))
    data, row = _data(), _names()[code]
    i = list(_names()).index(code)
    persons = data["population"][i].astype(np.float64)
    size = float(data["household_size"][i].astype(np.float64))
    births, rate = data["annual"][:, i].astype(np.float64)
    return Country(
        iso3=code,
        name=row["name"],
        currency=row["currency"],
        population=None if bool((persons < 0).any()) else persons,
        births=births * 1000.0,
        birth_rate=rate / 1000.0,
        series=_series(data["panel"][:, i]),
        ppp=_by_year(data["ppp"][i].astype(np.float64)),
        household_size=None if np.isnan(size) else size,
        vital=_vital(data, i),
    )


def _vital(data: dict[str, npt.NDArray[np.generic]], i: int) -> Vital | None:
    mortality = data["mortality"][i].astype(np.float64)
    fertility = data["fertility"][i].astype(np.float64)
    annual = data["vital"][:, i].astype(np.float64)
    if np.isnan(mortality).all() and np.isnan(fertility).all() and np.isnan(annual).all():
        return None
    units = [unit for _, unit in VITAL_SERIES.values()]
    series = {key: annual[k] * units[k] for k, key in enumerate(VITAL_SERIES)}
    return Vital(mortality, fertility, series)


def _series(stored: npt.NDArray[np.generic]) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    values = stored.astype(np.float64)
    values[stored == MISSING] = np.nan
    for i, (name, entry) in enumerate(INDICATORS.items()):
        years = _by_year(values[i] * entry.step)
        if years:
            found[name] = years
    return found


def _by_year(values: npt.NDArray[np.float64]) -> dict[int, float]:
    return {
        FIRST_PANEL_YEAR + int(t): float(values[t]) for t in np.flatnonzero(np.isfinite(values))
    }
