"""Reads the entries of a block of a lives file, each of its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from microsim.dynamics.tables import N_PARITIES
from microsim.files import Fields, FileTree, Node, did_you_mean, listed
from microsim.population.columns import EMPLOYMENT_STATUS, OLDEST

# Kinds of entries.
(
    NUMBER, SHARE, ROWS_1, ROWS_2, PARITIES, STATUSES, PAIRS, MOVES, PARAMETER, FILE, AGES,
    FORMULAS, BASE,
) = (
    "number", "share", "rows of 1", "rows of 2", "parities", "statuses", "pairs by status",
    "moves", "parameter", "file", "ages", "variables by status", "status of the base",
)  # fmt: skip
YOUNGEST_WORKER = 15
PRESENT = "present status"  # as the base of logits
_SPAN = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3})|\+)")
Rows = list[list[float]]
Entry = (
    float | str | Rows | list[float]
    | Mapping[str, float] | Mapping[str, tuple[float, float]] | Mapping[str, str]
)  # fmt: skip


def read_entry(
    fields: Fields, key: str, kind: str, tree: FileTree, required: bool = False
) -> Entry | None:
    """Return the value of a key, or None if it is not there or faulty."""
    node = fields.node_of(key, required)
    if node is None:
        return None
    if kind in (NUMBER, SHARE):
        value = node.as_number()
        if value is None or value < 0.0 or (kind == SHARE and value > 1.0):
            fields.wrong(node, key, "a share, 0 to 1" if kind == SHARE else "a number, 0 or more")
            return None
        return value
    if kind == FILE:
        return tree.relative(node, fields.faults)
    if kind == FORMULAS:
        return _formulas(fields, key)
    if kind == BASE:
        return fields.choice(key, (PRESENT, *EMPLOYMENT_STATUS[1:])) or None
    if kind == AGES:
        return _ages(fields, node, key)
    if kind == PARAMETER:
        return fields.text(key) or None
    if kind in (STATUSES, PAIRS):
        return _by_status(fields, key, kind)
    if kind == MOVES:
        return _moves(fields, key)
    if kind == PARITIES:
        return _numbers(fields, node, key, N_PARITIES, 1e6)
    return _rows(fields, key, 2 if kind == ROWS_1 else 3)


def _ages(fields: Fields, node: Node, key: str) -> list[float] | None:
    """Return first and last age of `15-64` or `15+`."""
    match = _SPAN.fullmatch(node.as_text() or "")
    first, last = (int(match[1]), int(match[2] or OLDEST)) if match else (0, 0)
    if not YOUNGEST_WORKER <= first <= last <= OLDEST:
        expected = f"ages from {YOUNGEST_WORKER} to {OLDEST}, such as 15-64 or 15+"
        fields.wrong(node, key, expected)
        return None
    return [float(first), float(last)]


def _numbers(fields: Fields, node: Node, key: str, length: int, upper: float) -> list[float] | None:
    numbers = [one.as_number() for one in node.elements]
    good = [x for x in numbers if x is not None and 0.0 <= x <= upper]
    if node.kind != "list" or len(numbers) != length or len(good) != length:
        fields.wrong(node, key, f"a list of {length} numbers from 0 to {upper:g}")
        return None
    return good


def _rows(fields: Fields, key: str, width: int) -> Rows | None:
    """Return rows `[age, share, ...]`, ages rising."""
    rows: Rows = []
    before = len(fields.faults.faults)
    for node in fields.elements(key):
        row = _numbers(fields, node, key, width, 127.0)
        if row is None:
            continue
        if any(share > 1.0 for share in row[1:]):
            fields.wrong(node, key, "shares from 0 to 1 after the age")
        if rows and row[0] <= rows[-1][0]:
            fields.wrong(node, key, "rows of rising age")
        rows.append(row)
    return rows if rows and len(fields.faults.faults) == before else None


def _is_status(fields: Fields, key: str, name: Node, known: Sequence[str]) -> bool:
    """Tell whether the name of an entry is a known status; else note it."""
    if name.text in known:
        return True
    what = f"'{key}' of {fields.what}: unknown employment status"
    remedy = did_you_mean(name.text, known)
    fields.faults.add(name.where, what, name.text, listed(known), remedy)
    return False


def _by_status(
    fields: Fields, key: str, kind: str
) -> Mapping[str, float] | Mapping[str, tuple[float, float]] | None:
    """Return a share by employment status, or a pair of them (men, women); each status once."""
    single: dict[str, float] = {}
    pairs: dict[str, tuple[float, float]] = {}
    before = len(fields.faults.faults)
    for name, node in fields.mapping(key):
        if not _is_status(fields, key, name, EMPLOYMENT_STATUS):
            continue
        if kind == PAIRS:
            pair = _numbers(fields, node, key, 2, 1.0)
            if pair is not None:
                pairs[name.text] = (pair[0], pair[1])
        else:
            value = node.as_number()
            if value is None or not 0.0 <= value <= 1.0:
                fields.wrong(node, key, "a share, 0 to 1")
            else:
                single[name.text] = value
    told = single or pairs
    if len(fields.faults.faults) > before:
        return None
    missing = [label for label in EMPLOYMENT_STATUS[1:] if label not in told]
    if missing:
        fields.wrong(fields.nodes[key], key, f"every status; missing: {listed(missing)}")
        return None
    return single or pairs


def _formulas(fields: Fields, key: str) -> Mapping[str, str] | None:
    """Return names of variables by the status of working age that they lead to."""
    found: dict[str, str] = {}
    known = EMPLOYMENT_STATUS[1:]
    before = len(fields.faults.faults)
    for name, node in fields.mapping(key):
        if not _is_status(fields, key, name, known):
            continue
        if node.kind != "scalar" or not node.text:
            fields.wrong(node, key, "the name of a variable")
        else:
            found[name.text] = node.text
    top = fields.nodes[key]
    if top.kind == "mapping" and not found and len(fields.faults.faults) == before:
        expected = "variables by employment status, such as `unemployed: life_loses_work`"
        fields.faults.add(top.where, f"'{key}' of {fields.what}", "an empty mapping", expected)
    return found or None


def _moves(fields: Fields, key: str) -> Mapping[str, float] | None:
    """Return weights of moves, by `from > to`; what is not listed has weight 1."""
    found: dict[str, float] = {}
    before = len(fields.faults.faults)
    for node in fields.elements(key):
        parts = [one.as_text() for one in node.elements]
        weight = node.elements[-1].as_number() if len(parts) == 3 else None
        if weight is None or weight < 0.0 or any(p not in EMPLOYMENT_STATUS for p in parts[:2]):
            fields.wrong(node, key, "[from status, to status, weight of 0 or more]")
            continue
        move = f"{parts[0]} > {parts[1]}"
        if move in found:
            fields.wrong(node, key, "each move once")
        found[move] = weight
    return found if len(fields.faults.faults) == before else None
