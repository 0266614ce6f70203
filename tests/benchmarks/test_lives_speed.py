"""The benchmark of lives runs, and its populations live on as they should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from microsim.dynamics.lives import Lives

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import lives as speed


@pytest.mark.parametrize("method", ["draw", "sort"])
def test_tables__are_valid(method: str) -> None:
    """The rates measured are ones the engine would take from a file."""
    speed.minimal_tables(2).check()
    speed.full_tables(2, method).check()


def test_minimal_demography__has_the_transitions_of_the_peers() -> None:
    """States move by the matrix, whatever the person's sex and age."""
    persons, households = speed.people(20_000, speed.STATES)
    lives = Lives(speed.minimal_tables(1), persons, households)
    before = persons["employment_status"]
    passage = lives.step()
    known = passage.source >= 0
    for a, own in enumerate(speed.STATES):
        rows = np.flatnonzero(known)[before[passage.source[known]] == own]
        for b, other in enumerate(speed.STATES):
            found = (lives.persons["employment_status"][rows] == other).mean()
            p = speed.TRANSITIONS[a, b]
            assert abs(found - p) <= 4.0 * np.sqrt(p * (1 - p) / rows.size)


def test_measure__counts_person_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case gives a speed."""
    monkeypatch.setattr(speed, "ROUNDS", 1)
    found = speed.measure(speed.full_tables(2, "sort"), 1_000, (1, 2, 7, 12), 1_000.0)
    assert found["person_years"] > 1_900
    assert found["person_years_per_s"] > 0
