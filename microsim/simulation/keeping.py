"""Joins what units kept of each person, for every world of a run."""

from __future__ import annotations

from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.results.persons import PersonsError, PersonsFile
from microsim.results.persons_joined import join_persons
from microsim.results.shards import read_header
from microsim.simulation.carrying import final_units
from microsim.simulation.directory import RunDirectory
from microsim.simulation.phases import Prepared
from microsim.simulation.worlds import WorldKey


def persons_name(world: WorldKey) -> str:
    """Return the name of the joined file of a world."""
    if world == WorldKey():
        return "persons.h5"
    return f"persons-draw{world.draw}-replicate{world.replicate}.h5"


def joined_file(run: Path, world: WorldKey) -> Path:
    """Return the joined file of a world of a run.

    Raises
    ------
    InputError
        Not a run directory, or the run keeps nothing of persons, or is not complete.
    """
    directory = RunDirectory(run)
    kept = directory.question().get("persons")
    path = run / persons_name(world)
    if not path.is_file():
        what = "the run has no file of persons of that world"
        found = f"--keep-persons {','.join(kept)}" if kept else "a run without --keep-persons"
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
        try:
            join_persons(of, prepared.directory.path / persons_name(world))
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
