"""Reads the fund of a scheme: its reserve, what it earns, and what its members own."""

from __future__ import annotations

from microsim.files import Fields, Node, did_you_mean
from microsim.policy.law import Law, location
from microsim.policy.reading import parameter_name, variable_name
from microsim.policy.system import FundRule, GivenRule
from microsim.policy.vocabulary import FUND_KINDS, FUND_TIMINGS, KEYS

RATES = ("share", "share/year")
STOCK = ("currency", "currency/year")  # formulas add flows of the year to balances


def read_fund(scheme: Fields, given: tuple[GivenRule, ...], law: Law) -> FundRule | None:
    """Read the fund of a scheme, or None if it states none; parameters and variables are known."""
    node = scheme.node_of("fund")
    if node is None:
        return None
    fields = Fields(node, law.faults, KEYS["fund"], f"fund of {scheme.what}")
    kind = fields.choice("kind", FUND_KINDS, required=True)
    fund = FundRule(
        kind=kind,
        where=location(node),
        timing=fields.choice("timing", FUND_TIMINGS, FUND_TIMINGS[0]),
        returns=_returns(fields, law),
        opening=_opening(fields, law),
        target_ratio=_target_ratio(fields),
        closed=fields.boolean("closed"),
        balances=variable_name(fields, "balances", law, STOCK, kind == FUND_KINDS[1]),
        new_awards_value=variable_name(fields, "new_awards_value", law, STOCK),
        accrued_share=variable_name(fields, "accrued_share", law, ("share",)),
    )
    _check_stocks(fields, law)
    _check_person(fields, "accrued_share", law)
    _check_lines(fund, given, node, fields, law)
    return fund


def _returns(fields: Fields, law: Law) -> str:
    name = fields.text("returns")
    if name.startswith("frame."):
        return name
    node = fields.nodes.get("returns")
    if name and node is not None and name not in law.names and name not in law.parameters:
        expected = "frame.series or the name of a parameter"
        fields.wrong(node, "returns", expected, did_you_mean(name, law.parameters))
        return ""
    return parameter_name(fields, "returns", law, RATES)


def _opening(fields: Fields, law: Law) -> dict[int, float]:
    found: dict[int, float] = {}
    for key, node in fields.mapping("opening"):
        year, value = key.as_integer(), node.as_number()
        if year is None or not 1900 <= year <= 2200:
            law.faults.add(key.where, f"year of {fields.what}", key.described(), "a year")
        elif value is None:
            law.faults.add(node.where, f"opening of {fields.what}", node.described(), "a number")
        else:
            found[year] = value
    return dict(sorted(found.items()))


def _target_ratio(fields: Fields) -> float | None:
    if "target_ratio" not in fields.nodes:
        return None
    ratio = fields.number("target_ratio")
    if ratio < 0:
        fields.wrong(
            fields.nodes["target_ratio"], "target_ratio", "years of expenditure, 0 or more"
        )
    return ratio


def _check_stocks(fields: Fields, law: Law) -> None:
    """Note a monthly variable of balances or capital values: there is one figure a year."""
    for key in ("balances", "new_awards_value"):
        name = fields.text(key)
        found = law.variables.get(name)
        if found is not None and found.period == "month":
            fields.wrong(fields.nodes[key], key, "a variable with period: year")


def _check_person(fields: Fields, key: str, law: Law) -> None:
    name = fields.text(key)
    found = law.variables.get(name) or law.inputs.get(name)
    if found is not None and found.of != "person":
        fields.wrong(fields.nodes[key], key, "a variable of persons")


def _check_lines(
    fund: FundRule, given: tuple[GivenRule, ...], node: Node, fields: Fields, law: Law
) -> None:
    """Note a reserve stated twice or never, and investment income that would hide the returns."""
    openings = [str(line.where) for line in given if line.line == "reserve opening"]
    if openings and fund.opening:
        what = f"{fields.what} states the opening reserve twice"
        law.faults.add(node.where, what, f"also at {openings[0]}", "once", "Leave out one of them.")
    has_opening = bool(openings or fund.opening)
    if has_opening and "returns" not in fields.nodes:
        expected = "returns: frame.interest, or a parameter"
        law.faults.add(node.where, f"{fields.what} has a reserve but no returns", "", expected)
    if "returns" in fields.nodes and not has_opening:
        expected = "opening: {year: amount}, or a given line 'reserve opening'"
        law.faults.add(node.where, f"{fields.what} has no opening reserve", "", expected)
    for line in given:
        if line.line == "investment income" and line.index and fund.returns:
            what = f"investment income follows {line.index} beside the returns of the fund"
            remedy = "Leave out the index: in years without a value the returns tell the income."
            law.faults.add(str(line.where), what, "", "values of single years", remedy)
