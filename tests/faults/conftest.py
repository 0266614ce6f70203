"""A larger Coresia, whose run is long enough to be struck; commands that end with their test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from coresia import Coresia, coresian_population, make_coresia
from striking import Commands, can_mount, here

from microsim.population import store
from microsim.simulation.run import Outcome


@pytest.fixture(scope="session")
def long_coresia(rules_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Coresia:
    """Return Coresia with 9,000 households in 41 markets; with one shard a market its units take
    more than a second in all.
    """
    folder = tmp_path_factory.mktemp("long")
    store.write(folder / "coresia.h5", coresian_population(9000))
    return make_coresia(folder, folder / "coresia.h5")


@pytest.fixture(scope="session")
def long_answer(long_coresia: Coresia) -> Outcome:
    """Return what every run of the larger Coresia must end with."""
    return long_coresia.run("reference", shard_persons=1)


@pytest.fixture
def commands(rules_cache: Path, tmp_path: Path) -> Iterator[Commands]:
    """Return a starter of commands; those still running at the end are ended."""
    found = Commands(tmp_path, rules_cache.parent / "byte_code")
    yield found
    found.close()


@pytest.fixture
def asked(long_coresia: Coresia, long_answer: Outcome, tmp_path: Path) -> list[str]:
    """Return the command line of the usual run into the folder `run`, without a backend."""
    return [
        "run", str(long_coresia.scenario), "--population", str(long_coresia.population),
        "--out", str(tmp_path / "run"), "--shard-persons", "1",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def mounting(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where this user may not mount disks, and say so; fail where tests must be complete."""
    if not can_mount(tmp_path_factory.mktemp("mount")):
        words = "THIS FAULT IS NOT TESTED HERE: mounting a small disk is not allowed (be root)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)


@pytest.fixture
def asked_small(coresia: Coresia, reference: Outcome, tmp_path: Path) -> list[str]:
    """Return the command line of a run of three units into the folder `run`, without a backend."""
    return [
        "run", str(coresia.scenario), "--population", str(coresia.population),
        "--out", str(tmp_path / "run"), "--shard-persons", "1",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def finished_small(
    coresia: Coresia, reference: Outcome, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a finished run of three units, to be copied."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    ended = here(
        "run", coresia.scenario, "--population", coresia.population, "--out", folder,
        "--shard-persons", 1, "--workers", 1,
    )  # fmt: skip
    assert ended.digest == reference.digest
    return folder


@pytest.fixture
def finished_copy(finished_small: Path, tmp_path: Path) -> Path:
    """Return a finished run of three units that a test may change."""
    return shutil.copytree(finished_small, tmp_path / "run")
