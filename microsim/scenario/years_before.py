"""Reads what a worked case states of years before: a member's own values, those of a late spouse or
parent.
"""

from __future__ import annotations

from microsim.errors import FaultList
from microsim.files import Fields, Node, did_you_mean
from microsim.language.definitions import Definitions
from microsim.language.states import LATE_LINKS, MOST_YEARS
from microsim.policy.values import read_scalar

KEYS = ("previous", *LATE_LINKS)
EXPECTED = "a yearly variable or an input of persons"


class YearsBefore:
    """Reads the keys `previous`, `late_spouse`, `late_mother`, `late_father` of a member."""

    def __init__(self, definitions: Definitions, faults: FaultList) -> None:
        self.definitions, self.faults = definitions, faults
        self.known = {
            name: (one.unit, one.labels)
            for name, one in definitions.variables.items()
            if (one.of, one.period) == ("person", "year")
        }
        self.known |= {
            name: (one.unit, one.labels)
            for name, one in definitions.inputs.items()
            if one.of == "person"
        }

    def own(self, fields: Fields) -> dict[str, tuple[float, ...]] | None:
        """Return values by name, those of last year first; None where no year before is stated."""
        if "previous" not in fields.nodes:
            return None
        what = f"previous of {fields.what}"
        found: dict[str, tuple[float, ...]] = {}
        for key, node in fields.mapping("previous"):
            if self._is_known(key, what):
                nodes = node.elements if node.kind == "list" else (node,)
                if not 1 <= len(nodes) < MOST_YEARS:
                    expected = f"1 to {MOST_YEARS - 1} values, last year's first"
                    self.faults.add(node.where, f"{key.text} of {what}", str(len(nodes)), expected)
                    continue
                values = [self._value(key.text, one, what) for one in nodes]
                found[key.text] = tuple(value for value in values if value is not None)
        return found

    def late(self, fields: Fields) -> dict[str, dict[str, float]]:
        """Return by late link the values of the year before of the person who died since."""
        found: dict[str, dict[str, float]] = {}
        for link in LATE_LINKS:
            if link not in fields.nodes:
                continue
            what = f"{link} of {fields.what}"
            found[link] = {}
            for key, node in fields.mapping(link):
                if self._is_known(key, what):
                    value = self._value(key.text, node, what)
                    if value is not None:
                        found[link][key.text] = value
        return found

    def _is_known(self, key: Node, what: str) -> bool:
        if key.text in self.known:
            return True
        one = self.definitions.variables.get(key.text) or self.definitions.inputs.get(key.text)
        if one is None:
            unknown, remedy = f"unknown name '{key.text}'", did_you_mean(key.text, self.known)
            self.faults.add(key.where, f"{unknown} in {what}", "", EXPECTED, remedy)
        else:
            found = "a monthly variable" if one.of == "person" else f"it is of each {one.of}"
            self.faults.add(key.where, f"'{key.text}' in {what}", found, EXPECTED)
        return False

    def _value(self, name: str, node: Node, what: str) -> float | None:
        unit, labels = self.known[name]
        return read_scalar(node, unit, labels, f"{name} in {what}", self.faults)
