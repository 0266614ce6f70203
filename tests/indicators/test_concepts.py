"""The ladder of income concepts: the published household of openfisca-ceq."""

from __future__ import annotations

import numpy as np
import pytest

from microsim.indicators.concepts import Components, income_concepts

# openfisca-ceq, tests/formulas/final_income.yaml: contributions 100 + 50 to pensions, 25 + 25 to
# health; transfers 100 + 150; VAT 29 + sales 21; fuel 25; school 30 - 15; health 10 - 5.
PUBLISHED = Components(*(np.array([x]) for x in (10_000.0, 0, 150, 50, 200, 250, 25, 50, 20)))


def test_income_concepts__of_the_published_household():
    found = income_concepts(PUBLISHED)
    assert {name: float(values[0]) for name, values in vars(found).items()} == {
        "market": 10_000, "market_plus_pensions": 9_850, "net_market": 9_600, "gross": 10_100,
        "disposable": 9_850, "consumable": 9_825, "final": 9_845,
    }  # fmt: skip


def test_income_concepts__with_pensions_as_transfers_differ_only_before_disposable():
    parts = Components(*(np.array([x]) for x in (100.0, 40, 10, 5, 20, 8, 1, 3, 2)))
    saving, transfer = income_concepts(parts), income_concepts(parts, pensions_are_transfers=True)
    assert saving.market_plus_pensions[0] == 130.0
    assert transfer.market_plus_pensions[0] == 100.0
    assert transfer.net_market[0] == 65.0
    assert transfer.gross[0] == 148.0
    for name in ("disposable", "consumable", "final"):
        assert getattr(saving, name)[0] == pytest.approx(getattr(transfer, name)[0])
