"""The macro series of a question: those of the scenario's frame, then of the population file."""

from __future__ import annotations

from dataclasses import replace

from microsim.language.definitions import Location
from microsim.population.store import PopulationReader
from microsim.scenario.frame import Frame, Series


def frame_of_population(population: PopulationReader) -> Frame:
    """Return the macro series a population file carries, for its year."""
    where = Location(str(population.path), 0)
    series = {
        name: Series(name, one.unit, one.source, {population.year: one.value}, where)
        for name, one in population.frame.items()
        if one.value is not None
    }
    return Frame(series, str(population.path))


def merged_frame(scenario: Frame, population: Frame) -> Frame:
    """Return the scenario's series, with years and series it lacks taken from the population."""
    series = dict(population.series)
    for name, one in scenario.series.items():
        other = series.get(name)
        values = {**other.values, **one.values} if other is not None else one.values
        series[name] = replace(one, values=values)
    return Frame(series, scenario.where)
