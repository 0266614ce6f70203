"""Inputs that change after the start: refused with what differs, unless nothing can have moved."""

from __future__ import annotations

import re

import pytest
from coresia import change
from striking import assert_kept, here, shards

from microsim.population import store


@pytest.fixture(scope="module")
def mine(tmp_path_factory, coresia):
    """Return a copy of Coresia with a finished run; each test puts back what it changes."""
    from coresia import make_coresia

    made = make_coresia(tmp_path_factory.mktemp("mine"), coresia.population)
    copy = made.folder / "people.h5"
    copy.write_bytes(coresia.population.read_bytes())
    assert again(made).code == 0
    return made


def again(mine, *more):
    return here(
        "run", mine.scenario, "--population", mine.folder / "people.h5",
        "--out", mine.folder / "run", "--shard-persons", 1, "--workers", 1, *more,
    )  # fmt: skip


@pytest.fixture
def restored(mine):
    """Put every file of the question back after the test."""
    files = {
        path: path.read_bytes()
        for path in (*mine.country.rglob("*"), mine.folder / "people.h5")
        if path.is_file()
    }
    yield mine
    for path, content in files.items():
        path.write_bytes(content)


def assert_refused(mine, ended, found: str) -> None:
    assert ended.code == 2, ended
    assert "this run directory holds the answer to another question" in ended.err
    assert f"found a difference in {found}; expected the same question" in ended.err
    assert "Choose another --out, or remove the directory." in ended.err


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (("--seed", 7), "seed"),
        (("--set", "transfers.child_grant=9"), "--set"),
        (("--keep-persons", "child_grant"), "--keep-persons"),
        (("--seed", 7, "--set", "transfers.child_grant=9"), "seed, --set"),
    ],
)
def test_another_option__is_refused(mine, more, found):
    before = shards(mine.folder / "run")
    if "--keep-persons" in more:
        more = ("--keep-persons", "older_persons_entitlement")
    assert_refused(mine, again(mine, *more), found)
    assert_kept(mine.folder / "run", before)


def test_other_draws_or_replicates__are_refused_with_the_way(mine):
    ended = again(mine, "--replicates", 3)
    assert ended.code == 2
    assert "0 draws, 1 replicates there; expected 0 draws, 3 replicates as asked" in ended.err
    assert "`microsim expand` adds draws and replicates to a run." in ended.err


def test_a_changed_law_file__is_refused_and_named(restored):
    before = shards(restored.folder / "run")
    change(restored.country, "law/transfers.yaml", "{2019-07-01: 20}", "{2019-07-01: 21}")
    assert_refused(restored, again(restored), "file coresia/law/transfers.yaml")
    assert_kept(restored.folder / "run", before)
    # the run has its own copies: it goes on as it was begun
    assert here("resume", restored.folder / "run").code == 0


def test_a_changed_comment__is_not_refused(restored):
    before = shards(restored.folder / "run")
    law = restored.country / "law" / "transfers.yaml"
    law.write_text("# Only a comment.\n" + law.read_text())
    digest = here("resume", restored.folder / "run").digest
    ended = again(restored)
    assert ended.digest == digest
    assert "3 of 3 shards are done already" in ended.err
    assert_kept(restored.folder / "run", before)


def test_a_changed_reform_file__is_refused_and_named(restored):
    change(
        restored.country, "reforms/higher_contributions.yaml",
        "fund.employee_rate: {2025-07-01: 0.08}", "fund.employee_rate: {2025-07-01: 0.09}",
    )  # fmt: skip
    ended = again(restored)
    assert ended.code == 2
    assert "holds the answer to another question; found a difference in" in ended.err
    assert re.search(r"file \S*higher_contributions\.yaml;", ended.err), ended.err[:2000]


def test_a_changed_population__is_refused(restored):
    path = restored.folder / "people.h5"
    population = store.read(path)
    population.persons["earnings"] = population.persons["earnings"] * 1.5
    store.write(path, population)
    assert_refused(restored, again(restored), "population")
    ended = here("resume", restored.folder / "run")
    assert ended.code == 2
    assert f"{path}: the population has changed since" in ended.err
    path.unlink()
    ended = here("resume", restored.folder / "run")
    assert ended.code == 2
    assert "the population of the run is gone" in ended.err


def test_a_changed_copy_in_the_run__is_refused(restored):
    run = restored.folder / "run"
    law = run / "question" / "scenarios" / "coresia" / "law" / "transfers.yaml"
    whole = law.read_text()
    law.write_text(whole.replace("{2019-07-01: 20}", "{2019-07-01: 21}"))
    ended = here("resume", run)
    assert ended.code == 2
    assert "its files were altered" in ended.err
    law.write_text(whole)
    assert here("resume", run).code == 0
