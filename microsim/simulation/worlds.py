"""Numbers the units of a run: batches of scenarios, worlds (draw and replicate), shards.

A run grows by steps, each of which adds reforms, draws or replicates. Units keep their numbers for
ever, so that what is done stays where it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Settings = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What one command asked for: the first of a run, or what `expand` added.

    Attributes
    ----------
    reforms
        Files of each added reform by name, relative to the root of the question's files; the
        reforms of the scenario file belong to the first step and are not listed.
    draws
        `name=value` settings of each added parameter draw.
    replicates
        How many replicates are added; 1 or more in the first step.
    """

    reforms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    draws: tuple[Settings, ...] = ()
    replicates: int = 0


@dataclass(frozen=True, order=True)
class WorldKey:
    """One random world: draw 0 is the law as written, replicate the seed of the draws of chance."""

    draw: int = 0
    replicate: int = 0


@dataclass(frozen=True)
class Block:
    """Units numbered together: one batch of scenarios in a rectangle of worlds."""

    batch: int
    first_draw: int
    last_draw: int
    first_replicate: int
    last_replicate: int

    @property
    def n_worlds(self) -> int:
        """Number of worlds."""
        return (self.last_draw - self.first_draw) * (self.last_replicate - self.first_replicate)

    def world(self, k: int) -> WorldKey:
        """Return the k-th world of the block."""
        draw, replicate = divmod(k, self.last_replicate - self.first_replicate)
        return WorldKey(self.first_draw + draw, self.first_replicate + replicate)


@dataclass(frozen=True)
class Position:
    """What a unit number stands for."""

    batch: int
    world: WorldKey
    shard: int


@dataclass(frozen=True)
class Numbering:
    """All units of a run.

    Attributes
    ----------
    steps
        What was asked for, in order.
    n_shards
        Shards of the population.
    """

    steps: tuple[Step, ...]
    n_shards: int

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, in the order of their units."""
        found: list[Block] = []
        batches, draws, replicates = 0, 0, 0
        for k, step in enumerate(self.steps):
            if k == 0:
                batches, draws, replicates = 1, 1 + len(step.draws), max(1, step.replicates)
                found.append(Block(0, 0, draws, 0, replicates))
                continue
            if step.reforms:
                found.append(Block(batches, 0, draws, 0, replicates))
                batches += 1
            if step.draws:
                more = draws + len(step.draws)
                found += [Block(b, draws, more, 0, replicates) for b in range(batches)]
                draws = more
            if step.replicates:
                more = replicates + step.replicates
                found += [Block(b, 0, draws, replicates, more) for b in range(batches)]
                replicates = more
        return tuple(found)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for block in self.blocks:
            starts.append(starts[-1] + block.n_worlds * self.n_shards)
        return starts

    @property
    def n_units(self) -> int:
        """Number of units."""
        return self._starts[-1]

    @property
    def n_batches(self) -> int:
        """Number of batches of scenarios."""
        return 1 + max(block.batch for block in self.blocks)

    @cached_property
    def draws(self) -> tuple[Settings, ...]:
        """Settings of each draw; none for draw 0."""
        return ((), *(draw for step in self.steps for draw in step.draws))

    @property
    def n_replicates(self) -> int:
        """Number of replicates."""
        return max(block.last_replicate for block in self.blocks)

    @property
    def worlds(self) -> Iterator[WorldKey]:
        """Every world, by draw and replicate."""
        for draw in range(len(self.draws)):
            for replicate in range(self.n_replicates):
                yield WorldKey(draw, replicate)

    def place(self, number: int) -> Position:
        """Return what a unit is about."""
        k = bisect_right(self._starts, number) - 1
        world, shard = divmod(number - self._starts[k], self.n_shards)
        return Position(self.blocks[k].batch, self.blocks[k].world(world), shard)

    def number(self, batch: int, world: WorldKey, shard: int) -> int:
        """Return the number of a unit."""
        for start, block in zip(self._starts, self.blocks, strict=False):
            if (
                block.batch == batch
                and block.first_draw <= world.draw < block.last_draw
                and block.first_replicate <= world.replicate < block.last_replicate
            ):
                width = block.last_replicate - block.first_replicate
                k = (world.draw - block.first_draw) * width
                k += world.replicate - block.first_replicate
                return start + k * self.n_shards + shard
        raise KeyError((batch, world, shard))
