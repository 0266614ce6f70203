"""The units of a run by its files alone: what each is, where its result lies, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.results.shards import ShardDamagedError, read_header
from microsim.simulation.directory import Frozen, RunDirectory
from microsim.simulation.unit import Unit, unit_id, world_id
from microsim.simulation.worlds import Numbering, WorldKey


class NotPreparedError(InputError):
    """The phases before the units are not done."""


@dataclass
class Ledger:
    """What the files of a run directory say of its units; no law and no population is read.

    Attributes
    ----------
    numbering
        Of all units.
    frozen
        What the phases froze.
    cut
        Markets at which shards begin and end.
    """

    directory: RunDirectory
    numbering: Numbering
    frozen: Frozen
    cut: tuple[int, ...]
    _world_ids: dict[tuple[str, WorldKey], str] = field(init=False, default_factory=dict)

    def use_cut(self, cut: Sequence[int]) -> None:
        """Cut the population into shards elsewhere."""
        self.cut = tuple(cut)
        self.numbering = replace(self.numbering, n_shards=len(self.cut) - 1)

    def cut_offs(self, batch: int, world: WorldKey) -> dict[str, tuple[float, ...]]:
        """Return the frozen cut-offs of a batch in a world."""
        return self.frozen.cut_offs.get(where_of(batch, world), {})

    def wages(self, world: WorldKey) -> tuple[float, ...]:
        """Return the frozen factors of earnings in a world of a projection."""
        return self.frozen.wages.get(world_of(world), ())

    def histories(self, world: WorldKey) -> tuple[tuple[float, ...], ...]:
        """Return how official totals of past contributions are met in a world, as numbers."""
        return self.frozen.histories.get(str(world.replicate), ())

    def weights(self, batch: int, world: WorldKey) -> dict[str, str]:
        """Return the files of weights of a batch's scenarios in a world of static ageing."""
        return self.frozen.weights.get(draw_of(batch, world), {})

    def unit(self, number: int, excluded: Sequence[int] = ()) -> Unit:
        """Return a unit, its identity made from its own inputs."""
        where = self.numbering.place(number)
        world, markets = where.world, (self.cut[where.shard], self.cut[where.shard + 1])
        key = (self.frozen.batches[where.batch], world)
        if key not in self._world_ids:
            self._world_ids[key] = world_id(
                key[0], self.numbering.draws[world.draw], world.replicate,
                self.cut_offs(where.batch, world), self.wages(world),
                self.weights(where.batch, world), self.histories(world),
            )  # fmt: skip
        identity = unit_id(self._world_ids[key], markets, excluded)
        return Unit(
            number, where.batch, world.draw, world.replicate, *markets, identity, tuple(excluded)
        )

    def file(self, unit: Unit) -> Path:
        """Return the file of a unit's result."""
        return self.directory.shard_file(unit.number, unit.id)

    def header_fits(self, unit: Unit) -> bool:
        """Tell whether the file of a unit says that it is; if not it is taken away."""
        path = self.file(unit)
        try:
            if read_header(path).get("id") == unit.id:
                return True
        except FileNotFoundError:
            return False
        except ShardDamagedError:
            pass
        path.unlink(missing_ok=True)
        return False


def where_of(batch: int, world: WorldKey) -> str:
    """Return the key of a batch in a world."""
    return f"{batch}-{world.draw}-{world.replicate}"


def draw_of(batch: int, world: WorldKey) -> str:
    """Return the key of a batch in the draw of a world."""
    return f"{batch}-{world.draw}"


def world_of(world: WorldKey) -> str:
    """Return the key of a world."""
    return f"{world.draw}-{world.replicate}"


def open_ledger(directory: RunDirectory) -> Ledger:
    """Return the units of a run.

    Raises
    ------
    InputError
        Not a run directory, or a file of it is damaged.
    NotPreparedError
        Its phases are not done.
    """
    directory.question()
    frozen, cut = directory.frozen(), directory.cut()
    numbering = directory.numbering()
    if frozen is None or not cut or len(frozen.batches) < numbering.n_batches:
        what = "the run is not prepared yet"
        remedy = "Run the same `microsim run` again, or wait for the preparing job."
        raise NotPreparedError(Fault(str(directory.path), what, remedy=remedy))
    return Ledger(directory, numbering, frozen, cut)
