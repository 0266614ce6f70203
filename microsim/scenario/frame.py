"""The macro frame: series by year with unit and source, for indexation, lines and shares of GDP."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from microsim.errors import Fault, FaultList, InputError
from microsim.files import Fields, FileTree, Node, did_you_mean, listed
from microsim.language.definitions import Location
from microsim.policy.declarations import read_unit
from microsim.policy.law import location
from microsim.policy.reading import read_years
from microsim.policy.vocabulary import KEYS, STANDARD_SERIES, is_file_of_kind, name_fault

# Series that projections bring where a frame has none, with their unit.
PROJECTED = {
    "population": "count",
    "employment": "count",
    "inflation": "share",
    "real_growth": "share",
    "interest": "share",
    "gdp": STANDARD_SERIES["gdp"],
    "cpi": STANDARD_SERIES["cpi"],
    "average_wage": STANDARD_SERIES["average_wage"],
}


@dataclass(frozen=True)
class Series:
    """One macro series: values by year in `unit`, with its source.

    Attributes
    ----------
    index
        Series it follows after its last value, in projections; or "".
    growth
        Growth a year after its last value, in projections; or None.
    """

    name: str
    unit: str
    source: str
    values: dict[int, float]
    where: Location
    label: str = ""
    index: str = ""
    growth: float | None = None


@dataclass(frozen=True)
class Frame:
    """Macro series by name."""

    series: dict[str, Series] = field(default_factory=dict)
    where: str = "the frame"

    def get(self, name: str, year: int) -> float | None:
        """Return the value of a series in a year, or None if nobody gives it."""
        series = self.series.get(name)
        return None if series is None else series.values.get(year)

    def value(self, name: str, year: int) -> float:
        """Return the value of a series in a year.

        Raises
        ------
        InputError
            There is no such series, or it has no value for the year.
        """
        series = self.series.get(name)
        if series is None:
            remedy = did_you_mean(name, self.series)
            known = listed(self.series) or "no series"
            raise InputError(Fault(self.where, f"no series '{name}'", known, name, remedy))
        if year not in series.values:
            years = ", ".join(str(one) for one in series.values)
            what = f"series '{name}' has no value for {year}"
            raise InputError(Fault(str(series.where), what, years or "none", str(year)))
        return series.values[year]

    def units(self) -> dict[str, str]:
        """Return the unit of each series."""
        return {name: series.unit for name, series in self.series.items()}

    def filled_from(self, other: Frame) -> Frame:
        """Return this frame with the series it lacks taken from another one."""
        return Frame(other.series | self.series, self.where)


def load_frame(path: str | Path) -> Frame:
    """Return the macro frame of a file.

    Raises
    ------
    InputError
        Every fault of the file, with its line.
    """
    faults = FaultList()
    tree = FileTree(path)
    frame = read_frame(tree, str(path), faults)
    faults.raise_if_any()
    return frame


def read_frame(tree: FileTree, path: str, faults: FaultList, asked: str = "") -> Frame:
    """Return the macro frame of a file of a tree; faults are noted."""
    top = tree.read(path, faults, asked)
    if top is None or not is_file_of_kind(top, ("frame",), faults):
        return Frame(where=path)
    fields = Fields(top, faults, KEYS["frame"], "the frame file")
    series: dict[str, Series] = {}
    for key, node in fields.mapping("frame", required=True):
        series[key.text] = _read_series(key, node, faults)
    _check_indices(series, faults)
    return Frame(series, path)


def _check_indices(series: dict[str, Series], faults: FaultList) -> None:
    """Note series that follow an unknown one, or themselves."""
    for one in series.values():
        followed = [one.name]
        index = one.index
        while index:
            if index in followed:
                circle = " -> ".join((*followed, index))
                faults.add(str(one.where), f"series {one.name} follows itself", circle, "no circle")
                break
            followed.append(index)
            index = series[index].index if index in series else ""
        if one.index and one.index not in series and one.index not in PROJECTED:
            known = (*series, *PROJECTED)
            what = f"series {one.name} follows an unknown series"
            remedy = did_you_mean(one.index, known)
            faults.add(str(one.where), what, one.index, listed(known), remedy)


def _read_series(key: Node, node: Node, faults: FaultList) -> Series:
    fields = Fields(node, faults, KEYS["series"], f"series {key.text}")
    reason = name_fault(key.text)
    if reason:
        faults.add(key.where, f"'{key.text}' cannot be the name of a series", "", reason)
    unit = read_unit(fields)
    standard = STANDARD_SERIES.get(key.text, unit)
    if unit and unit != standard:
        fields.wrong(fields.nodes["unit"], "unit", standard)
    values = read_years(fields, faults)
    source = fields.text("source", required=True)
    index, growth = _read_after_last(fields)
    return Series(
        key.text, unit, source, values, location(key), fields.text("label"), index, growth
    )


def _read_after_last(fields: Fields) -> tuple[str, float | None]:
    """Return the series that one follows after its last value, or its growth a year."""
    node = fields.node_of("after_last")
    if node is None:
        return "", None
    after = Fields(node, fields.faults, KEYS["series after_last"], f"after_last of {fields.what}")
    stated = [key for key in KEYS["series after_last"] if key in after.nodes]
    if len(stated) != 1:
        found = "both" if stated else "neither"
        fields.faults.add(node.where, after.what, found, "either 'index' or 'growth'")
        return "", None
    if stated == ["index"]:
        return after.text("index", required=True).removeprefix("frame."), None
    growth = after.number("growth", required=True)
    if growth <= -1.0:
        after.wrong(after.nodes["growth"], "growth", "a share above -1")
    return "", growth
