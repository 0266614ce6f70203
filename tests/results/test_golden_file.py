"""A results file of each released version of the format is read for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from microsim.budget.identities import check_identities
from microsim.results.digest import digest_of_file
from microsim.results.validation import check_layout, read_verified

FOLDER = Path(__file__).parent.parent / "golden"

# Written by this project from the worked social budget (DOMAIN.md W32), one scenario, all given;
# since 1.1 with some rows and identities of a second world.
FILES = {
    "results_v1_0.h5": ("931a11622a6127f5e12316db281f8858c29002cc7b14ec884bb28b9d585b9bfb", 0),
    "results_v1_1.h5": ("d3a41db0967e19aabb3857e2dcefb82c83ac41d57b9ec5ca757cc226fb249ecd", 5),
}
PROJECTION = "80c055b516886c89d8643c9664ebe6f1dbeca8a1c8ea9f84f95e4667999d2fd9"


@pytest.mark.parametrize("name", FILES)
def test_old_file__reads_the_same(name):
    path = FOLDER / name
    results = read_verified(path)
    digest, n_further = FILES[name]
    assert results.digest == digest == digest_of_file(path)
    rows = [r for r in results.rows if (r.draw, r.replicate) == (0, 0)]
    budget = {(r.row, r.column): r.value for r in rows if r.table == "C7"}
    assert budget["Balance", "current prices"] == pytest.approx(880, rel=1e-12)
    assert all(i.holds for i in check_identities(results.contents, rows))
    assert sum((i.draw, i.replicate) == (1, 2) for i in results.identities) == n_further
    check_layout(path)


def test_old_projection__reads_the_same():
    """Written by this project from made-up contents of two years and two life groups."""
    path = FOLDER / "results_v1_2.h5"
    results = read_verified(path)
    assert results.digest == PROJECTION == digest_of_file(path)
    assert results.contents.horizon == (2025, 2026)
    assert results.contents.lives_of == (0, 1)
    assert sorted(results.later) == [2026]
    assert {r.year for r in results.rows if r.table == "C7"} == {2025, 2026}
    assert all(i.holds for i in results.identities)
    check_layout(path)
