"""What lives add to the columns of the first year: births, past work, parts of earnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.decisions import hashed
from microsim.dynamics.past_densities import credit
from microsim.dynamics.tables import LifeTables
from microsim.kernels.lives_earnings import decompose, lasting_scores
from microsim.kernels.lives_newcomers import draw_keys
from microsim.kernels.lives_past import years_by_chain, years_by_density
from microsim.kernels.lives_statuses import FORMAL_STATUSES
from microsim.population.columns import LIFE_INPUTS, LINKS

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

# Columns that tell of one step only: nothing of them lasts.
RESET = (
    "arrived", "gave_birth", "widowed", "late_spouse_widows", "became_disabled",
    "retired_this_year",
)  # fmt: skip
CODES = {"sex", "age", "employment_status", "sector"}  # kernels take these as int8
MONEY = {"earnings", "self_employment_income"}
SCORE, SHOCK = "earnings_score", "earnings_shock"  # the two parts of earnings, standardised


def starting_columns(
    tables: LifeTables, persons: Columns, links: Array, start: Ints, stream: np.uint64,
    average_wage: float,
) -> Columns:  # fmt: skip
    """Return the columns of persons with what lives add to them; given ones are kept.

    Children born so far are those who live with their mother: the data do not tell of others.
    """
    columns = {name: np.ascontiguousarray(column) for name, column in persons.items()}
    for name in columns.keys() & CODES:
        columns[name] = np.ascontiguousarray(columns[name], np.int8)
    columns["draw_key"] = np.ascontiguousarray(columns["draw_key"], np.uint64)
    columns["orphan"] = columns["orphan"].astype(np.bool_)
    for name in columns.keys() & MONEY:
        columns[name] = np.ascontiguousarray(columns[name], np.float64)
    known = frozenset(columns)
    n = columns["age"].size
    for column in LIFE_INPUTS:
        if column.name not in known:
            columns[column.name] = np.full(n, column.default, column.dtype)
    if "birth_month" not in known:
        block = decisions.BIRTH_MONTH_BLOCK
        u = draw_keys(columns["draw_key"], stream, hashed(decisions.MONTH), 0, block)
        columns["birth_month"] = (1.0 + np.floor(12.0 * u)).astype(np.int8)
    if "children_born" not in known:
        mother = links[LINKS.index("mother")].astype(np.int64)
        first = np.repeat(start[:-1], np.diff(start))
        of_child = (first + mother)[mother >= 0]
        columns["children_born"] = np.bincount(of_child, minlength=n).astype(np.int8)
    if "past_formal_years" not in known:
        columns["past_formal_years"] = past_work(tables, columns, stream)
    if average_wage > 0.0:
        split_earnings(tables, columns, stream, average_wage)
    return columns


def split_earnings(
    tables: LifeTables, columns: Columns, stream: np.uint64, average_wage: float
) -> None:
    """Add the lasting and the passing part of everybody's earnings."""
    columns[SCORE] = lasting_scores(
        columns["draw_key"], stream, hashed(decisions.PERMANENT_EARNINGS)
    )
    columns[SHOCK] = np.zeros(columns[SCORE].size)
    level = tables.earnings
    decompose(
        columns["employment_status"], columns["sex"], columns["age"], columns["earnings"],
        columns["self_employment_income"], level.log_level, level.age_profile,
        level.sigma_permanent, level.sigma_transitory, average_wage * level.wage_level[0],
        columns[SCORE], columns[SHOCK], columns["permanent_earnings"],
    )  # fmt: skip


def past_work(tables: LifeTables, columns: Columns, stream: np.uint64) -> Floats:
    """Return years of formal work before the first year. Shape (n_persons,).

    A Beta share of the years since the entry age, as `tables.past_work` says; where its
    concentration is 0, the walk back through the shares and exits of the statuses
    (`lives_past.years_by_chain`). Persons whom official totals speak of have drawn densities that
    are calibrated to them instead (`past_densities`).
    """
    years = _past_work(tables, columns, stream)
    past = tables.past_work
    if past.totals is not None:
        if len(past.solved) != len(past.totals.rows):
            raise RuntimeError("official totals of past work are not solved yet")
        credit(past.totals, past.solved, past.entry_age, columns, stream, years)
    return years


def _past_work(tables: LifeTables, columns: Columns, stream: np.uint64) -> Floats:
    """Return years of formal work as the shares of the lives file or the walk back give them."""
    past = tables.past_work
    status, sex, age = columns["employment_status"], columns["sex"], columns["age"]
    years = np.zeros(age.size)
    decision = hashed(decisions.PAST_WORK)
    if past.concentration > 0.0:
        years_by_density(
            status, sex, age, columns["draw_key"], stream, decision, past.entry_age,
            np.ascontiguousarray(past.density), past.concentration, years,
        )  # fmt: skip
        return years
    formal, exits = chain_of(tables)
    formal_now = np.isin(status, FORMAL_STATUSES).astype(np.int8)
    years_by_chain(
        formal_now, sex, age, columns["draw_key"], stream, decision, past.entry_age, formal, exits,
        years,
    )  # fmt: skip
    return years


def chain_of(tables: LifeTables) -> tuple[Floats, Floats]:
    """Return the share of formal work and the probability to leave it, both of shape (2, 121).

    Who leaves a formal status goes to the others by affinity x share; to another formal one is no
    exit. Transitions that are given say it themselves. The average over the formal statuses has
    their shares as weights.
    """
    share = tables.status_share[0]
    is_formal = np.isin(np.arange(share.shape[-1]), FORMAL_STATUSES)
    formal = np.minimum(share[:, :, is_formal].sum(axis=2), 1.0)
    affinity = tables.status_affinity.copy()
    np.fill_diagonal(affinity, 0.0)
    exits = np.zeros(formal.shape)
    matrix = tables.transition
    for own in np.flatnonzero(is_formal):
        weight = share * affinity[own]
        total = weight.sum(axis=2)
        out = weight[:, :, ~is_formal].sum(axis=2)
        away = np.divide(out, total, out=np.zeros_like(total), where=total > 0.0)
        out_of = tables.status_leave[:, :, own] * away
        if matrix is not None:
            out_of = matrix[0][:, :, own, ~is_formal].sum(axis=2)
        exits += share[:, :, own] * out_of
    return formal, np.divide(exits, formal, out=np.zeros_like(exits), where=formal > 0.0)
