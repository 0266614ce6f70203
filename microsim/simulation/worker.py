"""What every worker of a run does: make the run from its directory, compute units, write files."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from microsim.execution.jobs import Payload, Worker
from microsim.language.evaluating import Evaluator
from microsim.language.people import World
from microsim.results.persons import PersonsFile, write_persons
from microsim.simulation.directory import RunDirectory
from microsim.simulation.disk import words_of
from microsim.simulation.horizon import LifeGroup
from microsim.simulation.in_turn import in_turn
from microsim.simulation.keeping_years import UNITS, PersonsOfYears, year_and_scenario
from microsim.simulation.market_sums import MarketSums
from microsim.simulation.phases import Prepared, open_prepared
from microsim.simulation.projecting import project_market
from microsim.simulation.unit import Arrays, Persons, Unit, evaluate_shard, finished, write_unit
from microsim.simulation.worlds import WorldKey

OTHER_INPUTS = (
    "a worker read other inputs than the coordinator, or is of another version; nothing was "
    "written. Use one installation and one copy of the files on all machines, and start the run "
    "again."
)
START = "microsim.simulation.worker:start_worker"

# Runs made in this process, so that the serial backend does not make one again.
_PREPARED: dict[str, Prepared] = {}


def keep_prepared(prepared: Prepared) -> None:
    """Let workers in this process use a run that is made already."""
    _PREPARED[str(prepared.directory.path)] = prepared


def setup_of(prepared: Prepared, threads: int) -> Payload:
    """Return the plain data from which a worker is made."""
    directory = prepared.directory
    return {
        "run": str(directory.path.absolute()),
        "here": str(directory.path),
        "events": str(directory.events.absolute()),
        "threads": threads,
        # another process may cut the population anew meanwhile
        "cut": list(prepared.cut),
    }


def stopped(words: str) -> Payload:
    """Return the receipt of a unit that was not computed for a reason that holds for all units:
    it is not blamed, and the run stops.
    """
    return {"persons": 0, "stop": words}


def start_worker(setup: Payload) -> Worker:
    """Return the worker of a run: it evaluates a unit and writes its file."""
    prepared = _PREPARED.get(setup["here"]) or open_prepared(RunDirectory(Path(setup["run"])))
    prepared.use_cut(setup["cut"])
    computing = _Computing(prepared, int(setup["threads"]))
    return computing.work


class _Computing:
    """Computes units of one run; the evaluator of the last world is kept for the next unit."""

    def __init__(self, prepared: Prepared, threads: int) -> None:
        self.prepared, self.threads = prepared, threads
        self.checked: set[int] = set()
        self._evaluator: tuple[tuple[int, WorldKey], Evaluator] | None = None

    def work(self, data: Payload) -> Payload:
        """Compute a unit unless its file is there already, and return its receipt."""
        unit = self.prepared.unit(int(data["unit"]), tuple(data.get("excluded", ())))
        if not self._same_inputs(unit, data["id"]):
            return stopped(OTHER_INPUTS)
        path = self.prepared.file(unit)
        if finished(path, unit.id):
            return {"persons": 0, "there": True}
        if self.prepared.scenario.projection is not None:
            return self._projected(unit, path)
        arrays, persons = self._evaluated(unit)
        try:
            kept = None if persons is None else self._keep(unit, persons)
            write_unit(path, unit, arrays, kept)
        except OSError as error:
            words = words_of(error)
            if not words:
                raise
            return stopped(words)
        size = path.stat().st_size + (kept.path.stat().st_size if kept else 0)
        return {"persons": int(arrays["size"].sum()), "bytes": size}

    def _projected(self, unit: Unit, path: Path) -> Payload:
        """Compute a unit of a projection, and return its receipt."""
        keeping = PersonsOfYears(self.prepared.question.keep_years)
        arrays, households = project_unit(self.prepared, unit, self.threads, keeping=keeping)
        try:
            files = {
                part: self._keep(unit, persons, part) for part, persons in keeping.parts().items()
            }
            write_unit(path, unit, arrays, households=households, of_years=files)
        except OSError as error:
            words = words_of(error)
            if not words:
                raise
            return stopped(words)
        lived = sum(int(array.sum()) for name, array in arrays.items() if name.endswith("/ages"))
        size = sum(one.path.stat().st_size for one in files.values())
        return {"persons": lived, "bytes": path.stat().st_size + size}

    def _keep(self, unit: Unit, persons: Persons, part: str = "") -> PersonsFile:
        """Write the values of each person, before the file that says the unit is done."""
        path = self.prepared.directory.persons_file(unit.number, unit.id, part)
        names = self.prepared.question.persons
        units = {
            name: one.definitions.variables[name].unit
            for one in self.prepared.base_model(unit.batch).engine
            for name in names
            if name in one.definitions.variables
        }
        attributes: dict[str, str | int | float] = {
            "id": unit.id,
            "draw": unit.draw,
            "replicate": unit.replicate,
        }
        if part:
            attributes["year"] = year_and_scenario(part)[0]
            units |= UNITS
        return write_persons(path, persons.columns, persons.ids, attributes, units)

    def _same_inputs(self, unit: Unit, asked: str) -> bool:
        """Tell whether the coordinator read the same inputs."""
        known = unit.batch in self.checked
        if not known:
            identity = self.prepared.batch_identity(unit.batch)
            known = identity == self.prepared.frozen.batches[unit.batch]
        if not known or unit.id != asked:
            return False
        self.checked.add(unit.batch)
        return True

    def _evaluated(self, unit: Unit) -> tuple[Arrays, Persons | None]:
        prepared, world = self.prepared, WorldKey(unit.draw, unit.replicate)
        model = prepared.model(unit.batch, world)
        key = (unit.batch, world if model.quotas else WorldKey(unit.draw))
        if self._evaluator is None or self._evaluator[0] != key:
            self._evaluator = (key, model.evaluator())
        chance = World(prepared.question.seed, unit.replicate)
        return evaluate_shard(
            model, self._evaluator[1], prepared.population, unit, chance, self.threads
        )


def project_unit(
    prepared: Prepared,
    unit: Unit,
    threads: int,
    most_years: int | None = None,
    keeping: PersonsOfYears | None = None,
) -> tuple[Arrays, dict[str, int]]:
    """Return the sums of a unit of a projection, all life groups and years, and the households of
    each; of the first `most_years` only if given. What is kept of persons goes to `keeping`.

    Markets live one by one, or one in each thread, so that memory does not grow with the shard.
    """
    horizon = prepared.horizon(unit.batch, WorldKey(unit.draw, unit.replicate))
    chance = World(prepared.question.seed, unit.replicate)
    population, sums = prepared.population, MarketSums()
    regions, reading = len(population.regions), Lock()

    def lived(task: tuple[LifeGroup, int]) -> None:
        group, market = task
        with reading:
            part = population.read_markets(market, market + 1)
        project_market(horizon, group, part, regions, chance, sums, market, most_years, keeping)

    markets = range(unit.first_market, unit.last_market)
    tasks = [(group, market) for group in horizon.groups for market in markets]
    for _ in in_turn(lived, tasks, threads, threads):
        pass
    return sums.arrays(), sums.households


def compile_for_workers(prepared: Prepared) -> None:
    """Make the machine code of every batch's rules, so that workers find it on disk.

    One market is evaluated: the types of its columns decide what is compiled.
    """
    world = World(prepared.question.seed)
    for batch in range(prepared.numbering.n_batches):
        model = prepared.base_model(batch)
        unit = Unit(-1, batch, 0, 0, 0, 1, "")
        if prepared.scenario.projection is not None:
            project_unit(prepared, unit, 1, most_years=2)
            continue
        evaluate_shard(model, model.evaluator(), prepared.population, unit, world, 1)
