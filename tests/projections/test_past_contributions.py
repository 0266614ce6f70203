"""Past contributions that meet what an administration counts, from the CSV file to the tables."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from projections import LIMIT, PRIVATE, RETIRED, life_of, make_perennia, population, rows_of

from microsim.dynamics.past_totals import PastTotal, PastTotals, Solved
from microsim.errors import InputError
from microsim.language.people import World
from microsim.results.contents import Measure
from microsim.simulation.life_story import Asked, explain_life
from microsim.simulation.life_text import life_as_text
from microsim.simulation.past_contributions import comparison
from microsim.simulation.run import expand, open_run, prepare, resume
from microsim.simulation.static_ageing import StaticLife
from microsim.simulation.worlds import WorldKey

TOTALS = """\
status,sex,age,insured,months,mean,deviation,source
formal private employee,male,20-39,,,0.55,0.25,"register of the fund, 2024"
formal private employee,male,40-59,,1300000,0.6,0.2,"register of the fund, 2024"
formal private employee,female,20+,10000,1200000,,0.25,"register of the fund, 2024"
retired,male,60+,1500,400000,,,"register of the fund, 2024"
"""
MEN_40 = "formal private employee, male, 40-59"
WOMEN = "formal private employee, female, 20+"
MONTHS = "months credited before the first year, "


def short(country):
    country.change("scenario.yaml", "to: 2035", "to: 2027")
    country.past_totals(TOTALS)
    return country


@pytest.fixture(scope="module")
def counted(rules_cache, perennia, tmp_path_factory):
    """Return Perennia to 2027 with official totals, what its run said, and what came of it."""
    country = short(make_perennia(tmp_path_factory.mktemp("counted"), perennia.population))
    said: list[str] = []
    prepare(country.scenario, country.options("answer"), said.append)
    return country, said, resume(country.folder / "answer", country.options("answer"))


def test_comparison__is_said_before_anything_is_projected(counted):
    _, said, _ = counted
    lines = [line for line in said if line.startswith("past contributions")]
    assert len(lines) == 7  # all, four groups, and two remarks: some groups of the sample are small
    assert lines[0].startswith("past contributions, all groups: ")
    (line,) = (line for line in lines if WOMEN in line)
    assert re.search(r"1,200,000 months official, [0-9,]+ drawn \(ratio 1\.0\d\d\), ", line)
    assert "1,200,000 calibrated (miss 0)" in line
    assert line.endswith("10,000 insured official, 10,000 drawn")
    (line,) = (line for line in lines if "private employee, male, 20-39" in line)
    assert " months from the mean, " in line
    assert " months official and from the mean, " in lines[0]


def figures(group: str, insured=math.nan, months=math.nan, mean=math.nan) -> PastTotal:
    return PastTotal(group, insured, months, mean, math.nan, "register", "past.csv", 2)


def reached(insured: float, possible: float, drawn: float, credited: float) -> Solved:
    return Solved(0.5, 0.4, 4.0, 1.0, insured, possible, drawn, credited, 0.2)


def compared(*pairs: tuple[PastTotal, Solved]) -> list[str]:
    totals = PastTotals(tuple(total for total, _ in pairs), np.zeros((2, 121, 13), np.int16))
    return comparison(totals, [one for _, one in pairs])


def test_comparison__has_no_marks_within_five_per_cent():
    lines = compared(
        (figures("a", insured=1000.0, months=4e6), reached(951.0, 9e6, 3.81e6, 4e6 + 2e-8)),
        (figures("b", mean=0.5), reached(800.0, 8e6, 4.19e6, 4e6)),
        (figures("c", insured=0.0, mean=0.5), reached(0.0, 0.0, 0.0, 0.0)),
    )
    assert not [line for line in lines if "*" in line]
    (line,) = (line for line in lines if ", a: " in line)
    assert "4,000,000 months official, 3,810,000 drawn (ratio 0.953)" in line
    assert "calibrated (miss 0); 1,000 insured official, 951 drawn" in line


@pytest.mark.parametrize(
    ("total", "one", "mark", "words"),
    [
        (
            figures("old", insured=5000.0, mean=0.4), reached(0.0, 0.0, 0.0, 0.0),
            "5,000 insured official, 0 drawn*", "* nobody is drawn although persons are insured",
        ),
        (
            figures("old", insured=9000.0, mean=0.4), reached(14672.0, 2e6, 8e5, 8e5),
            "9,000 insured official, 14,672 drawn*", "* insured persons drawn differ by more than",
        ),
        (
            figures("old", months=1e6, mean=0.9), reached(9e5, 1.3e8, 1.166e8, 1e6),
            "(ratio 116.600*)", "* months drawn differ by more than 5 % from those counted: mean",
        ),
        (
            figures("old", months=1e6), reached(9e3, 2e6, 1.2e6, 1e6),
            "(ratio 1.200*)", "* months drawn differ by chance by more than 5 %",
        ),
        (
            figures("old", mean=0.5), reached(0.0, 0.0, 0.0, 0.0),
            "0 months from the mean, 0 drawn (ratio n/a)", "* nobody of the sample is in the group",
        ),
    ],
)  # fmt: skip
def test_comparison__marks_what_differs_and_says_why(total, one, mark, words):
    many = [(figures(f"group {k}", months=9e9), reached(1e7, 2e10, 9.1e9, 9e9)) for k in range(25)]
    lines = compared(*many, (total, one))
    assert lines[1].startswith("past contributions, old: ")  # marked groups are shown first
    assert mark in lines[1]
    assert lines[-2] == "past contributions: 6 more groups in table T2"
    assert lines[-1].startswith(f"past contributions: {words}")
    assert lines[-1].endswith(" (old)")


def test_comparison__names_some_of_many_groups_that_differ():
    lines = compared(
        *((figures(f"g{k}", months=1e6), reached(9e3, 2e6, 1.2e6, 1e6)) for k in range(7))
    )
    assert "(ratio 1.200*)" in lines[0]
    assert lines[-1].endswith(" (g0; g1; g2; g3; g4; 2 more groups)")


def test_fewer_insured_than_half_a_person_of_the_sample__are_plainly_said(my_perennia):
    country = short(my_perennia)
    country.change("lives/past.csv", "1500,400000,,,", "20,,0.4,0.1,")
    said: list[str] = []
    prepare(country.scenario, country.options("run"), said.append)
    (line,) = (line for line in said if "retired, male, 60+: " in line)
    assert line.endswith("20 insured official, 0 drawn*")
    (line,) = (line for line in said if "nobody is drawn although persons are insured" in line)
    assert line.endswith("(retired, male, 60+)")


def test_explain__says_where_the_past_comes_from(counted):
    country, _, _ = counted
    run = country.folder / "answer"
    life = life_of(open_run(run))
    life.begin_year()
    household = int(life.lives.households["household_id"][0])
    asked = Asked(household, 1, "baseline", ("months_credited",), 2025)
    shown = life_as_text(explain_life(run, asked))
    assert re.search(
        r"input past_formal_years: .*\(in the groups of past\.csv drawn and cal", shown
    )
    assert "else drawn from the densities of the lives file)" in shown


def test_comparison__is_in_table_t2_of_the_first_year(counted):
    _, _, outcome = counted
    reached = rows_of(outcome, "T2", row=MONTHS + MEN_40)
    assert {row.column: row.value for row in reached if row.column in ("target", "achieved")} == {
        "target": 1_300_000.0,
        "achieved": pytest.approx(1_300_000.0, rel=1e-12),
    }
    assert {row.year for row in reached} == {2025}
    assert {row.unit for row in reached if row.column == "target"} == {"months"}
    (drawn,) = rows_of(outcome, "T2", row=f"{MONTHS}{MEN_40}, as drawn", column="achieved")
    assert abs(drawn.value / 1_300_000.0 - 1.0) < 0.5
    (insured,) = rows_of(
        outcome, "T2", row=f"insured before the first year, {WOMEN}", column="achieved"
    )
    assert insured.value == 10_000.0
    assert insured.unit == "persons"
    (spread,) = rows_of(outcome, "T2", row=f"deviation of past densities, {WOMEN}", column="target")
    assert spread.value == 0.25


def test_totals__are_in_the_register_of_assumptions(counted):
    _, _, outcome = counted
    found = {row.row: row.value for row in rows_of(outcome, "A5", year=2025, column="baseline")}
    basis = "(data: register of the fund, 2024)"
    assert found[f"mean density of past contributions, {MEN_40} {basis}"] == 0.6
    assert found[f"deviation of past densities, {MEN_40} {basis}"] == 0.2
    assert found[f"months credited before the first year, {WOMEN} {basis}"] == 1_200_000.0
    assert found[f"insured before the first year, {WOMEN} {basis}"] == 10_000.0


def test_totals__are_data_whatever_the_densities_of_others_are(my_perennia):
    country = short(my_perennia)
    country.change("scenario.yaml", "to: 2027", "to: 2026")
    text = (country.country / "lives" / "lives.yaml").read_text()
    histories = text.index("histories:")
    assumed = text[histories:].replace("basis: data", "basis: assumption", 1)
    country.write("lives/lives.yaml", text[:histories] + assumed)
    rows = [row.row for row in rows_of(country.run("run"), "A5", year=2025, column="baseline")]
    assert (
        f"mean density of past contributions, {MEN_40} (data: register of the fund, 2024)" in rows
    )
    assert [row for row in rows if row.startswith("formal work in the past") and "(assump" in row]


def test_persons__begin_with_what_is_counted(counted):
    """Lives have the months, and rules read them as they read those walked back."""
    country, _, _ = counted
    life = life_of(open_run(country.folder / "answer"))
    life.begin_year()
    persons = life.persons
    years, status, age = (
        persons["past_formal_years"], persons["employment_status"], persons["age"].astype(float),
    )  # fmt: skip
    weight = life.households["weight"][0]
    men = (persons["sex"] == 0) & (status == PRIVATE) & (age >= 40) & (age < 60)
    assert 12.0 * weight * math.fsum(years[men]) == pytest.approx(1_300_000.0, rel=1e-12)
    assert ((years >= 0.0) & (years <= np.maximum(age - 20.0, 0.0))).all()
    old = (persons["sex"] == 0) & (status == RETIRED)
    assert np.count_nonzero(years[old]) * weight == 1500.0
    others = (persons["sex"] == 1) & (status == RETIRED) & (age > 20)
    share = years[others] / (age[others] - 20.0)  # not counted: a Beta of the block, mean 0.2
    assert abs(share.mean() - 0.2) <= LIMIT * math.sqrt(0.2 * 0.8 / 5.0 / share.size)
    life.evaluate(1)
    names = [state.name for state, _ in life.group.model.carried.states]
    credited = life.last.states[0][names.index("months_credited")]
    formal = np.isin(status, (1, PRIVATE)) & (persons["earnings"] > 0.0)
    np.testing.assert_array_equal(credited, 12.0 * years + 12.0 * formal)


def test_solution__is_frozen_with_the_run(counted):
    country, _, _ = counted
    run = open_run(country.folder / "answer")
    solved = [Solved(*numbers) for numbers in run.histories(WorldKey())]
    assert len(solved) == 4
    tables = run.horizon(0, WorldKey()).groups[0].tables
    assert tables.past_work.solved == tuple(solved)
    assert run.written_horizon(0, WorldKey()).groups[0].tables.past_work.solved == ()


@pytest.mark.parametrize(
    ("backend", "workers", "shard_persons"),
    [("serial", 2, 10**9), ("serial", 1, 1), ("processes", 2, 500)],
)
def test_digest__does_not_depend_on_how_it_is_run(
    counted, tmp_path, backend, workers, shard_persons
):
    country, _, answer = counted
    outcome = country.run(
        str(tmp_path / "run"), backend=backend, workers=workers, shard_persons=shard_persons
    )
    assert outcome.digest == answer.digest


def test_resume__says_nothing_again_and_gives_the_same(counted, tmp_path):
    country, _, answer = counted
    out, said = tmp_path / "run", []
    country.run(str(out))
    shards = sorted(out.glob("shards/*/*.bin"))
    shards[0].unlink()
    (out / "results.h5").unlink()
    outcome = resume(out, country.options(str(out)), said.append)
    assert not [line for line in said if line.startswith("past contributions")]
    assert outcome.digest == answer.digest


def test_replicates__have_histories_of_their_own_whether_asked_for_at_once_or_added(
    counted, tmp_path
):
    country, _, _ = counted
    whole = country.run(str(tmp_path / "whole"), replicates=2)
    country.run(str(tmp_path / "grown"))
    grown = expand(tmp_path / "grown", country.options(str(tmp_path / "grown")), (), "", 1)
    assert grown.digest == whole.digest
    stored = json.loads((tmp_path / "grown" / "frame.json").read_text())["histories"]
    assert set(stored) == {"0", "1"}
    drawn = [[one[6] for one in stored[k]] for k in ("0", "1")]
    assert drawn[0] != drawn[1]


def test_other_totals__are_another_question(counted, tmp_path, perennia):
    country = short(make_perennia(tmp_path, perennia.population))
    country.run("run")
    country.change("lives/past.csv", "1300000", "1300001")
    with pytest.raises(InputError, match="another question"):
        country.run("run")


def test_static_ageing__meets_totals_with_the_weights_of_the_first_year(rules_cache, tmp_path):
    rng = np.random.default_rng(4)

    def status(age):
        grown = rng.choice([1, 2, 2, 3, 5, 7, 10, 12], age.size)
        return np.where(age < 15, 0, np.where(age < 20, rng.choice([3, 8, 12], age.size), grown))

    people = population([2 * max(1, 16 - age // 6) for age in range(95)], status)
    weight = 20.0 + 60.0 * rng.random(people.households["size"].size)
    people = replace(people, households=people.households | {"weight": weight})
    country = make_perennia(tmp_path, people)
    country.change("scenario.yaml", "to: 2035", "to: 2026\nageing: static")
    country.past_totals("status,sex,months,mean,source\nformal private employee,male,9e5,0.4,x\n")
    outcome = country.run("run")
    months = f"{MONTHS}formal private employee, male"
    (row,) = rows_of(outcome, "T2", year=2025, row=months, column="achieved")
    assert row.value == pytest.approx(9e5, rel=1e-12)
    run = open_run(country.folder / "run")
    horizon, reader = run.horizon(0, WorldKey()), run.population
    part = reader.read_markets(0, reader.n_markets)
    life = StaticLife(horizon, horizon.groups[0], part, len(reader.regions), World(1, 0))
    life.begin_year()
    of_person = np.repeat(life.households["weight"], life.households["size"].astype(int))
    men = (life.persons["sex"] == 0) & (life.persons["employment_status"] == PRIVATE)
    credited = 12.0 * of_person[men] * life.persons["past_formal_years"][men]
    assert math.fsum(credited) == pytest.approx(9e5, rel=1e-12)


# -- what is refused -----------------------------------------------------------------------------


def refused(country) -> str:
    """Return why a run is refused."""
    with pytest.raises(InputError, match="lives") as caught:
        country.run("run")
    assert not (country.folder / "run" / "results.h5").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "cell", "what"),
    [
        (",0.55,", ",1.55,", "2:6", "'mean' of the total; found 1.55"),
        ("1300000", "13000000", "3:5", f"months credited to {MEN_40}; found 13,000,000"),
        ("10000,", "90000,", "4:4", f"insured persons of {WOMEN}; found 90,000; expected at most"),
        ("retired,male", "retierd,male", "5:1", "Did you mean 'retired'?"),
        ("1500,400000", "20,400000", "5:4", "of whom nobody is drawn to have the 400,000 months"),
        ("male,20-39", "male,0-20", "2:6", "male, 0-20, where nobody can have months; found 0.55"),
    ],
)
def test_a_total_that_cannot_be_met__is_named_with_its_cell(my_perennia, old, new, cell, what):
    short(my_perennia)
    my_perennia.change("lives/past.csv", old, new)
    said = refused(my_perennia)
    assert f"lives/past.csv:{cell}: " in said
    assert what in said


def test_a_missing_file__is_named_where_it_is_asked_for(my_perennia):
    short(my_perennia)
    (my_perennia.country / "lives" / "past.csv").unlink()
    lines = (my_perennia.country / "lives" / "lives.yaml").read_text().splitlines()
    line = lines.index("    totals: past.csv") + 1
    assert f"lives.yaml:{line}: cannot read" in refused(my_perennia)


# -- members' balances ---------------------------------------------------------------------------

SAVINGS = """\
parameters:
  savings_fund:
    amount: {unit: currency/month, source: "Savings Act (fictional) s.1", values: {2000-01-01: 10}}
    past: {unit: currency/year, source: "Savings Act (fictional) s.2", values: {2000-01-01: 1200}}
variables:
  saved_now: {of: person, unit: currency/month, formula: savings_fund.amount if is_formal else 0}
  savings:
    of: person
    unit: currency/year
    period: year
    formula: previous(savings, savings_fund.past * past_formal_years) + year(saved_now)
schemes:
  savings_fund:
    label: Savings of members
    pillar: provident fund
    insurable_earnings: insurable_earnings
    contributions:
      members: {variable: saved_now, payer: employees}
    partial: true
    administration: {share_of_contributions: 0}
    fund: {kind: defined contribution, balances: savings}
"""


def test_initial_balances__count_the_past_that_lives_begin_with(my_perennia):
    """The balances held against the official ones are those the run has in the first year."""
    country = short(my_perennia)
    country.write("law/savings.yaml", SAVINGS)
    country.change("baseline.yaml", "law/universal.yaml]", "law/universal.yaml, law/savings.yaml]")
    country.change("scenario.yaml", "frame: frame.yaml", "frame: frame.yaml\ntotals: totals.csv")
    header = "scheme,item,year,value,source\n"
    country.write("totals.csv", f"{header}savings_fund,balances,2025,500e6,register\n")
    said: list[str] = []
    prepare(country.scenario, country.options("run"), said.append)
    (line,) = (line for line in said if line.startswith("initial balances"))
    outcome = resume(country.folder / "run", country.options("run"))
    life = life_of(open_run(country.folder / "run"))
    life.begin_year()
    persons, weight = life.persons, life.households["weight"][0]
    formal = np.isin(persons["employment_status"], (1, PRIVATE))
    exact = weight * math.fsum(1200.0 * persons["past_formal_years"] + 120.0 * formal) / 1e6
    assert exact > 100.0
    assert f"{exact:,.0f} million simulated, 500 million official" in line
    cells = outcome.contents.cells
    place = cells.measures.index(Measure("fund", "savings_fund", "", "balances"))
    assert cells.persons[0, place].sum() == pytest.approx(1e6 * exact, rel=1e-12)
