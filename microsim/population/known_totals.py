"""Reads a file of known totals (targets) and adds up what each household contributes to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList
from microsim.population.columns import OLDEST, STANDARD, Column
from microsim.population.mapping import code_text
from microsim.population.mapping_columns import COMPARISON
from microsim.population.store import Population
from microsim.population.yaml_sections import Section, load, suggest

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

AGE_GROUP = re.compile(r"^(\d+)(?:-(\d+)|(\+))?$")


@dataclass(frozen=True)
class Target:
    """One known total.

    Attributes
    ----------
    margin, cell
        Name of the margin and of the cell in it (`female; 0-4`), empty if it has one cell.
    value
        Total, in `unit`.
    unit
        `persons`, `households`, or the unit of the column that is summed.
    """

    margin: str
    cell: str
    value: float
    unit: str
    source: str
    where: str

    @property
    def name(self) -> str:
        """Return margin and cell as one text."""
        return f"{self.margin}: {self.cell}" if self.cell else self.margin


@dataclass(frozen=True)
class Targets:
    """Known totals with what each household contributes.

    Attributes
    ----------
    cells
        The k targets.
    totals
        Shape (n_households, k), in the unit of each target.
    """

    name: str
    cells: tuple[Target, ...]
    totals: Floats

    @property
    def values(self) -> Floats:
        """Shape (k,), the target values."""
        return np.array([cell.value for cell in self.cells])


def read_targets(path: str | Path, population: Population) -> Targets:
    """Read a targets file for a population.

    Raises
    ------
    InputError
        Naming every fault with its line: unknown keys, columns, labels and age groups, margins
        without a source, values that are no numbers.
    """
    faults = FaultList()
    top = load(path, faults)
    reader = _Reader(population, faults)
    name = top.take("targets", str, Path(path).stem)
    margins = top.section("margins", required=True)
    cells: list[Target] = []
    columns: list[Floats] = []
    for key in margins or ():
        section = margins.section(str(key)) if margins is not None else None
        if section is not None:
            for cell, totals in reader.margin(str(key), section):
                cells.append(cell)
                columns.append(totals)
    top.finish()
    if margins is not None and not cells:
        top.fault("margins", "no targets are given")
    faults.raise_if_any()
    cells = _rescaled(cells, reader.rescale, faults)
    faults.raise_if_any()
    return Targets(name, tuple(cells), np.column_stack(columns))


class _Reader:
    """Reads margins of one population."""

    def __init__(self, population: Population, faults: FaultList) -> None:
        self.population = population
        self.faults = faults
        known = (*STANDARD, *population.extras)
        self.columns = {column.name: column for column in known}
        self.household = population.household_of_person
        self.rescale: dict[str, tuple[str, str]] = {}

    def margin(self, name: str, section: Section) -> Iterator[tuple[Target, Floats]]:
        """Yield each cell of a margin with its household totals, shape (n_households,)."""
        of = section.choose("of", ("person", "household"), "person")
        source = section.take("source", str, "", required=True)
        multiply = section.take("multiply", float, 1.0)
        summed = section.take("sum", str, "")
        by = section.names("by")
        if "rescale_to" in section:
            self.rescale[name] = (section.take("rescale_to", str, ""), section.at("rescale_to"))
        n = self.population.n_persons if of == "person" else self.population.n_households
        amount, unit = np.ones(n), f"{of}s"
        if summed:
            found = self._column(section, "sum", summed, of)
            if found is not None and found.unit in ("category", "boolean"):
                section.fault("sum", f"'{summed}' cannot be added up", found.unit)
            elif found is not None:
                amount, unit = self._values(found, of).astype(np.float64), found.unit
        where = section.section("where")
        if where is not None:
            for key in where:
                amount = amount * self._condition(where, str(key), of)
        dimensions = [self._column(section, "by", column, of) for column in by]
        key = "values" if by else "total"
        section.taken.add(key)
        if key not in section:
            self.faults.add(section.where, f"'{key}' is missing in margin '{name}'")
        elif None not in dimensions:
            kept = [dimension for dimension in dimensions if dimension is not None]
            for cell, value, mask, place in self._cells(section, key, kept, of):
                target = Target(name, cell, value * multiply, unit, source, place)
                yield target, self._per_household(amount * mask, of)
        section.finish()

    def _per_household(self, amount: Floats, of: str) -> Floats:
        if of == "household":
            return amount
        n = self.population.n_households
        return np.bincount(self.household, amount, n).astype(np.float64)

    def _column(self, section: Section, key: str, name: str, of: str) -> Column | None:
        column = self.columns.get(name)
        if column is None:
            known = ", ".join(self.columns)
            section.fault(key, f"unknown column '{name}'", "", known, suggest(name, self.columns))
        elif of == "household" and column.of == "person":
            section.fault(key, f"'{name}' belongs to persons", "of: household", "of: person")
            return None
        return column

    def _values(self, column: Column, of: str) -> npt.NDArray[Any]:
        if column.of == "person":
            return self.population.persons[column.name]
        values = self.population.households[column.name]
        return values[self.household] if of == "person" else values

    def _labels(self, column: Column) -> tuple[str, ...]:
        return self.population.regions if column.name == "region" else column.labels

    def _cells(
        self, section: Section, key: str, dimensions: list[Column], of: str
    ) -> Iterator[tuple[str, float, Floats, str]]:
        """Yield the cells below a key: name, value, mask (n,) and place."""
        value = section.values[key]
        if not dimensions:
            if isinstance(value, bool) or not isinstance(value, int | float):
                section.fault(key, "a target is no number", repr(value), "a total")
            else:
                yield "", float(value), np.ones(1), section.at(key)
            return
        if not isinstance(value, dict) or not value:
            column = dimensions[0].name
            section.fault(key, "values are missing", repr(value), f"a value for each {column}")
            return
        inner = section.inside(key, value)
        for label in inner:
            mask = self._group(inner, label, dimensions[0], of)
            if mask is None:
                continue
            for cell, total, rest, place in self._cells(inner, label, dimensions[1:], of):
                text = f"{code_text(label)}; {cell}" if cell else code_text(label)
                yield text, total, mask * rest, place

    def _group(self, section: Section, label: Any, column: Column, of: str) -> Mask | None:  # noqa: ANN401
        values, text = self._values(column, of), code_text(label)
        mask: Mask
        if column.unit == "category":
            labels = self._labels(column)
            if text in labels:
                mask = values == labels.index(text)
                return mask
            listed = ", ".join(labels)
            section.fault(
                label,
                f"unknown label of '{column.name}'",
                repr(text),
                listed,
                suggest(text, labels),
            )
            return None
        if column.unit == "boolean":
            if text in ("true", "false"):
                mask = values == (text == "true")
                return mask
            section.fault(label, f"group of '{column.name}'", repr(text), "true, false")
            return None
        match = AGE_GROUP.match(text)
        if match is None:
            section.fault(label, f"group of '{column.name}'", repr(text), "0-4, 15 or 65+")
            return None
        first = int(match.group(1))
        last = OLDEST if match.group(3) else int(match.group(2) or first)
        mask = (values >= first) & (values <= last)
        return mask

    def _condition(self, section: Section, name: str, of: str) -> Floats:
        section.taken.add(name)
        column, stated = self._column(section, name, name, of), section.values[name]
        one = np.ones(1)
        if column is None:
            return one
        values = self._values(column, of)
        if column.unit in ("category", "boolean"):
            groups = stated if isinstance(stated, list) else [stated]
            chosen = np.zeros(values.size, dtype=bool)
            for label in groups:
                inner = Section({label: None}, section.file, self.faults, _line(section, name))
                mask = self._group(inner, label, column, of)
                chosen |= False if mask is None else mask
            return chosen.astype(np.float64)
        match = COMPARISON.match(str(stated).strip())
        compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
                   "==": np.equal, "!=": np.not_equal}  # fmt: skip
        try:
            sign, number = match.groups() if match else ("==", str(stated))
            return np.asarray(compare[sign](values, float(number)), dtype=np.float64)
        except ValueError:
            section.fault(name, f"condition on '{name}'", repr(str(stated)), "for example >= 15")
            return one


def _line(section: Section, key: str) -> int:
    return int(section.at(key).rsplit(":", 1)[1])


def _rescaled(
    cells: list[Target], rescale: dict[str, tuple[str, str]], faults: FaultList
) -> list[Target]:
    """Return cells with margins scaled to the total of the margin they name in rescale_to."""
    sums: dict[str, float] = {}
    for cell in cells:
        sums[cell.margin] = sums.get(cell.margin, 0.0) + cell.value
    factors: dict[str, float] = {}
    for margin, (to, place) in rescale.items():
        if margin not in sums:
            continue  # it has no cells, which is noted
        if to not in sums or to in rescale:
            known = ", ".join(name for name in sums if name != margin)
            faults.add(place, f"margin '{margin}' is scaled to '{to}'", "", known)
        elif sums[margin] == 0.0:
            faults.add(place, f"margin '{margin}' adds up to 0 and cannot be scaled")
        else:
            factors[margin] = sums[to] / sums[margin]
    scaled = []
    for cell in cells:
        factor = factors.get(cell.margin)
        if factor is not None:
            note = f"scaled by {factor:.6f} to the total of '{rescale[cell.margin][0]}'"
            cell = replace(cell, value=cell.value * factor, source=f"{cell.source}; {note}")
        scaled.append(cell)
    return scaled
