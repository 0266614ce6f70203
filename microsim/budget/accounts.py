"""Makes the account of every scheme in every scenario: receipts, expenditure, balance, reserve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from microsim.budget.fund_income import investment_income_of
from microsim.budget.sums import PUBLIC_EMPLOYEE, Sums, add_up
from microsim.errors import FaultList
from microsim.results.classifications import classifications, receipt_labels
from microsim.results.contents import KINDS, Contents, GivenLine, Measure, Scheme


@dataclass(frozen=True)
class BenefitAmount:
    """Expenditure on one benefit in the year, currency a year; `given` if not simulated."""

    id: str
    function: str
    kind: str
    means_tested: bool
    contributory: bool
    amount: float
    given: bool


@dataclass
class Account:
    """The account of one scheme in one scenario; all amounts in currency a year.

    `receipts` is keyed by the receipt codes of the classification (rows 1 to 10), `given_receipts`
    holds the part of each that was given from outside. `public_employers` is the part of the
    employers' contributions that the government pays for its own employees. `transfers_to` and
    `transfers_from` are by partner scheme. `deficit_covered` is the part of general revenue that
    makes up for a deficit, `matching` that which the government contributes. Reserve, members'
    balances, earnings and counts are NaN where unknown.
    """

    scheme: Scheme
    scenario: str
    receipts: dict[str, float]
    given_receipts: dict[str, float]
    benefits: list[BenefitAmount]
    public_employers: float = 0.0
    administration: float = 0.0
    given_administration: float = 0.0
    other_expenditure: float = 0.0
    transfers_to: dict[str, float] = field(default_factory=dict)
    transfers_from: dict[str, float] = field(default_factory=dict)
    deficit_covered: float = 0.0
    matching: float = 0.0
    reserve_opening: float = math.nan
    members_balances: float = math.nan
    insurable: float = math.nan
    contributors: float = math.nan
    beneficiaries: float = math.nan

    def benefits_where(
        self, function: str = "", kind: str = "", given: bool | None = None
    ) -> float:
        """Return the benefits of a function, kind, or origin (any where left out)."""
        return math.fsum(
            b.amount
            for b in self.benefits
            if (not function or b.function == function)
            and (not kind or b.kind == kind)
            and (given is None or b.given is given)
        )

    @property
    def total_receipts(self) -> float:
        """Row 11."""
        return math.fsum(self.receipts.values())

    @property
    def paid_to_schemes(self) -> float:
        """Row 16."""
        return math.fsum(self.transfers_to.values())

    @property
    def total_expenditure(self) -> float:
        """Row 18."""
        return math.fsum(
            (
                *(b.amount for b in self.benefits),
                self.administration,
                self.paid_to_schemes,
                self.other_expenditure,
            )
        )

    @property
    def balance(self) -> float:
        """Row 19; NaN for a partial scheme, whose other side is not known."""
        if self.scheme.partial:
            return math.nan
        return self.total_receipts - self.total_expenditure

    @property
    def reserve_closing(self) -> float:
        """Row 22 = 21 + 19; a revaluation of the reserve is not modelled."""
        return self.reserve_opening + self.balance

    @property
    def uncovered_deficit(self) -> float:
        """What neither receipts nor the reserve pay in the year; 0 for a partial scheme."""
        if self.scheme.partial:
            return 0.0
        deficit = max(0.0, -self.balance)
        short = math.inf if math.isnan(self.reserve_closing) else max(0.0, -self.reserve_closing)
        return min(deficit, short)

    @property
    def contributions(self) -> float:
        """Rows 1 to 4."""
        return math.fsum(list(self.receipts.values())[:4])

    def origins(self) -> dict[str, float]:
        """Return the receipts by sector of origin, currency a year."""
        lists = classifications()
        result = dict.fromkeys(lists["origins"], 0.0)
        result["central government"] += self.public_employers
        for line, amount in self.receipts.items():
            left = amount
            if line == "contributions_employers":
                left -= self.public_employers
            for sector, share in lists["receipt_origin"]["columns"][line].items():
                result[sector] += share * left
        return result


def exists_in(scheme: Scheme, scenario: str) -> bool:
    """Tell whether a scheme exists in a scenario."""
    return not scheme.scenarios or scenario in scheme.scenarios


def all_accounts(
    contents: Contents, carried: Mapping[tuple[str, str], float] | None = None
) -> list[list[Account]]:
    """Return the accounts of each scenario (first axis) and each scheme that exists in it.

    Parameters
    ----------
    contents
        What the run yields in a year.
    carried
        (scenario, scheme) -> reserve at the end of the year before, currency; it takes the place of
        the opening reserve that the law states.

    Raises
    ------
    InputError
        A transfer names a scheme nobody defines, or both partners state different amounts; a
        given line has a name that is not in the classification.
    """
    _check_given_lines(contents)
    sums = Sums(contents)
    return [_accounts(sums, i, carried or {}) for i in range(len(contents.scenarios))]


def _accounts(sums: Sums, scenario: int, carried: Mapping[tuple[str, str], float]) -> list[Account]:
    name = sums.contents.scenarios[scenario]
    schemes = [s for s in sums.contents.schemes if exists_in(s, name)]
    transfers = _transfers(schemes)
    accounts = []
    for scheme in schemes:
        account = _simulated_and_given(sums, scenario, scheme)
        account.transfers_to = {to: v for (by, to), v in transfers.items() if by == scheme.id}
        account.transfers_from = {by: v for (by, to), v in transfers.items() if to == scheme.id}
        account.receipts["transfers_from"] = math.fsum(account.transfers_from.values())
        account.given_receipts["transfers_from"] = account.receipts["transfers_from"]
        account.reserve_opening = carried.get((name, scheme.id), account.reserve_opening)
        _administer(account)
        _finance(account)
        accounts.append(account)
    return accounts


def _simulated_and_given(sums: Sums, scenario: int, scheme: Scheme) -> Account:
    account = Account(
        scheme,
        sums.contents.scenarios[scenario],
        dict.fromkeys(receipt_labels(), 0.0),
        dict.fromkeys(receipt_labels(), 0.0),
        _simulated_benefits(sums, scenario, scheme),
    )
    _add_contributions(account, sums, scenario)
    for tax in sums.contents.taxes:
        if tax.earmarked_for == scheme.id:
            amount = sums.total(scenario, "tax", "", tax.id, "amount")
            account.receipts["earmarked_taxes"] += 0.0 if math.isnan(amount) else amount
    if scheme.fund is not None and scheme.fund.opening is not None:
        account.reserve_opening = scheme.fund.opening
    for line in scheme.given:
        _add_given(account, line)
    if scheme.fund is not None:
        account.members_balances = sums.total(scenario, "fund", scheme.id, "", "balances")
    account.insurable = sums.total(scenario, "scheme", scheme.id, "", "insurable")
    account.contributors = sums.total(scenario, "scheme", scheme.id, "", "contributor_months") / 12
    months = [sums.total(scenario, "benefit", scheme.id, b.id, "months") for b in scheme.benefits]
    known = [m for m in months if not math.isnan(m)]
    account.beneficiaries = math.fsum(known) / 12 if known else math.nan
    return account


def _simulated_benefits(sums: Sums, scenario: int, scheme: Scheme) -> list[BenefitAmount]:
    found = []
    for b in scheme.benefits:
        amount = sums.total(scenario, "benefit", scheme.id, b.id, "amount")
        found.append(
            BenefitAmount(
                b.id,
                b.function,
                b.kind,
                b.means_tested,
                scheme.contributory,
                0.0 if math.isnan(amount) else amount,
                given=False,
            )
        )
    return found


def _add_contributions(account: Account, sums: Sums, scenario: int) -> None:
    lines = classifications()["payers"]
    for contribution in account.scheme.contributions:
        measure = Measure("contribution", account.scheme.id, contribution.id, "amount")
        if measure not in sums.position:
            continue
        cells = sums.persons(scenario, measure)
        account.receipts[lines[contribution.payer]] += add_up(cells)
        if contribution.payer == "government":
            account.matching += add_up(cells)
        if contribution.payer == "employers":
            account.public_employers += add_up(cells[:, :, PUBLIC_EMPLOYEE])


def _add_given(account: Account, line: GivenLine) -> None:
    lines = classifications()["given_lines"]
    if line.line in lines:
        account.receipts[lines[line.line]] += line.value
        account.given_receipts[lines[line.line]] += line.value
    elif line.line == "benefits":
        account.benefits.append(
            BenefitAmount(
                f"given {line.function} {line.kind}",
                line.function,
                line.kind,
                line.means_tested,
                account.scheme.contributory,
                line.value,
                given=True,
            )
        )
    elif line.line == "administration":
        account.administration += line.value
        account.given_administration += line.value
    elif line.line == "other expenditure":
        account.other_expenditure += line.value
    elif line.line == "reserve opening":
        account.reserve_opening = line.value


def _administer(account: Account) -> None:
    """Add the cost of administration: a share of all benefits, of contributions, or per head."""
    scheme = account.scheme
    if scheme.administration_basis == "share_of_benefits":
        base = account.benefits_where()
    elif scheme.administration_basis == "share_of_contributions":
        base = account.contributions
    elif scheme.administration_basis == "per_recipient":
        base = 0.0 if math.isnan(account.beneficiaries) else account.beneficiaries
    else:
        return
    account.administration += scheme.administration_value * base


def _finance(account: Account) -> None:
    """Add the shares of expenditure paid from outside, what the reserve earns, and the subsidy that
    covers a deficit.
    """
    scheme, receipts = account.scheme, account.receipts
    expenditure = account.total_expenditure
    receipts["general_revenue"] += scheme.general_revenue * expenditure
    receipts["external"] += scheme.external * expenditure
    net = account.total_receipts - expenditure
    receipts["investment_income"] += investment_income_of(scheme, account.reserve_opening, net)
    if scheme.balance == "general_revenue":
        account.deficit_covered = max(0.0, expenditure - account.total_receipts)
        receipts["general_revenue"] += account.deficit_covered


def _transfers(schemes: Iterable[Scheme]) -> dict[tuple[str, str], float]:
    """Return transfers by (paying, receiving) scheme; either partner may state it.

    A transfer to or from a scheme that a reform abolishes ends with it.
    """
    here = {scheme.id for scheme in schemes}
    found: dict[tuple[str, str], float] = {}
    for scheme in schemes:
        stated: dict[tuple[str, str], float] = {}
        for line in scheme.given:
            key = _partners(scheme, line)
            if key and here.issuperset(key):
                stated[key] = stated.get(key, 0.0) + line.value
        found.update(stated)
    return found


def _partners(scheme: Scheme, line: GivenLine) -> tuple[str, str] | None:
    if line.line == "transfers to schemes":
        return scheme.id, line.scheme
    if line.line == "transfers from schemes":
        return line.scheme, scheme.id
    return None


def _check_given_lines(contents: Contents) -> None:
    faults = FaultList()
    known = {*classifications()["given_lines"], "benefits", "administration"}
    known |= {"other expenditure", "reserve opening"}
    ids = {scheme.id for scheme in contents.schemes}
    stated: dict[tuple[str, str], dict[str, float]] = {}
    for scheme in contents.schemes:
        for line in scheme.given:
            where = f"scheme {scheme.id}, given line {line.line!r}"
            key = _partners(scheme, line)
            if key:
                if line.scheme not in ids:
                    faults.add(
                        where,
                        "names a scheme that nobody defines",
                        repr(line.scheme),
                        f"one of {', '.join(sorted(ids))}",
                        "Name the partner with `scheme:`.",
                    )
                sides = stated.setdefault(key, {})
                sides[scheme.id] = sides.get(scheme.id, 0.0) + line.value
            elif line.line not in known:
                faults.add(where, "is not a line of the account", expected=", ".join(sorted(known)))
            elif line.line == "benefits" and line.kind not in KINDS:
                faults.add(where, "has no kind", repr(line.kind), ", ".join(KINDS))
    for (payer, receiver), sides in stated.items():
        if len(set(sides.values())) > 1:
            faults.add(
                f"transfer from {payer} to {receiver}",
                "the two schemes state different amounts",
                ", ".join(f"{side}: {value:g}" for side, value in sides.items()),
                "one amount",
                "State it in one of the two, or the same in both.",
            )
    faults.raise_if_any()
