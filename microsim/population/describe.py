"""Describes a population file: its size, columns, macro series, and target against achieved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microsim.population.columns import STANDARD, Column
from microsim.population.content import SeriesValue, TargetRow
from microsim.population.store import PopulationReader, open_population

MARKETS_AT_ONCE = 8


@dataclass(frozen=True)
class ColumnSummary:
    """One column of a file: unit, weighted mean, smallest and largest value.

    `shares` are the weighted shares of a category's labels, for which a mean says nothing.
    """

    name: str
    of: str
    unit: str
    mean: float
    smallest: float
    largest: float
    meaning: str
    shares: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Description:
    """What `describe` found in a file."""

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[ColumnSummary, ...]
    frame: dict[str, SeriesValue]
    anchors: dict[str, SeriesValue]
    targets: tuple[TargetRow, ...]
    parameters: tuple[tuple[str, str, str, str], ...] = ()
    """Of a synthesised population: block, what it rests on, file, source."""

    def text(self) -> str:
        """Return the description as text, one table below the other."""
        lines = [self.title, *(f"  {name:<12} {value}" for name, value in self.facts), ""]
        lines += table(
            ("column", "of", "unit", "mean", "smallest", "largest", "meaning"),
            [
                (c.name, c.of, c.unit, number(c.mean), number(c.smallest), number(c.largest),
                 c.meaning)
                for c in self.columns if not c.shares
            ],
        )  # fmt: skip
        shares = [
            (c.name, c.of, label, f"{100 * share:.2f} %")
            for c in self.columns
            for label, share in c.shares
        ]
        lines += ["", *table(("category", "of", "label", "share"), shares)]
        for heading, series in (("Anchors", self.anchors), ("Macro frame", self.frame)):
            if series:
                lines += ["", heading, *series_lines(series)]
        if self.parameters:
            heads = ("parameters", "rests on", "file", "source")
            lines += ["", *table(heads, self.parameters)]
        if self.targets:
            lines += ["", *target_lines(self.targets)]
        return "\n".join(lines) + "\n"


def describe(path: str | Path) -> Description:
    """Describe a population file, reading it in pieces.

    Raises
    ------
    FormatError
        The file is missing, foreign, incomplete, or of another version.
    """
    with open_population(path) as reader:
        columns, persons_for, households_for = _summaries(reader)
        facts = (
            ("country", reader.country),
            ("year", str(reader.year)),
            ("currency", reader.currency),
            ("persons", f"{reader.n_persons:,} standing for {persons_for:,.0f}"),
            ("households", f"{reader.n_households:,} standing for {households_for:,.0f}"),
            ("markets", f"{reader.n_markets:,}"),
            ("regions", f"{len(reader.regions)}: {', '.join(reader.regions[:6])}"
             + (" ..." if len(reader.regions) > 6 else "")),
            ("design", "strata and sampling units" if reader.has_design else "none"),
        )  # fmt: skip
        given = reader.provenance.get("parameters", {})
        parameters = tuple(
            (block, entry["basis"], entry["file"], entry["source"])
            for block, entry in given.items()
        )
        return Description(
            reader.name, facts, columns, reader.frame, reader.anchors, reader.targets, parameters
        )


class _Tally:
    """What is added up of one column, piece by piece."""

    def __init__(self, column: Column, labels: tuple[str, ...]) -> None:
        self.column, self.labels = column, labels
        self.total, self.smallest, self.largest = 0.0, np.inf, -np.inf
        self.by_label = np.zeros(len(labels))

    def add(self, values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> None:
        self.total += float(np.cumsum(values * weights)[-1])
        self.smallest = min(self.smallest, float(values.min()))
        self.largest = max(self.largest, float(values.max()))
        if self.labels:
            codes = values.astype(np.int64)
            self.by_label += np.bincount(codes, weights=weights, minlength=len(self.labels))

    def summary(self, whole: float) -> ColumnSummary:
        shares = tuple((label, float(x) / whole)
                       for label, x in zip(self.labels, self.by_label, strict=True))  # fmt: skip
        column = self.column
        return ColumnSummary(column.name, column.of, column.unit, self.total / whole,
                             self.smallest, self.largest, column.meaning, shares)  # fmt: skip


def _summaries(reader: PopulationReader) -> tuple[tuple[ColumnSummary, ...], float, float]:
    """Return a summary of each column, and the weighted persons and households."""
    present = {"person": set(reader.person_columns), "household": set(reader.household_columns)}
    tallies = [
        _Tally(column, reader.regions if column.name == "region" else column.labels)
        for column in (*STANDARD, *reader.extras)
        if column.name in present[column.of]
    ]
    names = [*(tally.column.name for tally in tallies), "weight"]
    whole = {"person": 0.0, "household": 0.0}
    for first in range(0, reader.n_markets, MARKETS_AT_ONCE):
        part = reader.read_markets(first, min(first + MARKETS_AT_ONCE, reader.n_markets), names)
        weight = part.households["weight"].astype(np.float64)
        size = part.households["size"].astype(np.int64)
        weights = {"household": weight, "person": np.repeat(weight, size)}
        for of in whole:
            whole[of] += float(np.cumsum(weights[of])[-1])
        for tally in tallies:
            of = tally.column.of
            source = part.persons if of == "person" else part.households
            tally.add(source[tally.column.name].astype(np.float64), weights[of])
    summaries = tuple(tally.summary(whole[tally.column.of]) for tally in tallies)
    return summaries, whole["person"], whole["household"]


def number(value: float | None) -> str:
    """Return a number for people; blank for None."""
    if value is None:
        return ""
    if value == 0.0 or abs(value) >= 1000.0:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) < 1.0 else f"{value:,.2f}"


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a table as lines; columns of numbers are aligned to the right."""
    widths = [max(len(text) for text in column) for column in zip(heads, *rows, strict=True)]
    numeric = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(heads))]
    lines = []
    for row in [heads, *rows]:
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _is_number(text: str) -> bool:
    return (
        not text
        or text.replace(",", "").replace(".", "").replace("-", "").replace("e", "").isdigit()
        or text.endswith("%")
    )


def series_lines(series: dict[str, SeriesValue]) -> list[str]:
    """Return macro values as lines: name, value, unit, basis, source."""
    rows = [
        (name, number(entry.value) if entry.value is not None else "n/a", entry.unit,
         entry.basis, entry.source)
        for name, entry in series.items()
    ]  # fmt: skip
    return table(("name", "value", "unit", "rests on", "source"), rows)


def target_lines(rows: tuple[TargetRow, ...], failures_only: bool = False) -> list[str]:
    """Return the table target against achieved, and how many rows miss their tolerance."""
    shown = [row for row in rows if not failures_only or row.passed is False]
    body = []
    for row in shown:
        percent = row.unit == "share"
        texts = [
            "" if value is None else f"{100 * value:.2f} %" if percent else number(value)
            for value in (row.target, row.achieved)
        ]
        verdict = {True: "met", False: "MISSED", None: ""}[row.passed]
        body.append((row.group, row.item, texts[0], texts[1], row.unit, verdict, row.basis))
    held = [row for row in rows if row.passed is not None]
    missed = sum(1 for row in held if not row.passed)
    by_basis = {
        b: sum(1 for row in rows if row.basis == b) for b in ("data", "assumption", "nothing")
    }
    heads = ("group", "item", "target", "achieved", "unit", "", "rests on")
    summary = (
        f"{len(held) - missed} of {len(held)} targets met; of {len(rows)} rows "
        f"{by_basis['data']} rest on data, {by_basis['assumption']} on a stated assumption, "
        f"{by_basis['nothing']} on nothing (no target)."
    )
    return ["Target against achieved", *table(heads, body), summary]
