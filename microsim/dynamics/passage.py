"""What a step of lives did: where each person came from, whom they lost, what happened to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]

SPOUSE, MOTHER, FATHER = 1, 2, 3


@dataclass(frozen=True)
class Events:
    """What happened to persons in a step, one entry an event.

    Attributes
    ----------
    row_before, row_now
        Shape (n_events,), row of the person before and after the step, -1 where there is none.
    kind
        Shape (n_events,), index into `decisions.EVENTS`.
    month
        Shape (n_events,), 1 to 12; the first month of the step is July.
    probability, draw
        Shape (n_events,): the probability before alignment and the uniform number it was held
        against; NaN where an event follows from another (a placement).
    """

    row_before: Ints
    row_now: Ints
    kind: Bytes
    month: Bytes
    probability: Floats
    draw: Floats


@dataclass(frozen=True)
class Losses:
    """Who lost whom by death, one entry a link.

    Attributes
    ----------
    row
        Shape (n_losses,), row now of the bereaved.
    late
        Shape (n_losses,), row before of the dead.
    link
        Shape (n_losses,), 1 spouse, 2 mother, 3 father.
    """

    row: Ints
    late: Ints
    link: Ints


@dataclass(frozen=True)
class Passage:
    """How the persons of one year became those of the next.

    Arrays stay as they are until the second step after this one.

    Attributes
    ----------
    source
        Shape (n_now,), row the person had before, -1 of newborn and immigrants.
    household_source
        Shape (n_households_now,), row the household had before, -1 of those founded in the step.
    losses
        Who lost whom.
    left
        Shape (n_left,), rows before of those who died or emigrated, in order.
    left_cause
        Shape (n_left,), 0 death, 1 emigration.
    births, deaths, immigrants, emigrants
        Shape (2,), persons by sex. Births are all births of the step; newborn who died or
        emigrated within it are counted there too, so that the population account closes.
    events
        Every event, where the lives record them; else None.
    moves
        Shape (3,), where transitions are aligned: moves between employment statuses, those of them
        that the transitions exclude, places of the wanted numbers left empty; else None.
    """

    source: Ints
    household_source: Ints
    losses: Losses
    left: Ints
    left_cause: Bytes
    births: Ints
    deaths: Ints
    immigrants: Ints
    emigrants: Ints
    events: Events | None = None
    moves: Ints | None = None

    @property
    def late_spouse(self) -> Ints:
        """Return the row before of a spouse who died in the step, else -1. Shape (n_now,)."""
        return self._late(SPOUSE)

    @property
    def late_mother(self) -> Ints:
        """Return the row before of a mother who died in the step, else -1. Shape (n_now,)."""
        return self._late(MOTHER)

    @property
    def late_father(self) -> Ints:
        """Return the row before of a father who died in the step, else -1. Shape (n_now,)."""
        return self._late(FATHER)

    def _late(self, link: int) -> Ints:
        late = np.full(self.source.size, -1, np.int64)
        some = self.losses.link == link
        late[self.losses.row[some]] = self.losses.late[some]
        return late


@dataclass
class EventLog:
    """Collects the events of a step, with rows before the step (newcomers follow after them)."""

    n_before: int
    parts: list[tuple[Ints, int, Bytes, Floats, Floats]] = field(default_factory=list)

    def note(self, rows: Array, kind: int, month: Array, probability: Array, draw: Array) -> None:
        """Note one kind of event of some persons; `rows` count newcomers after those before."""
        self.parts.append((
            rows.astype(np.int64), kind, month.astype(np.int8),
            np.asarray(probability, np.float64), np.asarray(draw, np.float64),
        ))  # fmt: skip

    def events(self, new_row: Array) -> Events:
        """Return all events, by person and kind; `new_row` gives each row's row now."""
        if not self.parts:
            none = np.zeros(0, np.int64)
            empty = np.zeros(0, np.float64)
            return Events(none, none, none.astype(np.int8), none.astype(np.int8), empty, empty)
        rows = np.concatenate([part[0] for part in self.parts])
        kind = np.concatenate([np.full(part[0].size, part[1], np.int8) for part in self.parts])
        month, p, u = (np.concatenate([part[i] for part in self.parts]) for i in (2, 3, 4))
        order = np.lexsort((kind, rows))
        rows = rows[order]
        before = np.where(rows < self.n_before, rows, -1)
        now = new_row[rows].astype(np.int64)
        return Events(before, now, kind[order], month[order], p[order], u[order])
