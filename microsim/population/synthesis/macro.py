"""Prices, purchasing power and national income of a year, each with source and basis."""

from __future__ import annotations

from microsim.population.content import SeriesValue
from microsim.population.opendata import CPI, PPP, WORLD_BANK, Country
from microsim.population.opendata import country as dollar_country

LINES = {"300": 3.00, "420": 4.20, "830": 8.30}
LINE_YEAR = 2021
DAYS_IN_MONTH = 365.0 / 12.0


def inflation(country: Country, year: int) -> tuple[float, str]:
    """Return the price change of a year as a share, and what it rests on.

    Consumer prices, else the GDP deflator; after the last year of data the mean of the last three.
    """
    for name in ("inflation", "gdp_deflator"):
        values = country.series.get(name, {})
        if year in values:
            return values[year] / 100.0, "data"
    prices = {**country.series.get("gdp_deflator", {}), **country.series.get("inflation", {})}
    last = [prices[y] for y in sorted(prices) if y < year][-3:]
    if not last:
        return 0.0, "nothing"
    return sum(last) / len(last) / 100.0, "assumption"


def price_factor(country: Country, start: int, end: int) -> tuple[float, str]:
    """Return prices of `end` relative to `start`, and the weakest basis on the way."""
    factor, bases = 1.0, {"data"}
    for year in range(min(start, end) + 1, max(start, end) + 1):
        change, basis = inflation(country, year)
        factor *= 1.0 + change
        bases.add(basis)
    weakest = next(b for b in ("nothing", "assumption", "data") if b in bases)
    return (factor if end >= start else 1.0 / factor), weakest


def price_index(country: Country, year: int) -> SeriesValue:
    """Return the consumer price index of the year, 2021 = 100."""
    factor, basis = price_factor(country, LINE_YEAR, year)
    last = max(country.series.get("inflation", {LINE_YEAR: 0.0}))
    source = country.sources.get("inflation", CPI)
    if basis == "assumption":
        source += f"; after {last} the mean of the last three years of data (assumption)"
    if basis == "nothing":
        return SeriesValue(None, "index, 2021 = 100", "no inflation data", "nothing")
    return SeriesValue(100.0 * factor, "index, 2021 = 100", source, basis)


def purchasing_power(country: Country) -> SeriesValue:
    """Return LCU of 2021 per international dollar of 2021.

    Where the factor of 2021 is missing, that of the nearest year is moved with the difference of
    the country's and the United States' inflation.
    """
    unit = "currency/intl$"
    if not country.ppp:
        return SeriesValue(None, unit, "no PPP data", "nothing")
    year = min(country.ppp, key=lambda y: (abs(y - LINE_YEAR), y))
    source = f"{country.sources.get('ppp', PPP)}, {year}"
    value, basis = country.ppp[year], "data"
    if year != LINE_YEAR:
        own, _ = price_factor(country, year, LINE_YEAR)
        dollar, _ = price_factor(dollar_country("USA"), year, LINE_YEAR)
        value, basis = value * own / dollar, "assumption"
        source += f", moved to {LINE_YEAR} with relative inflation"
    note = "; the World Bank's poverty lines use the PPP of consumption, which differs"
    return SeriesValue(value, unit, source + note, basis)


def poverty_line(country: Country, line: float, year: int) -> SeriesValue:
    """Return a line of `line` 2021 international $ a day, in LCU per head and month of `year`."""
    ppp, prices = purchasing_power(country), price_index(country, year)
    unit = "currency/month"
    if ppp.value is None or prices.value is None:
        return SeriesValue(None, unit, "no PPP or price data", "nothing")
    basis = "assumption" if "assumption" in (ppp.basis, prices.basis) else "data"
    value = line * DAYS_IN_MONTH * ppp.value * prices.value / 100.0
    source = (
        f"World Bank line {line:.2f} int$ (2021 PPP) a day x PPP ({ppp.source}) "
        f"x prices ({prices.source})"
    )
    return SeriesValue(value, unit, source, basis)


def national_income(country: Country, year: int, persons: float) -> SeriesValue:
    """Return GNI as a stand-in for GDP, LCU a year.

    GNI per head at PPP x PPP factor x population; after the last year of data grown with prices
    and population (real income per head held constant).
    """
    income = country.series.get("gni_per_head_ppp", {})
    years = [y for y in income if y in country.ppp]
    unit = "currency/year"
    if not years:
        return SeriesValue(None, unit, "no GNI per head or PPP data", "nothing")
    last = min(years, key=lambda y: (abs(y - year), y))
    growth, _ = price_factor(country, last, year)
    value = income[last] * country.ppp[last] * growth * persons
    source = (
        f"GNI per head at PPP ({country.sources.get('gni_per_head_ppp', WORLD_BANK)}, {last}) "
        "x PPP factor x population; GNI stands for GDP"
    )
    if last != year:
        source += f"; from {last} to {year} real income per head held constant"
    return SeriesValue(value, unit, source, "assumption")
