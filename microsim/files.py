"""Reads YAML files as plain data that knows its file and line, and collects every fault in them."""

from __future__ import annotations

import difflib
import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from microsim.errors import FaultList, InputError

LARGEST_FILE = 8 * 1024 * 1024  # bytes; a law is some hundred kilobytes at most
DEEPEST = 64
SHOWN = 80  # characters of what was found, in a fault
ROOT_NAME = "scenarios"

_INTEGER = re.compile(r"[-+]?[0-9]+(_[0-9]+)*\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})\Z")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})\Z")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False}
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a YAML file with its place.

    kind: `mapping`, `list` or `scalar`. `plain` tells an unquoted scalar, which may be a number or
    a boolean; `entries` are the (key, value) pairs of a mapping in file order, `elements` the
    values of a list.
    """

    file: str
    line: int
    kind: str
    text: str = ""
    plain: bool = False
    entries: tuple[tuple[Node, Node], ...] = ()
    elements: tuple[Node, ...] = ()

    @property
    def where(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def is_null(self) -> bool:
        """Tell whether nothing is written here."""
        return self.kind == "scalar" and self.plain and self.text in _NULLS

    def get(self, key: str) -> Node | None:
        """Return the value of `key`, or None if the mapping has none."""
        for name, value in self.entries:
            if name.text == key:
                return value
        return None

    def keys(self) -> tuple[str, ...]:
        """Return the keys of a mapping as text."""
        return tuple(name.text for name, _ in self.entries)

    def described(self) -> str:
        """Return what is written here, for the `found` part of a fault."""
        if self.kind == "mapping":
            return "a mapping (" + ", ".join(self.keys()[:5]) + ")"
        if self.kind == "list":
            return f"a list of {len(self.elements)}"
        if self.is_null:
            return "nothing"
        text = self.text if self.plain else repr(self.text)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]} ... ({len(text)} characters)"

    def as_number(self) -> float | None:
        """Return the finite number written here, or None."""
        if self.kind != "scalar" or not self.plain or not _FLOAT.match(self.text):
            return None
        value = float(self.text.replace("_", ""))
        return value if math.isfinite(value) else None

    def as_integer(self) -> int | None:
        """Return the whole number written here, or None."""
        if self.kind != "scalar" or not self.plain or not _INTEGER.match(self.text):
            return None
        return int(self.text.replace("_", ""))

    def as_boolean(self) -> bool | None:
        """Return the boolean written here, or None."""
        return _BOOLEANS.get(self.text) if self.kind == "scalar" and self.plain else None

    def as_text(self) -> str | None:
        """Return the text written here (numbers as they are written), or None."""
        return self.text if self.kind == "scalar" and not self.is_null else None


@dataclass(frozen=True)
class SourceFile:
    """A file that was read: path as opened, name within its tree, SHA-256 of its bytes."""

    path: str
    name: str
    sha256: str


class FileTree:
    """The folder tree that files may name each other in, and what was read from it.

    Parameters
    ----------
    first
        The file the user named. The tree is the innermost folder called `scenarios` above it, else
        the folder above the file's own folder; nothing outside can be included.
    """

    def __init__(self, first: str | Path) -> None:
        folder = Path(os.path.abspath(first)).parent  # noqa: PTH100 (resolve would follow links)
        named = [parent for parent in (folder, *folder.parents) if parent.name == ROOT_NAME]
        self.root = named[0] if named else folder.parent
        self.files: dict[str, SourceFile] = {}

    def relative(self, node: Node, faults: FaultList, data: bool = False) -> str | None:
        """Return the path that `node` writes, relative to its file, or None with a fault.

        A data file (`data`) may be a link that leads out of the tree: whoever placed it meant it.
        """
        text = node.as_text()
        if text is None:
            faults.add(node.where, "a path is wanted", node.described(), "a file name")
            return None
        path = os.path.normpath(os.path.join(os.path.dirname(node.file), text))  # noqa: PTH118, PTH120
        place = Path(os.path.abspath(path))  # noqa: PTH100
        real, root = (place, self.root) if data else (place.resolve(), self.root.resolve())
        if Path(text).is_absolute() or "\\" in text or not real.is_relative_to(root):
            faults.add(
                node.where,
                "the path leaves the folder tree",
                text,
                f"a path relative to this file, with forward slashes, inside {self.root.name}/",
                "Copy the file into the country's folder.",
            )
            return None
        return path

    def read_bytes(
        self, path: str, asked: str, faults: FaultList, words: Iterable[str] = ()
    ) -> bytes | None:
        """Return the bytes of a file and note its checksum; None with a fault if unreadable.

        `words` may stand for a file where `path` does: the fault suggests the nearest.
        """
        place = Path(path)
        try:
            size = place.stat().st_size
            content = place.read_bytes() if size <= LARGEST_FILE else b""
        except OSError as error:
            reason = "a folder" if place.is_dir() else (error.strerror or str(error)).lower()
            nearby = _nearby(place, words)
            faults.add(asked or path, f"cannot read {path}", reason, "a file", nearby)
            return None
        if size > LARGEST_FILE:
            faults.add(asked or path, f"{path} is too large", f"{size} bytes", LARGEST_FILE)
            return None
        self.files[path] = SourceFile(path, self._name(place), hashlib.sha256(content).hexdigest())
        return content

    def _name(self, place: Path) -> str:
        full = Path(os.path.abspath(place))  # noqa: PTH100
        inside = full.is_relative_to(self.root)
        return full.relative_to(self.root).as_posix() if inside else full.name

    def read(
        self, path: str | Path, faults: FaultList, asked: str = "", words: Iterable[str] = ()
    ) -> Node | None:
        """Return the top mapping of a YAML file, or None with faults.

        Parameters
        ----------
        path
            The file.
        faults
            Collects what is wrong with it.
        asked
            `file:line` that names the file, for the fault when it is missing.
        words
            What may stand for a file in its place, for the same fault.
        """
        content = self.read_bytes(str(path), asked, faults, words)
        if content is None:
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            faults.add(
                f"{path}:{line}",
                "the file is not UTF-8 text",
                f"byte 0x{content[error.start]:02x}",
                "UTF-8",
                "Save the file as UTF-8.",
            )
            return None
        return parse(text, str(path), faults)


def _nearby(place: Path, words: Iterable[str]) -> str:
    """Return which word or file beside a place that cannot be read is meant."""
    try:
        names = sorted(entry.name for entry in place.parent.iterdir() if entry.name != place.name)
    except OSError:
        names = []
    return did_you_mean(place.name, [*words, *names])


def parse(text: str, file: str, faults: FaultList) -> Node | None:
    """Return the top mapping of a YAML text, or None with faults.

    Only plain data is taken: one document, no tags, no anchors or aliases, no duplicate keys.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = _build(YAML(typ="safe", pure=True).parse(text), file, faults)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        what = " ".join(part for part in (error.context, error.problem) if part)
        faults.add(f"{file}:{line}", f"not YAML: {what}")
        return None
    except YAMLError as error:
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        faults.add(f"{file}:{line}", "not YAML: a character that YAML does not allow")
        return None
    if node is None or node.kind != "mapping":
        found = "nothing" if node is None else node.described()
        faults.add(f"{file}:1", "the file is not a mapping", found, "lines of `key: value`")
        return None
    return node


class _Open:
    """A mapping or list whose end is not yet read."""

    __slots__ = ("kind", "line", "nodes")

    def __init__(self, kind: str, line: int) -> None:
        self.kind, self.line, self.nodes = kind, line, list[Node]()


def _build(events: Iterator[object], file: str, faults: FaultList) -> Node | None:
    """Return the node tree of a stream of YAML events."""
    from ruamel.yaml import events as yaml_events

    stack = [_Open("top", 1)]
    documents = 0
    for event in events:
        line = event.start_mark.line + 1  # type: ignore[attr-defined]
        if isinstance(event, yaml_events.ScalarEvent):
            _refuse_extras(event, file, line, faults)
            plain = event.style is None or event.style == ""
            line += event.style in ("|", ">")  # the text of a block begins on the next line
            stack[-1].nodes.append(Node(file, line, "scalar", event.value, plain))
        elif isinstance(event, yaml_events.MappingStartEvent | yaml_events.SequenceStartEvent):
            _refuse_extras(event, file, line, faults)
            mapping = isinstance(event, yaml_events.MappingStartEvent)
            stack.append(_Open("mapping" if mapping else "list", line))
            if len(stack) > DEEPEST:
                raise InputError(f"{file}:{line}: nested deeper than {DEEPEST} levels.")
        elif isinstance(event, yaml_events.MappingEndEvent | yaml_events.SequenceEndEvent):
            done = stack.pop()
            stack[-1].nodes.append(_closed(done, file, faults))
        elif isinstance(event, yaml_events.AliasEvent):
            faults.add(f"{file}:{line}", "aliases are not allowed", f"*{event.anchor}", "the value")
            stack[-1].nodes.append(Node(file, line, "scalar", "", True))
        elif isinstance(event, yaml_events.DocumentStartEvent):
            documents += 1
            if documents == 2:
                faults.add(f"{file}:{line}", "a second document in one file", "---", "one document")
    return stack[0].nodes[0] if stack[0].nodes else None


def _closed(done: _Open, file: str, faults: FaultList) -> Node:
    if done.kind == "list":
        return Node(file, done.line, "list", elements=tuple(done.nodes))
    entries: dict[str, tuple[Node, Node]] = {}
    for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
        if key.kind != "scalar":
            faults.add(key.where, "a key must be a single word", key.described(), "text")
        elif key.text in entries:
            first = entries[key.text][0].line
            faults.add(key.where, f"duplicate key '{key.text}'", f"also on line {first}", "one")
        else:
            entries[key.text] = (key, value)
    return Node(file, done.line, "mapping", entries=tuple(entries.values()))


def _refuse_extras(event: object, file: str, line: int, faults: FaultList) -> None:
    """Refuse tags and anchors: they let a file name types, or grow without end."""
    tag = getattr(event, "tag", None)
    if tag is not None:
        faults.add(f"{file}:{line}", "tags are not allowed", str(tag), "plain values")
    anchor = getattr(event, "anchor", None)
    if anchor is not None:
        faults.add(f"{file}:{line}", "anchors are not allowed", f"&{anchor}", "plain values")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean '...'?` for the nearest known word, or an empty text."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else ""


def listed(words: Iterable[str], most: int = 20) -> str:
    """Return words as text for the `expected` part of a fault."""
    words = list(words)
    more = f", ... ({len(words)} in all)" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def month_index(year: int, month: int) -> int:
    """Return the number of months since year 0 of a month (1 to 12)."""
    return year * 12 + month - 1


def parse_date(text: str) -> tuple[int, int, int] | None:
    """Return (year, month, day) of `YYYY-MM-DD`, or None if there is no such day."""
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    return (year, month, day) if _is_day(year, month, day) else None


def _is_day(year: int, month: int, day: int) -> bool:
    if year < 1 or not 1 <= month <= 12:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= _DAYS[month - 1] + leap


def parse_month(text: str) -> tuple[int, int] | None:
    """Return (year, month) of `YYYY-MM`, or None."""
    match = _MONTH.match(text)
    if match is None:
        return None
    year, month = int(match[1]), int(match[2])
    return (year, month) if year >= 1 and 1 <= month <= 12 else None


class Fields:
    """The typed fields of one mapping; every fault is noted, a faulty field reads as its default.

    Parameters
    ----------
    node
        The mapping; another kind of node is noted as a fault and read as empty.
    faults
        Collects the faults.
    known
        The keys this mapping may have.
    what
        What the mapping is, for messages (`scheme nssf`).
    """

    def __init__(self, node: Node, faults: FaultList, known: Iterable[str], what: str) -> None:
        self.node, self.faults, self.what = node, faults, what
        self.known = tuple(known)
        if node.kind != "mapping":
            faults.add(node.where, f"{what} is not a mapping", node.described(), "`key: value`")
        self.nodes = {key.text: value for key, value in node.entries}
        for key, _ in node.entries:
            if key.text not in self.known:
                remedy = did_you_mean(key.text, self.known)
                unknown = f"unknown key '{key.text}' in {what}"
                faults.add(key.where, unknown, "", listed(self.known), remedy)

    def node_of(self, key: str, required: bool = False) -> Node | None:
        """Return the node of a key; a missing required key is a fault."""
        node = self.nodes.get(key)
        if node is not None and not node.is_null:
            return node
        if required and (node is not None or self.node.kind == "mapping"):
            where = node.where if node is not None else self.node.where
            self.faults.add(where, f"{self.what} has no '{key}'", "nothing", f"{key}: ...")
        return None

    def wrong(self, node: Node, key: str, expected: str, remedy: str = "") -> None:
        """Note that the value of a key is not of the wanted type."""
        self.faults.add(node.where, f"'{key}' of {self.what}", node.described(), expected, remedy)

    def text(self, key: str, default: str = "", required: bool = False) -> str:
        """Return a text."""
        node = self.node_of(key, required)
        if node is None:
            return default
        value = node.as_text()
        if value is None:
            self.wrong(node, key, "text")
        return default if value is None else value

    def number(self, key: str, default: float = 0.0, required: bool = False) -> float:
        """Return a finite number."""
        node = self.node_of(key, required)
        if node is None:
            return default
        value = node.as_number()
        if value is None:
            self.wrong(node, key, "a number")
        return default if value is None else value

    def integer(self, key: str, default: int = 0, required: bool = False) -> int:
        """Return a whole number."""
        node = self.node_of(key, required)
        if node is None:
            return default
        value = node.as_integer()
        if value is None:
            self.wrong(node, key, "a whole number")
        return default if value is None else value

    def boolean(self, key: str, default: bool = False, required: bool = False) -> bool:
        """Return true or false."""
        node = self.node_of(key, required)
        if node is None:
            return default
        value = node.as_boolean()
        if value is None:
            self.wrong(node, key, "true or false")
        return default if value is None else value

    def choice(
        self, key: str, options: Iterable[str], default: str = "", required: bool = False
    ) -> str:
        """Return one word of a closed list."""
        node = self.node_of(key, required)
        if node is None:
            return default
        options = tuple(options)
        if node.kind != "scalar" or node.text not in options:
            remedy = did_you_mean(node.text, options)
            self.wrong(node, key, "one of " + listed(options), remedy)
            return default
        return node.text

    def mapping(self, key: str, required: bool = False) -> tuple[tuple[Node, Node], ...]:
        """Return the entries of a mapping."""
        node = self.node_of(key, required)
        if node is None:
            return ()
        if node.kind != "mapping":
            self.wrong(node, key, "a mapping")
        return node.entries

    def elements(self, key: str, required: bool = False) -> tuple[Node, ...]:
        """Return the elements of a list."""
        node = self.node_of(key, required)
        if node is None:
            return ()
        if node.kind != "list":
            self.wrong(node, key, "a list in [ ]")
        return node.elements

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts."""
        found = []
        for node in self.elements(key, required):
            value = node.as_text()
            if value is None:
                self.wrong(node, key, "a list of words")
            else:
                found.append(value)
        return tuple(found)
