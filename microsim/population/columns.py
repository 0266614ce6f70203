"""The columns a population may have: name, type, unit, meaning and neutral value of each."""

from __future__ import annotations

from dataclasses import dataclass

SEX = ("male", "female")
EMPLOYMENT_STATUS = (
    "under working age",
    "formal public employee",
    "formal private employee",
    "informal employee",
    "formal own-account",
    "informal own-account",
    "family worker",
    "unemployed",
    "student",
    "home duties",
    "retired",
    "disabled inactive",
    "other inactive",
)
SECTOR = ("none", "agriculture", "industry", "services")
LINKS = ("head", "spouse", "mother", "father")
AGE_GROUPS = ("0-4", "5-14", "15-24", "25-59", "60-64", "65-79", "80+")
AGE_GROUP_STARTS = (0, 5, 15, 25, 60, 65, 80)
OLDEST = 120


@dataclass(frozen=True)
class Column:
    """One column of the person or household table.

    Attributes
    ----------
    name
        Name in files, rules and Python.
    of
        `person` or `household`.
    unit
        Unit in the words of the rule language (`currency/month`, `years`, `boolean`, `category`,
        ...).
    dtype
        Storage type in memory and on disk.
    meaning
        One sentence for people.
    labels
        Labels of a category, in code order; empty for other types, and for `region`, whose
        labels each population brings.
    default
        Neutral value used by hypothetical households for an input left out.
    required
        Whether every population file has it.
    """

    name: str
    of: str
    unit: str
    dtype: str
    meaning: str
    labels: tuple[str, ...] = ()
    default: float = 0.0
    required: bool = True


STANDARD: tuple[Column, ...] = (
    Column("age", "person", "years", "int8", "completed years of age"),
    Column("sex", "person", "category", "int8", "sex", SEX),
    Column(
        "employment_status",
        "person",
        "category",
        "int8",
        "status in employment, or why not employed",
        EMPLOYMENT_STATUS,
        default=12,
    ),
    Column("sector", "person", "category", "int8", "economic sector of the main job", SECTOR),
    Column("earnings", "person", "currency/month", "float64", "gross wage of employees"),
    Column(
        "self_employment_income",
        "person",
        "currency/month",
        "float64",
        "mixed income of own-account workers and employers",
    ),
    Column(
        "pension_income",
        "person",
        "currency/month",
        "float64",
        "contributory pension in payment that comes with the data",
    ),
    Column("severe_disability", "person", "boolean", "bool", "has a severe disability"),
    Column("orphan", "person", "boolean", "bool", "child who lost one or both parents"),
    Column("region", "household", "category", "int16", "region; labels come with the population"),
    Column("urban", "household", "boolean", "bool", "lives in an urban area"),
    Column(
        "welfare",
        "household",
        "currency/month",
        "float64",
        "household consumption or income as the poverty statistics use it, under the baseline law",
    ),
)

# What lives tell the rules, in projections; in runs of one year these hold their default.
LIFE_INPUTS: tuple[Column, ...] = tuple(
    Column(name, "person", unit, dtype, meaning, default=default, required=False)
    for name, unit, dtype, default, meaning in (
        ("in_base_population", "boolean", "bool", 1.0, "was in the population of the first year"),
        ("arrived", "boolean", "bool", 0.0, "immigrated in the year"),
        ("gave_birth", "boolean", "bool", 0.0, "gave birth in the year"),
        ("birth_month", "number", "int8", 1.0, "month of the own birth, 1 to 12"),
        ("children_born", "count", "int8", 0.0, "children born so far"),
        ("widowed", "boolean", "bool", 0.0, "the spouse died in the year"),
        ("late_spouse_widows", "count", "int8", 0.0, "persons who share the late spouse"),
        ("became_disabled", "boolean", "bool", 0.0, "became severely disabled in the year"),
        ("retired_this_year", "boolean", "bool", 0.0, "retired in the year"),
        ("months_in_status", "months", "int8", 12.0,
         "months of the year in the present employment status"),
        ("years_in_status", "years", "int8", 0.0,
         "completed years in the present employment status"),
        ("past_formal_years", "years", "float64", 0.0,
         "years of formal employment before the first year"),
        ("permanent_earnings", "number", "float64", 0.0,
         "what stays for life of the logarithm of earnings"),
    )
)  # fmt: skip

# Kept beside the values, never read by rules: structure, weights, design, draws.
# person:    household (derived from start), head/spouse/mother/father: position of the linked
# person within the            household (int16, 0-based, -1 if none), draw_key (uint64) household:
# household_id (int64), start (int64, first person row), size (int16), weight (float64),
# market (int32), stratum (int32), psu (int32), draw_key (uint64)
