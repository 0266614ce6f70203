"""Loads a country system: the system file and the law files it includes."""

from __future__ import annotations

from pathlib import Path

from microsim.errors import FaultList
from microsim.files import Fields, FileTree, Node, did_you_mean
from microsim.policy.accounts import check_accounts
from microsim.policy.declarations import (
    check_owners,
    read_inputs,
    read_parameters,
    read_units,
    read_variables,
)
from microsim.policy.law import Law, location
from microsim.policy.reading import parameter_name
from microsim.policy.schemes import read_schemes, read_taxes
from microsim.policy.system import System
from microsim.policy.vocabulary import EQUIVALENCES, KEYS, is_file_of_kind


def load_system(path: str | Path) -> System:
    """Return the country system that a system file and its law files describe.

    Parameters
    ----------
    path
        The system file (`baseline.yaml`).

    Raises
    ------
    InputError
        With every fault of all files at once, each with file and line.

    Examples
    --------
    >>> system = load_system("scenarios/kenya/baseline.yaml")  # doctest: +SKIP
    >>> system.currency  # doctest: +SKIP
    'KES'
    """
    faults = FaultList()
    tree = FileTree(path)
    top = tree.read(path, faults)
    system = None
    if top is not None and is_file_of_kind(top, ("system",), faults):
        system = _read_system(top, tree, faults)
    faults.raise_if_any()
    assert system is not None  # noqa: S101 (an unreadable file has left a fault)
    return system


def read_law(nodes: list[Node], law: Law) -> None:
    """Read the sections of law files, what is named before what names it."""
    for section, reader in (
        ("inputs", read_inputs),
        ("units", read_units),
        ("parameters", read_parameters),
        ("variables", read_variables),
        ("schemes", read_schemes),
        ("taxes", read_taxes),
    ):
        for node in nodes:
            written = node.get(section)
            if written is None or written.is_null:
                continue
            if written.kind != "mapping":
                law.faults.add(written.where, section, written.described(), "a mapping")
            else:
                reader(written.entries, law)
    check_owners(law)


def _read_system(top: Node, tree: FileTree, faults: FaultList) -> System:
    fields = Fields(top, faults, KEYS["system"], "the system file")
    law = Law(faults)
    read_law([top, *_included(fields, tree, faults)], law)
    check_accounts(law.schemes, law.taxes, faults)
    incomes = _section(fields, "incomes", faults)
    welfare = _section(fields, "welfare", faults)
    market = _income_names(incomes, "market", law, required=True)
    pensions = _income_names(incomes, "pensions", law)
    _check_counted_once((*market, *pensions), law)
    return System(
        name=fields.text("system", required=True),
        country=_code(fields, "country", "a country code of three capitals (ISO 3166: KEN)"),
        currency=_code(fields, "currency", "a currency code of three capitals (ISO 4217: KES)"),
        definitions=law.definitions(),
        schemes=law.schemes,
        taxes=law.taxes,
        incomes_market=market,
        incomes_pensions=pensions,
        equivalence=welfare.choice("equivalence", EQUIVALENCES, "per capita"),
        marginal_propensity=_propensity(welfare),
        welfare_source=welfare.text("source"),
        retirement_age=parameter_name(fields, "retirement_age", law, ("years",)),
        poverty_lines=_poverty_lines(fields, law),
        where=location(top),
        files=tuple(tree.files.values()),
        warnings=tuple(law.warnings),
    )


def _included(fields: Fields, tree: FileTree, faults: FaultList) -> list[Node]:
    found = []
    for node in fields.elements("include"):
        path = tree.relative(node, faults)
        if path is None:
            continue
        if path in tree.files:
            faults.add(node.where, f"{path} is included twice", "", "each file once")
            continue
        law = tree.read(path, faults, asked=node.where)
        if law is not None:
            Fields(law, faults, KEYS["law"], f"law file {path}")
            found.append(law)
    return found


def _section(fields: Fields, key: str, faults: FaultList) -> Fields:
    """Return the fields of a section; an absent one has none."""
    node = fields.node_of(key)
    if node is None:
        node = Node(fields.node.file, fields.node.line, "mapping")
    return Fields(node, faults, KEYS[key], key)


def _code(fields: Fields, key: str, expected: str) -> str:
    code = fields.text(key, required=True)
    if code and not (len(code) == 3 and code.isascii() and code.isupper() and code.isalpha()):
        fields.wrong(fields.nodes[key], key, expected)
    return code


def _propensity(welfare: Fields) -> float:
    value = welfare.number("marginal_propensity", 1.0)
    if not 0.0 <= value <= 1.0:
        welfare.wrong(welfare.nodes["marginal_propensity"], "marginal_propensity", "0 to 1")
    return value


def _income_names(incomes: Fields, key: str, law: Law, required: bool = False) -> tuple[str, ...]:
    """Return names of variables or inputs in currency a month."""
    names = incomes.texts(key, required)
    for node, name in zip(incomes.elements(key), names, strict=False):
        found = law.variables.get(name) or law.inputs.get(name)
        if found is None:
            remedy = did_you_mean(name, [*law.variables, *law.inputs])
            incomes.wrong(node, key, "names of variables or inputs", remedy)
        elif found.unit != "currency/month":
            law.faults.add(node.where, f"unit of '{name}'", found.unit, "currency/month")
        elif name in names[: names.index(name)] or names.count(name) > 1:
            law.faults.add(node.where, f"'{name}' is counted twice in {key} incomes")
    return names


def _check_counted_once(incomes: tuple[str, ...], law: Law) -> None:
    """Note what disposable income would count twice: as an income and as a cash benefit."""
    for scheme in law.schemes.values():
        for benefit in scheme.benefits:
            if benefit.kind.startswith("cash") and benefit.variable in incomes:
                law.faults.add(
                    str(benefit.where),
                    f"benefit {benefit.id} of scheme {scheme.id} would be counted twice",
                    f"'{benefit.variable}' among the incomes and as a cash benefit",
                    "either",
                    "Take it out of incomes, or make the benefit a given line.",
                )


def _poverty_lines(fields: Fields, law: Law) -> dict[str, str]:
    lines = {}
    for key, node in fields.mapping("poverty_lines"):
        name = node.as_text() or ""
        parameter = law.parameters.get(name)
        if parameter is None and not name.startswith("frame."):
            expected = "frame.series or the name of a parameter"
            fields.wrong(node, "poverty_lines", expected, did_you_mean(name, law.parameters))
        elif parameter is not None and parameter.unit != "currency/month":
            law.faults.add(node.where, f"unit of '{name}'", parameter.unit, "currency/month")
        lines[key.text] = name
    return lines


def described(system: System) -> str:
    """Return one line on what a system holds, for people."""
    found = system.definitions
    return (
        f"{system.name}: {len(found.parameters)} parameters, {len(found.variables)} variables, "
        f"{len(system.schemes)} schemes, {len(system.taxes)} taxes "
    )
