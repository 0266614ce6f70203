"""What rates of lives amount to: children of a woman's life, and expectations of life."""

from __future__ import annotations

import numpy as np

from microsim.dynamics.tables import LifeTables


def total_fertility(tables: LifeTables, step: int) -> float:
    """Return the births of a woman who lives through the rates of one step at every age."""
    return float(np.cumsum(tables.birth[step])[-1])


def life_expectancy(tables: LifeTables, step: int, sex: int, age: int = 0) -> float:
    """Return the years that are left on average at an exact age, under the rates of one step.

    Probabilities are of persons half a year older on average than their completed age; those who
    die within a year live half of it.

    Parameters
    ----------
    tables
        The rates.
    step
        Which step.
    sex
        0 male, 1 female.
    age
        0, or an age whose first half year has the mortality of its completed age.
    """
    q = tables.death[step, sex, age:]
    first = float(tables.newborn_death[step, sex]) if age == 0 else 1.0 - float(np.sqrt(1.0 - q[0]))
    alive = np.cumprod(np.append(1.0 - first, 1.0 - q[:-1]))
    lived = np.cumsum(alive * (1.0 - 0.5 * q))[-1]
    return 0.5 * (1.0 - 0.5 * first) + float(lived)
