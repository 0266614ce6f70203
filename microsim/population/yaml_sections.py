"""Reads a YAML file into sections that know their lines and collect every fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from microsim.errors import FaultList, InputError

Value = TypeVar("Value")

KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a section",
}


class Section:
    """A mapping of a YAML file: values are taken by key, what is left over is a fault."""

    def __init__(self, values: Any, file: str, faults: FaultList, line: int = 1) -> None:  # noqa: ANN401
        self.values = values
        self.file = file
        self.faults = faults
        self.line = line
        self.taken: set[Any] = set()

    @property
    def where(self) -> str:
        """Return `file:line` of the section."""
        return f"{self.file}:{self.line}"

    def at(self, key: object) -> str:
        """Return `file:line` of a key."""
        lines = getattr(self.values, "lc", None)
        if lines is None or lines.data is None or key not in lines.data:
            return self.where
        return f"{self.file}:{lines.data[key][0] + 1}"

    def __contains__(self, key: object) -> bool:
        """Return whether the key is there."""
        return key in self.values

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the keys, in file order."""
        return iter(self.values)

    def fault(
        self, key: object, what: str, found: object = "", expected: object = "", remedy: str = ""
    ) -> None:
        """Note a fault at a key."""
        self.faults.add(self.at(key), what, found, expected, remedy)

    def take(self, key: str, kind: type[Value], default: Value, required: bool = False) -> Value:
        """Return the value of a key if it is of the kind; note a fault and default if not."""
        self.taken.add(key)
        if key not in self.values:
            if required:
                self.faults.add(self.where, f"'{key}' is missing", expected=KINDS[kind])
            return default
        value = self.values[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            self.fault(key, f"'{key}' is of the wrong kind", repr(value), KINDS[kind])
            return default
        if required and isinstance(value, str) and not value:
            self.fault(key, f"'{key}' is empty", expected=KINDS[kind])
        found: Value = _plain(value)
        return found

    def choose(self, key: str, choices: Iterable[str], default: str) -> str:
        """Return a text that is one of the choices."""
        value, allowed = self.take(key, str, default), tuple(choices)
        if value in allowed or value == default:
            return value
        self.fault(key, f"unknown {key}", repr(value), ", ".join(allowed), suggest(value, allowed))
        return default

    def names(self, key: str, required: bool = False) -> tuple[str, ...]:
        """Return one text or a list of texts as a tuple."""
        self.taken.add(key)
        if key not in self.values:
            if required:
                self.faults.add(self.where, f"'{key}' is missing", expected="a column or a list")
            return ()
        value = self.values[key]
        found = tuple(value) if isinstance(value, list) else (value,)
        if not found or not all(isinstance(item, str) and item for item in found):
            self.fault(key, f"'{key}' is of the wrong kind", repr(value), "column names")
            return ()
        return tuple(str(item) for item in found)

    def section(self, key: str, required: bool = False) -> Section | None:
        """Return the section under a key, or None."""
        value = self.take(key, dict, {}, required)
        if key not in self.values or not isinstance(self.values[key], dict):
            return None
        return self.inside(key, value)

    def inside(self, key: object, values: Any) -> Section:  # noqa: ANN401
        """Return a section for values found at a key."""
        lines = getattr(values, "lc", None)
        line = int(self.at(key).rsplit(":", 1)[1]) if lines is None else lines.line + 1
        return Section(values, self.file, self.faults, line)

    def finish(self, *known: str) -> None:
        """Note each key that nobody took."""
        allowed = sorted({str(key) for key in self.taken} | set(known))
        for key in self.values:
            if key not in self.taken and key not in known:
                hint = suggest(str(key), allowed)
                self.fault(key, f"unknown key '{key}'", expected=", ".join(allowed), remedy=hint)


def line_of(values: list[Any], number: int) -> int:
    """Return the line of an item of a list, 1-based; 1 if the list does not know it."""
    lines = getattr(values, "lc", None)
    return 1 if lines is None else int(lines.data[number][0]) + 1


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?` for the nearest known name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean '{close[0]}'?" if close else ""


def load(path: str | Path, faults: FaultList) -> Section:
    """Read a YAML file whose top is a mapping.

    Raises
    ------
    InputError
        The file is not there, is not YAML, or its top is no mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    file = Path(path)
    try:
        values = YAML(typ="rt").load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not UTF-8 text") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        raise InputError(f"{place}: is not YAML: {error.problem}") from error
    except YAMLError as error:
        raise InputError(f"{file}: is not YAML") from error
    if not isinstance(values, dict):
        raise InputError(f"{file}:1: expected a file of keys and values")
    return Section(values, str(file), faults)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return the built-in type of a scalar that ruamel wraps to remember its style."""
    for kind in (str, int, float):
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value
