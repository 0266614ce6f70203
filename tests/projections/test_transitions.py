"""A projection whose moves between employment statuses are the country's own matrices."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from projections import (
    WEIGHT,
    Perennia,
    cells_of,
    life_of,
    make_perennia,
    rows_of,
    series_of,
)
from refusing import line_of, refused
from transition_tables import Moves, header, lines, matrix

from microsim.cli.main import main
from microsim.kernels.draws import decision_hash, uniform
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.simulation.run import open_run

FIRST, LAST, MOVED_FROM = 2025, 2035, 2030
MEN: Moves = {
    "formal private employee": {"unemployed": 0.05, "informal employee": 0.05},
    "informal employee": {"formal private employee": 0.1, "unemployed": 0.1},
    "unemployed": {"formal private employee": 0.3, "informal employee": 0.3},
    "other inactive": {"unemployed": 0.2},
    "student": {"formal private employee": 0.3, "unemployed": 0.3},
}
WOMEN: Moves = {**MEN, "formal private employee": {"other inactive": 0.1}}
FORMAL: Moves = {**MEN, "informal employee": {"formal private employee": 0.6}}
BLOCK = """\
  transitions:
    basis: data
    source: "labour force panel, invented"
    table: moves.csv
    towards: formal.csv
    share: life.formalised
    ages: 15-69
"""
PARAMETERS = """\
parameters:
  life:
    formalised: {unit: share, source: test, values: {1900-01-01: 0}}
"""
REFORM = """\
reform: formalised
label: Inspections that make informal work formal
source: assumption of the test
replace:
  life.formalised: {2030-01-01: 1}
"""


def with_transitions(country: Perennia, align: str = "none") -> Perennia:
    """Give a copy of Perennia transitions, and a reform that moves them."""
    both = "2020-2040,male,", "2020-2040,female,"
    moves = header("year", "sex") + lines(MEN, both[0]) + lines(WOMEN, both[1])
    country.write("lives/moves.csv", moves)
    country.write("lives/formal.csv", header() + lines(FORMAL))
    country.change("lives/lives.yaml", "  retirement:\n", BLOCK + "  retirement:\n")
    country.change("lives/lives.yaml", "parameters:\n", PARAMETERS)
    labour = "table: labour.csv\n    factor: life_formal\n    align: "
    country.change("lives/lives.yaml", f"{labour}none", f"{labour}{align}")
    country.write("reforms/formalised.yaml", REFORM)
    text = country.scenario.read_text()
    country.scenario.write_text(f"{text}  formalised: reforms/formalised.yaml\n")
    return country


@pytest.fixture(scope="module")
def country(rules_cache, perennia, tmp_path_factory) -> Perennia:
    return with_transitions(
        make_perennia(tmp_path_factory.mktemp("transitions"), perennia.population)
    )


@pytest.fixture(scope="module")
def outcome(country):
    return country.run("run")


def test_a_reform_of_the_matrix__has_lives_of_its_own(outcome):
    assert outcome.contents.scenarios == ("baseline", "higher_pension", "nothing", "formalised")
    assert outcome.contents.lives_of == (0, 0, 0, 1)
    cells = cells_of(outcome.out)
    for year in range(FIRST, LAST + 1):
        (place,) = (k for k, one in enumerate(cells[year].measures) if one.kind == "population")
        persons = cells[year].persons[:, place]
        same = bool((persons[0] == persons[3]).all())
        assert same == (year < MOVED_FROM), year
        informal = persons[:, :, :, EMPLOYMENT_STATUS.index("informal employee")].sum(axis=(1, 2))
        assert same or informal[3] < informal[0]


def test_register__holds_the_moves_of_the_first_and_last_year(outcome):
    rows = rows_of(outcome, "A5", column="baseline")
    found = {row.row.partition(" (data")[0]: row.value for row in rows}
    assert found["formal private employees who stay a year, men of 40"] == pytest.approx(0.9)
    assert found["unemployed at work a year later, women of 40"] == pytest.approx(0.6)
    name = "informal employees in formal work a year later, men of 40"
    assert found[name] == pytest.approx(0.1)
    assert not any("formal private employees who leave a year" in name for name in found)


def test_explain__shows_each_change_with_its_probability_and_draw(country, outcome, capsys):
    """The command tells a life; each change is the one that the draw falls on in the person's row.

    Draws are made here again from the key; the engine's own are in the event.
    """
    life = life_of(open_run(outcome.out))
    life.begin_year()
    person = life.lives.persons
    young = (person["age"] == 25) & (person["sex"] == 0)
    found = 0
    for row in np.flatnonzero(young)[:4].tolist():
        home = int(np.searchsorted(life.people.start, row, side="right")) - 1
        asked = ("--household", life.households["household_id"][home], "--member",
                 row - int(life.people.start[home]) + 1, "--format", "json")  # fmt: skip
        with pytest.raises(SystemExit) as caught:
            main([str(one) for one in ("explain", outcome.out, *asked)])
        assert caught.value.code == 0
        told = json.loads(capsys.readouterr().out)["years"]
        key = person["draw_key"][row]
        for before, after in pairwise(told):
            changes = [e for e in after["events"] if e["kind"] == "change of employment status"]
            assert len(changes) == (before["status"] != after["status"])
            for event in changes:
                a, b = (EMPLOYMENT_STATUS.index(one["status"]) for one in (before, after))
                u = float(uniform(key, 1, 0, decision_hash("life.transition"), after["year"], 0))
                reached = np.cumsum(matrix(MEN)[a])
                assert event["draw"] == u
                assert int(np.searchsorted(reached, u, side="right")) == b
                assert event["probability"] == pytest.approx(matrix(MEN)[a, b])
                found += 1
    assert found >= 4


def test_same_bits__for_any_shards_and_workers(country, outcome):
    again = country.run("again", shard_persons=2000, backend="processes", workers=2)
    for one, other in zip(
        cells_of(outcome.out).values(), cells_of(again.out).values(), strict=True
    ):
        np.testing.assert_array_equal(one.persons, other.persons)


def test_aligned_to_totals__meets_them(my_perennia):
    """With `align: sbdl` the statuses are those of labour.csv, which the matrix would not keep."""
    outcome = with_transitions(my_perennia, align="sbdl").run("run")
    misses = {}
    for row in rows_of(outcome, "T2", year=LAST):
        misses.setdefault(row.row, {})[row.column] = row.value
    for group in ("informal employees", "unemployed"):
        told = misses[group]
        assert told["achieved"] == pytest.approx(told["target"], rel=0.1), told


def test_totals_out_of_reach__are_warned_of_and_counted_alike_in_any_shards(my_perennia):
    """Nobody becomes an own-account worker by this matrix, but labour.csv wants them."""
    country = with_transitions(my_perennia, align="sbdl")
    outcome = country.run("run")
    columns = {"column": "achieved"}
    excluded = series_of(outcome, "T2", row="moves that transitions exclude", **columns)
    empty = series_of(
        outcome, "T2", row="places of statuses that transitions leave empty", **columns
    )
    (group, reformed) = (str(one) for one in outcome.warnings if "do not reach" in str(one))
    where = line_of(country, "lives/lives.yaml", "  transitions:")
    assert re.search(rf"lives/lives\.yaml:{where + 1}: transitions do not reach", group)
    assert "(baseline, higher_pension, nothing)" in group
    assert "(formalised)" in reformed
    told = re.search(
        r"found ([\d,]+) of ([\d,]+) moves of the sample that the transitions exclude .* and "
        r"([\d,]+) places left empty; most in (\d+): ([\d,]+) of ([\d,]+) moves, ([\d,]+) places",
        group,
    )  # fmt: skip
    out, n, left, year, out_then, n_then, left_then = (
        int(x.replace(",", "")) for x in told.groups()
    )
    assert sum(excluded.values()) == WEIGHT * out > 0
    assert sum(empty.values()) == WEIGHT * left
    assert (excluded[year], empty[year]) == (WEIGHT * out_then, WEIGHT * left_then)
    assert out_then + left_then == max(excluded[y] + empty[y] for y in excluded) / WEIGHT
    assert out <= n
    assert out_then <= n_then
    assert "`align: none`" in group
    again = country.run("again", shard_persons=2000, backend="processes", workers=2)
    assert series_of(again, "T2", row="moves that transitions exclude", **columns) == excluded
    assert again.digest == outcome.digest


def test_drawn__says_nothing_of_totals(outcome):
    assert not any("do not reach" in str(one) for one in outcome.warnings)
    assert not rows_of(outcome, "T2", row="moves that transitions exclude")


# -- what is refused -----------------------------------------------------------------------------


def test_faults_of_the_matrices__are_named_all_at_once(my_perennia, capsys):
    country = with_transitions(my_perennia)
    country.change("lives/formal.csv", "0.6", "0.7")
    moves = (country.country / "lives" / "moves.csv").read_text()
    country.write("lives/moves.csv", moves.replace("female,retired,0.0", "female,retired,-0.5"))
    said = refused(country, capsys)
    assert re.search(
        r"lives/formal\.csv:4: the probabilities of a row of transition do not add up to 1 "
        r"\(from informal employee\); found 1\.1; expected 1", said,
    )  # fmt: skip
    assert re.search(r"lives/moves\.csv:23:4: formal public employee.*found -0\.5", said)


def test_a_share_of_the_way_above_one__is_named_with_its_year(my_perennia, capsys):
    country = with_transitions(my_perennia)
    said = refused(country, capsys, "--set", "life.formalised=1.5")
    line = line_of(country, "lives/lives.yaml", "share: life.formalised")
    assert re.search(
        rf"lives/lives\.yaml:{line}: life\.formalised in 2026.*found 1\.5; expected 0 to 1", said
    )


def test_a_parameter_nobody_declares__is_named(my_perennia, capsys):
    country = with_transitions(my_perennia)
    country.change("lives/lives.yaml", "share: life.formalised", "share: life.formalized")
    assert re.search(
        r"'share' of process transitions; found life\.formalized", refused(country, capsys)
    )
