"""A run that grows: what is done stays, and the answer is that of a run asked for at once."""

from __future__ import annotations

import pytest
from coresia import change

from microsim.errors import InputError, RunFailedError
from microsim.results.contents import MEAN
from microsim.results.shards import read_header
from microsim.simulation.explaining import explain_run
from microsim.simulation.run import expand, grow, resume
from microsim.simulation.upkeep import status_of

BOTH = "  both: [reforms/universal_pension.yaml, reforms/higher_contributions.yaml]\n"
DRAWS = "transfers.child_grant,fund.employee_rate\n9,0.06\n8,0.07\n"


def times(coresia, name: str) -> dict:
    return {path: path.stat().st_mtime_ns for path in coresia.shards(name)}


def grown(country, name, *args, **more):
    """Expand a run; assert that no file that was there is touched."""
    before = times(country, name)
    outcome = expand(country.folder / name, country.options(name), *args, **more)
    after = times(country, name)
    assert {path: after[path] for path in before} == before
    assert len(after) > len(before)
    return outcome


def test_expand_with_a_reform__gives_the_answer_of_a_run_with_all(my_coresia, reference):
    change(my_coresia.country, "scenario.yaml", BOTH, "")
    change(my_coresia.country, "scenario.yaml", "  nothing: reforms/nothing.yaml\n", "")
    my_coresia.run("small")
    names = ("universal_pension", "higher_contributions")
    files = [my_coresia.country / "reforms" / f"{name}.yaml" for name in names]
    nothing = my_coresia.country / "reforms" / "nothing.yaml"
    grown(my_coresia, "small", [("both", files)])
    outcome = grown(my_coresia, "small", [("nothing", [nothing])])
    assert outcome.contents.scenarios == reference.contents.scenarios
    assert outcome.digest == reference.digest


def test_expand_with_draws_and_replicates__gives_the_answer_of_a_run_with_all(my_coresia, tmp_path):
    draws, first = tmp_path / "draws.csv", tmp_path / "first.csv"
    draws.write_text(DRAWS)
    first.write_text("\n".join(DRAWS.splitlines()[:2]) + "\n")
    second = tmp_path / "second.csv"
    second.write_text("\n".join([DRAWS.splitlines()[0], DRAWS.splitlines()[2]]) + "\n")
    whole = my_coresia.run("whole", draws=str(draws), replicates=2)
    assert whole.n_worlds == 6
    my_coresia.run("small", draws=str(first))
    grown(my_coresia, "small", (), str(second))
    outcome = grown(my_coresia, "small", (), "", 1)
    assert outcome.digest == whole.digest
    worlds = {(row.draw, row.replicate) for row in outcome.rows}
    assert worlds == {(d, r) for d in range(3) for r in (MEAN, 0, 1)}


def test_draw_zero__is_the_run_without_draws(my_coresia, reference, tmp_path):
    draws = tmp_path / "draws.csv"
    draws.write_text(DRAWS)
    outcome = my_coresia.run("run", draws=str(draws))
    rows = [row for row in outcome.rows if row.draw == 0]
    assert list(map(str, rows)) == list(map(str, reference.rows))
    other = [row for row in outcome.rows if row.draw == 1]
    assert sum(str(a.value) != str(b.value) for a, b in zip(rows, other, strict=True)) > 20


def test_a_draw__is_the_run_with_its_settings(my_coresia, tmp_path):
    draws = tmp_path / "draws.csv"
    draws.write_text(DRAWS)
    outcome = my_coresia.run("run", draws=str(draws))
    alone = my_coresia.run("alone", settings=("transfers.child_grant=8", "fund.employee_rate=0.07"))
    key = [(r.table, r.row, r.column, r.scenario, r.group, r.value) for r in alone.rows]
    rows = [r for r in outcome.rows if r.draw == 2]
    found = [(r.table, r.row, r.column, r.scenario, r.group, r.value) for r in rows]
    assert [one for one in found if one[-1] == one[-1]] == [
        one for one in key if one[-1] == one[-1]
    ]


def test_replicates__differ_by_chance_only(my_coresia):
    outcome = my_coresia.run("run", replicates=2)
    first, second = ([r for r in outcome.rows if r.replicate == k] for k in (0, 1))
    assert len(first) == len(second)
    moved = sum(
        a.value != b.value and a.value == a.value for a, b in zip(first, second, strict=True)
    )
    assert 0 < moved < len(first)
    people = [r.value for rows in (first, second) for r in rows if r.table == "A1"]
    assert people[: len(people) // 2] == people[len(people) // 2 :]


def test_explain__takes_the_world_it_is_asked_for(my_coresia, tmp_path):
    draws = tmp_path / "draws.csv"
    draws.write_text(DRAWS)
    my_coresia.run("run", draws=str(draws))
    out, name = my_coresia.folder / "run", ["child_grant"]
    values = [explain_run(out, 10_003, name, draw=d).steps[-1].values for d in (0, 1, 2)]
    assert values[0] == values[2]
    with pytest.raises(InputError, match="no such draw; found 3; expected 0 to 2"):
        explain_run(out, 10_003, name, draw=3)


def test_a_reform_that_fails_for_some__leaves_them_out_of_all_scenarios(my_coresia):
    """The units of the scenarios that were there are computed again without those households."""
    broken = my_coresia.country / "reforms" / "broken.yaml"
    broken.write_text(
        "reform: Broken\nlabel: Divides by zero for households of five\nsource: test\n"
        'replace:\n  child_grant: "transfers.child_grant / (household_size - 5)"\n'
    )
    my_coresia.run("grown")
    outcome = grown(my_coresia, "grown", [("broken", [broken])])
    assert outcome.poisoned
    both = "  nothing: reforms/nothing.yaml\n"
    change(my_coresia.country, "scenario.yaml", both, both + "  broken: reforms/broken.yaml\n")
    whole = my_coresia.run("whole")
    assert whole.poisoned[0].households == outcome.poisoned[0].households
    assert outcome.digest == whole.digest
    headers = [read_header(path) for path in my_coresia.shards("grown")]
    assert any(header["excluded"] for header in headers)


def test_expand__refuses_what_it_cannot_add(my_coresia):
    my_coresia.run("run")
    out, options = my_coresia.folder / "run", my_coresia.options("run")
    with pytest.raises(InputError, match="expand: nothing to add"):
        expand(out, options)
    with pytest.raises(InputError, match="the run has a scenario both"):
        expand(out, options, [("both", [my_coresia.country / "reforms" / "nothing.yaml"])])
    with pytest.raises(InputError, match="not a run directory"):
        expand(my_coresia.folder / "none", options, (), "", 1)


def test_expand__leaves_a_run_as_it_was_when_what_is_added_cannot_be_computed(my_coresia, tmp_path):
    my_coresia.run("run")
    out, options = my_coresia.folder / "run", my_coresia.options("run")
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        'reform: Broken\nsource: test\nreplace:\n  child_grant: "transfers.child_grant * nobody"\n'
    )
    with pytest.raises(InputError, match=r"broken.yaml:\d+.*nobody"):
        expand(out, options, [("broken", [broken])])
    assert len(list((out / "plan").iterdir())) == 1


def test_grow__leaves_the_units_to_others(my_coresia, reference, tmp_path):
    my_coresia.run("run")
    out, options = my_coresia.folder / "run", my_coresia.options("run")
    before = times(my_coresia, "run")
    prepared = grow(out, options, (), "", 1)
    assert prepared.numbering.n_units == 2 * len(before)
    assert times(my_coresia, "run") == before
    assert status_of(out).missing == len(before)
    assert resume(out, options).n_worlds == 2
    assert status_of(out).phase == "complete"


def test_resume__needs_the_population_and_the_files_of_the_run(my_coresia, reference, tmp_path):
    from dataclasses import replace
    from shutil import copyfile, rmtree

    population = tmp_path / "people.h5"
    copyfile(my_coresia.population, population)
    country = replace(my_coresia, population=population)
    country.run("run")
    rmtree(country.country)  # the run keeps its own copies
    out = country.folder / "run"
    country.shards("run")[1].unlink()
    missing = r"1 of 3 units are missing.*\n.*not computed yet: 1 units \(1\)"
    with pytest.raises(RunFailedError, match=missing):
        resume(out, country.options("run"), merge_only=True)
    assert resume(out, country.options("run")).digest == reference.digest
    population.write_bytes(population.read_bytes() + b" ")
    with pytest.raises(InputError, match="the population has changed since"):
        resume(out, country.options("run"))
    population.unlink()
    with pytest.raises(InputError, match="the population of the run is gone"):
        resume(out, country.options("run"))


def test_another_shard_size__cuts_a_run_anew(my_coresia, reference):
    my_coresia.run("run")
    assert my_coresia.run("run", shard_persons=10**9).digest == reference.digest
    assert len(my_coresia.shards("run")) == 4
    assert my_coresia.run("run", shard_persons=None).digest == reference.digest
    assert len(my_coresia.shards("run")) == 4
