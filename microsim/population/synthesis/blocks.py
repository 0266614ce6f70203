"""What a file of population parameters may say: the blocks, their entries, and their checks."""

from __future__ import annotations

from typing import Any

from microsim.errors import FaultList
from microsim.files import Fields, Node

BASES = ("data", "assumption")
BANDS = "bands"
NUMBER, SHARE, ROWS_1, ROWS_2, BY_YEAR, REGIONS = (
    "number", "share", "rows of 1", "rows of 2", "by year", "regions",
)  # fmt: skip
OPTIONAL = ("growth", "from_age")

# Block -> its entries and their kinds; `basis` and `source` belong to each.
BLOCKS: dict[str, dict[str, str]] = {
    "structure.partnered": {"rows": ROWS_2},
    "structure.age_gap": {"mean": NUMBER, "deviation": NUMBER},
    "structure.mother_age": {"mean": NUMBER, "deviation": NUMBER},
    "structure.children": {"rows": ROWS_2},
    "structure.with_parents": {"rows": ROWS_2},
    "structure.elders": {"alone": SHARE, "couple_alone": SHARE, "elder_is_head": SHARE},
    "structure.wife_heads_couple": {"share": SHARE},
    "structure.orphans": {"rows": ROWS_1},
    "structure.severe_disability": {"rows": ROWS_1},
    "structure.mean_household_size": {"value": NUMBER},
    "structure.one_person_households": {"share": SHARE},
    "structure.female_heads": {"share": SHARE},
    "labour.formal_employees": {"base": NUMBER, "slope": NUMBER},
    "labour.public_employees": {"share": SHARE},
    "labour.formal_own_account": {"base": NUMBER, "slope": NUMBER},
    "labour.youth_unemployment_factor": {"factor": NUMBER},
    "labour.inactive": {
        "students": ROWS_1, "home_duties_women": SHARE, "home_duties_men": SHARE,
        "retired_from": NUMBER,
    },
    "labour.formal_jobs": {"values": BY_YEAR, "growth": NUMBER},
    "labour.public_jobs": {"values": BY_YEAR, "growth": NUMBER},
    "incomes.formal_wage": {"base": NUMBER, "slope": NUMBER},
    "incomes.wage_bands": {"mean": NUMBER, "rows": BANDS},
    "incomes.relative": {
        "public": NUMBER, "informal_employee": NUMBER, "formal_own_account": NUMBER,
        "informal_own_account": NUMBER, "agriculture": NUMBER, "women": NUMBER, "pension": NUMBER,
    },
    "incomes.dispersion": {
        "formal": NUMBER, "informal": NUMBER, "own_account": NUMBER, "pension": NUMBER,
    },
    "incomes.pensioners": {"factor": NUMBER, "from_age": NUMBER},
    "incomes.pensions": {"values": BY_YEAR, "growth": NUMBER, "from_age": NUMBER},
    "incomes.wage_bill": {"values": BY_YEAR, "growth": NUMBER},
    "welfare": {
        "income": NUMBER, "urban": NUMBER, "log_size": NUMBER, "disability": NUMBER,
        "noise": NUMBER,
    },
    "regions": {"rows": REGIONS},
}  # fmt: skip
# Blocks without a generic value: a country's file may bring them.
COUNTRY_ONLY = (
    "structure.mean_household_size", "structure.one_person_households", "structure.female_heads",
    "labour.formal_jobs", "labour.public_jobs", "incomes.wage_bill", "incomes.wage_bands",
    "incomes.pensions", "regions",
)  # fmt: skip
# A block of a country's file that makes a generic one idle.
SUPERSEDED = {
    "labour.formal_jobs": "labour.formal_employees",
    "labour.public_jobs": "labour.public_employees",
    "incomes.wage_bill": "incomes.formal_wage",
    "incomes.pensions": "incomes.pensioners",
    "structure.female_heads": "structure.wife_heads_couple",
}
SECTIONS = tuple(dict.fromkeys(name.partition(".")[0] for name in BLOCKS))


def read_blocks(top: Node, faults: FaultList) -> dict[str, dict[str, Any]]:
    """Return the blocks of a file, each checked; every fault is noted with file and line."""
    fields = Fields(top, faults, ("name", "series", *SECTIONS), "population parameters")
    found: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        node = fields.node_of(section)
        if node is None:
            continue
        if section in BLOCKS:
            found[section] = _block(section, node, faults)
            continue
        known = [name.partition(".")[2] for name in BLOCKS if name.startswith(f"{section}.")]
        inner = Fields(node, faults, known, section)
        for name in known:
            entry = inner.node_of(name)
            if entry is not None:
                found[f"{section}.{name}"] = _block(f"{section}.{name}", entry, faults)
    return found


def _block(name: str, node: Node, faults: FaultList) -> dict[str, Any]:
    kinds = BLOCKS[name]
    fields = Fields(node, faults, ("basis", "source", *kinds), name)
    entries: dict[str, Any] = {
        "basis": fields.choice("basis", BASES, required=True),
        "source": fields.text("source", required=True),
    }
    for key, kind in kinds.items():
        if kind in (NUMBER, SHARE):
            value = fields.number(key, required=key not in OPTIONAL)
            if kind == SHARE and not 0.0 <= value <= 1.0:
                fields.wrong(fields.nodes[key], key, "a share, 0 to 1")
            entries[key] = value
        elif kind == BY_YEAR:
            entries[key] = _by_year(fields, key)
        elif kind == BANDS:
            entries[key] = _bands(fields, key)
        elif kind == REGIONS:
            entries[key] = _regions(fields, key)
        else:
            entries[key] = _rows(fields, key, 2 if kind == ROWS_1 else 3)
    return entries


def _numbers(
    fields: Fields, node: Node | None, key: str, length: int, low: float, high: float
) -> list[float]:
    """Return a list of numbers of a length, within limits."""
    if node is None:
        return [0.0] * length
    numbers = [element.as_number() for element in node.elements]
    good = [x for x in numbers if x is not None and low <= x <= high]
    if len(numbers) != length or len(good) != length:
        fields.wrong(node, key, f"{length} numbers from {low:g} to {high:g}")
        return [0.0] * length
    return good


def _rows(fields: Fields, key: str, width: int) -> list[list[float]]:
    """Return rows `[age, share, ...]`, ages rising."""
    rows: list[list[float]] = []
    for node in fields.elements(key, required=True):
        row = _numbers(fields, node, key, width, 0.0, 127.0)
        if any(share > 1.0 for share in row[1:]):
            fields.wrong(node, key, "shares from 0 to 1 after the age")
        if rows and row[0] <= rows[-1][0]:
            fields.wrong(node, key, "rows of rising age")
        rows.append(row)
    return rows or [[0.0] * width]


def _by_year(fields: Fields, key: str) -> dict[int, float]:
    values: dict[int, float] = {}
    for year, node in fields.mapping(key, required=True):
        number, when = node.as_number(), year.as_integer()
        if when is None or number is None or number <= 0.0:
            fields.wrong(node, key, "a year and a number above 0")
        else:
            values[when] = number
    return values or {2000: 1.0}


def _bands(fields: Fields, key: str) -> list[list[float]]:
    """Return rows `[lower edge, persons or share]`, edges rising from above 0."""
    rows: list[list[float]] = []
    for node in fields.elements(key, required=True):
        row = _numbers(fields, node, key, 2, 0.0, 1e18)
        if row[0] <= (rows[-1][0] if rows else 0.0) or row[1] <= 0.0:
            fields.wrong(node, key, "[lower edge above the one before, persons above 0]")
        rows.append(row)
    return rows or [[1.0, 1.0]]


def _regions(fields: Fields, key: str) -> dict[str, list[float | None]]:
    """Return region -> [persons, urban share or None, welfare shift]."""
    regions: dict[str, list[float | None]] = {}
    for name, node in fields.mapping(key, required=True):
        parts = node.elements
        numbers = [part.as_number() for part in parts]
        urban_ok = len(parts) == 3 and (
            parts[1].is_null or (numbers[1] is not None and 0.0 <= numbers[1] <= 1.0)
        )
        persons = numbers[0] if numbers else None
        if not urban_ok or persons is None or persons <= 0.0 or numbers[2] is None:
            fields.wrong(node, name.text, "[persons, urban share or null, welfare shift]")
        else:
            regions[name.text] = numbers
    return regions or {"national": [1.0, None, 0.0]}
