"""Checks that households of lives hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ALONE = 15


def assert_households_are_valid(persons: dict[str, Array], households: dict[str, Array]) -> None:
    """Check sizes, order of markets, numbers and keys, links, and that no child is alone."""
    size, start = households["size"].astype(int), households["start"].astype(int)
    n = persons["age"].size
    assert (size >= 1).all()
    assert size.sum() == n
    np.testing.assert_array_equal(start, np.cumsum(size) - size)
    assert (np.diff(households["market"].astype(int)) >= 0).all()
    assert np.unique(households["household_id"]).size == size.size
    assert (households["household_id"] > 0).all()
    assert np.unique(persons["draw_key"]).size == n
    assert (households["welfare"] >= 0.0).all()
    first = np.repeat(start, size)
    of = np.repeat(np.arange(size.size), size)
    row = np.arange(n)
    for link in ("head", "spouse", "mother", "father"):
        position = persons[link].astype(int)
        assert (position >= (0 if link == "head" else -1)).all()
        assert (position < size[of]).all()
        if link != "head":
            assert (position != row - first).all()
    head = first + persons["head"]
    assert (head == head[first]).all()
    _assert_spouses_are_mutual(persons, first)
    adults = np.bincount(of, weights=persons["age"] >= ALONE, minlength=size.size)
    assert (adults > 0).all()
    for link, sex in (("mother", 1), ("father", 0)):
        linked = persons[link] >= 0
        parent = (first + persons[link])[linked]
        assert (persons["sex"][parent] == sex).all()
        assert (persons["age"][parent] >= persons["age"][linked] + 12).all()


def _assert_spouses_are_mutual(persons: dict[str, Array], first: Array) -> None:
    married = np.flatnonzero(persons["spouse"] >= 0)
    spouse = first[married] + persons["spouse"][married]
    assert (persons["sex"][spouse] != persons["sex"][married]).all()
    back = first[spouse] + persons["spouse"][spouse]
    mutual = back == married
    assert mutual[persons["sex"][married] == 0].all()  # a husband points to his first wife
    assert (persons["spouse"][spouse] >= 0).all()
