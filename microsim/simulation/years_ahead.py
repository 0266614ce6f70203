"""What a projection is asked for beside its first year, and what its later years lack."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from microsim.errors import FaultList, InputError
from microsim.scenario.scenario import Scenario
from microsim.simulation.contents import Assembler
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
    if projection is None:
        return
    faults = FaultList()
    if prepared.question.persons:
        found, remedy = ", ".join(prepared.question.persons), "Follow persons with `explain`."
        what = "values of each person are kept in runs of one year"
        faults.add("--keep-persons", what, found, "none in a projection", remedy)
    faults.raise_if_any()
    whole = prepared.whole_model(WorldKey())
    for year in projection.years:
        try:
            model = replace(whole, year=year)
            Assembler(model, prepared.population, projection.first_year).check()
        except InputError as error:
            known = {(fault.where, fault.found) for fault in faults.faults}
            faults.faults += [f for f in error.faults if (f.where, f.found) not in known]
    faults.raise_if_any()
