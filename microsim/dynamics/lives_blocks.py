"""What a lives file may say of each process: its table, its factors, its entries, its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from microsim.dynamics.tables import METHODS, N_PARITIES
from microsim.errors import FaultList
from microsim.files import Fields, FileTree, Node, did_you_mean, listed
from microsim.language.definitions import Location
from microsim.policy.law import location
from microsim.population.columns import EMPLOYMENT_STATUS, OLDEST

BASES = ("data", "assumption")
# Words that stand for tables made from open data or from the population, by process.
OPEN_DATA, BALANCE, NONE, POPULATION = "open data", "balance", "none", "population"
TABLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "mortality": (OPEN_DATA,),
    "fertility": (OPEN_DATA,),
    "migration": (BALANCE, OPEN_DATA, NONE),
    "unions": (POPULATION,),
    "leaving_home": (POPULATION,),
    "disability": (POPULATION,),
    "labour": (POPULATION,),
    "transitions": (),
}
# Kinds of entries.
NUMBER, SHARE, ROWS_1, ROWS_2, PARITIES, STATUSES, PAIRS, MOVES, PARAMETER, FILE, AGES = (
    "number", "share", "rows of 1", "rows of 2", "parities", "statuses", "pairs by status",
    "moves", "parameter", "file", "ages",
)  # fmt: skip
# Process -> its entries and their kinds; `table`, `factor`, `relative`, `align` as listed below.
ENTRIES: Mapping[str, Mapping[str, str]] = {
    "mortality": {"newborns": FILE},
    "fertility": {"girls": FILE, "parity": PARITIES, "unpartnered": NUMBER},
    "migration": {"immigration": FILE},
    "unions": {"age_gap": NUMBER, "age_gap_deviation": NUMBER, "polygamy": SHARE},
    "dissolution": {"rows": ROWS_1},
    "leaving_home": {},
    "elders": {"rows": ROWS_2},
    "disability": {"recovery": SHARE},
    "labour": {
        "participation_men": PARAMETER, "participation_women": PARAMETER,
        "unemployment": PARAMETER, "formal_share": PARAMETER, "formal_jobs": PARAMETER,
        "retirement_age": PARAMETER,
    },
    "moves": {"leave": STATUSES, "affinity": MOVES},
    "transitions": {"ages": AGES, "towards": FILE, "share": PARAMETER},
    "retirement": {},
    "earnings": {"permanent_share": SHARE, "persistence": SHARE},
}  # fmt: skip
OPTIONAL = ("transitions",)  # processes that a lives file need not have
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "fertility": ("parity", "unpartnered"),
    "unions": ("polygamy",),
    "dissolution": ("rows",),
    "elders": ("rows",),
    "disability": ("recovery",),
    "moves": ("leave", "affinity"),
    "earnings": ("permanent_share", "persistence"),
}
# Process -> the key of `Lives.step(behaviour)` that its `factor` (or `probability`) fills.
BEHAVIOUR: Mapping[str, str] = {
    "mortality": "mortality",
    "fertility": "fertility",
    "migration": "emigration",
    "unions": "union",
    "dissolution": "dissolution",
    "leaving_home": "leaving_home",
    "disability": "disability",
    "labour": "formal",
    "retirement": "retirement",
}
# Process -> the name of its choice in lives, where events are drawn or made as many as expected.
ALIGNED: Mapping[str, str] = {
    "mortality": "mortality",
    "fertility": "fertility",
    "migration": "emigration",
    "unions": "union",
    "dissolution": "dissolution",
    "leaving_home": "leaving_home",
    "elders": "elders",
    "disability": "disability",
    "labour": "labour",
}
YOUNGEST_WORKER = 15
_SPAN = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3})|\+)")
HISTORY_ENTRIES = {"entry_age": NUMBER, "concentration": NUMBER, "density": PAIRS, "totals": FILE}
OPTIONAL_HISTORY = ("totals",)
Rows = list[list[float]]
Entry = float | str | Rows | Mapping[str, float] | Mapping[str, tuple[float, float]] | list[float]


@dataclass(frozen=True)
class Process:
    """One block of a lives file.

    Attributes
    ----------
    table
        A word of `TABLE_WORDS`, the path of a file, or "".
    factor, relative
        Names of variables, or "": on probabilities as they are, and between persons (normalised).
        For retirement `factor` is the probability itself.
    align
        `draw` or `sort`.
    places
        Where each key of the block stands.
    entries
        What else it states.
    """

    name: str
    basis: str
    source: str
    where: Location
    table: str = ""
    factor: str = ""
    relative: str = ""
    align: str = "draw"
    places: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def place(self, key: str) -> str:
        """Return `file:line` of a key, or of the block."""
        return self.places.get(key, str(self.where))

    def number(self, key: str) -> float:
        """Return a number of the block."""
        value = self.entries[key]
        assert isinstance(value, float)  # noqa: S101 (its kind says so)
        return value

    def text(self, key: str) -> str:
        """Return the name or path under a key, or an empty text."""
        value = self.entries.get(key, "")
        assert isinstance(value, str)  # noqa: S101 (its kind says so)
        return value

    def rows(self, key: str) -> Rows:
        """Return the rows under a key."""
        value = self.entries[key]
        assert isinstance(value, list)  # noqa: S101 (its kind says so)
        return [list(row) if isinstance(row, list) else [row] for row in value]


def keys_of(name: str) -> tuple[str, ...]:
    """Return the keys that the block of a process may have."""
    keys = ["basis", "source", *ENTRIES[name]]
    if name in TABLE_WORDS:
        keys.append("table")
    if name == "retirement":
        keys.append("probability")
    elif name in BEHAVIOUR:
        keys += ["factor", "relative"]
    if name in ALIGNED:
        keys.append("align")
    return tuple(keys)


def read_processes(node: Node, tree: FileTree, faults: FaultList) -> dict[str, Process]:
    """Return the blocks under `processes`; every fault is noted with file and line."""
    top = Fields(node, faults, tuple(ENTRIES), "processes")
    found = {}
    for name in ENTRIES:
        block = top.node_of(name)
        if block is not None:
            found[name] = _process(name, block, tree, faults)
    return found


def read_histories(node: Node, tree: FileTree, faults: FaultList) -> dict[str, Process]:
    """Return the blocks under `histories`."""
    top = Fields(node, faults, ("formal_work",), "histories")
    block = top.node_of("formal_work")
    if block is None:
        return {}
    fields = Fields(block, faults, ("basis", "source", *HISTORY_ENTRIES), "histories.formal_work")
    entries = {}
    for key, kind in HISTORY_ENTRIES.items():
        value = _entry(fields, key, kind, tree, required=key not in OPTIONAL_HISTORY)
        if value is not None:
            entries[key] = value
    made = Process(
        "formal_work",
        basis=fields.choice("basis", BASES, required=True),
        source=fields.text("source", required=True),
        where=location(block),
        places={key: value.where for key, value in fields.nodes.items()},
        entries=entries,
    )
    return {"formal_work": made}


def _process(name: str, node: Node, tree: FileTree, faults: FaultList) -> Process:
    fields = Fields(node, faults, keys_of(name), f"process {name}")
    table = _table(fields, name, tree) if name in TABLE_WORDS else ""
    entries = {}
    for key, kind in ENTRIES[name].items():
        value = _entry(fields, key, kind, tree, required=key in REQUIRED.get(name, ()))
        if value is not None:
            entries[key] = value
    if name == "transitions":
        entries.setdefault("ages", [float(YOUNGEST_WORKER), float(OLDEST)])
    _check_together(fields, name, table, faults)
    return Process(
        name=name,
        basis=fields.choice("basis", BASES, required=True),
        source=fields.text("source", required=True),
        where=location(node),
        table=table,
        factor=fields.text("probability" if name == "retirement" else "factor"),
        relative=fields.text("relative"),
        align=fields.choice("align", METHODS, "draw"),
        places={key: value.where for key, value in fields.nodes.items()},
        entries=entries,
    )


def _check_together(fields: Fields, name: str, table: str, faults: FaultList) -> None:
    """Note entries that need one another, or exclude one another."""
    is_file = table not in ("", *TABLE_WORDS.get(name, ()))
    for owner, key in (("mortality", "newborns"), ("fertility", "girls"),
                       ("migration", "immigration")):  # fmt: skip
        if name != owner:
            continue
        if is_file and key not in fields.nodes:
            faults.add(fields.node.where, f"{fields.what} has no '{key}'", "nothing",
                       f"{key}: a CSV file, because the table is a file")  # fmt: skip
        elif not is_file and key in fields.nodes:
            fields.wrong(fields.nodes[key], key, "nothing: it belongs to a table from a file")
    if name == "transitions" and ("towards" in fields.nodes) != ("share" in fields.nodes):
        faults.add(fields.node.where, fields.what, "only one of towards and share",
                   "both or none: the other matrix, and a parameter, the share of the way to it",
                   )  # fmt: skip
    if "formal_share" in fields.nodes and "formal_jobs" in fields.nodes:
        where = fields.nodes["formal_jobs"].where
        faults.add(where, fields.what, "formal_share and formal_jobs", "one of the two")


def _table(fields: Fields, name: str, tree: FileTree) -> str:
    node = fields.node_of("table", required=True)
    if node is None:
        return ""
    words = TABLE_WORDS[name]
    if node.text in words:
        return node.text
    if node.kind == "scalar" and node.text.lower().endswith(".csv"):
        return tree.relative(node, fields.faults) or ""
    remedy = did_you_mean(node.text, words)
    expected = f"{listed(words)}, or a CSV file" if words else "a CSV file"
    fields.wrong(node, "table", expected, remedy)
    return ""


def _entry(
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


def _by_status(
    fields: Fields, key: str, kind: str
) -> Mapping[str, float] | Mapping[str, tuple[float, float]] | None:
    """Return a share by employment status, or a pair of them (men, women); each status once."""
    single: dict[str, float] = {}
    pairs: dict[str, tuple[float, float]] = {}
    before = len(fields.faults.faults)
    for name, node in fields.mapping(key):
        if name.text not in EMPLOYMENT_STATUS:
            remedy = did_you_mean(name.text, EMPLOYMENT_STATUS)
            what = f"'{key}' of {fields.what}: unknown employment status"
            fields.faults.add(name.where, what, name.text, listed(EMPLOYMENT_STATUS), remedy)
        elif kind == PAIRS:
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
