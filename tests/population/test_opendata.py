"""The shipped open data: complete, faithful to the sources, and rebuilt by the script."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from microsim.errors import InputError
from microsim.population import build_open_data, opendata


def test_country__holds_the_published_figures() -> None:
    kenya = opendata.country("ken")
    assert kenya.population is not None
    # WPP 2024, Kenya, females 0-4 and males 100+ on 1 July 2020.
    assert kenya.population[2, 1, 0] == 3_443_384
    assert kenya.population[2, 0, 20] == 896
    # World Bank poverty and inequality figures for Kenya, 2022.
    assert kenya.series["gini"][2022] == pytest.approx(37.7)
    assert kenya.series["poverty_300"][2022] == pytest.approx(46.9)
    # ILOSTAT modelled estimate, men 15+, 2025.
    assert kenya.series["participation_15plus_male"][2025] == pytest.approx(71.167)
    assert kenya.ppp[2021] == pytest.approx(42.3316535949707, rel=1e-12)
    assert (kenya.currency, kenya.household_size) == ("KES", 3.638)


def test_latest__takes_the_earlier_of_two_years_equally_near() -> None:
    series = {"gini": {2010: 1.0, 2014: 2.0}}
    country = opendata.Country("XYZ", "x", "X", None, np.empty(0), np.empty(0), series, {}, None)
    assert country.latest("gini", 2012) == (1.0, 2010)
    assert country.latest("gini", 2013) == (2.0, 2014)
    assert country.latest("urban", 2013) is None


def test_countries__have_a_currency_each() -> None:
    codes = opendata.countries()
    assert len(codes) == len(set(codes)) > 220
    without = [code for code in codes if not opendata.country(code).currency]
    assert without == []


def test_data_file__is_small() -> None:
    assert opendata.DATA_FILE.stat().st_size < 4_000_000


def test_vital__holds_the_published_figures() -> None:
    vital = opendata.country("KEN").vital
    assert vital is not None
    # WPP 2024, Kenya: women 2020-2025 at 0 and 1-4, and men 95-99 in 2095-2100.
    assert vital.mortality[5, 1, :2] == pytest.approx([0.0271322, 0.00337952], rel=1e-7)
    assert vital.mortality[20, 0, 20] == pytest.approx(0.357085, rel=1e-6)
    assert vital.fertility[25, 1] == pytest.approx(0.052703, rel=1e-6)
    assert vital.annual["e0_female"][25] == pytest.approx(66.3169, rel=1e-6)
    assert vital.annual["net_migration"][25] == pytest.approx(-27330.0, rel=1e-6)
    assert vital.annual["births"][25] == pytest.approx(opendata.country("KEN").births[25], rel=1e-6)


def test_vital__is_complete_for_every_country() -> None:
    for code in opendata.countries():
        vital = opendata.country(code).vital
        assert vital is not None, code
        numbers = (vital.mortality, vital.fertility, *vital.annual.values())
        assert all(np.isfinite(one).all() for one in numbers), code


def test_unknown_country__is_named_with_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"unknown code; found 'Kenya'.*Did you mean KEN"):
        opendata.country("Kenya")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def _small_sources(folder: Path) -> None:
    _write(folder / "wpp2024/population_5year_decadal.csv.gz",
           "iso3,year,sex,age_from,population\nKEN,2020,F,0,10\nKEN,2020,M,100,3\n")  # fmt: skip
    _write(
        folder / "wpp2024/annual_summary.csv.gz",
        "country_code,year,tfr,e0_male,e0_female,cbr,net_migration_thousands,births_thousands,"
        "deaths_thousands,srb\n404,2020,3.3,61,66,27.7,-2.5,5.5,1.4,1.02\n404,2021,,,,,,,,\n",
    )
    _write(
        folder / "wpp2024/mx_5year_period.csv.gz",
        "country_code,period,sex,age,mx\n404,2020-2025,F,100+,0.45\n404,1990-1995,F,1,0.1\n",
    )
    _write(
        folder / "wpp2024/asfr_annual.csv.gz",
        "country_code,year,age,asfr\n404,2020,50-54,0.001\n999,2020,50-54,0.7\n",
    )
    _write(folder / "macro/gapminder_wb_ilo_panel.csv.gz",
           "indicator,iso3,year,value\ninequality_index_gini,KEN,2022,37.7\n")  # fmt: skip
    _write(folder / "macro/cpi_inflation_pct.csv.gz",
           "Country,Country Code,Year,CPI\nKenya,KEN,2022,7.66\nKenya,KEN,1960,1.0\n")  # fmt: skip
    _write(folder / "macro/ppp_lcu_per_intl_dollar.csv.gz",
           "Country,Country ID,Year,PPP\nKenya,KE,2021,42.3\n")  # fmt: skip
    _write(folder / "macro/mean_household_size_un2019.csv",
           "country,mean_household_size\nKenya,3.638\n")  # fmt: skip


def test_build__keeps_what_the_sources_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_sources(tmp_path)
    build_open_data.build(tmp_path, tmp_path / "out.npz")
    monkeypatch.setattr(opendata, "DATA_FILE", tmp_path / "out.npz")
    opendata._data.cache_clear()
    try:
        kenya, uganda = opendata.country("KEN"), opendata.country("UGA")
    finally:
        opendata._data.cache_clear()
    assert kenya.population is None, "a population with gaps must not be used"
    assert kenya.series.keys() == {"gini", "inflation"}
    assert kenya.series["gini"] == pytest.approx({2022: 37.7})
    assert kenya.series["inflation"] == pytest.approx({2022: 7.66})
    assert kenya.ppp == {2021: 42.3}
    assert kenya.births[20] == pytest.approx(5500.0)
    assert np.isnan(kenya.births[21])
    assert kenya.vital is not None
    assert kenya.vital.mortality[5, 1, 21] == pytest.approx(0.45)
    assert np.isfinite(kenya.vital.mortality).sum() == 1
    assert kenya.vital.fertility[20, 8] == pytest.approx(0.001)
    assert np.isfinite(kenya.vital.fertility).sum() == 1
    assert kenya.vital.annual["net_migration"][20] == -2500.0
    assert uganda.vital is None


def test_build__names_a_missing_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"population_5year_decadal\.csv\.gz: no such file"):
        build_open_data.build(tmp_path, tmp_path / "out.npz")
