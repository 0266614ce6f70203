"""What tests share: one folder of compiled rules a session, and a small country ready to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rules_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled rules and synthesised populations in a folder of this session, also for
    workers.
    """
    folder = tmp_path_factory.mktemp("cache") / "rules"
    before = os.environ.get("MICROSIM_CACHE")
    os.environ["MICROSIM_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["MICROSIM_CACHE"]
    else:
        os.environ["MICROSIM_CACHE"] = before


@pytest.fixture(scope="session")
def coresia(rules_cache: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return Coresia with a population of 600 households in three markets. Its files must not be
    changed.
    """
    from coresia import make_coresia

    return make_coresia(tmp_path_factory.mktemp("coresia"))


@pytest.fixture(scope="session")
def reference(coresia):
    """Return the outcome all other runs of Coresia are compared with."""
    return coresia.run("reference")


@pytest.fixture
def my_coresia(rules_cache: Path, coresia, tmp_path: Path):
    """Return a copy of Coresia whose files a test may change; the population is shared."""
    from coresia import make_coresia

    return make_coresia(tmp_path, coresia.population)
