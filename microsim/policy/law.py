"""What the law files of a system declare, gathered while they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from microsim.errors import Fault, FaultList
from microsim.files import Node
from microsim.language.definitions import (
    Definitions,
    InputDefinition,
    Location,
    ParameterDefinition,
    UnitDefinition,
    VariableDefinition,
)
from microsim.policy.system import SchemeRule, TaxRule
from microsim.policy.vocabulary import RESERVED, STANDARD_SERIES, name_fault
from microsim.population.columns import LIFE_INPUTS, STANDARD

STANDARD_PLACE = Location("standard columns", 1)


def location(node: Node) -> Location:
    """Return the place of a node."""
    return Location(node.file, node.line)


def standard_inputs() -> dict[str, InputDefinition]:
    """Return the columns every population has, what lives tell of persons, and household size."""
    inputs = {
        column.name: InputDefinition(
            column.name,
            column.of,
            column.unit,
            STANDARD_PLACE,
            column.labels,
            column.default,
            column.meaning,
        )
        for column in (*STANDARD, *LIFE_INPUTS)
    }
    inputs["household_size"] = InputDefinition(
        "household_size", "household", "count", STANDARD_PLACE, label="number of members"
    )
    return inputs


@dataclass
class Law:
    """What was read so far, with the faults found."""

    faults: FaultList
    parameters: dict[str, ParameterDefinition] = field(default_factory=dict)
    inputs: dict[str, InputDefinition] = field(default_factory=standard_inputs)
    units: dict[str, UnitDefinition] = field(default_factory=dict)
    variables: dict[str, VariableDefinition] = field(default_factory=dict)
    schemes: dict[str, SchemeRule] = field(default_factory=dict)
    taxes: dict[str, TaxRule] = field(default_factory=dict)
    warnings: list[Fault] = field(default_factory=list)
    names: dict[str, Location] = field(default_factory=dict)

    def declare(self, name: str, node: Node, kind: str) -> bool:
        """Note that a name of the rule language is declared here; False with a fault if it cannot.

        Parameters
        ----------
        name
            The full name (`nssf.upper_limit`).
        node
            The key that declares it.
        kind
            parameter, input, unit or variable, for messages.
        """
        reason = next((r for r in map(name_fault, name.split(".")) if r), "")
        if reason:
            self.faults.add(node.where, f"'{name}' cannot be the name of a {kind}", "", reason)
            return False
        if name.split(".")[0] in RESERVED:
            what = f"'{name}' cannot be the name of a {kind}"
            self.faults.add(node.where, what, "a word of the language", "another name")
            return False
        before = self.names.get(name)
        if before is None and name in self.inputs:
            before = self.inputs[name].where
        if before is not None:
            what = f"'{name}' is declared twice"
            self.faults.add(node.where, what, f"also at {before}", "one declaration of a name")
            return False
        self.names[name] = location(node)
        return True

    def warn(self, where: str, what: str, found: str = "", expected: str = "") -> None:
        """Note what is allowed but looks wrong."""
        self.warnings.append(Fault(where, what, found, expected))

    def definitions(self) -> Definitions:
        """Return the definitions that the rule language compiles."""
        return Definitions(
            self.parameters, self.inputs, self.variables, self.units, dict(STANDARD_SERIES)
        )
