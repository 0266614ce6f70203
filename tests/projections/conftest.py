"""Perennia and the run that all others of it are compared with, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def perennia(rules_cache: Path, tmp_path_factory: pytest.TempPathFactory):
    """Return Perennia with a population of 2,400 in four markets. Its files must not be changed."""
    from projections import make_perennia

    return make_perennia(tmp_path_factory.mktemp("perennia"))


@pytest.fixture(scope="session")
def projected(perennia):
    """Return the outcome all other runs of Perennia are compared with."""
    return perennia.run("reference")


@pytest.fixture
def my_perennia(rules_cache: Path, perennia, tmp_path: Path):
    """Return a copy of Perennia whose files a test may change; the population is shared."""
    from projections import make_perennia

    return make_perennia(tmp_path, perennia.population)
