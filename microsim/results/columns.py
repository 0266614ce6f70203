"""Turns the metadata of a run into columns of the results file, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from microsim.results.contents import (
    TIDY,
    Assumption,
    Benefit,
    Contents,
    Contribution,
    FrameValue,
    Fund,
    GivenLine,
    Identity,
    Row,
    Scheme,
    Tax,
)

Columns = Mapping[str, Sequence[Any]]
SCHEME_FIELDS = (
    "id", "label", "pillar", "contributory", "partial", "administration_basis",
    "administration_value", "general_revenue", "external", "balance", "has_insurable_earnings",
)  # fmt: skip
ASSUMPTION_FIELDS = ("driver", "baseline", "low", "high", "unit", "source", "basis")
ROW_FIELDS = Row._fields
FUND_FIELDS = ("kind", "timing", "interest", "opening", "target_ratio", "closed")
IDENTITY_FIELDS = (
    "id", "scenario", "what", "left", "right", "residual", "tolerance", "holds",
    "draw", "replicate",
)  # fmt: skip


def _columns(objects: Sequence[Any], names: Sequence[str]) -> dict[str, list[Any]]:
    return {name: [getattr(o, name) for o in objects] for name in names}


def _optional(value: float | None) -> float:
    return math.nan if value is None else value


def _given(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def metadata_columns(contents: Contents) -> dict[str, Columns]:
    """Return the columns of every group of metadata, by group."""
    schemes = contents.schemes
    parts = {
        name: [(s.id, part) for s in schemes for part in getattr(s, name)]
        for name in ("contributions", "benefits", "given", "scenarios")
    }
    benefits, lines = [b for _, b in parts["benefits"]], [g for _, g in parts["given"]]
    residuals = contents.household_residuals or (math.nan,) * len(contents.scenarios)
    frame, extremes = contents.frame, contents.cells.extremes
    registers: dict[str, Columns] = {}
    if contents.horizon is not None:
        registers["assumptions"] = _columns(contents.assumptions, ASSUMPTION_FIELDS)
    return registers | {
        "scenarios": {
            "id": contents.scenarios,
            "label": contents.labels,
            "household_residual": residuals,
            "lives": contents.lives_of or (0,) * len(contents.scenarios),
        },
        "schemes": _columns(schemes, SCHEME_FIELDS) | _fund_columns(schemes),
        "scheme_scenarios": {
            "scheme": [s for s, _ in parts["scenarios"]],
            "scenario": [scenario for _, scenario in parts["scenarios"]],
        },
        "contributions": {
            "scheme": [s for s, _ in parts["contributions"]],
            **_columns([c for _, c in parts["contributions"]], ("id", "payer")),
        },
        "benefits": {
            "scheme": [s for s, _ in parts["benefits"]],
            **_columns(benefits, ("id", "function", "kind", "means_tested", "of", "has_eligible")),
            "minimum": [_optional(b.minimum) for b in benefits],
        },
        "given_lines": {
            "scheme": [s for s, _ in parts["given"]],
            "account_line": [g.line for g in lines],
            **_columns(lines, ("value", "source", "function", "kind", "means_tested")),
            "partner": [g.scheme for g in lines],
        },
        "taxes": _columns(contents.taxes, ("id", "label", "kind", "origin", "earmarked_for")),
        "frame": {
            "name": list(frame),
            "value": [_optional(f.value) for f in frame.values()],
            **_columns(list(frame.values()), ("unit", "source")),
        },
        "poverty_lines": {
            "name": list(contents.poverty_lines),
            "value": list(contents.poverty_lines.values()),
        },
        "extremes": {
            "scenario": [k[0] for k in extremes],
            "scheme": [k[1] for k in extremes],
            "benefit": [k[2] for k in extremes],
            "smallest": [v[0] for v in extremes.values()],
            "largest": [v[1] for v in extremes.values()],
        },
    }


def _fund_columns(schemes: Sequence[Scheme]) -> dict[str, list[Any]]:
    """Return what schemes state of their fund; `kind` is empty where they state none."""
    none = Fund("", "")
    funds = [scheme.fund or none for scheme in schemes]
    found = {f"fund_{name}": [getattr(f, name) for f in funds] for name in FUND_FIELDS}
    for name in ("interest", "opening", "target_ratio"):
        found[f"fund_{name}"] = [_optional(value) for value in found[f"fund_{name}"]]
    return found


def _fund(line: dict[str, Any]) -> Fund | None:
    """Take the columns of the fund out of a scheme's line; files before 1.2 have none."""
    of = {name: line.pop(f"fund_{name}", None) for name in FUND_FIELDS}
    if not of["kind"]:
        return None
    numbers = {name: _given(of[name]) for name in ("interest", "opening", "target_ratio")}
    return Fund(of["kind"], of["timing"], closed=bool(of["closed"]), **numbers)


def assumptions_from(columns: Columns) -> tuple[Assumption, ...]:
    """Return the drivers of a projection from columns."""
    return tuple(Assumption(**line) for line in _lines(columns))


def row_columns(rows: Sequence[Row]) -> Columns:
    """Return the tidy columns of table rows."""
    return _columns(rows, TIDY)


def identity_columns(identities: Sequence[Identity]) -> Columns:
    """Return the columns of identities."""
    return _columns(identities, IDENTITY_FIELDS)


def _lines(columns: Columns) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def rows_from(columns: Columns) -> list[Row]:
    """Return table rows from tidy columns."""
    return [Row(*values) for values in zip(*(columns[name] for name in ROW_FIELDS), strict=True)]


def identities_from(columns: Columns) -> list[Identity]:
    """Return identities from columns."""
    return [Identity(**{**line, "holds": bool(line["holds"])}) for line in _lines(columns)]


def _of_scheme(columns: Columns, scheme: str) -> list[dict[str, Any]]:
    found = [line for line in _lines(columns) if line["scheme"] == scheme]
    return [{k: v for k, v in line.items() if k != "scheme"} for line in found]


def schemes_from(groups: Mapping[str, Columns]) -> tuple[Scheme, ...]:
    """Return the schemes from the columns of all groups."""
    schemes = []
    for line in _lines(groups["schemes"]):
        name, fund = line["id"], _fund(line)
        benefits = [
            Benefit(
                **{
                    **b,
                    "means_tested": bool(b["means_tested"]),
                    "minimum": _given(b["minimum"]),
                    "has_eligible": bool(b["has_eligible"]),
                }
            )
            for b in _of_scheme(groups["benefits"], name)
        ]
        given = []
        for g in _of_scheme(groups["given_lines"], name):
            names = {"scheme": g.pop("partner"), "line": g.pop("account_line")}
            given.append(GivenLine(**{**g, "means_tested": bool(g["means_tested"]), **names}))
        flags = ("contributory", "partial", "has_insurable_earnings")
        schemes.append(
            Scheme(
                **{**line, **{flag: bool(line[flag]) for flag in flags}},
                contributions=tuple(
                    Contribution(**c) for c in _of_scheme(groups["contributions"], name)
                ),
                benefits=tuple(benefits),
                given=tuple(given),
                scenarios=tuple(
                    s["scenario"] for s in _of_scheme(groups["scheme_scenarios"], name)
                ),
                fund=fund,
            )
        )
    return tuple(schemes)


def taxes_from(columns: Columns) -> tuple[Tax, ...]:
    """Return the taxes from columns."""
    return tuple(Tax(**line) for line in _lines(columns))


def frame_from(columns: Columns) -> dict[str, FrameValue]:
    """Return the macro frame from columns."""
    return {
        line["name"]: FrameValue(_given(line["value"]), line["unit"], line["source"])
        for line in _lines(columns)
    }


def extremes_from(columns: Columns) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return the smallest and largest monthly amounts from columns."""
    return {
        (line["scenario"], line["scheme"], line["benefit"]): (line["smallest"], line["largest"])
        for line in _lines(columns)
    }
