"""Joins what units kept of each person, for every world of a run."""

from __future__ import annotations

from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.results.persons import PersonsError, PersonsFile
from microsim.results.persons_joined import join_persons
from microsim.results.shards import read_header
from microsim.simulation.carrying import final_units
from microsim.simulation.directory import RunDirectory
from microsim.simulation.keeping_years import year_and_scenario
from microsim.simulation.phases import Prepared
from microsim.simulation.worlds import WorldKey


def persons_name(world: WorldKey, year: int | None = None, scenario: str = "") -> str:
    """Return the name of the joined file of a world; of a projection, of a year, and of a scenario
    with lives of its own.
    """
    name = "persons"
    if world != WorldKey():
        name += f"-draw{world.draw}-replicate{world.replicate}"
    if year is not None:
        name += f"-{year}"
    return f"{name}-{scenario}.h5" if scenario else f"{name}.h5"


def joined_file(run: Path, world: WorldKey, year: int | None = None, scenario: str = "") -> Path:
    """Return the joined file of a world of a run; see `persons_name`.

    Raises
    ------
    InputError
        Not a run directory, or the run keeps nothing of persons, or is not complete.
    """
    directory = RunDirectory(run)
    asked = directory.question()
    kept, years = asked.get("persons"), asked.get("keep_years")
    path = run / persons_name(world, year, scenario)
    if not path.is_file():
        what = "the run has no file of persons of that world"
        found = f"--keep-persons {','.join(kept)}" if kept else "a run without --keep-persons"
        found += f" --keep-years {','.join(map(str, years))}" if years else ""
        remedy = "Run with --keep-persons, or resume the run until it is complete."
        raise InputError(Fault(str(path), what, found, "a complete run that keeps some", remedy))
    return path


def join_all_persons(prepared: Prepared) -> None:
    """Join the files of persons of every world, each verified, if the run keeps any.

    Raises
    ------
    PersonsError
        A file is missing or altered; it was taken away with the file that says its unit is done.
    """
    if not prepared.question.persons:
        return
    if prepared.question.keep_years:
        _join_years(prepared)
        return
    numbering = prepared.numbering
    parts = {
        world: [[_nothing()] * numbering.n_shards for _ in prepared.scenarios]
        for world in numbering.worlds
    }
    for unit in final_units(prepared):
        recorded = read_header(prepared.file(unit))["persons_file"]
        path = prepared.directory.persons_file(unit.number, unit.id)
        world, shard = WorldKey(unit.draw, unit.replicate), numbering.place(unit.number).shard
        parts[world][unit.batch][shard] = PersonsFile(
            path, unit.id, int(recorded["persons"]), str(recorded["sha256"])
        )
    for world, of in parts.items():
        _join(prepared, of, persons_name(world))


def _join_years(prepared: Prepared) -> None:
    """Join the persons of each year kept of a projection, in every world.

    Scenarios that share the baseline's lives stand in one file, whatever batch they belong to; each
    with lives of its own has a file.
    """
    numbering, n_batches = prepared.numbering, len(prepared.scenarios)
    found: dict[tuple[WorldKey, int, str], list[list[PersonsFile]]] = {}
    for unit in final_units(prepared):
        shard = numbering.place(unit.number).shard
        for part, of in read_header(prepared.file(unit))["persons_files"].items():
            year, scenario = year_and_scenario(part)
            key = (WorldKey(unit.draw, unit.replicate), year, scenario)
            if key not in found:
                n = 1 if scenario else n_batches
                found[key] = [[_nothing()] * numbering.n_shards for _ in range(n)]
            path = prepared.directory.persons_file(unit.number, unit.id, part)
            found[key][0 if scenario else unit.batch][shard] = PersonsFile(
                path, unit.id, int(of["persons"]), str(of["sha256"])
            )
    for (world, year, scenario), files in found.items():
        _join(prepared, files, persons_name(world, year, scenario), year)


def _join(
    prepared: Prepared, parts: list[list[PersonsFile]], name: str, year: int | None = None
) -> None:
    """Join files; one that is missing or altered is taken away, so that its unit is done again."""
    try:
        join_persons(parts, prepared.directory.path / name, year)
    except PersonsError as error:
        _take_away(prepared, error.path)
        raise


def _nothing() -> PersonsFile:
    return PersonsFile(Path(), "", 0, "")


def _take_away(prepared: Prepared, path: Path) -> None:
    """Remove a file of persons and the shard file of its unit: both are made again."""
    shards = prepared.directory.path / "shards" / path.parent.name / f"{path.stem}.bin"
    for one in (path, shards):
        one.unlink(missing_ok=True)
