"""Reads parameters, inputs, units and variables from law files."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from microsim.files import Fields, Node, did_you_mean, listed, parse_date
from microsim.language.definitions import (
    InputDefinition,
    Location,
    ParameterDefinition,
    UnitDefinition,
    VariableDefinition,
)
from microsim.policy.law import Law, location
from microsim.policy.values import Shape, read_dated_values, read_scalar
from microsim.policy.vocabulary import KEYS, PARAMETER_KINDS, PERIODS, UNIT_RULES, unit_fault


def read_unit(fields: Fields, key: str = "unit", default: str = "") -> str:
    """Return a unit of the rule language; another word is a fault."""
    unit = fields.text(key, default, required=not default)
    node = fields.nodes.get(key)
    wrong = unit_fault(unit) if unit else None
    if wrong is not None and node is not None:
        fields.wrong(node, key, *wrong)
        return default
    return unit


def read_labels(fields: Fields, unit: str) -> tuple[str, ...]:
    """Return the labels of a category; a category needs them, nothing else has them."""
    labels = fields.texts("labels", required=unit == "category")
    node = fields.nodes.get("labels")
    if node is not None and unit != "category":
        fields.wrong(node, "labels", "no labels, unless the unit is category")
    if node is not None and len(set(labels)) != len(labels):
        fields.wrong(node, "labels", "each label once")
    return labels


def read_parameters(entries: Iterable[tuple[Node, Node]], law: Law, group: str = "") -> None:
    """Read parameters and nested groups of them into the law."""
    for key, node in entries:
        name = f"{group}.{key.text}" if group else key.text
        if _is_parameter(node):
            definition = read_parameter(name, node, law)
            if law.declare(name, key, "parameter") and definition is not None:
                law.parameters[name] = definition
        elif node.kind == "mapping":
            read_parameters(node.entries, law, name)
        else:
            expected = "a parameter (unit, source, values) or a group of parameters"
            law.faults.add(node.where, f"parameter {name}", node.described(), expected)


def _is_parameter(node: Node) -> bool:
    """Tell a parameter from a group: a group may itself hold something called `unit`."""
    for key in ("unit", "source", "kind"):
        written = node.get(key)
        if written is not None and written.kind == "scalar":
            return True
    values = node.get("values")
    return values is not None and (
        values.kind != "mapping" or any(parse_date(key) for key in values.keys())  # noqa: SIM118
    )


def read_parameter(name: str, node: Node, law: Law) -> ParameterDefinition | None:
    """Return one parameter, or None with faults."""
    before = len(law.faults.faults)
    fields = Fields(node, law.faults, KEYS["parameter"], f"parameter {name}")
    unit = read_unit(fields)
    kind = fields.choice("kind", PARAMETER_KINDS, "scalar")
    labels = read_labels(fields, unit)
    keys, key_labels = _read_keys(fields, kind, law)
    rate_unit = read_unit(fields, "rate_unit", "share")
    if kind != "schedule" and "rate_unit" in fields.nodes:
        fields.wrong(fields.nodes["rate_unit"], "rate_unit", "none, unless kind is schedule")
    shape = Shape(name, kind, unit, labels, key_labels)
    values = read_dated_values(
        fields.mapping("values", required=True), shape, fields.text("source"), law.faults
    )
    if "values" in fields.nodes and not fields.nodes["values"].entries:
        law.faults.add(node.where, f"parameter {name} has no value", "", "YYYY-MM-DD: value")
    if len(law.faults.faults) > before or not values:
        return None
    for earlier, later in pairwise(values):
        if earlier.month == later.month:
            what = f"value of {name} from {earlier.date} is never the law of a month"
            law.warn(str(earlier.where), what, f"replaced from {later.date}")
    return ParameterDefinition(
        name=name,
        unit=unit,
        kind=kind,
        values=values,
        where=location(node),
        keys=keys,
        rate_unit=rate_unit,
        index=_read_index(fields, unit, law),
        at=_read_at(fields),
        labels=labels,
        label=fields.text("label"),
    )


def _read_keys(
    fields: Fields, kind: str, law: Law
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, ...], ...]]:
    """Return (name, unit) and labels of each key of a table."""
    if kind != "table":
        if "keys" in fields.nodes:
            fields.wrong(fields.nodes["keys"], "keys", "none, unless kind is table")
        return (), ()
    keys, labels = [], []
    for node in fields.elements("keys", required=True):
        key = Fields(node, law.faults, KEYS["table key"], f"key of {fields.what}")
        name, unit = key.text("name", required=True), read_unit(key)
        column = law.inputs.get(name)
        if unit == "category" and (column is None or not column.labels):
            expected = "the name of an input with labels, declared before"
            known = [one.name for one in law.inputs.values() if one.labels]
            law.faults.add(node.where, f"key '{name}' is a category", "", expected, listed(known))
        keys.append((name, unit))
        labels.append(column.labels if column is not None and unit == "category" else ())
    return tuple(keys), tuple(labels)


def _read_index(fields: Fields, unit: str, law: Law) -> str:
    node = fields.node_of("after_last")
    if node is None:
        return ""
    after = Fields(node, law.faults, KEYS["after_last"], f"after_last of {fields.what}")
    if unit in ("boolean", "category"):
        fields.wrong(node, "after_last", f"no index: a {unit} cannot follow a series")
    return after.text("index", required=True).removeprefix("frame.")


def _read_at(fields: Fields) -> tuple[int, int]:
    node = fields.node_of("at")
    if node is None:
        return 12, 31
    date = parse_date(f"2001-{node.text}")
    if date is None:
        fields.wrong(node, "at", "MM-DD")
        return 12, 31
    return date[1], date[2]


def read_inputs(entries: Iterable[tuple[Node, Node]], law: Law) -> None:
    """Read further columns of the population into the law."""
    for key, node in entries:
        fields = Fields(node, law.faults, KEYS["input"], f"input {key.text}")
        unit = read_unit(fields)
        of = fields.choice("of", ("person", "household"), required=True)
        labels = read_labels(fields, unit)
        default = 0.0
        written = fields.node_of("default")
        if written is not None:
            what = f"default of input {key.text}"
            default = read_scalar(written, unit, labels, what, law.faults) or 0.0
        if law.declare(key.text, key, "input"):
            law.inputs[key.text] = InputDefinition(
                key.text, of, unit, location(key), labels, default, fields.text("label")
            )


def read_units(entries: Iterable[tuple[Node, Node]], law: Law) -> None:
    """Read claim and tax units into the law."""
    for key, node in entries:
        fields = Fields(node, law.faults, KEYS["unit"], f"unit {key.text}")
        rule = fields.choice("rule", UNIT_RULES, required=True)
        dependent = fields.text("dependent", required=rule.endswith("dependent children"))
        orphans = fields.choice("children_without_parents", ("head", "own"), "head")
        if law.declare(key.text, key, "unit"):
            law.units[key.text] = UnitDefinition(key.text, rule, dependent, orphans, location(key))


def read_variables(entries: Iterable[tuple[Node, Node]], law: Law) -> None:
    """Read variables with their formulas (as text) into the law."""
    for key, node in entries:
        definition = read_variable(key, node, law)
        if law.declare(key.text, key, "variable"):
            law.variables[key.text] = definition


def read_variable(key: Node, node: Node, law: Law) -> VariableDefinition:
    """Return one variable; formulas stay text with their places."""
    fields = Fields(node, law.faults, KEYS["variable"], f"variable {key.text}")
    unit = read_unit(fields)
    formula, cases, where = read_formula(fields, law)
    return VariableDefinition(
        name=key.text,
        of=fields.text("of", required=True),
        unit=unit,
        period=_read_period(fields, unit),
        formula=formula,
        where=location(key),
        formula_where=where,
        cases=cases,
        labels=read_labels(fields, unit),
        label=fields.text("label"),
        fixed_point=_read_fixed_point(fields, law),
        source=fields.text("source"),
    )


def read_formula(
    fields: Fields, law: Law
) -> tuple[str, tuple[tuple[str, str, Location], ...], Location]:
    """Return the formula or the cases of a variable, as text, and their place."""
    formula, cases = fields.text("formula"), _read_cases(fields, law)
    stated = [key for key in ("formula", "cases") if key in fields.nodes]
    if len(stated) != 1:
        found = "both" if stated else "neither"
        law.faults.add(fields.node.where, fields.what, found, "either 'formula' or 'cases'")
    elif not formula and not cases:
        law.faults.add(fields.nodes[stated[0]].where, fields.what, "nothing", "a formula")
    return formula, cases, location(fields.nodes[stated[0]] if stated else fields.node)


def _read_period(fields: Fields, unit: str) -> str:
    time = unit.partition("/")[2]
    period = fields.choice("period", PERIODS, time or "month")
    if time and period != time:
        fields.wrong(fields.nodes["period"], "period", f"none: the unit says {unit}")
        return time
    return period


def _read_cases(fields: Fields, law: Law) -> tuple[tuple[str, str, Location], ...]:
    """Return (condition, result, place) of each case; the last must be `otherwise`."""
    cases: list[tuple[str, str, Location]] = []
    nodes = fields.elements("cases")
    for node in nodes:
        case = Fields(node, law.faults, KEYS["case"], f"case of {fields.what}")
        last = node is nodes[-1]
        if "otherwise" in case.nodes and not ("when" in case.nodes or "then" in case.nodes):
            if not last:
                law.faults.add(node.where, fields.what, "otherwise", "'otherwise' as last case")
            cases.append(("", case.text("otherwise", required=True), location(node)))
            continue
        if "otherwise" in case.nodes:
            law.faults.add(node.where, case.what, "", "{when, then} or {otherwise}")
        when, then = case.text("when", required=True), case.text("then", required=True)
        cases.append((when, then, location(node)))
        if last:
            expected = "{otherwise: ...} as last case"
            law.faults.add(node.where, f"{fields.what} may match no case", "", expected)
    return tuple(cases)


def _read_fixed_point(fields: Fields, law: Law) -> tuple[float, float] | None:
    node = fields.node_of("fixed_point")
    if node is None:
        return None
    point = Fields(node, law.faults, KEYS["fixed_point"], f"fixed_point of {fields.what}")
    tolerance = point.number("tolerance", 0.01, required=True)
    if tolerance <= 0:
        point.wrong(node, "tolerance", "a number above 0")
    return point.number("start", required=True), tolerance


def check_owners(law: Law) -> None:
    """Note variables of something that is no person, household or declared unit."""
    known = ("person", "household", *law.units)
    for one in law.variables.values():
        if one.of and one.of not in known:
            what = f"'of' of variable {one.name}"
            remedy = did_you_mean(one.of, known)
            law.faults.add(str(one.where), what, one.of, "one of " + listed(known), remedy)
