"""Gathers the household records of a run from its shards, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import RunFailedError
from microsim.indicators.equivalence import equivalents
from microsim.language.evaluating import EXCLUDED, Evaluator
from microsim.population.store import PopulationReader
from microsim.results.contents import CONCEPTS, Records
from microsim.results.scenario_columns import ScenarioColumns, ScenarioRows
from microsim.results.scratch import ScratchColumns
from microsim.simulation.model import Model

Arrays = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# What a record keeps of the facts of a shard, and as what
FACTS: tuple[tuple[str, type[np.generic], tuple[int, ...]], ...] = (
    ("household_id", np.int64, ()), ("weight", np.float64, ()), ("size", np.int64, ()),
    ("members", np.int16, (2, 7)), ("region", np.int64, ()), ("urban", np.bool_, ()),
    ("head_sex", np.int64, ()), ("head_status", np.int64, ()), ("n_disabled", np.int64, ()),
    ("psu", np.int64, ()), ("stratum", np.int64, ()),
)  # fmt: skip
READ = (*(name for name, _, _ in FACTS), "welfare", "children_under_14", "poison", "columns")
AHEAD = ("reference_income",)  # of projections
PENSIONS = len(CONCEPTS)
FIRST_INSTRUMENT = PENSIONS + 1
DISPOSABLE, MARKET = CONCEPTS.index("disposable"), CONCEPTS.index("market")
ENOUGH_BYTES = 32 << 20  # of shards that are put together before they are written


@dataclass(frozen=True)
class Faulty:
    """Households left out: row, id and number of the fault, shape (n_faulty,)."""

    row: Ints
    household_id: Ints
    fault: Ints

    def same_households(self, other: Faulty) -> bool:
        """Whether the same are left out, whatever for."""
        return np.array_equal(self.row, other.row)


class Gathering:
    """The household columns of one part of a run, on their way to scratch.

    Parameters
    ----------
    model, evaluator
        Of the part.
    scratch
        Where columns go.
    with_facts
        Whether the facts of households are kept: of one part only, they are the same in all.
    with_baseline
        Whether the columns of the baseline are kept.
    with_columns
        Whether there are columns at all; else only the households left out are noted.
    """

    def __init__(
        self,
        model: Model,
        evaluator: Evaluator,
        scratch: ScratchColumns,
        *,
        with_facts: bool,
        with_baseline: bool,
        with_columns: bool = True,
    ) -> None:
        self.model, self.scratch = model, scratch
        self.months = float(sum(model.laws[0].months))
        self.signs = [1] * FIRST_INSTRUMENT + [model.sign(key) for key in model.instruments]
        self.kept = ~evaluator.households_shared
        wanted = model.wanted.household_columns
        self.lacking = np.array([[key is None for key in of] for of in wanted]).T
        self.with_columns, with_facts = with_columns, with_facts and with_columns
        self.facts = [scratch.column(d, s) for _, d, s in FACTS] if with_facts else []
        self.equivalents = scratch.column(np.float64) if with_facts else -1
        self.places: dict[tuple[int, int], int] = {}
        self.welfare: dict[int, int] = {}
        for s in range(0 if with_baseline else 1, len(model.names)) if with_columns else ():
            self._add_columns(s)
        self.residuals = [0.0] * len(model.names)
        self.n_seen = self.n_good = 0
        self._waiting: list[Arrays] = []
        self._bytes = 0
        self._faulty: list[Faulty] = []
        self._ids = hashlib.sha256()

    def _add_columns(self, scenario: int) -> None:
        for c in range(self.kept.shape[1]):
            stored = self.kept[scenario, c] and not self.lacking[scenario, c]
            if stored and c != PENSIONS:  # pensions are part of disposable income
                self.places[scenario, c] = self.scratch.column(np.float64)
        if self.kept[scenario, DISPOSABLE]:
            self.welfare[scenario] = self.scratch.column(np.float64)

    @property
    def faulty(self) -> Faulty:
        """The households left out."""
        parts = [(f.row, f.household_id, f.fault) for f in self._faulty]
        row, ids, fault = (
            np.concatenate([np.zeros(0, np.int64), *of]) for of in zip(*parts, strict=True)
        ) if parts else (np.zeros(0, np.int64),) * 3  # fmt: skip
        return Faulty(row, ids, fault)

    @property
    def households(self) -> bytes:
        """Checksum of the households seen, in order."""
        return self._ids.digest()

    def add(self, arrays: Arrays) -> None:
        """Take the households of one shard, in the order of the population."""
        if not self.with_columns:
            self._note_faulty(arrays)
            return
        read = (*READ, *(name for name in AHEAD if name in arrays))
        self._waiting.append({name: arrays[name] for name in read})
        self._bytes += arrays["columns"].nbytes
        if self._bytes >= ENOUGH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return
        names = [name for name in waiting[0] if name != "columns"]
        together = {n: np.concatenate([w[n] for w in waiting]) for n in names}
        columns = [w["columns"] for w in waiting]
        good = self._note_faulty(together)
        facts = together if good.all() else {n: of[good] for n, of in together.items()}
        scale = self._write_facts(facts)
        self._write_columns(columns, good, facts, scale)
        self.n_good += len(scale)

    def _note_faulty(self, together: Arrays) -> npt.NDArray[np.bool_]:
        fault, ids = together["poison"], together["household_id"]
        self._ids.update(ids.tobytes())
        bad = np.flatnonzero(fault)
        if bad.size:
            found = Faulty(self.n_seen + bad, ids[bad], fault[bad].astype(np.int64))
            self._faulty.append(found)
        self.n_seen += len(fault)
        return np.equal(fault, 0)

    def _write_facts(self, facts: Arrays) -> Floats:
        """Write facts if wanted, and return the equivalent persons of each household."""
        for place, (name, dtype, _) in zip(self.facts, FACTS, strict=False):
            self.scratch.write(place, self.n_good, facts[name].astype(dtype, copy=False))
        children = facts["children_under_14"].astype(np.float64)
        adults = facts["size"].astype(np.float64) - children
        scale = equivalents(self.model.systems[0].equivalence, adults, children)
        if self.equivalents >= 0:
            self.scratch.write(self.equivalents, self.n_good, scale)
        return scale

    def _write_columns(
        self, columns: Sequence[npt.NDArray[Any]], good: npt.NDArray[np.bool_],
        facts: Arrays, scale: Floats,
    ) -> None:  # fmt: skip
        share, welfare = self.model.systems[0].marginal_propensity, facts["welfare"]
        row, baseline = 0, list[Floats]()
        for s in range(len(self.kept)):
            monthly: list[Floats] = []
            for c, is_kept in enumerate(self.kept[s]):
                if is_kept:
                    monthly.append(self._monthly([part[row] for part in columns], good, c))
                    row += 1
                else:
                    monthly.append(baseline[c])
                if (s, c) in self.places:
                    self.scratch.write(self.places[s, c], self.n_good, monthly[-1])
            if not baseline:
                baseline = monthly
                if "reference_income" in facts:
                    now = monthly[DISPOSABLE]
                    welfare = lived_welfare(welfare, now, facts["reference_income"], share)
            if s in self.welfare:
                change = monthly[DISPOSABLE] - baseline[DISPOSABLE]
                self.scratch.write(self.welfare[s], self.n_good, (welfare + share * change) / scale)
            self.residuals[s] = max(self.residuals[s], residual(monthly))

    def _monthly(
        self, pieces: Sequence[Floats], good: npt.NDArray[np.bool_], column: int
    ) -> Floats:
        """Return a column as amounts a month of the households that are kept."""
        whole: Floats = np.concatenate(pieces)
        whole /= self.months
        if not good.all():
            whole = whole[good]
        return np.negative(whole, out=whole) if self.signs[column] < 0 else whole


def lived_welfare(
    welfare: Floats, disposable: Floats, reference: Floats, propensity: float
) -> Floats:
    """Return the welfare of households whose disposable income has moved since the first year.

    What a household has above its reference adds to welfare, times the propensity; what it lacks
    takes the same share of welfare as of the reference, times the propensity, so that welfare
    stays positive where income does.

    Parameters
    ----------
    welfare
        Shape (n,), of the first year, moved on; currency units per month.
    disposable
        Shape (n,), of the year, currency units per month.
    reference
        Shape (n,), of the first year under the law of the baseline, moved on as welfare; NaN where
        it is not known: welfare then stays.
    propensity
        Marginal propensity to consume.
    """
    change = disposable - reference
    falls = (change < 0.0) & (reference > 0.0)
    lost = np.divide(change, reference, out=np.zeros_like(change), where=falls)
    moved = np.where(falls, welfare * lost, change) * propensity
    return np.where(np.isnan(reference), welfare, welfare + moved)


def residual(monthly: Sequence[Floats]) -> float:
    """Return the largest |disposable - its parts| of any household, relative to its largest amount.

    `monthly` has income concepts, pensions and instruments, each of shape (n,).
    """
    parts = monthly[MARKET] + monthly[PENSIONS]
    for amounts in monthly[FIRST_INSTRUMENT:]:
        parts += amounts
    gap = np.abs(monthly[DISPOSABLE] - parts)
    size = np.ones(len(gap))
    for c in range(len(CONCEPTS)):
        size = np.maximum(size, np.abs(monthly[c]))
    return float((gap / size).max(initial=0.0))


def check_same_households(gathered: Sequence[Gathering], *, lived: bool = False) -> None:
    """Check that all parts saw the same households in the same order, and left out the same.

    Units of one year are computed again to leave out what other batches had to; those of a
    projection (`lived`), whose households are others each year, are not.

    Raises
    ------
    RunFailedError
        They did not.
    """
    first = gathered[0]
    for k, other in enumerate(gathered[1:], 1):
        if first.households != other.households:
            raise RunFailedError(
                f"batches 0 and {k} were evaluated on other households "
                f"({first.n_seen} and {other.n_seen}); run the question anew in a new directory."
            )
        if not first.faulty.same_households(other.faulty):
            ids = np.setxor1d(first.faulty.household_id, other.faulty.household_id)
            remedy = (
                "Run all scenarios together, in a new directory: a projection cannot leave out "
                "later what an added reform could not compute."
                if lived
                else "Run the same command again: they are settled first."
            )
            raise RunFailedError(
                f"batches 0 and {k} left out other households; found {ids.size} left out in one of "
                f"them only (first: {', '.join(map(str, ids[:5]))}); expected the same in both. "
                f"{remedy}"
            )


def records_of(gathered: Sequence[Gathering], full: Model, population: PopulationReader) -> Records:
    """Return the records of all scenarios: the baseline of the first part, each reform of its own.

    An instrument that a scenario does not have is 0.
    """
    scratch, n = gathered[0].scratch, gathered[0].n_good
    arrays = scratch.arrays(n)
    nothing: Floats = np.zeros(n)
    welfare: list[Floats] = []
    columns: list[list[Floats]] = []
    for k, part in enumerate(gathered):
        position = {name: FIRST_INSTRUMENT + i for i, name in enumerate(part.model.instruments)}
        wanted = [*range(len(CONCEPTS)), *(position.get(name) for name in full.instruments)]
        mine = _columns_of(part, arrays, wanted, nothing)
        # What a part shares with its own baseline is the first part's: they are equal.
        of_baseline = columns[0] if k else mine(0, None)
        for s in range(1 if k else 0, len(part.model.names)):
            columns.append(mine(s, of_baseline))
            own = part.welfare.get(s)
            welfare.append(welfare[0] if own is None else arrays[own])
    facts = dict(zip((name for name, _, _ in FACTS), arrays, strict=False))
    return Records(
        **facts,
        equivalents=arrays[gathered[0].equivalents],
        has_design=population.has_design,
        welfare=ScenarioRows(welfare),
        concepts=ScenarioColumns([of[: len(CONCEPTS)] for of in columns], n),
        instruments=ScenarioColumns([of[len(CONCEPTS) :] for of in columns], n),
        instrument_names=full.instruments,
    )


def _columns_of(
    part: Gathering,
    arrays: Sequence[npt.NDArray[Any]],
    wanted: Sequence[int | None],
    nothing: Floats,
) -> Callable[[int, list[Floats] | None], list[Floats]]:
    """Return a function that gives the columns of a scenario of a part, in the order wanted."""

    def columns(s: int, baseline: list[Floats] | None) -> list[Floats]:
        found: list[Floats] = []
        for i, c in enumerate(wanted):
            if c is None or part.lacking[s, c]:
                found.append(nothing)
            elif (s, c) in part.places:
                found.append(arrays[part.places[s, c]])
            else:
                assert baseline is not None  # noqa: S101 - the baseline shares nothing
                found.append(baseline[i])
        return found

    return columns


def reported(faulty: Faulty) -> Faulty:
    """Return the faults without households that were only left out because of another part."""
    own = faulty.fault != EXCLUDED
    return Faulty(faulty.row[own], faulty.household_id[own], faulty.fault[own])
