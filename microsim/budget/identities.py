"""Checks the accounting identities of one year in the tables and cells of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from microsim.budget.accounts import Account, all_accounts
from microsim.budget.identities_of_money import money_identities
from microsim.budget.identities_of_people import people_identities
from microsim.budget.ledger import Ledger, Side
from microsim.budget.sums import Sums
from microsim.errors import IdentityViolatedError
from microsim.results.contents import Contents, Identity, Row

RELATIVE = 1e-9


def check_identities(
    contents: Contents, rows: Sequence[Row], accounts: Sequence[Sequence[Account]] | None = None
) -> list[Identity]:
    """Return every identity of one year with its two sides, residual and verdict.

    Parameters
    ----------
    contents
        What the run yields; records are not needed.
    rows
        All tables made from it.
    accounts
        By scenario and scheme, if they run on from a year before.

    Returns
    -------
    list of Identity
        One for each identity and scenario; tolerance is 1e-9 of the larger side or of the gross
        flows behind it. An identity whose figures the run does not have is left out.
    """
    accounts = all_accounts(contents) if accounts is None else accounts
    ledger = Ledger(contents, rows, Sums(contents), [list(of) for of in accounts])
    sides = [*money_identities(ledger), *people_identities(ledger), *_households(contents)]
    return [judge(side) for side in sides]


def _households(contents: Contents) -> Iterator[Side]:
    for scenario, residual in zip(contents.scenarios, contents.household_residuals, strict=False):
        what = "household budgets: disposable = market + benefits - taxes - contributions"
        yield Side("I-14", scenario, what, residual, 0.0, scale=1.0)


def judge(side: Side) -> Identity:
    """Return an identity with its residual, its tolerance and whether it holds."""
    scale = side.scale or max(abs(side.left), abs(side.right))
    tolerance = 0.0 if side.exact else RELATIVE * scale
    residual = side.left - side.right
    residual = max(0.0, residual) if side.at_most else abs(residual)
    holds = not math.isnan(residual) and residual <= tolerance
    return Identity(
        side.id, side.scenario, side.what, side.left, side.right, residual, tolerance, holds
    )


def raise_if_violated(identities: Sequence[Identity]) -> None:
    """Raise with every identity that does not hold.

    Raises
    ------
    IdentityViolatedError
        At least one does not hold.
    """
    broken = [i for i in identities if not i.holds]
    if broken:
        lines = [
            f"{i.id} ({i.scenario}): {i.what}: {i.left!r} against {i.right!r}, "
            f"residual {i.residual:.3g}, expected at most {i.tolerance:.3g}."
            for i in broken[:10]
        ]
        if len(broken) > 10:
            lines.append(f"... and {len(broken) - 10} more.")
        lines.append("The tables do not add up: do not use them, and report the run's question.")
        raise IdentityViolatedError("\n".join(lines))
