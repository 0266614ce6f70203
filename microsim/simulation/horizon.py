"""The years of a projection: the law of each, which scenarios share lives, and what is carried on
from year to year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.past_totals import Solved
from microsim.dynamics.register import Assumption
from microsim.dynamics.static_ageing import StaticAgeing
from microsim.dynamics.tables import TABLES, LifeTables, table_of
from microsim.language.evaluating import Evaluator
from microsim.language.people import Law
from microsim.simulation.model import Model


def _with_wages(tables: LifeTables, factors: Sequence[float]) -> LifeTables:
    level = tables.earnings.wage_level * np.array(factors)
    return replace(tables, earnings=replace(tables.earnings, wage_level=level))


def _with_histories(tables: LifeTables, solved: Sequence[Solved]) -> LifeTables:
    return replace(tables, past_work=replace(tables.past_work, solved=tuple(solved)))


def _content(tables: LifeTables) -> dict[str, object]:
    """Return all of life tables that can move a number, as plain data."""
    digest, past = hashlib.sha256(), tables.past_work
    for name, _, _ in TABLES:
        table = table_of(tables, name)
        if table is not None:
            digest.update(np.ascontiguousarray(table).tobytes())
    numbers = (
        tables.age_gap_mean, tables.age_gap_deviation, tables.polygamy,
        tables.unpartnered_birth_factor, past.entry_age, past.concentration,
    )  # fmt: skip
    told: dict[str, object] = {}
    if past.totals is not None:
        told["past_totals"] = [
            hashlib.sha256(past.totals.cell.tobytes()).hexdigest(),
            *(
                [x.hex() for x in (one.insured, one.months, one.mean, one.deviation)]
                for one in past.totals.rows
            ),
        ]
    formulas = tables.formulas
    if formulas is not None:
        told["formulas"] = [*formulas.statuses, formulas.logit, formulas.base, *formulas.ages]
    return {
        **told,
        "tables": digest.hexdigest(),
        "numbers": [float(x).hex() for x in numbers],
        "alignment": dict(tables.alignment),
        "normalised": list(tables.normalised),
    }


def plain(law: Law) -> dict[str, Any]:
    """Return a law as plain data."""
    return {
        "year": law.year,
        "months": law.months,
        "monthly": {name: [_number(x) for x in of] for name, of in law.monthly.items()},
        "yearly": {name: _number(of) for name, of in law.yearly.items()},
    }


def _number(value: Any) -> Any:  # noqa: ANN401 - float or array
    return value.tolist() if hasattr(value, "tolist") else value


@dataclass(frozen=True)
class LifeGroup:
    """Scenarios that share one life course: nothing that lives depend on differs between them.

    Attributes
    ----------
    number
        0 is the baseline's.
    model
        Of its scenarios; what lives read is that of the first.
    laws
        Of each year, by scenario.
    moved
        By scenario, the parameters that differ from the first one's in any year.
    tables
        Rates of its lives.
    """

    number: int
    model: Model
    tables: LifeTables
    laws: tuple[tuple[Law, ...], ...]
    moved: tuple[set[tuple[str, str]], ...]
    _evaluators: dict[tuple[int, bool], Evaluator] = field(default_factory=dict, compare=False)

    def evaluator(self, k: int, *, with_columns: bool) -> Evaluator:
        """Return the evaluator of the k-th year; it brings household columns out if wanted."""
        key = (k, with_columns)
        if key not in self._evaluators:
            wanted = self.model.wanted
            if not with_columns:
                wanted = replace(wanted, household_columns=())
            systems = list(range(len(self.model.names)))
            like = next(iter(self._evaluators.values()), None)
            self._evaluators[key] = Evaluator(
                self.model.program, self.laws[k], systems, wanted, moved=self.moved, like=like
            )
        return self._evaluators[key]

    def model_in(self, k: int, years: Sequence[int]) -> Model:
        """Return the model under the law of the k-th year."""
        return replace(self.model, year=years[k], laws=self.laws[k])


@dataclass(frozen=True)
class Horizon:
    """All that a projection needs beside the population.

    Attributes
    ----------
    years
        First to last.
    table_years
        Those with distribution tables.
    weight
        That every household has.
    average_wage
        Of the first year, currency units per month.
    welfare
        Level of welfare in each year, relative to the first.
    population
        Shape (n_years, 2, 121): persons by sex and age that the rates lead to, in expectation.
    assumptions
        For table A5.
    groups
        Life groups, the baseline's first.
    static
        Of static ageing: weights and levels of incomes; None where people live on.
    """

    years: tuple[int, ...]
    table_years: frozenset[int]
    weight: float
    average_wage: float
    welfare: tuple[float, ...]
    population: npt.NDArray[np.float64]
    assumptions: tuple[Assumption, ...]
    groups: tuple[LifeGroup, ...]
    static: StaticAgeing | None = None

    def with_wages(self, factors: Sequence[float]) -> Horizon:
        """Return the years with earnings aligned: a factor of each year on the level of wages."""
        if not factors:
            return self
        groups = tuple(
            replace(group, tables=_with_wages(group.tables, factors)) for group in self.groups
        )
        return replace(self, groups=groups)

    def with_histories(self, solved: Sequence[Solved]) -> Horizon:
        """Return the years with histories that meet the official totals as found."""
        if not solved:
            return self
        groups = tuple(
            replace(group, tables=_with_histories(group.tables, solved)) for group in self.groups
        )
        return replace(self, groups=groups)

    def content(self) -> dict[str, object]:
        """Return all of it that can move a number, as plain data."""
        static = {} if self.static is None else {"static": self.static.content()}
        return {
            **static,
            "years": list(self.years),
            "table_years": sorted(self.table_years),
            "weight": self.weight.hex(),
            "average_wage": self.average_wage.hex(),
            "welfare": [x.hex() for x in self.welfare],
            "groups": [
                {
                    "names": list(group.model.names),
                    "tables": _content(group.tables),
                    "source": group.model.program.source,
                    "laws": [[plain(law) for law in laws] for laws in group.laws],
                    "wanted": repr(group.model.wanted),
                    "carried": repr(group.model.carried),
                }
                for group in self.groups
            ],
        }
