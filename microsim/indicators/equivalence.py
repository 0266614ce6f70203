"""How many equivalent persons a household counts: per capita, square root, OECD and others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.kernels.transcendental import pow_array

Floats = npt.NDArray[np.float64]

CHILD_AGE = 14  # OECD and Oxford scales: who is younger is a child


def per_capita(adults: Floats, children: Floats) -> Floats:
    """Return the number of members."""
    return adults + children


def square_root(adults: Floats, children: Floats) -> Floats:
    """Return the square root of the number of members."""
    return np.sqrt(adults + children)


def oecd_modified(adults: Floats, children: Floats) -> Floats:
    """Return 1 + 0.5 for each further adult + 0.3 for each child (Hagenaars et al. 1994)."""
    return 1.0 + 0.5 * (adults - 1.0) + 0.3 * children


def oxford(adults: Floats, children: Floats) -> Floats:
    """Return 1 + 0.7 for each further adult + 0.5 for each child (OECD 1982)."""
    return 1.0 + 0.7 * (adults - 1.0) + 0.5 * children


SCALES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "per capita": per_capita,
    "square root": square_root,
    "oecd modified": oecd_modified,
    "oxford": oxford,
}


def equivalents(scale: str, adults: Floats, children: Floats) -> Floats:
    """Return the equivalent persons of each household. Shape (n_households,).

    Children alone (no adult) count the first child as an adult in the scales with a first adult.

    Parameters
    ----------
    scale
        One of `SCALES`.
    adults, children
        Shape (n_households,), members aged 14 and over, and younger.

    Raises
    ------
    InputError
        The scale is unknown, or a household has no member.
    """
    if scale not in SCALES:
        raise InputError(
            Fault("equivalence scale", "unknown scale", repr(scale), f"one of {', '.join(SCALES)}")
        )
    adults, children = np.asarray(adults, np.float64), np.asarray(children, np.float64)
    check_members(adults, children)
    alone = adults < 1.0
    moved = alone.astype(np.float64)
    return SCALES[scale](adults + moved, children - moved)


def parametric(adults: Floats, children: Floats, child_share: float, elasticity: float) -> Floats:
    """Return (adults + child_share x children) ** elasticity (Cutler and Katz 1992).

    Raises
    ------
    InputError
        A household has no member.
    """
    adults, children = np.asarray(adults, np.float64), np.asarray(children, np.float64)
    check_members(adults, children)
    size = adults + child_share * children
    scaled: Floats = pow_array(size, np.full_like(size, elasticity))
    return scaled


def check_members(adults: Floats, children: Floats) -> None:
    """Raise `InputError` if a household has nobody."""
    empty = np.flatnonzero(adults + children < 1.0)
    if empty.size:
        raise InputError(
            Fault(
                "households",
                "without members",
                f"{empty.size} (first: row {empty[0]})",
                "at least one member each",
            )
        )
