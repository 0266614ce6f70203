"""What a projection is asked for beside its first year, and what its later years lack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from microsim.errors import FaultList, InputError
from microsim.scenario.scenario import Scenario
from microsim.simulation.contents import Assembler
from microsim.simulation.keeping_years import PEOPLE
from microsim.simulation.phases import Prepared
from microsim.simulation.worlds import WorldKey


def ahead(scenario: Scenario) -> dict[str, object]:
    """Return what makes a projection the one asked for, beside the law of its first year."""
    projection = scenario.projection
    if projection is None:
        return {}
    files = sorted((Path(file.path).name, file.sha256) for file in scenario.files)
    return {"files": files, "to": projection.last_year, "every": projection.every}


def check_years(prepared: Prepared) -> None:
    """Find what cannot be had of a projection, or what the tables of a later year lack, before
    anything is computed.

    Raises
    ------
    InputError
        Every line, rate, poverty line or age that has no value in a year; each is named once.
    """
    projection = prepared.scenario.projection
    faults = FaultList()
    _check_kept(prepared, faults)
    faults.raise_if_any()
    if projection is None:
        return
    whole = prepared.whole_model(WorldKey())
    for year in projection.years:
        try:
            model = replace(whole, year=year)
            Assembler(model, prepared.population, projection.first_year).check()
        except InputError as error:
            known = {(fault.where, fault.found) for fault in faults.faults}
            faults.faults += [f for f in error.faults if (f.where, f.found) not in known]
    faults.raise_if_any()


def _check_kept(prepared: Prepared, faults: FaultList) -> None:
    """Note years in which persons cannot be kept, and persons kept in no year."""
    question, projection = prepared.question, prepared.scenario.projection
    persons, years = question.persons, question.keep_years
    found = ", ".join(map(str, years))
    if projection is None or not persons:
        if years:
            expected = "a projection (`to:` in the scenario) with --keep-persons"
            faults.add("--keep-years", "years in which nothing is kept", found, expected)
        return
    span = f"{projection.first_year} to {projection.last_year}"
    if not years:
        what = "the years in which values of each person are kept are not said"
        remedy = f"Add --keep-years={projection.last_year}."
        faults.add("--keep-persons", what, ", ".join(persons), f"--keep-years, of {span}", remedy)
    for year in years:
        if year not in projection.years:
            faults.add("--keep-years", "a year outside the projection", year, span)
    if PEOPLE in prepared.names:
        what = f"a scenario is called {PEOPLE}, which is what files of persons call who they are"
        faults.add(str(prepared.scenario.where), what, PEOPLE, "another name")
