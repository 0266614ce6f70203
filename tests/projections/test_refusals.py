"""What the command refuses of a projection: exit code 2, and a message with file, line and cell.

Nothing is clipped or filled in: a run that is refused leaves no results.
"""

from __future__ import annotations

import re

import pytest
from projections import shares
from refusing import line_of, refused

from microsim.population.columns import EMPLOYMENT_STATUS

EMPLOYEE, RETIRED, UNDER_AGE = (
    EMPLOYMENT_STATUS.index(label)
    for label in ("formal private employee", "retired", "under working age")
)


# -- tables of rates ---------------------------------------------------------------------------


def test_a_missing_table__is_named_where_it_is_asked_for(my_perennia, capsys):
    (my_perennia.country / "lives" / "death.csv").unlink()
    said = refused(my_perennia, capsys)
    line = line_of(my_perennia, "lives/lives.yaml", "table: death.csv")
    assert re.search(rf"lives/lives\.yaml:{line}\b.*death\.csv", said)


@pytest.mark.parametrize(
    ("file", "old", "new", "cell", "what"),
    [
        ("death.csv", "male,60-79,0.04", "male,60-79,1.04", "4:3", r"value of death; found 1\.04"),
        ("death.csv", "female,60-79,0.03", "female,60-79,-0.03", "9:3", r"of death; found -0\.03"),
        ("birth.csv", "15-24,0.06", "15-24,six", "3:2", "value of birth; found six"),
        ("girls.csv", "0.5", "1.5", "2:1", r"value of girls; found 1\.5"),
        ("union.csv", "18-39,0.1", "18-39,nan", "3:2", "value of union; found nan"),
        ("birth.csv", "40+,0", "40-130,0", "5:1", "age of birth; found 40-130"),
        ("death.csv", "female,0-39", "woman,0-39", "7:1", "sex of death; found woman"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_probability__is_named(my_perennia, capsys, file, old, new, cell, what):
    text = (my_perennia.country / "lives" / file).read_text()
    lines = [new if line == old else line.replace(old, new, 1) if line.startswith(old) else line
             for line in text.splitlines()]  # fmt: skip
    assert lines != text.splitlines()
    my_perennia.write(f"lives/{file}", "\n".join(lines) + "\n")
    assert re.search(rf"lives/{re.escape(file)}:{cell}\b[^;]*{what}", refused(my_perennia, capsys))


def test_ages_left_out__are_named(my_perennia, capsys):
    my_perennia.write("lives/birth.csv", "age,value\n0-14,0\n15-24,0.06\n40+,0\n")
    said = refused(my_perennia, capsys)
    assert re.search(r"lives/birth\.csv: birth lacks year 2026, age 25", said)


def test_shares_of_statuses__that_do_not_add_up_are_named(my_perennia, capsys):
    text = shares({"0-14": {UNDER_AGE: 1}, "15-59": {EMPLOYEE: 0.9}, "60+": {RETIRED: 1}})
    my_perennia.write("lives/labour.csv", text)
    said = refused(my_perennia, capsys)
    assert re.search(
        r"lives/labour\.csv:\d+.*status_share do not add up to 1.*age 15.*found 0\.9", said
    )


def test_a_year_outside_the_tables__is_named(my_perennia, capsys):
    my_perennia.write("lives/girls.csv", "year,value\n2026-2033,0.5\n")
    said = refused(my_perennia, capsys)
    assert re.search(r"lives/girls\.csv: girls does not hold the year 2034", said)
    assert re.search(r"lives/girls\.csv: girls does not hold the year 2035", said)
    assert "2033" not in said


def test_faults_of_several_tables__come_all_at_once(my_perennia, capsys):
    my_perennia.change("lives/girls.csv", "0.5", "7")
    my_perennia.change("lives/newborn_death.csv", "0.01", "-1")
    (my_perennia.country / "lives" / "union.csv").unlink()
    said = refused(my_perennia, capsys)
    for name in (r"girls\.csv:2:1", r"newborn_death\.csv:2:1", r"lives\.yaml:\d+.*union\.csv"):
        assert re.search(name, said), name


# -- lives and scenario ------------------------------------------------------------------------


def test_an_unknown_process__is_named_with_the_nearest(my_perennia, capsys):
    my_perennia.change("lives/lives.yaml", "  mortality:\n", "  mortalty:\n")
    said = refused(my_perennia, capsys)
    line = line_of(my_perennia, "lives/lives.yaml", "mortalty:")
    assert re.search(rf"lives/lives\.yaml:{line}\b.*mortalty.*Did you mean 'mortality'", said)


def test_an_unknown_factor__is_named(my_perennia, capsys):
    my_perennia.change("lives/lives.yaml", "factor: life_mortality", "factor: life_mortalty")
    said = refused(my_perennia, capsys)
    line = line_of(my_perennia, "lives/lives.yaml", "life_mortalty")
    assert re.search(rf"lives/lives\.yaml:{line}\b.*life_mortalty.*'life_mortality'", said)


@pytest.mark.parametrize("last", [2025, 2020])
def test_an_end_before_the_beginning__is_named(my_perennia, capsys, last):
    my_perennia.change("scenario.yaml", "to: 2035", f"to: {last}")
    said = refused(my_perennia, capsys)
    line = line_of(my_perennia, "scenario.yaml", "to: ")
    assert re.search(rf"scenario\.yaml:{line}\b.*found {last}.*a year after 2025", said)


def test_lives_without_an_end__ask_for_it(my_perennia, capsys):
    my_perennia.change("scenario.yaml", "to: 2035\n", "")
    said = refused(my_perennia, capsys)
    line = line_of(my_perennia, "scenario.yaml", "lives: ")
    assert re.search(rf"scenario\.yaml:{line}\b.*`lives` is of a projection.*no `to`", said)


def test_an_end_without_lives__asks_for_them(my_perennia, capsys):
    my_perennia.change("scenario.yaml", "lives: lives/lives.yaml\n", "")
    assert re.search(
        r"scenario\.yaml:\d+.*a projection needs `lives`", refused(my_perennia, capsys)
    )


def test_a_population_of_another_year__is_refused(my_perennia, capsys):
    my_perennia.change("scenario.yaml", "year: 2025", "year: 2026")
    said = refused(my_perennia, capsys)
    assert re.search(r"population is of another year.*found 2025.*expected 2026", said)


def test_an_end_beyond_the_published_data__is_refused(my_perennia, capsys):
    my_perennia.change("scenario.yaml", "to: 2035", "to: 2101")
    assert re.search(r"scenario\.yaml:\d+.*found 2101", refused(my_perennia, capsys))


# -- what only shows when lives go on ----------------------------------------------------------


def test_formal_jobs_beyond_the_workers__are_named_with_their_block(my_perennia, capsys):
    """Half as many jobs again each year: soon more than there are employees."""
    my_perennia.change(
        "lives/lives.yaml",
        "parameters:\n",
        "parameters:\n  life:\n    jobs: {unit: share, source: test, values: {1900-01-01: 0.5}}\n",
    )
    my_perennia.change(
        "lives/lives.yaml",
        "    table: labour.csv\n",
        "    table: population\n    formal_jobs: life.jobs\n",
    )
    said = refused(my_perennia, capsys)
    assert re.search(
        r"lives/lives\.yaml:\d+.*share of formal work among employees in 20\d\d; found [12]\.\d+ "
        r"\(0\.\d+ and a change of \+[01]\.\d+\); expected between 0", said,
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["serial", "processes"])
def test_a_factor_that_takes_a_probability_above_one__is_named(my_perennia, capsys, backend):
    more = ("--set", "life.mortality_factor=9", "--backend", backend)
    said = refused(my_perennia, capsys, *more)
    assert re.search(
        r"mortality, year 2026, (fe)?male of age \d+.*outside 0 to 1; found 0\.1\d x 9 = 1\.\d+",
        said,
    )


@pytest.mark.parametrize("backend", ["serial", "processes"])
def test_a_factor_of_a_reform_that_takes_a_probability_above_one__is_named(
    my_perennia, capsys, backend
):
    """Only the units live these lives: all of them say it, and what to do is not to try again."""
    my_perennia.change(
        "reforms/nothing.yaml",
        "life.mortality_factor: {2026-01-01: 1}",
        "life.mortality_factor: {2028-01-01: 9}",
    )
    said = refused(my_perennia, capsys, "--backend", backend, "--shard-persons", "500")
    assert re.search(r"mortality, year 20(2[89]|3\d), (fe)?male of age \d+.*outside 0 to 1", said)
    assert "The question's own files are at fault." in said
    assert "Traceback" not in said
    assert "--retry-failed" not in said


def test_a_growth_that_ends_all_money__is_named(my_perennia, capsys):
    said = refused(my_perennia, capsys, "--set", "economy.inflation=-1")
    assert re.search(r"economy\.inflation: growth in 2026; found -1", said)


def test_a_series_that_ends__is_named_where_it_is_needed(my_perennia, capsys):
    series = "  health_cost: {unit: currency/month, source: test, values: {2025: 5}}\n"
    my_perennia.change("frame.yaml", "frame:\n", f"frame:\n{series}")
    my_perennia.change(
        "law/universal.yaml",
        "universal.amount * frame.average_wage",
        "universal.amount * frame.health_cost",
    )
    said = refused(my_perennia, capsys)
    assert re.search(r"health_cost.*2026", said)
