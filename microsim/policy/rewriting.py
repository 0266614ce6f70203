"""Writes changed dated values into law files, leaving every other character as it was."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from microsim.errors import Fault, InputError, RunFailedError
from microsim.files import parse_date
from microsim.language.definitions import DatedValue, ParameterDefinition
from microsim.policy.changes import shape_of
from microsim.policy.loading import load_system
from microsim.policy.values import Shape, effective_month
from microsim.policy.workbook import Dated, number_text, read_workbook


@dataclass(frozen=True)
class Rewriting:
    """What an import did: files written, changes in words, parameters the workbook left out."""

    files: tuple[str, ...]
    changes: tuple[str, ...]
    left_out: tuple[str, ...]


def import_parameters(
    workbook: str | Path, system_path: str | Path, out: str | Path | None = None
) -> Rewriting:
    """Bring the values of a workbook into the law files of a system.

    Only changed values are written; comments, order and layout stay. The result is loaded and
    compared with the workbook before anything is put in place.

    Parameters
    ----------
    workbook
        A workbook as `export_parameters` writes it, edited.
    system_path
        The system file.
    out
        Folder for a changed copy of the system and its law files; in place if None.

    Raises
    ------
    InputError
        Every fault of the workbook by sheet and row; or the folder holds files of those names.
    RunFailedError
        The files written would not read back as the workbook says; nothing is put in place.
    """
    system = load_system(system_path)
    wanted = read_workbook(workbook, system)
    parameters = system.definitions.parameters
    changes: list[str] = []
    texts = {file.path: Path(file.path).read_bytes().decode() for file in system.files}
    changed = dict(texts)
    for name, values in wanted.items():
        parameter = parameters[name]
        if not same_values(parameter.values, values):
            shape = shape_of(parameter, system.definitions.inputs)
            path = parameter.where.file
            changed[path] = rewrite(changed[path], parameter, values, shape, changes)
    root = _common_folder(list(texts))
    with tempfile.TemporaryDirectory() as scratch:
        _write_all(changed, root, Path(scratch))
        _verify(Path(scratch) / os.path.relpath(system_path, root), parameters, wanted)
    target = Path(out) if out is not None else Path(root)
    written = _put(texts, changed, root, target, whole=out is not None)
    left_out = tuple(name for name in parameters if name not in wanted)
    return Rewriting(written, tuple(changes), left_out)


def _common_folder(paths: list[str]) -> str:
    return os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])  # noqa: PTH100, PTH120


def _write_all(texts: dict[str, str], root: str, folder: Path) -> list[str]:
    written = []
    for path, text in texts.items():
        place = folder / os.path.relpath(path, root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        written.append(str(place))
    return written


def _verify(path: Path, old: dict[str, ParameterDefinition], wanted: Dated) -> None:
    """Load what was written and compare every parameter with what was asked."""
    found = load_system(path).definitions.parameters
    for name, parameter in old.items():
        if not same_values(found[name].values, wanted.get(name, parameter.values)):
            raise RunFailedError(f"parameter {name} would not read back as the workbook says.")


def _put(
    texts: dict[str, str], changed: dict[str, str], root: str, target: Path, whole: bool
) -> tuple[str, ...]:
    """Write the changed files (all files into another folder), each one at once."""
    chosen = {path: text for path, text in changed.items() if whole or text != texts[path]}
    if whole:
        places = [target / os.path.relpath(path, root) for path in chosen]
        there = [str(place) for place in places if place.exists()]
        if there:
            remedy = "Choose an empty folder, or import in place."
            raise InputError([Fault(place, "the file is already there", "", "", remedy)
                              for place in there])  # fmt: skip
    written = []
    for path, text in chosen.items():
        place = target / os.path.relpath(path, root)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(place.name + ".new")
        draft.write_bytes(text.encode())
        if place.exists():
            shutil.copymode(place, draft)
        draft.replace(place)
        written.append(str(place))
    return tuple(written)


def same_value(one: DatedValue, other: DatedValue) -> bool:
    """Tell whether two dated values say the same: date, month, value, suspension, source."""
    same = (one.date, one.month, one.suspended, one.source) == (
        other.date,
        other.month,
        other.suspended,
        other.source,
    )
    return same and np.array_equal(one.value, other.value)


def same_values(one: tuple[DatedValue, ...], other: tuple[DatedValue, ...]) -> bool:
    """Tell whether two histories of a parameter say the same."""
    return len(one) == len(other) and all(map(same_value, one, other))


def rewrite(
    text: str,
    parameter: ParameterDefinition,
    values: tuple[DatedValue, ...],
    shape: Shape,
    changes: list[str],
) -> str:
    """Return the text of a law file with the values of one parameter changed, added and removed.

    Parameters
    ----------
    text
        The law file.
    parameter
        The parameter as the file has it.
    values
        The values it should have.
    shape
        Labels of categories and table keys.
    changes
        Gets one line for each change.
    """
    old = {value.date: value for value in parameter.values}
    new = {value.date: value for value in values}
    for date, value in new.items():
        mapping = _Values(text, parameter.name)
        written = value_text(value, shape, mapping.source)
        if date not in old:
            text = mapping.with_added(date, written)
            changes.append(f"{parameter.name} from {date}: added {written}")
        elif not same_value(old[date], value):
            text = mapping.with_replaced(date, written)
            changes.append(f"{parameter.name} from {date}: now {written}")
    for date in old:
        if date not in new:
            text = _Values(text, parameter.name).without(date)
            changes.append(f"{parameter.name} from {date}: removed")
    return text


def value_text(value: DatedValue, shape: Shape, inherited: str) -> str:
    """Return a dated value as one line of YAML.

    `inherited` is the source that the parameter states for all values.
    """
    if value.suspended:
        text = "suspended"
    elif isinstance(value.value, float):
        text = _scalar_text(value.value, shape)
    else:
        labels = (*shape.key_labels, ()) if shape.kind == "table" else ((), ())
        rows = (
            ", ".join(
                quoted(of[int(x)]) if of else number_text(x)
                for x, of in zip(row, labels, strict=True)
            )
            for row in value.value.tolist()
        )
        text = "[" + ", ".join(f"[{row}]" for row in rows) + "]"
    date = parse_date(value.date)
    extra = ""
    if value.source != inherited:
        extra += f", source: {quoted(value.source)}"
    if date is None or effective_month(date) != value.month:
        extra += f", first_payroll: {value.month // 12:04d}-{value.month % 12 + 1:02d}"
    return f"{{value: {text}{extra}}}" if extra else text


def _scalar_text(value: float, shape: Shape) -> str:
    if shape.unit == "category":
        return quoted(shape.labels[int(value)])
    if shape.unit == "boolean":
        return "true" if value else "false"
    return number_text(value)


def quoted(text: str) -> str:
    """Return a text as a double-quoted YAML scalar."""
    body = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in body)


class _Values:
    """The `values` mapping of one parameter in a law file, with the place of every character."""

    def __init__(self, text: str, name: str) -> None:
        from ruamel.yaml import YAML

        self.text = text
        node = YAML(typ="safe", pure=True).compose(text)
        for word in ("parameters", *name.split(".")):
            node = _child(node, word)
        source = _child(node, "source")
        self.source = source.value if source is not None else ""
        self.mapping = _child(node, "values")
        self.entries: list[tuple[Any, Any]] = self.mapping.value
        self.shift = 1 if text.startswith("\ufeff") else 0

    @property
    def flow(self) -> bool:
        """Tell whether the values are written in braces."""
        return bool(self.mapping.flow_style)

    def _position(self, date: str) -> int:
        return next(i for i, (key, _) in enumerate(self.entries) if key.value == date)

    def _spliced(self, start: int, end: int, new: str) -> str:
        return self.text[: start + self.shift] + new + self.text[end + self.shift :]

    def with_replaced(self, date: str, written: str) -> str:
        """Return the text with another value at a date."""
        key, value = self.entries[self._position(date)]
        start, end = value.start_mark.index, _end(value)
        if not self.flow and "\n" in self.text[key.end_mark.index : start]:
            written = f" {written}"  # a block list began on its own line
            start = key.end_mark.index + 1
        return self._spliced(start, end, written)

    def with_added(self, date: str, written: str) -> str:
        """Return the text with a value at a new date, in its place among the dates."""
        before = [entry for entry in self.entries if entry[0].value < date]
        if self.flow:
            if before:
                end = _end(max(before, key=_date)[1])
                return self._spliced(end, end, f", {date}: {written}")
            start = self.entries[0][0].start_mark.index
            return self._spliced(start, start, f"{date}: {written}, ")
        first = self.entries[0][0].start_mark
        indent = " " * first.column
        if before:
            at = self._line_end(_end(max(before, key=_date)[1]))
            return self._spliced(at, at, f"\n{indent}{date}: {written}")
        at = first.index - first.column
        return self._spliced(at, at, f"{indent}{date}: {written}\n")

    def without(self, date: str) -> str:
        """Return the text without the value at a date."""
        i = self._position(date)
        key, value = self.entries[i]
        start, end = key.start_mark.index, _end(value)
        if not self.flow:
            return self._spliced(start - key.start_mark.column, self._line_end(end) + 1, "")
        if i + 1 < len(self.entries):
            end = self.entries[i + 1][0].start_mark.index
        elif i > 0:
            start = _end(self.entries[i - 1][1])
        return self._spliced(start, end, "")

    def _line_end(self, index: int) -> int:
        at = self.text.find("\n", index + self.shift)
        return (len(self.text) if at < 0 else at) - self.shift


def _date(entry: tuple[Any, Any]) -> str:
    date: str = entry[0].value
    return date


def _child(node: Any, word: str) -> Any:  # noqa: ANN401 (nodes of the YAML package)
    return next((value for key, value in node.value if key.value == word), None)


def _end(node: Any) -> int:  # noqa: ANN401
    """Return where a value ends; a block collection ends with its last scalar."""
    if isinstance(node.value, list) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end
