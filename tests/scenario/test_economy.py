"""The macro frame of a projection: what carries each series on, and what stays unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from microsim.errors import InputError
from microsim.language.definitions import Location
from microsim.scenario.economy import Economy, Reader, extended
from microsim.scenario.frame import Frame, Series, load_frame

YEARS = (2025, 2028)
RATES = {
    "economy.inflation": 0.05,
    "economy.real_wage_growth": 0.01,
    "economy.productivity_growth": 0.02,
    "economy.interest": 0.09,
}


def read(name: str, year: int) -> float:
    return RATES[name] + (0.01 if name == "economy.inflation" and year == 2028 else 0.0)


def frame_of(**series: tuple[str, dict[int, float]]) -> Frame:
    where = Location("frame.yaml", 2)
    return Frame(
        {name: Series(name, unit, "x", values, where) for name, (unit, values) in series.items()},
        "frame.yaml",
    )


def grown(frame: Frame, reader: Reader = read) -> Economy:
    """Return the frame carried on: people grow by 1 per cent a year, 40 in 100 work, then 44."""
    population = np.stack([np.full((2, 121), 100.0 * 1.01**t) for t in range(4)])
    shares = np.zeros((4, 2, 121, 13))
    shares[..., 3], shares[..., 12] = 0.4, 0.6
    shares[3, ..., 3], shares[3, ..., 12] = 0.44, 0.56
    return extended(frame, reader, population, shares, YEARS)


def values(frame: Frame, name: str) -> dict[int, float]:
    return frame.series[name].values


def test_prices_wages_and_lines__follow_inflation() -> None:
    money = "currency/month"
    frame = frame_of(
        cpi=("number", {2024: 100.0, 2025: 104.0}),
        average_wage=(money, {2026: 1000.0}),
        minimum_wage=(money, {2025: 300.0}),
        poverty_line_300=(money, {2025: 90.0}),
        poverty_line_national=(money, {2025: 120.0}),
    )
    found = grown(frame).frame
    cpi = values(found, "cpi")
    assert (cpi[2024], cpi[2025]) == (100.0, 104.0)
    assert [cpi[y] for y in (2026, 2027, 2028)] == pytest.approx([109.2, 114.66, 114.66 * 1.06])
    assert values(found, "average_wage")[2028] == pytest.approx(1000 * 1.05 * 1.06 * 1.01**2)
    assert values(found, "minimum_wage")[2026] == pytest.approx(300 * 1.05 * 1.01)
    assert values(found, "poverty_line_300")[2026] == pytest.approx(94.5)
    assert values(found, "poverty_line_national")[2028] == pytest.approx(120 * 1.05**2 * 1.06)


def test_gdp__follows_employment_productivity_and_prices() -> None:
    money = "currency/year"
    frame = frame_of(gdp=(money, {2025: 1e6, 2026: 1.1e6}),
                     government_expenditure=(money, {2025: 2e5}))  # fmt: skip
    found = grown(frame).frame
    real = 1.01 * 1.02
    assert values(found, "gdp")[2026] == 1.1e6
    assert values(found, "gdp")[2027] == pytest.approx(1.1e6 * real * 1.05)
    assert values(found, "gdp")[2028] == pytest.approx(1.1e6 * real**2 * 1.1 * 1.05 * 1.06)
    assert values(found, "government_expenditure")[2026] == pytest.approx(2e5 * real * 1.05)
    growth = values(found, "real_growth")
    assert growth[2026] == pytest.approx(1.1 / 1.05 - 1.0)
    assert growth[2027] == pytest.approx(real - 1.0)


def test_series_that_projections_bring() -> None:
    found = grown(frame_of(cpi=("number", {2025: 100.0, 2026: 110.0}))).frame
    assert values(found, "population") == pytest.approx(
        {2025 + t: 24200.0 * 1.01**t for t in range(4)}
    )
    assert values(found, "employment")[2025] == pytest.approx(24200.0 * 0.4)
    assert values(found, "interest") == dict.fromkeys(range(2025, 2029), 0.09)
    assert values(found, "inflation") == pytest.approx({2026: 0.10, 2027: 0.05, 2028: 0.06})
    units = found.units()
    assert (units["interest"], units["population"]) == ("share", "count")


def test_series_of_the_frame__stay_and_are_carried_on() -> None:
    frame = frame_of(
        population=("count", {2025: 50.0, 2026: 52.0}), interest=("share", {2025: 0.12})
    )
    found = grown(frame).frame
    assert values(found, "population")[2027] == pytest.approx(52.0 * 1.01)
    assert values(found, "interest") == {2025: 0.12, 2026: 0.09, 2027: 0.09, 2028: 0.09}


def test_money_without_a_rule__ends_and_is_asked_for_in_vain() -> None:
    found = grown(frame_of(health_cost=("currency/year", {2025: 7.0}))).frame
    assert values(found, "health_cost") == {2025: 7.0}
    with pytest.raises(InputError, match="'health_cost' has no value for 2026"):
        found.value("health_cost", 2026)


def test_output_before_the_first_year__is_not_made_up() -> None:
    found = grown(frame_of(gdp=("currency/year", {2023: 5.0}))).frame
    assert values(found, "gdp") == {2023: 5.0}


def test_every_series_carried_on__is_an_assumption() -> None:
    frame = frame_of(cpi=("number", {2025: 1.0}), gdp=("currency/year", {2025: 1.0}),
                     health_cost=("currency/year", {2025: 7.0}))  # fmt: skip
    rows = {row.driver: row for row in grown(frame).assumptions}
    assert set(rows) == {"cpi, 2028", "gdp, 2028"}
    assert rows["cpi, 2028"].basis == "assumption"
    assert "economy.inflation" in rows["cpi, 2028"].source


def test_growth_to_nothing__is_refused() -> None:
    with pytest.raises(InputError, match=r"economy\.inflation: growth in 2026; found -1"):
        grown(frame_of(), lambda name, _: -1.0 if name == "economy.inflation" else 0.0)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "frame.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def series(name: str, after: str = "", unit: str = "currency/month") -> str:
    rest = f", after_last: {after}" if after else ""
    return f"  {name}: {{unit: {unit}, source: x, values: {{2025: 100}}{rest}}}\n"


def test_after_last__says_what_carries_a_series_on(tmp_path: Path) -> None:
    text = "frame:\n" + series("nurse_wage", "{index: average_wage}") + series("average_wage")
    text += series("drugs", "{growth: 0.1}") + series("clerk_wage", "{index: frame.nurse_wage}")
    economy = grown(load_frame(write(tmp_path, text)))
    wages = values(economy.frame, "average_wage")
    assert values(economy.frame, "nurse_wage") == pytest.approx(wages)
    assert values(economy.frame, "clerk_wage") == pytest.approx(wages)
    assert values(economy.frame, "drugs")[2028] == pytest.approx(133.1)
    notes = {row.driver: row.source for row in economy.assumptions}
    assert notes["nurse wage, 2028"] == "follows average_wage after its last value (frame)"
    assert notes["drugs, 2028"] == "grows by 0.1 a year after its last value (frame)"


def test_after_last__of_population_goes_by_the_projection(tmp_path: Path) -> None:
    text = "frame:\n" + series("pupils", "{index: population}", "count")
    found = grown(load_frame(write(tmp_path, text))).frame
    assert values(found, "pupils")[2026] == pytest.approx(101.0)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (series("a", "{index: b}"), r"frame\.yaml:2: series a follows an unknown series; found b"),
        (series("a", "{index: populaton}"), "Did you mean 'population'?"),
        (series("a", "{index: a}"), "series a follows itself; found a -> a"),
        (series("a", "{index: b}") + series("b", "{index: a}"), "found a -> b -> a"),
        (series("a", "{}"), "after_last of series a; found neither"),
        (series("a", "{index: cpi, growth: 0.1}"), "found both; expected either"),
        (series("a", "{growth: fast}"), "'growth' of after_last of series a; found fast"),
        (series("a", "{growth: -1}"), "expected a share above -1"),
        (series("a", "{grow: 1}"), "unknown key 'grow'"),
    ],
)
def test_after_last__faults_are_named(tmp_path: Path, lines: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault.replace("?", r"\?")):
        load_frame(write(tmp_path, "frame:\n" + lines))
