"""The digest of a projection does not depend on backend, workers, shards, kills or how it grew."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from projections import Perennia, make_perennia
from striking import RANKS, Commands, shards, wait_until

from microsim.cli.main import main
from microsim.results.contents import MEAN
from microsim.simulation import carrying
from microsim.simulation.run import expand, resume
from microsim.simulation.upkeep import status_of, verify_run

LAST = 2028
LONGER = """\
reform: Longer lives
label: Lives that differ, so that there are two life groups
source: assumption of the test
replace:
  life.mortality_factor: {2026-01-01: 0.8}
"""
DRAWS = "economy.real_wage_growth,fund.rate\n0.03,0.12\n0.00,0.08\n"
ALONE = ("reforms:", "  nothing: reforms/nothing.yaml\n")


@pytest.fixture(scope="module")
def short(rules_cache, perennia, tmp_path_factory) -> Perennia:
    """Return Perennia to 2028 with a reform of rules and one of lives. Not to be changed."""
    return shortened(make_perennia(tmp_path_factory.mktemp("short"), perennia.population))


def shortened(country: Perennia) -> Perennia:
    country.change("scenario.yaml", "to: 2035", f"to: {LAST}")
    country.write("reforms/longer.yaml", LONGER)
    country.change(
        "scenario.yaml", "  nothing: reforms/nothing.yaml\n", "  longer: reforms/longer.yaml\n"
    )
    return country


@pytest.fixture(scope="module")
def answer(short):
    """Return the outcome all others are compared with."""
    return short.run("answer")


@pytest.fixture
def commands(rules_cache: Path, tmp_path: Path) -> Iterator[Commands]:
    """Return a starter of commands; those still running at the end are ended."""
    found = Commands(tmp_path, rules_cache.parent / "byte_code")
    yield found
    found.close()


def words(country: Perennia, out: Path, *more: object) -> list[object]:
    return [
        "run", country.scenario, "--population", country.population, "--out", out,
        "--shard-persons", "500", *more,
    ]  # fmt: skip


def test_answer__has_several_shards_years_and_life_groups(short, answer):
    assert len(short.shards("answer")) >= 3
    assert answer.contents.lives_of == (0, 0, 1)
    assert {row.year for row in answer.rows} == set(range(2025, LAST + 1))
    assert answer.poisoned == ()


@pytest.mark.parametrize(
    ("backend", "workers", "shard_persons"),
    [
        ("serial", 2, 500),
        ("serial", 4, 10**9),
        ("serial", 1, 1),
        ("processes", 2, 500),
        ("processes", 4, 1),
        ("dask", 2, 500),
    ],
)
def test_digest__does_not_depend_on_how_it_is_run(
    short, answer, tmp_path, backend, workers, shard_persons
):
    name = str(tmp_path / "run")
    outcome = short.run(name, backend=backend, workers=workers, shard_persons=shard_persons)
    assert outcome.digest == answer.digest


def test_digest__is_the_same_on_ranks_of_mpi(short, answer, tmp_path, commands):
    started = commands.start(*words(short, tmp_path / "run", "--backend", "mpi"), program=RANKS)
    assert commands.wait(started).digest == answer.digest


def test_digest__is_the_same_after_a_kill_and_resume(short, answer, tmp_path, commands):
    """Everything is killed as soon as a unit is done; what is done stays, the rest follows."""
    out = tmp_path / "run"
    process = commands.start(*words(short, out, "--backend", "processes", "--workers", "1"))
    wait_until(lambda: bool(shards(out)) or process.poll() is not None, "a unit is done")
    for pid in commands.group(process):
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=20)
    before = {path: path.stat().st_mtime_ns for path in out.glob("shards/*/*.bin")}
    assert before
    outcome = resume(out, short.options(str(out)))
    assert outcome.digest == answer.digest
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_worker_killed_in_a_unit__does_not_move_the_answer(short, answer, tmp_path, monkeypatch):
    monkeypatch.setattr(carrying, "START", "jobs:killed_once")
    outcome = short.run(str(tmp_path / "run"), backend="processes", workers=1)
    assert (tmp_path / "run" / "killed").exists()
    assert outcome.digest == answer.digest


def test_expand__with_a_reform_gives_the_answer_of_a_run_with_all(perennia, answer, tmp_path):
    """A reform of lives and one of rules are added, each in a batch that lives on its own."""
    country = shortened(make_perennia(tmp_path, perennia.population))
    country.without_reforms()
    country.run("grown")
    reforms = [
        (name, [country.country / "reforms" / f"{name}.yaml"])
        for name in ("higher_pension", "longer")
    ]
    before = {path: path.stat().st_mtime_ns for path in country.shards("grown")}
    expand(country.folder / "grown", country.options("grown"), reforms[:1])
    outcome = expand(country.folder / "grown", country.options("grown"), reforms[1:])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert outcome.contents.scenarios == answer.contents.scenarios
    assert outcome.contents.lives_of == answer.contents.lives_of
    assert outcome.digest == answer.digest


@pytest.fixture(scope="module")
def worlds(rules_cache, perennia, tmp_path_factory):
    """Return a run with two draws of a parameter of the economy and one of the law, and two
    replicates, without reforms; and its country.
    """
    folder = tmp_path_factory.mktemp("worlds")
    country = shortened(make_perennia(folder, perennia.population))
    country.without_reforms()
    (folder / "draws.csv").write_text(DRAWS)
    return country, country.run("whole", draws=str(folder / "draws.csv"), replicates=2)


def test_draws_and_replicates__give_the_same_whether_asked_for_at_once_or_added(worlds):
    country, whole = worlds
    assert whole.n_worlds == 6
    assert {(row.draw, row.replicate) for row in whole.rows} == {
        (draw, replicate) for draw in range(3) for replicate in (MEAN, 0, 1)
    }
    country.run("grown")
    out, options = country.folder / "grown", country.options("grown")
    expand(out, options, (), str(country.folder / "draws.csv"))
    assert expand(out, options, (), "", 1).digest == whole.digest


def test_a_draw__is_the_run_with_its_settings(worlds):
    country, whole = worlds
    settings = ("economy.real_wage_growth=0.0", "fund.rate=0.08")
    alone = country.run("alone", settings=settings)
    rows = [row for row in whole.rows if (row.draw, row.replicate) == (2, 0)]
    assert len(rows) == len(alone.rows) > 1000
    for drawn, stated in zip(rows, alone.rows, strict=True):
        same = drawn.value == stated.value or drawn.value != drawn.value
        assert same, (drawn, stated)
        assert (drawn.table, drawn.row, drawn.year) == (stated.table, stated.row, stated.year)


def test_draws__move_money_and_not_people(worlds):
    _, whole = worlds
    people, wages = ({}, {})
    for row in whole.rows:
        if row.replicate == 0 and row.table == "A1":
            people.setdefault((row.year, row.row, row.group), set()).add(row.value)
        if row.replicate == 0 and (row.table, row.row) == ("A4", "Average wage"):
            wages.setdefault(row.year, set()).add(row.value)
    assert all(len(values) == 1 for values in people.values())
    assert len(wages[2025]) == 1
    assert all(len(wages[year]) == 3 for year in range(2026, LAST + 1))


def test_replicates__are_other_lives_of_the_same_people(worlds):
    _, whole = worlds
    of = {
        (row.replicate, row.year): row.value
        for row in whole.rows
        if row.draw == 0 and (row.table, row.row, row.group) == ("A1", "Total", "")
    }
    assert of[0, 2025] == of[1, 2025]
    assert of[0, LAST] != of[1, LAST]


# -- commands on the directory of a projection ----------------------------------------------------


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    return int(caught.value.code or 0)


def test_status_and_verify__know_a_projection(short, answer, capsys):
    out = short.folder / "answer"
    state = status_of(out)
    assert (state.phase, state.missing) == ("complete", 0)
    verified = verify_run(out)
    assert verified.whole == len(short.shards("answer"))
    assert command("status", out) == 0
    assert command("verify", out) == 0
    assert command("validate", out) == 0
    printed = capsys.readouterr().out
    assert answer.digest in printed


def test_verify__names_a_damaged_shard_and_the_run_mends_it(short, answer, tmp_path, capsys):
    name = str(tmp_path / "run")
    short.run(name)
    victim = short.shards(name)[1]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    assert command("verify", name) != 0
    said = capsys.readouterr()
    assert victim.name in said.out + said.err
    assert short.run(name).digest == answer.digest


def test_plan__forecasts_a_projection(perennia, tmp_path, capsys):
    country = shortened(make_perennia(tmp_path, perennia.population))
    country.change("scenario.yaml", f"to: {LAST}", "to: 2027")
    assert command("plan", country.scenario, "--population", country.population) == 0
    printed = capsys.readouterr().out
    assert "2,400 persons" in printed
    assert "units of" in printed
