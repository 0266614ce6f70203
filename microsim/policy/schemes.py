"""Reads schemes and taxes: what fills the tables of the social budget."""

from __future__ import annotations

from collections.abc import Iterable

from microsim.files import Fields, Node, listed
from microsim.policy.funds import read_fund
from microsim.policy.law import Law, location
from microsim.policy.reading import parameter_name, read_years, variable_name
from microsim.policy.system import (
    AdministrationRule,
    BenefitRule,
    ContributionRule,
    FinancingRule,
    GivenRule,
    SchemeRule,
    TaxRule,
)
from microsim.policy.vocabulary import (
    ADMINISTRATION_BASES,
    FUNCTIONS,
    KEYS,
    KINDS,
    LINES,
    ORIGINS,
    PAYERS,
    PILLARS,
    TRANSFER_LINES,
)

MONEY = ("currency/month", "currency/year")
LARGEST_SHARE_SUM = 1.0 + 1e-12


def read_schemes(entries: Iterable[tuple[Node, Node]], law: Law) -> None:
    """Read schemes into the law; parameters and variables must have been read."""
    for key, node in entries:
        if key.text in law.schemes:
            before = law.schemes[key.text].where
            law.faults.add(key.where, f"scheme '{key.text}' is declared twice", f"at {before}")
            continue
        law.schemes[key.text] = _read_scheme(key, node, law)


def _read_scheme(key: Node, node: Node, law: Law) -> SchemeRule:
    fields = Fields(node, law.faults, KEYS["scheme"], f"scheme {key.text}")
    given = tuple(_read_given(one, law, fields.what) for one in fields.elements("given"))
    return SchemeRule(
        id=key.text,
        label=fields.text("label", key.text.replace("_", " ")),
        pillar=fields.choice("pillar", PILLARS, required=True),
        where=location(key),
        contributions=tuple(
            _read_contribution(name, one, law, fields.what)
            for name, one in fields.mapping("contributions")
        ),
        benefits=tuple(
            _read_benefit(name, one, law, fields.what) for name, one in fields.mapping("benefits")
        ),
        given=given,
        administration=_read_administration(fields, law),
        financing=_read_financing(fields, law),
        insurable_earnings=variable_name(fields, "insurable_earnings", law, MONEY),
        partial=fields.boolean("partial"),
        fund=read_fund(fields, given, law),
    )


def _read_contribution(key: Node, node: Node, law: Law, scheme: str) -> ContributionRule:
    fields = Fields(node, law.faults, KEYS["contribution"], f"contribution {key.text} of {scheme}")
    return ContributionRule(
        id=key.text,
        payer=fields.choice("payer", PAYERS, required=True),
        variable=variable_name(fields, "variable", law, MONEY, required=True),
        where=location(key),
        due=variable_name(fields, "due", law, MONEY),
    )


def _read_benefit(key: Node, node: Node, law: Law, scheme: str) -> BenefitRule:
    fields = Fields(node, law.faults, KEYS["benefit"], f"benefit {key.text} of {scheme}")
    variable = variable_name(fields, "variable", law, MONEY, required=True)
    declared = law.variables.get(variable) or law.inputs.get(variable)
    of = fields.text("of", declared.of if declared is not None else "")
    if declared is not None and of != declared.of:
        fields.wrong(fields.nodes["of"], "of", f"'{declared.of}', as variable {variable} says")
    return BenefitRule(
        id=key.text,
        function=fields.choice("function", FUNCTIONS, required=True),
        variable=variable,
        kind=fields.choice("kind", KINDS, required=True),
        means_tested=fields.boolean("means_tested", required=True),
        of=of,
        where=location(key),
        eligible=variable_name(fields, "eligible", law, ("boolean",)),
        minimum=parameter_name(fields, "minimum", law, ("currency/month",)),
        paid=variable_name(fields, "paid", law, MONEY),
    )


def _read_administration(scheme: Fields, law: Law) -> AdministrationRule | None:
    node = scheme.node_of("administration")
    if node is None:
        return None
    fields = Fields(node, law.faults, KEYS["administration"], f"administration of {scheme.what}")
    stated = [basis for basis in ADMINISTRATION_BASES if basis in fields.nodes]
    if len(stated) != 1:
        expected = "one of " + listed(ADMINISTRATION_BASES)
        law.faults.add(node.where, fields.what, listed(stated) or "nothing", expected)
        return None
    basis = stated[0]
    written = fields.nodes[basis]
    value = written.as_number()
    if value is None:
        units = ("currency/year",) if basis == "per_recipient" else ("share",)
        name = parameter_name(fields, basis, law, units, required=True)
        return AdministrationRule(basis, 0.0, name, location(node))
    if basis == "per_recipient":
        fields.wrong(written, basis, "the name of a parameter in currency/year")
    elif value < 0:
        fields.wrong(written, basis, "a share of 0 or more")
    return AdministrationRule(basis, value, "", location(node))


def _read_financing(scheme: Fields, law: Law) -> FinancingRule:
    node = scheme.node_of("financing")
    if node is None:
        return FinancingRule()
    fields = Fields(node, law.faults, KEYS["financing"], f"financing of {scheme.what}")
    revenue, external = fields.number("general_revenue"), fields.number("external")
    balance = fields.choice("balance", ("general_revenue",))
    if revenue < 0 or external < 0 or revenue + external > LARGEST_SHARE_SUM:
        expected = "shares of 0 or more that sum to at most 1"
        law.faults.add(node.where, fields.what, f"{revenue:g} + {external:g}", expected)
    if balance and revenue > 0:
        expected = "either a share of general_revenue or balance: general_revenue"
        law.faults.add(node.where, fields.what, "both", expected)
    return FinancingRule(revenue, external, balance)


def _read_given(node: Node, law: Law, scheme: str) -> GivenRule:
    fields = Fields(node, law.faults, KEYS["given"], f"given line of {scheme}")
    line = fields.choice("line", LINES, required=True)
    benefits, transfer = line == "benefits", line in TRANSFER_LINES
    for key, wanted in (
        ("function", benefits),
        ("kind", benefits),
        ("means_tested", benefits),
        ("scheme", transfer),
    ):
        if key in fields.nodes and line and not wanted:
            fields.wrong(fields.nodes[key], key, f"none: the line is '{line}'")
    return GivenRule(
        line=line,
        values=read_years(fields, law.faults),
        source=fields.text("source", required=True),
        where=location(node),
        index=fields.text("index").removeprefix("frame."),
        function=fields.choice("function", FUNCTIONS, required=benefits),
        kind=fields.choice("kind", KINDS, required=benefits),
        means_tested=fields.boolean("means_tested", required=benefits),
        scheme=fields.text("scheme", required=transfer),
    )


def read_taxes(entries: Iterable[tuple[Node, Node]], law: Law) -> None:
    """Read taxes into the law; schemes, parameters and variables must have been read."""
    for key, node in entries:
        fields = Fields(node, law.faults, KEYS["tax"], f"tax {key.text}")
        if key.text in law.taxes or key.text in law.schemes:
            before = (law.taxes.get(key.text) or law.schemes[key.text]).where
            law.faults.add(key.where, f"tax '{key.text}' is declared twice", f"at {before}")
            continue
        tax = TaxRule(
            id=key.text,
            label=fields.text("label", key.text.replace("_", " ")),
            variable=variable_name(fields, "variable", law, MONEY, required=True),
            kind=fields.text("kind", required=True),
            origin=fields.choice("origin", ORIGINS, required=True),
            where=location(key),
            earmarked_for=fields.text("earmarked_for"),
        )
        if (tax.kind == "earmarked tax") != bool(tax.earmarked_for) and tax.kind:
            expected = "kind: earmarked tax together with earmarked_for: a scheme"
            law.faults.add(key.where, fields.what, tax.kind, expected)
        law.taxes[key.text] = tax
