"""What tests share: one folder of compiled rules a session, and a small country ready to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
WHOLE = ("cluster", "documents", "packaging")  # folders whose fixtures of the session are dear


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a module, or of a folder, in one process of `pytest -n`: they share
    fixtures.
    """
    for item in items:
        folder, *rest = item.path.relative_to(TESTS).parts
        name = folder if folder in WHOLE else "/".join((folder, *rest))
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def rules_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled rules and synthesised populations in a folder of this session, also for
    workers.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:  # one for all processes of `pytest -n`
        folder = tmp_path_factory.getbasetemp().parent / "cache" / "rules"
    else:
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
