"""Households for which a rule fails: named, set aside alike on every backend, and in grown runs."""

from __future__ import annotations

import re

import pytest
from coresia import change
from striking import BACKENDS, here, shards

# Fails for households of five.
FIVE = """\
reform: Broken
source: assumption of the test
replace:
  child_grant: "transfers.child_grant / (household_size - 5)"
"""


def asked_of(mine, name):
    return (
        "run", mine.scenario, "--population", mine.population, "--out", mine.folder / name,
        "--shard-persons", 1,
    )  # fmt: skip


def add_reform(mine) -> None:
    (mine.country / "reforms" / "broken.yaml").write_text(FIVE)
    last = "  nothing: reforms/nothing.yaml\n"
    change(mine.country, "scenario.yaml", last, last + "  broken: reforms/broken.yaml\n")


def said_of(ended) -> str:
    """Return the line that names the rule and the households."""
    (line,) = (line for line in ended.out.splitlines() if "set aside" in line)
    return line


def test_a_rule_that_fails__is_named_and_its_households_set_aside_alike_everywhere(
    commands, my_coresia
):
    add_reform(my_coresia)
    ended = {b: commands.run(*asked_of(my_coresia, b), *BACKENDS[b]) for b in BACKENDS}
    assert len({one.digest for one in ended.values()}) == 1
    for one in ended.values():
        assert re.search(
            r"reforms/broken\.yaml:4: division by zero in child_grant: \d+ households set aside in "
            r"all scenarios \(first: \d+, .*THESE RESULTS ARE INCOMPLETE until that is settled",
            said_of(one),
        ), said_of(one)
    assert not list(my_coresia.folder.glob("*/failed/*"))


@pytest.mark.parametrize("backend", ["processes", "mpi"])
def test_a_new_reform_that_fails__has_the_others_computed_again_without_those(
    commands, my_coresia, backend
):
    """The answer is that of a run with all reforms from the start."""
    grown, whole = my_coresia.folder / "grown", asked_of(my_coresia, "whole")
    assert here(*asked_of(my_coresia, "grown"), "--workers", 1).code == 0
    before = shards(grown)
    reform = my_coresia.folder / "broken.yaml"
    reform.write_text(FIVE)
    ended = commands.run("expand", grown, "--reform", f"broken={reform}", *BACKENDS[backend])
    assert "3 units leave out households that other scenarios failed on" in ended.err
    add_reform(my_coresia)
    assert ended.digest == here(*whole, "--workers", 1).digest
    kept = shards(grown)
    assert {name: kept[name] for name in before} == before
    assert len(kept) == 9
    assert said_of(ended).partition(":4: ")[2] == said_of(here(*whole)).partition(":4: ")[2]
