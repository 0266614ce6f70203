"""A scenario gathers system, frame, totals and reforms, and names every fault in them."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microsim.errors import InputError
from microsim.files import month_index
from microsim.policy.dated import value_at
from microsim.policy.loading import load_system
from microsim.scenario.cases import load_cases
from microsim.scenario.scenario import BASELINE, load_scenario

CORESIA = Path(__file__).parent.parent / "data" / "coresia"


def spoiled(tmp_path, name, old, new):
    shutil.copytree(CORESIA, tmp_path / "coresia")
    path = tmp_path / "coresia" / name
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))
    return tmp_path / "coresia" / "scenario.yaml"


def test_load_scenario__reads_everything_it_names():
    scenario = load_scenario(CORESIA / "scenario.yaml")
    assert (scenario.name, scenario.year, scenario.seed) == ("Coresia floor guarantees", 2025, 1)
    assert (scenario.population.country, scenario.population.households) == ("CRS", 1000)
    assert scenario.frame.value("gdp", 2025) == 10.8e9
    assert len(scenario.totals) == 6
    assert scenario.calibrate[0].parameter == "transfers.take_up"
    assert list(scenario.reforms) == ["universal_pension", "higher_contributions", "both"]
    assert scenario.system.definitions.frame["cpi"] == "number"
    assert len(scenario.files) == len({file.path for file in scenario.files}) == 10


def test_systems__applies_each_reform_to_the_baseline():
    systems = load_scenario(CORESIA / "scenario.yaml").systems()
    assert list(systems) == [BASELINE, "universal_pension", "higher_contributions", "both"]
    contributions = {
        name: len(system.definitions.parameters["fund.employee_rate"].values)
        for name, system in systems.items()
    }
    assert contributions == {
        BASELINE: 2,
        "universal_pension": 2,
        "higher_contributions": 3,
        "both": 3,
    }
    assert "universal_pension" in systems["both"].schemes


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("scenario.yaml", "year: 2025", "year: soon", "scenario.yaml:3: 'year' of the scenario"),
        ("scenario.yaml", "year: 2025", "year: 25", "expected a year"),
        ("scenario.yaml", "year: 2025", "yaer: 2025", "Did you mean 'year'"),
        ("scenario.yaml", "baseline.yaml", "base.yaml", "scenario.yaml:2: cannot read"),
        ("scenario.yaml", "country: CRS", "country: crs", "'country' of population; found crs"),
        ("scenario.yaml", "households: 1000", "households: 0", "expected 1 or more"),
        ("scenario.yaml", "country: CRS, ", "file: x.h5, ", "file alone, or country"),
        ("scenario.yaml", "frame: frame", "frame: ../../../frame", "leaves the folder tree"),
        ("scenario.yaml", "transfers.take_up", "transfers.takeup", "Did you mean 'transfers.take"),
        ("scenario.yaml", "transfers.take_up", "transfers.child_grant", "whose unit is share"),
        ("scenario.yaml", "item: recipients", "item: benefits", "no official total to calibrate"),
        ("scenario.yaml", "item: recipients", "item: people", "'item' of calibrate; found people"),
        ("scenario.yaml", "  universal_pension: ref", "  baseline: ref", "name of reform 'base"),
        ("scenario.yaml", "both: [reforms/univ", "both: [reforms/unif", "no such file"),
        ("reforms/universal_pension.yaml", "[older_", "[oder_", "abolish names an unknown scheme"),
        ("frame.yaml", "unit: number", "unit: currency", "'unit' of series cpi; found currency"),
        ("frame.yaml", "2023: 9.0e9", "2023: much", "value of series gdp; found much"),
        ("frame.yaml", "2023: 9.0e9", "23: 9.0e9", "year of series gdp; found 23"),
        ("frame.yaml", "source: fictional wage order, ", "", "series minimum_wage has no 'source'"),
        ("totals.csv", "recipients,2025", "recipient,2025", "totals.csv:6: item of older_persons"),
        ("totals.csv", "older_persons_t", "older_person_t", "totals.csv:6: unknown scheme"),
        ("totals.csv", "41000", "-41000", "totals.csv:6: the value; found -41000"),
        ("totals.csv", "41000", "nan", "totals.csv:6: the value; found nan"),
        ("totals.csv", ",41000,fictional ministry", ",41000,", "the total has no source"),
        ("totals.csv", ",41000,fictional", ",41000,Ministry, fictional", "found 6 columns"),
        ("totals.csv", "item,year", "year,item", "totals.csv:1: the columns are others"),
        ("totals.csv", "provident_fund,contributions employees", "income_tax,amount", "twice"),
    ],
)
def test_load_scenario__names_the_fault(tmp_path, name, old, new, fault):
    path = spoiled(tmp_path, name, old, new)
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert any(fault in str(one) for one in caught.value.faults), str(caught.value)


def test_load_scenario__checks_indices_and_lines_against_the_frame(tmp_path):
    path = spoiled(tmp_path, "law/transfers.yaml", "{index: cpi}", "{index: price}")
    fault = r"transfers\.poverty_line names an unknown series 'price'"
    with pytest.raises(InputError, match=fault):
        load_scenario(path)


def test_load_scenario__reports_faults_of_several_files_at_once(tmp_path):
    path = spoiled(tmp_path, "frame.yaml", "2023: 9.0e9", "2023: much")
    (path.parent / "totals.csv").write_text("scheme,item\n")
    path.write_text(path.read_text().replace("year: 2025", "year: soon"))
    with pytest.raises(InputError, match="much") as caught:
        load_scenario(path)
    named = " ".join(fault.where for fault in caught.value.faults)
    assert all(name in named for name in ("frame.yaml", "totals.csv", "scenario.yaml"))


def test_systems__set_parameters_of_the_baseline_and_of_reforms():
    scenario = load_scenario(CORESIA / "scenario.yaml")
    systems = scenario.systems(["fund.employee_rate=0.11", "universal.amount = 77"])
    june, july = month_index(2025, 6), month_index(2025, 7)
    for name, expected in ((BASELINE, 0.11), ("higher_contributions", 0.08)):
        rate = systems[name].definitions.parameters["fund.employee_rate"]
        assert value_at(rate, june) == 0.11
        assert value_at(rate, july) == expected
    assert "universal.amount" not in systems[BASELINE].definitions.parameters
    amount = systems["both"].definitions.parameters["universal.amount"]
    assert value_at(amount, july) == 77


def test_systems__name_every_setting_that_cannot_be():
    scenario = load_scenario(CORESIA / "scenario.yaml")
    with pytest.raises(InputError, match=r"Did you mean 'fund\.employer_rate'") as caught:
        scenario.systems(["fund.employe_rate=0.1", "fund.voluntary=some"])
    assert len(caught.value.faults) == 2


def test_load_scenario__names_a_file_of_another_kind():
    for name, kind in (
        ("baseline.yaml", "system"),
        ("law/tax.yaml", "law"),
        ("cases/payslip.yaml", "cases"),
        ("cases/household.yaml", "household"),
        ("reforms/universal_pension.yaml", "reform"),
        ("frame.yaml", "frame"),
    ):
        with pytest.raises(InputError, match=f"found a {kind} file; expected a scenario file"):
            load_scenario(CORESIA / name)
    with pytest.raises(InputError, match="found a scenario file; expected a system file"):
        load_system(CORESIA / "scenario.yaml")
    with pytest.raises(InputError, match="found a system file; expected a cases or household file"):
        load_cases(CORESIA / "baseline.yaml")


SPLINTERS = ["[]", "{}", "", "[1, 2]", "{a: b}", "true", "-1", "1e400", "2024-01-01", "suspended"]
SPLINTERS += ["[[]]", "[[1]]", "- x", ".nan", "frame.gdp", "household", "\\", "null", "*a", "!b"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_loading__meets_any_damage_with_faults_only(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged") / "coresia"
    shutil.copytree(CORESIA, folder)
    names = sorted(path.relative_to(CORESIA) for path in CORESIA.rglob("*.*"))
    path = folder / data.draw(st.sampled_from(names))
    text = path.read_text()
    pieces = list(re.finditer(r"[\w./]+|\[[^\[\]]*\]|\{[^{}]*\}", text))
    piece = data.draw(st.sampled_from(pieces))
    path.write_text(
        text[: piece.start()] + data.draw(st.sampled_from(SPLINTERS)) + text[piece.end() :]
    )
    for load, name in (
        (load_scenario, "scenario.yaml"),
        (load_cases, "cases/payslip.yaml"),
        (load_cases, "cases/household.yaml"),
    ):
        with contextlib.suppress(InputError):
            load(folder / name)
