"""Checks that schemes and taxes fit together: every account has two sides, every name is known."""

from __future__ import annotations

from microsim.errors import FaultList
from microsim.files import did_you_mean, listed
from microsim.policy.system import SchemeRule, TaxRule
from microsim.policy.vocabulary import EXPENDITURE_LINES, RECEIPT_LINES


def check_accounts(
    schemes: dict[str, SchemeRule], taxes: dict[str, TaxRule], faults: FaultList
) -> None:
    """Note taxes earmarked for, and transfers with, an unknown scheme, and one-sided schemes."""
    for tax in taxes.values():
        if tax.earmarked_for and tax.earmarked_for not in schemes:
            what = f"tax {tax.id} is earmarked for an unknown scheme"
            _unknown(str(tax.where), what, tax.earmarked_for, schemes, faults)
    for scheme in schemes.values():
        for line in scheme.given:
            if line.scheme and line.scheme not in schemes:
                what = f"'{line.line}' of scheme {scheme.id} names an unknown scheme"
                _unknown(str(line.where), what, line.scheme, schemes, faults)
        _check_sides(scheme, taxes, faults)


def _unknown(
    where: str, what: str, found: str, schemes: dict[str, SchemeRule], faults: FaultList
) -> None:
    remedy = did_you_mean(found, schemes)
    faults.add(where, what, found, "one of " + listed(schemes), remedy)


def _check_sides(scheme: SchemeRule, taxes: dict[str, TaxRule], faults: FaultList) -> None:
    if scheme.partial:
        return
    lines = {line.line for line in scheme.given}
    financing = scheme.financing
    receipts = (
        bool(scheme.contributions)
        or bool(lines & RECEIPT_LINES)
        or financing.general_revenue > 0
        or financing.external > 0
        or bool(financing.balance)
        or any(tax.earmarked_for == scheme.id for tax in taxes.values())
    )
    expenditure = bool(scheme.benefits) or bool(lines & EXPENDITURE_LINES)
    if receipts and expenditure:
        return
    side = "receipts" if receipts else "expenditure" if expenditure else "neither side"
    faults.add(
        str(scheme.where),
        f"scheme {scheme.id} has only one side of an account",
        f"only {side}" if receipts or expenditure else side,
        "receipts and expenditure",
        "Add benefits, contributions, financing or given lines, or say partial: true.",
    )
