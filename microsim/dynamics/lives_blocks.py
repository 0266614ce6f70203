"""What a lives file may say of each process: its table, its factors, its entries, its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from microsim.dynamics.lives_entries import (
    AGES,
    BASE,
    FILE,
    FORMULAS,
    MOVES,
    NUMBER,
    PAIRS,
    PARAMETER,
    PARITIES,
    PRESENT,
    ROWS_1,
    ROWS_2,
    SHARE,
    STATUSES,
    YOUNGEST_WORKER,
    Entry,
    Rows,
    read_entry,
)
from microsim.dynamics.tables import METHODS, METHODS_OF, MULTIPLICATIVE
from microsim.errors import FaultList
from microsim.files import Fields, FileTree, Node, did_you_mean, listed
from microsim.language.definitions import Location
from microsim.policy.law import location
from microsim.population.columns import OLDEST

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
    "transitions": {
        "ages": AGES, "towards": FILE, "share": PARAMETER, "probability": FORMULAS,
        "logit": FORMULAS, "base": BASE,
    },
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
HISTORY_ENTRIES = {"entry_age": NUMBER, "concentration": NUMBER, "density": PAIRS, "totals": FILE}
OPTIONAL_HISTORY = ("totals",)


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
        One of `methods_of`.
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
    align: str = MULTIPLICATIVE
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

    @property
    def formulas(self) -> tuple[str, Mapping[str, str]]:
        """Return `probability` or `logit`, and the variable by status; nothing without them."""
        for key in ("probability", "logit"):
            value = self.entries.get(key)
            if isinstance(value, Mapping):
                return key, {status: str(name) for status, name in value.items()}
        return "", {}

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


def methods_of(name: str) -> tuple[str, ...]:
    """Return the methods of alignment that suit a process."""
    return METHODS_OF.get(ALIGNED.get(name, name), METHODS)


def default_method(name: str) -> str:
    """Return the method of a block that states none: events drawn, totals of the tables kept."""
    methods = methods_of(name)
    return MULTIPLICATIVE if MULTIPLICATIVE in methods else methods[0]


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
        value = read_entry(fields, key, kind, tree, required=key not in OPTIONAL_HISTORY)
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
        value = read_entry(fields, key, kind, tree, required=key in REQUIRED.get(name, ()))
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
        align=fields.choice("align", methods_of(name), default_method(name)),
        places={key: value.where for key, value in fields.nodes.items()}
        | {
            f"{key}.{label.text}": node.where
            for key, kind in ENTRIES[name].items() if kind == FORMULAS
            for label, node in fields.mapping(key)
        },
        entries=entries,
    )  # fmt: skip


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
    if name == "transitions":
        _check_transitions(fields, faults)
    if "formal_share" in fields.nodes and "formal_jobs" in fields.nodes:
        where = fields.nodes["formal_jobs"].where
        faults.add(where, fields.what, "formal_share and formal_jobs", "one of the two")


def _check_transitions(fields: Fields, faults: FaultList) -> None:
    """Note a matrix beside formulas, neither of them, and entries of the other."""
    keys = ("table", "probability", "logit")
    told = [key for key in keys if key in fields.nodes and not fields.nodes[key].is_null]
    where, what = fields.node.where, fields.what
    if len(told) != 1:
        expected = "one of table, probability and logit"
        faults.add(where, what, listed(told) if told else "nothing", expected)
    if ("towards" in fields.nodes) != ("share" in fields.nodes):
        expected = "both or none: the other matrix, and a parameter, the share of the way to it"
        faults.add(where, what, "only one of towards and share", expected)
    for key, owner in (("towards", "table"), ("base", "logit")):
        if key in fields.nodes and owner not in fields.nodes:
            fields.wrong(fields.nodes[key], key, f"nothing: it belongs to `{owner}`")
    if "logit" in fields.nodes and "base" not in fields.nodes:
        expected = f"base: {PRESENT}, or the status that logits are against"
        faults.add(where, f"{what} has no 'base'", "", expected)
    base = fields.text("base")
    for label, node in fields.mapping("logit"):
        if label.text == base:
            fields.wrong(node, "logit", f"no formula for {base}, which is the base")


def _table(fields: Fields, name: str, tree: FileTree) -> str:
    node = fields.node_of("table", required=name not in OPTIONAL)
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
