"""The phases before the units: population, calibration, cut-offs of quotas; each is frozen once.

Any process makes a `Prepared` run from the files of its directory alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path

from microsim.dynamics.past_totals import Solved
from microsim.errors import Fault, FaultList
from microsim.language.people import World
from microsim.policy.reforms import Reform, apply, load_reform
from microsim.policy.system import System
from microsim.population.store import PopulationReader
from microsim.scenario.scenario import Scenario, check_series, load_scenario
from microsim.simulation.calibrate import Calibrated, calibrated_settings
from microsim.simulation.directory import Frozen, RunDirectory
from microsim.simulation.horizon import Horizon
from microsim.simulation.ledger import Ledger, open_ledger, where_of, world_of
from microsim.simulation.lives_setup import LivesSetup
from microsim.simulation.model import Model
from microsim.simulation.past_contributions import comparison, solved_histories
from microsim.simulation.question import (
    Question,
    frame_of,
    from_plain,
    horizon_of,
    model_of,
    moved_lives,
    open_of,
    scenario_of,
    setup_of,
    systems_of,
    whole_model_of,
)
from microsim.simulation.quotas import frozen_quotas
from microsim.simulation.static_ageing import freeze_weights, left_out, read_weights
from microsim.simulation.wage_alignment import wage_factors
from microsim.simulation.worlds import WorldKey

Say = Callable[[str], None]


@dataclass
class Prepared(Ledger):
    """A run whose phases are frozen: from it any unit can be computed, anywhere.

    Attributes
    ----------
    question
        With the calibrated settings.
    scenarios
        The scenario file's reforms, then those of each batch that `expand` added.
    models
        Made so far, by batch; of draw 0 and without cut-offs.
    """

    question: Question
    population: PopulationReader
    scenarios: tuple[Scenario, ...]
    compiled: bool = True
    models: dict[int, Model] = field(default_factory=dict)
    _worlds: dict[tuple[int, WorldKey], Model] = field(default_factory=dict)
    _horizons: dict[tuple[int, int], Horizon] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The scenario file's."""
        return self.scenarios[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All scenarios of the run, the baseline first."""
        added = (name for scenario in self.scenarios for name in scenario.reforms)
        return ("baseline", *added)

    def base_model(self, batch: int) -> Model:
        """Return the model of a batch as its law is written."""
        if batch not in self.models:
            self.models[batch] = model_of(
                self.question, self.population, self.scenarios[batch], compiled=self.compiled
            )
        return self.models[batch]

    def asked_in(self, world: WorldKey) -> Question:
        """Return the question under the settings of a world."""
        draw = self.numbering.draws[world.draw]
        settings = (*self.question.settings, *draw)
        return replace(self.question, settings=settings, replicate=world.replicate)

    def model(self, batch: int, world: WorldKey) -> Model:
        """Return the model of a batch in a world: its draw's law and its cut-offs."""
        cut_offs = self.cut_offs(batch, world)
        if not world.draw and not cut_offs:
            return self.base_model(batch)
        key = (batch, world if cut_offs else WorldKey(world.draw))
        if key not in self._worlds:
            self._worlds.clear()  # one is in use at a time
            self._worlds[key] = self._law_of(batch, world, cut_offs)
        return self._worlds[key]

    def horizon(self, batch: int, world: WorldKey) -> Horizon:
        """Return the years of a batch of a projection in a world, with wages as aligned and past
        contributions as calibrated.
        """
        solved = [Solved(*numbers) for numbers in self.histories(world)]
        written = self.written_horizon(batch, world)
        return written.with_histories(solved).with_wages(self.wages(world))

    def written_horizon(self, batch: int, world: WorldKey) -> Horizon:
        """Return the years of a batch of a projection, under the law of a world's draw."""
        key = (batch, world.draw)
        if key not in self._horizons:
            if world.draw:  # one draw is in use at a time, beside the law as written
                self._horizons = {k: of for k, of in self._horizons.items() if not k[1]}
            self._horizons[key] = horizon_of(
                self.asked_in(world), self.population, self.scenarios[batch],
                read_weights(self.directory, self.weights(batch, world)), compiled=self.compiled,
            )  # fmt: skip
        return self._horizons[key]

    def lives_setup(self, batch: int, world: WorldKey) -> LivesSetup:
        """Return what the lives of a batch of a projection start from, in a world."""
        return setup_of(self.asked_in(world), self.population, self.scenarios[batch])

    def notes(self) -> tuple[Fault, ...]:
        """Return what static ageing leaves out of what the run asks; nothing of other runs."""
        projection = self.scenario.projection
        if projection is None or not projection.is_static:
            return ()
        where, notes = str(self.scenario.where), list[Fault]()
        for batch, scenario in enumerate(self.scenarios):
            first = self.horizon(batch, WorldKey()).groups[0].model
            states = sorted({state.name for state, _ in first.carried.states})
            moved = sorted(moved_lives(self.question, self.population, scenario))
            block = projection.lives.processes.get("transitions")
            formulas = str(block.where) if block is not None and block.formulas[1] else ""
            notes += left_out(where, states, moved, formulas)
        return tuple(dict.fromkeys(notes))

    def _law_of(self, batch: int, world: WorldKey, cut_offs: dict[str, tuple[float, ...]]) -> Model:
        asked, scenario = self.asked_in(world), self.scenarios[batch]
        systems = systems_of(asked, self.population, scenario)
        frame = frame_of(asked, self.population, scenario, systems)
        return self.base_model(batch).with_law(list(systems.values()), cut_offs, frame)

    def whole_model(self, world: WorldKey) -> Model:
        """Return one model of all scenarios of the run, for the tables; it computes nothing."""
        if len(self.scenarios) == 1:
            return self.model(0, world)
        asked, systems = self.asked_in(world), dict[str, System]()
        for scenario in self.scenarios:
            systems |= systems_of(asked, self.population, scenario)
        return whole_model_of(asked, self.population, self.scenario, systems)

    def batch_identity(self, batch: int) -> str:
        """Return the identity of a batch's law."""
        horizon = None
        if self.scenario.projection is not None:
            horizon = self.written_horizon(batch, WorldKey())
        return self.question.identity(self.base_model(batch), horizon)


def open_prepared(directory: RunDirectory, *, compiled: bool = True) -> Prepared:
    """Return a run as its directory describes it.

    Raises
    ------
    InputError
        Not a run directory, its phases are not done, or its files are at fault.
    """
    stored = directory.question()
    ledger = open_ledger(directory)
    question = replace(question_in(directory.path, stored), settings=ledger.frozen.settings)
    scenarios = scenarios_of(directory, load_scenario(question.scenario))
    return Prepared(
        directory, ledger.numbering, ledger.frozen, ledger.cut,
        question, open_of(question), scenarios, compiled,
    )  # fmt: skip


def question_in(run: Path, stored: dict[str, object]) -> Question:
    """Return the question stored in a run directory, reading the run's own copies of its files."""
    names = Question.__dataclass_fields__
    question = from_plain({name: value for name, value in stored.items() if name in names})
    return replace(question, scenario=scenario_of(run, question))


def scenarios_of(directory: RunDirectory, scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the scenario of each batch: the scenario file's, then those that were added."""
    found = [scenario]
    for step in directory.steps()[1:]:
        if step.reforms:
            reforms = {
                name: load_reforms([directory.path / file for file in files], scenario.system)
                for name, files in step.reforms
            }
            found.append(replace(scenario, reforms=reforms))
    return tuple(found)


def load_reforms(files: Sequence[Path], system: System) -> tuple[Reform, ...]:
    """Return reforms that are applied one after another.

    Raises
    ------
    InputError
        Every fault of the files.
    """
    group = []
    for file in files:
        reform = load_reform(file, system)
        system = apply(system, reform)
        check_series_of(system)
        group.append(reform)
    return tuple(group)


def check_series_of(system: System) -> None:
    """Raise `InputError` where a reform reads series that nobody declares."""
    faults = FaultList()
    check_series(system, faults)
    faults.raise_if_any()


# -- freezing -----------------------------------------------------------------------------------


def calibrated(
    directory: RunDirectory,
    asked: str,
    question: Question,
    scenario: Scenario,
    population: PopulationReader,
    model: Model,
    say: Say,
) -> tuple[Question, Frozen, Model]:
    """Return the question with calibrated settings: frozen before, or found now."""
    frozen = directory.frozen()
    if frozen is None or frozen.asked != asked:
        settings = question.settings
        report: list[Calibrated] = []
        if scenario.calibrate:
            found, report = calibrated_settings(question, population, scenario, model, say)
            settings = found.settings
        frozen = Frozen(asked, settings, tuple(asdict(one) for one in report))
    question = replace(question, settings=frozen.settings)
    if frozen.calibrated:
        systems = systems_of(question, population, scenario)
        model = model.with_law(list(systems.values()), {})
    return question, frozen, model


def freeze_batches(prepared: Prepared, say: Say) -> None:
    """Freeze the identity of each batch and, where it has quotas, the cut-offs of every world."""
    projection = prepared.scenario.projection
    if projection is not None and projection.is_static:
        weights = freeze_weights(
            prepared, prepared.population, projection.years, prepared.lives_setup, say
        )
        prepared.frozen = replace(prepared.frozen, weights=weights)
    prepared.frozen = replace(prepared.frozen, histories=_histories(prepared, say))
    identities, cut_offs = list(prepared.frozen.batches), dict(prepared.frozen.cut_offs)
    reports = list(prepared.frozen.quotas)
    for batch in range(prepared.numbering.n_batches):
        identity = prepared.batch_identity(batch)
        if batch < len(identities) and identities[batch] != identity:
            cut_offs = {w: one for w, one in cut_offs.items() if not w.startswith(f"{batch}-")}
        identities[batch : batch + 1] = [identity]
        if prepared.base_model(batch).quotas:
            for world in prepared.numbering.worlds:
                if where_of(batch, world) not in cut_offs:
                    cut_offs[where_of(batch, world)] = _quotas(prepared, batch, world, reports, say)
    prepared.frozen = replace(
        prepared.frozen, batches=tuple(identities), cut_offs=cut_offs, quotas=tuple(reports),
        wages=_wages(prepared, say),
    )  # fmt: skip
    there = prepared.directory.frozen()
    if there is not None:
        prepared.frozen = _with_more(prepared.frozen, there)
    if prepared.frozen != there:
        prepared.directory.freeze(prepared.frozen)


def _with_more(frozen: Frozen, there: Frozen) -> Frozen:
    """Return what was frozen, with what another process froze meanwhile for steps added since."""
    n = len(frozen.batches)
    if there.asked != frozen.asked or there.batches[:n] != frozen.batches:
        return frozen
    more = there if len(there.batches) > n else frozen
    return replace(
        frozen, batches=more.batches, quotas=more.quotas,
        cut_offs={**there.cut_offs, **frozen.cut_offs}, wages={**there.wages, **frozen.wages},
        weights={**there.weights, **frozen.weights},
        histories={**there.histories, **frozen.histories},
    )  # fmt: skip


def _histories(prepared: Prepared, say: Say) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return how official totals of past contributions are met in each replicate, those found
    before as they are; the comparison is said for the first.
    """
    found = dict(prepared.frozen.histories)
    if prepared.scenario.projection is None:
        return found
    for replicate in range(prepared.numbering.n_replicates):
        world = WorldKey(0, replicate)
        horizon = prepared.written_horizon(0, world)
        totals = horizon.groups[0].tables.past_work.totals
        if totals is None or str(replicate) in found:
            continue
        chance = World(prepared.question.seed, replicate)
        solved = solved_histories(horizon, prepared.population, chance)
        found[str(replicate)] = tuple(astuple(one) for one in solved)
        if not replicate:
            for line in comparison(totals, solved):
                say(line)
    return found


def _wages(prepared: Prepared, say: Say) -> dict[str, tuple[float, ...]]:
    """Return the factors of earnings in each world of a projection, those found before as they are.

    They are found for the baseline, and hold for all scenarios: a reform that moves who works, and
    with it the average, keeps what it moves.
    """
    projection, found = prepared.scenario.projection, dict(prepared.frozen.wages)
    if projection is None or projection.is_static:
        return found
    for world in prepared.numbering.worlds:
        if world_of(world) not in found:
            horizon = prepared.horizon(0, world)
            chance = World(prepared.question.seed, world.replicate)
            found[world_of(world)] = wage_factors(
                horizon, projection.lives.behaviour, prepared.population, chance,
                exact=projection.exact,
            )  # fmt: skip
            if world == WorldKey():
                least, most = min(found[world_of(world)]), max(found[world_of(world)])
                say(
                    f"earnings are aligned to average wages by factors of {least:.3f} to {most:.3f}"
                )
    return found


def _quotas(
    prepared: Prepared, batch: int, world: WorldKey, reports: list[dict[str, object]], say: Say
) -> dict[str, tuple[float, ...]]:
    scenario, asked = prepared.scenarios[batch], prepared.asked_in(world)
    model = prepared.base_model(batch)
    if world.draw:
        systems = systems_of(asked, prepared.population, scenario)
        model = model.with_law(list(systems.values()), {})
    first = world == WorldKey()
    found, _, report = frozen_quotas(
        asked, prepared.population, scenario, model, say if first else lambda _: None
    )
    if first:
        reports += [asdict(one) for one in report if batch == 0 or one.scenario != "baseline"]
    return dict(found.cut_offs)
