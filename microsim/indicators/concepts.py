"""The income concepts from market income to final income, pensions as deferred income or transfer.

Source: the ladder of the CEQ Handbook (Lustig 2018) as in openfisca-ceq, documentation/ceq.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """What the ladder is made of. All shapes (n_households,), currency units of one period, >= 0.

    `market` includes own consumption, imputed rent and private transfers; contributions are those
    of the household's members; `in_kind` is net of fees and co-payments.
    """

    market: Floats
    pensions: Floats
    pension_contributions: Floats
    other_contributions: Floats
    direct_taxes: Floats
    direct_transfers: Floats
    indirect_subsidies: Floats
    indirect_taxes: Floats
    in_kind: Floats


@dataclass(frozen=True)
class Concepts:
    """The income concepts. All shapes (n_households,), currency units of the components' period."""

    market: Floats
    market_plus_pensions: Floats
    net_market: Floats
    gross: Floats
    disposable: Floats
    consumable: Floats
    final: Floats


def income_concepts(parts: Components, *, pensions_are_transfers: bool = False) -> Concepts:
    """Return the income concepts.

    Parameters
    ----------
    parts
        The components.
    pensions_are_transfers
        False: contributory pensions are deferred income, contributions to them saving (PDI).
        True: pensions are government transfers, contributions to them a tax (PGT). Disposable,
        consumable and final income are the same in both.
    """
    saving = parts.pensions - parts.pension_contributions
    plus_pensions = parts.market if pensions_are_transfers else parts.market + saving
    paid = parts.direct_taxes + parts.other_contributions
    received = parts.direct_transfers
    if pensions_are_transfers:
        paid, received = paid + parts.pension_contributions, received + parts.pensions
    net_market = plus_pensions - paid
    disposable = net_market + received
    consumable = disposable + parts.indirect_subsidies - parts.indirect_taxes
    return Concepts(
        market=parts.market,
        market_plus_pensions=plus_pensions,
        net_market=net_market,
        gross=plus_pensions + received,
        disposable=disposable,
        consumable=consumable,
        final=consumable + parts.in_kind,
    )
