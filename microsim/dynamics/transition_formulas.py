"""Which formulas of persons move them between employment statuses."""

from __future__ import annotations

from dataclasses import dataclass

from microsim.population.columns import EMPLOYMENT_STATUS


@dataclass(frozen=True)
class Formulas:
    """Moves between employment statuses by formulas of persons, columns of the behaviour.

    Attributes
    ----------
    statuses
        Code of the status that each leads to.
    variables, places
        Name of each, and `file:line` where it stands.
    logit
        Whether they are logits, rather than probabilities.
    base
        Code of the status that logits are against; -1 for the one a person is in.
    ages
        First and last age, at the end of the step, that they are for.
    """

    statuses: tuple[int, ...]
    variables: tuple[str, ...]
    places: tuple[str, ...]
    logit: bool
    base: int
    ages: tuple[int, int]

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the key of each in the behaviour."""
        return tuple(transition_key(EMPLOYMENT_STATUS[code]) for code in self.statuses)


def transition_key(status: str) -> str:
    """Return the key, in the behaviour, of what leads to a status."""
    return f"transition to {status}"
