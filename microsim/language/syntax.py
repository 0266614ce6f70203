"""What the reading of formulas shares: Python's own syntax of one, dotted names, near names."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from functools import lru_cache


class StopReadingError(Exception):
    """Raised after a fault was noted, to leave the expression it is in."""


@lru_cache(maxsize=20_000)
def parsed(text: str) -> ast.expr:
    """Return the syntax of a formula; scenarios repeat most formulas, and nobody changes it."""
    return ast.parse("(" + text.strip() + "\n)", mode="eval").body


def dotted(at: ast.expr) -> str | None:
    """Return the name an expression is, or None."""
    if isinstance(at, ast.Name):
        return at.id
    if isinstance(at, ast.Attribute):
        left = dotted(at.value)
        return None if left is None else f"{left}.{at.attr}"
    return None


def closest(name: str, known: Iterable[str]) -> str:
    """Return a question for the nearest known names, or an empty text."""
    close = difflib.get_close_matches(name, list(known), n=2)
    return f"Did you mean {' or '.join(close)}?" if close else ""
