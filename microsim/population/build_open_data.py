"""Builds the compact open-data file from a folder of the sources: `python -m ... FOLDER`.

Run as `python -m microsim.population.build_open_data FOLDER`. The folder holds `wpp2024/` and
`macro/` as described in `data/README.md`; the file written is `data/open_data.npz`.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.population.opendata import (
    COUNTRIES_FILE,
    DATA_FILE,
    DECADES,
    FERTILITY_AGES,
    FIRST_ANNUAL_YEAR,
    FIRST_FERTILITY_YEAR,
    FIRST_PANEL_YEAR,
    INDICATORS,
    LAST_ANNUAL_YEAR,
    LAST_FERTILITY_YEAR,
    LAST_PANEL_YEAR,
    MISSING,
    MORTALITY_AGES,
    MORTALITY_PERIODS,
    VITAL_SERIES,
)

Numbers = npt.NDArray[np.float64]
ShortNumbers = npt.NDArray[np.float32]  # seven digits; the source has six
ANNUAL = ("births_thousands", "cbr")
N_AGES = 21


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, gzipped or not.

    Raises
    ------
    InputError
        The file does not exist.
    """
    if not path.is_file():
        expected = "a source as named in data/README.md"
        raise InputError(Fault(str(path), "no such file", "", expected))
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    yield from csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))


def population(folder: Path, place: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return persons by country, decade, sex (male, female) and 5-year age, -1 if missing."""
    persons = np.full((len(place), len(DECADES), 2, N_AGES), -1, dtype=np.int32)
    for row in rows(folder / "wpp2024" / "population_5year_decadal.csv.gz"):
        decade = DECADES.index(int(row["year"]))
        sex = "MF".index(row["sex"])
        age = int(row["age_from"]) // 5
        persons[place[row["iso3"]], decade, sex, age] = int(float(row["population"]))
    return persons


def annual(folder: Path, place: dict[str, int]) -> Numbers:
    """Return births (thousands) and crude birth rate by country and year, NaN if missing."""
    years = LAST_ANNUAL_YEAR - FIRST_ANNUAL_YEAR + 1
    table = np.full((len(ANNUAL), len(place), years), np.nan)
    for row in rows(folder / "wpp2024" / "annual_summary.csv.gz"):
        year = int(row["year"]) - FIRST_ANNUAL_YEAR
        if row["country_code"] in place and 0 <= year < years:
            for i, name in enumerate(ANNUAL):
                if row[name]:
                    table[i, place[row["country_code"]], year] = float(row[name])
    return table


def mortality(folder: Path, place: dict[str, int]) -> ShortNumbers:
    """Return central death rates by country, 5-year period, sex and age group, NaN if missing."""
    shape = (len(place), len(MORTALITY_PERIODS), 2, len(MORTALITY_AGES))
    table = np.full(shape, np.nan, dtype=np.float32)
    for row in rows(folder / "wpp2024" / "mx_5year_period.csv.gz"):
        first = int(row["period"].partition("-")[0])
        if row["country_code"] in place and first in MORTALITY_PERIODS:
            period, sex = MORTALITY_PERIODS.index(first), "MF".index(row["sex"])
            age = MORTALITY_AGES.index(int(row["age"].rstrip("+")))
            table[place[row["country_code"]], period, sex, age] = float(row["mx"])
    return table


def fertility(folder: Path, place: dict[str, int]) -> ShortNumbers:
    """Return births per woman and year by country, year and age group, NaN if missing."""
    years = LAST_FERTILITY_YEAR - FIRST_FERTILITY_YEAR + 1
    table = np.full((len(place), years, len(FERTILITY_AGES)), np.nan, dtype=np.float32)
    for row in rows(folder / "wpp2024" / "asfr_annual.csv.gz"):
        year = int(row["year"]) - FIRST_FERTILITY_YEAR
        if row["country_code"] in place and 0 <= year < years:
            age = FERTILITY_AGES.index(int(row["age"].partition("-")[0]))
            table[place[row["country_code"]], year, age] = float(row["asfr"])
    return table


def vital(folder: Path, place: dict[str, int]) -> ShortNumbers:
    """Return the annual series of `VITAL_SERIES` by country and year, NaN if missing."""
    years = LAST_ANNUAL_YEAR - FIRST_ANNUAL_YEAR + 1
    table = np.full((len(VITAL_SERIES), len(place), years), np.nan, dtype=np.float32)
    for row in rows(folder / "wpp2024" / "annual_summary.csv.gz"):
        year = int(row["year"]) - FIRST_ANNUAL_YEAR
        if row["country_code"] in place and 0 <= year < years:
            for i, (name, _) in enumerate(VITAL_SERIES.values()):
                if row[name]:
                    table[i, place[row["country_code"]], year] = float(row[name])
    return table


def panel(folder: Path, place: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return the indicators in their stored units, by indicator, country and year."""
    years = LAST_PANEL_YEAR - FIRST_PANEL_YEAR + 1
    table = np.full((len(INDICATORS), len(place), years), MISSING, dtype=np.int32)
    known = {entry.source_name: i for i, entry in enumerate(INDICATORS.values())}
    steps = [entry.step for entry in INDICATORS.values()]

    def put(name: str, country: str, year: int, value: float) -> None:
        if name in known and country in place and 0 <= year - FIRST_PANEL_YEAR < years:
            stored = round(value / steps[known[name]])
            table[known[name], place[country], year - FIRST_PANEL_YEAR] = stored

    for row in rows(folder / "macro" / "gapminder_wb_ilo_panel.csv.gz"):
        put(row["indicator"], row["iso3"].upper(), int(row["year"]), float(row["value"]))
    for row in rows(folder / "macro" / "cpi_inflation_pct.csv.gz"):
        put("cpi_inflation_pct", row["Country Code"], int(row["Year"]), float(row["CPI"]))
    return table


def purchasing_power(folder: Path, iso2: dict[str, int]) -> Numbers:
    """Return LCU per international dollar (of GDP) by country and year, NaN if missing."""
    years = LAST_PANEL_YEAR - FIRST_PANEL_YEAR + 1
    table = np.full((len(iso2), years), np.nan)
    for row in rows(folder / "macro" / "ppp_lcu_per_intl_dollar.csv.gz"):
        year = int(row["Year"]) - FIRST_PANEL_YEAR
        if row["Country ID"] in iso2 and 0 <= year < years:
            table[iso2[row["Country ID"]], year] = float(row["PPP"])
    return table


def household_sizes(folder: Path, names: dict[str, int]) -> Numbers:
    """Return the mean household size by country, NaN if missing."""
    table = np.full(sum(1 for _ in rows(COUNTRIES_FILE)), np.nan)
    for row in rows(folder / "macro" / "mean_household_size_un2019.csv"):
        if row["country"] in names:
            table[names[row["country"]]] = float(row["mean_household_size"])
    return table


def build(folder: Path, out: Path = DATA_FILE) -> None:
    """Read the sources in `folder` and write the compact file `out` (no pickle).

    Raises
    ------
    InputError
        A source is missing.
    """
    countries = list(rows(COUNTRIES_FILE))
    iso3 = {row["iso3"]: i for i, row in enumerate(countries)}
    m49 = {row["m49"]: i for i, row in enumerate(countries)}
    np.savez_compressed(
        out,
        allow_pickle=False,
        iso3=np.array(list(iso3), dtype="S3"),
        population=population(folder, iso3),
        annual=annual(folder, m49),
        panel=panel(folder, iso3),
        ppp=purchasing_power(folder, {row["iso2"]: i for i, row in enumerate(countries)}),
        household_size=household_sizes(
            folder, {row["household_size_name"]: i for i, row in enumerate(countries)}
        ),
        mortality=mortality(folder, m49),
        fertility=fertility(folder, m49),
        vital=vital(folder, m49),
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
