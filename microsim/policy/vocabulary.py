"""The closed lists of words that a country system may use, and the keys of each kind of mapping."""

from __future__ import annotations

import keyword
import re

from microsim.errors import FaultList
from microsim.files import Node, did_you_mean

# The lists of the results contract are repeated here, because a policy does not know results; a
# test compares them.
PAYERS = ("employees", "employers", "self-employed", "other protected persons", "government")
KINDS = ("cash periodic", "cash lump sum", "in kind")
PILLARS = (
    "social insurance",
    "universal",
    "social assistance",
    "provident fund",
    "micro-insurance",
    "employer liability",
)
FUNCTIONS = (
    "OLD", "SUR", "DIS", "SICK", "HEALTH", "MAT", "EI", "UNE", "FAM", "HOU", "SOC", "EDU",
)  # fmt: skip
LINES = (
    "benefits",
    "administration",
    "investment income",
    "reserve opening",
    "contributions employers",
    "contributions employees",
    "contributions self-employed",
    "contributions other",
    "earmarked taxes",
    "general revenue",
    "external",
    "transfers from schemes",
    "transfers to schemes",
    "other receipts",
    "other expenditure",
)
RECEIPT_LINES = frozenset(LINES) - {
    "benefits",
    "administration",
    "reserve opening",
    "transfers to schemes",
    "other expenditure",
}
EXPENDITURE_LINES = frozenset(
    {"benefits", "administration", "transfers to schemes", "other expenditure"}
)
TRANSFER_LINES = ("transfers from schemes", "transfers to schemes")
ORIGINS = ("households", "corporations")
EQUIVALENCES = ("per capita", "square root", "oecd modified")
FUND_KINDS = ("defined benefit", "defined contribution")
FUND_TIMINGS = ("mid-year", "half-interest", "start")
ADMINISTRATION_BASES = ("share_of_benefits", "share_of_contributions", "per_recipient")
UNIT_RULES = (
    "person alone",
    "couple",
    "couple with dependent children",
    "parent with dependent children",
)
PARAMETER_KINDS = ("scalar", "schedule", "table")
PERIODS = ("month", "year")

UNIT_WORDS = (
    "currency",
    "count",
    "years",
    "months",
    "days",
    "share",
    "number",
    "boolean",
    "category",
    "persons",
)
WITHOUT_TIME = ("boolean", "category")

# Series of the frame that a population file brings for its country, and those the tables ask for.
STANDARD_SERIES = {
    "gdp": "currency/year",
    "government_expenditure": "currency/year",
    "average_wage": "currency/month",
    "minimum_wage": "currency/month",
    "cpi": "number",
    "poverty_line_300": "currency/month",
    "poverty_line_420": "currency/month",
    "poverty_line_830": "currency/month",
}

KEYS: dict[str, tuple[str, ...]] = {
    "law": ("parameters", "inputs", "units", "variables", "schemes", "taxes"),
    "system": (
        "system",
        "country",
        "currency",
        "include",
        "incomes",
        "welfare",
        "retirement_age",
        "poverty_lines",
        "parameters",
        "inputs",
        "units",
        "variables",
        "schemes",
        "taxes",
    ),
    "incomes": ("market", "pensions"),
    "welfare": ("equivalence", "marginal_propensity", "source"),
    "parameter": (
        "unit",
        "kind",
        "source",
        "values",
        "after_last",
        "at",
        "keys",
        "rate_unit",
        "labels",
        "label",
    ),
    "dated value": ("value", "source", "first_payroll"),
    "after_last": ("index",),
    "table key": ("name", "unit"),
    "variable": (
        "label",
        "of",
        "unit",
        "period",
        "labels",
        "formula",
        "cases",
        "fixed_point",
        "source",
    ),
    "case": ("when", "then", "otherwise"),
    "fixed_point": ("start", "tolerance"),
    "input": ("of", "unit", "labels", "label", "default"),
    "unit": ("rule", "dependent", "children_without_parents"),
    "scheme": (
        "label",
        "pillar",
        "insurable_earnings",
        "contributions",
        "benefits",
        "administration",
        "given",
        "financing",
        "partial",
        "fund",
    ),
    "contribution": ("variable", "payer", "due"),
    "benefit": (
        "function",
        "variable",
        "of",
        "kind",
        "means_tested",
        "eligible",
        "minimum",
        "paid",
    ),
    "administration": ADMINISTRATION_BASES,
    "given": (
        "line",
        "values",
        "source",
        "index",
        "function",
        "kind",
        "means_tested",
        "scheme",
    ),
    "financing": ("general_revenue", "external", "balance"),
    "fund": (
        "kind",
        "returns",
        "opening",
        "timing",
        "target_ratio",
        "balances",
        "new_awards_value",
        "closed",
        "accrued_share",
    ),
    "tax": ("label", "variable", "kind", "origin", "earmarked_for"),
    "reform": ("reform", "label", "source", "replace", "phase_in", "abolish", "add"),
    "phase_in": ("from", "to", "start", "end", "source"),
    "frame": ("frame",),
    "series": ("unit", "source", "values", "label", "after_last"),
    "series after_last": ("index", "growth"),
    "lives": (
        "lives",
        "like",
        "label",
        "parameters",
        "variables",
        "processes",
        "histories",
        "sensitivity",
    ),
    "sensitivity": ("low", "high"),
    "scenario": (
        "scenario",
        "system",
        "year",
        "to",
        "lives",
        "tables",
        "alignment",
        "ageing",
        "seed",
        "population",
        "frame",
        "totals",
        "calibrate",
        "reforms",
    ),
    "tables": ("every",),
    "alignment": ("exact",),
    "ageing": ("method", "uprating"),
    "population": ("country", "households", "seed", "file"),
    "calibrate": ("parameter", "scheme", "item"),
    "cases": ("cases",),
    "household case": (
        "name",
        "source",
        "date",
        "year",
        "system",
        "reform",
        "frame",
        "tolerance",
        "household",
        "members",
        "draws",
        "expect",
        "vary",
        "show",
    ),
    "vary": ("input", "member", "from", "to", "step"),
    "add": ("parameters", "inputs", "units", "variables", "schemes", "taxes"),
}

RESERVED = ("frame", "disposable_income", "members", "person", "household", "year", "month")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


FILE_KINDS = {  # the key that tells a kind of file, first match first
    "scenario": "scenario",
    "reform": "reform",
    "cases": "cases",
    "members": "household",
    "system": "system",
    "frame": "frame",
    "lives": "lives",
}


def is_file_of_kind(top: Node, wanted: tuple[str, ...], faults: FaultList) -> bool:
    """Tell whether a file is of a wanted kind; a file of another known kind is a fault.

    A file of no known kind passes: what it lacks is told by its reader.
    """
    keys = set(top.keys())
    found = next((kind for key, kind in FILE_KINDS.items() if key in keys), "")
    if keys & {"members", "cases"} and "reform" in keys:
        found = "household"  # a household may name a reform
    if found == "" and keys and keys <= set(KEYS["law"]):
        found = "law"
    if not found or found in wanted:
        return True
    what = "the file is of another kind"
    faults.add(top.where, what, f"a {found} file", f"a {' or '.join(wanted)} file")
    return False


def name_fault(name: str) -> str:
    """Return why `name` cannot be a name in formulas, or an empty text."""
    if not _NAME.match(name):
        return "letters, digits and underscores, beginning with a letter"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "a name that is not a word of the formula language"
    return ""


def unit_fault(unit: str) -> tuple[str, str] | None:
    """Return (expected, remedy) if `unit` is none of the rule language, else None."""
    word, slash, time = unit.partition("/")
    expected = "one of " + ", ".join(UNIT_WORDS) + ", with /month or /year where it is a flow"
    if word not in UNIT_WORDS:
        return expected, did_you_mean(unit, [*UNIT_WORDS, "currency/month", "currency/year"])
    if slash and (time not in PERIODS or word in WITHOUT_TIME):
        return expected, ""
    return None
