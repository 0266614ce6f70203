"""The engine against the plain reference: the same lives, event by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from household_checks import assert_households_are_valid
from lives_reference import COMPARED, EVENT_BLOCKS, Person, Reference
from small_lives import eventful_tables, small_population, some_transitions

from microsim.dynamics.lives import Lives
from microsim.dynamics.tables import METHODS, MULTIPLICATIVE
from microsim.dynamics.transition_formulas import Formulas

YEARS = 15
MONEY = ("earnings", "self_employment_income")
KINDS = list(EVENT_BLOCKS)


def key_after(lives: Lives, before: np.ndarray, row_before: int, row_now: int) -> int:
    """Return the key of the person of an event."""
    return int(before[row_before]) if row_before >= 0 else int(lives.persons["draw_key"][row_now])


def stated_probabilities(person: Person) -> list[float]:
    """Return probabilities of informal and of formal work, of somebody as of the year before."""
    age = min(person.age, 60)
    return [0.002 * age, 0.3 if person.values["employment_status"] == 7 else 0.1 + 0.1 * person.sex]


def stated_logits(person: Person) -> list[float]:
    """Return logits of unemployment, informal and formal work."""
    same = [2.0 * (person.values["employment_status"] == status) for status in (7, 3, 2)]
    return [same[0] - 1.5, same[1] - 0.02 * person.age, same[2] - 1.0 + 0.3 * person.sex]


FORMULAS: dict[str, tuple[Formulas, Callable[[Person], list[float]]]] = {
    "probabilities": (
        Formulas((3, 2), ("a", "b"), ("x:1", "x:2"), False, -1, (18, 69)), stated_probabilities,
    ),
    "logits": (
        Formulas((7, 3, 2), ("a", "b", "c"), ("x:1",) * 3, True, 12, (15, 120)), stated_logits,
    ),
    "logits of the present": (
        Formulas((7, 3, 2), ("a", "b", "c"), ("x:1",) * 3, True, -1, (20, 64)), stated_logits,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "moves"),
    [
        *((method, "shares") for method in METHODS),
        *(
            (method, moves)
            for moves in ("matrix", *FORMULAS)
            for method in (MULTIPLICATIVE, "sbdl")
        ),
    ],
)
def test_engine__lives_as_reference(method: str, moves: str) -> None:
    """Persons, households, links, statuses, incomes and events are the same in every year."""
    persons, households = small_population(90)
    matrix = None if moves == "shares" else some_transitions(YEARS)
    formulas, stated = FORMULAS.get(moves, (None, None))
    tables = eventful_tables(YEARS, method, transition=matrix, formulas=formulas)
    lives = Lives(tables, persons, households, seed=11, average_wage=1000.0, record=True)
    reference = Reference(tables, persons, households, 11, 1000.0, stated)
    happened: Counter[str] = Counter()
    for _ in range(YEARS):
        before = lives.persons["draw_key"].copy()
        behaviour = {}
        if formulas is not None and stated is not None:
            columns = np.array([stated(person) for person in reference.people()]).T
            behaviour = dict(zip(formulas.keys, columns, strict=True))
        passage = lives.step(behaviour)
        reference.step()
        people = reference.people()
        for name, value_of in COMPARED.items():
            expected = np.array([value_of(person) for person in people])
            if name in MONEY:
                np.testing.assert_allclose(lives.persons[name], expected, rtol=1e-9, err_msg=name)
            else:
                np.testing.assert_array_equal(lives.persons[name], expected, err_msg=name)
        homes = reference.households
        numbers = [home.number for home in homes]
        np.testing.assert_array_equal(lives.households["household_id"], numbers)
        sizes = [len(home.members) for home in homes]
        np.testing.assert_array_equal(lives.households["size"], sizes)
        welfare = [home.welfare for home in homes]
        np.testing.assert_allclose(lives.households["welfare"], welfare, rtol=1e-12)
        np.testing.assert_array_equal(passage.births, reference.tally["births"])
        np.testing.assert_array_equal(passage.deaths, reference.tally["deaths"])
        assert_households_are_valid(lives.persons, lives.households)
        events = passage.events
        assert events is not None
        found = sorted(
            (key_after(lives, before, b, r), KINDS[k], m, p, u)
            for b, r, k, m, p, u in zip(
                events.row_before.tolist(), events.row_now.tolist(), events.kind.tolist(),
                events.month.tolist(), events.probability.tolist(), events.draw.tolist(),
                strict=True,
            )
        )  # fmt: skip
        expected_events = sorted(
            (e.key, e.kind, e.month, e.probability, e.draw) for e in reference.events
        )
        assert [e[:3] for e in found] == [e[:3] for e in expected_events]
        np.testing.assert_allclose(
            [e[3:] for e in found], [e[3:] for e in expected_events], rtol=1e-12
        )
        happened.update(e[1] for e in found)
        late = {
            link: {
                int(lives.persons["draw_key"][row]): int(before[old])
                for row, old in enumerate(getattr(passage, f"late_{link}")) if old >= 0
            }
            for link in ("spouse", "mother", "father")
        }  # fmt: skip
        for link, pairs in late.items():
            name = f"late_{link}"
            expected_pairs = {p.key: p.flags[name].key for p in people if name in p.flags}
            assert pairs == expected_pairs
    assert set(KINDS) <= set(happened), f"not tried: {set(KINDS) - set(happened)}"
