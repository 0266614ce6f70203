"""Takes blocks of households through all stages of a program, in all scenarios that need them.

The same for all programs: stages are called by address, and what each reads is found in tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import kernel
from microsim.kernels.pointers import pointer, shifted
from microsim.kernels.rows import (
    begin_rounds,
    check,
    copy_rows,
    end_round,
    extremes,
    mark,
    tally,
)
from microsim.kernels.stages import call_stage

Array = npt.NDArray[Any]

# Columns of a program's table of stages: address, and where its own part of each table begins.
ADDRESS, ROWS, SCALARS, PACKED, INPUTS, SITES = range(6)
# Columns of the table of rounds: first stage, first of the next round, 1 if monthly.
FIRST, NEXT, MONTHLY = range(3)
# Columns of the table of fixed points.
LOOP, PERSONS, START, TOLERANCE, SITE = range(5)
MOST_ROUNDS = 50


@kernel
def drive(
    first_h: int, last_h: int, cap: int, start: Array,
    stages: Array, rounds: Array, need: Array,
    inputs: Array, steps_person: Array, steps_household: Array, variant: Array, sites: Array,
    head: Array, spouse: Array, mother: Array, father: Array,
    person_key: Array, household_key: Array,
    S: Array, hidx: Array, rows: Array,  # noqa: N803 - the names generated code has
    PM: Array, PY: Array, TM: Array, TY: Array, T: Array,  # noqa: N803
    months: Array, n_months: int, stream: int, year: int,
    poison: Array, weight: Array, cell: Array, place: Array,
    measure_rows: Array, measure_of: Array, measure_in: Array, inverse_scale: Array,
    first_site: int,
    picked: Array, in_cell: Array, in_place: Array, large: Array, large_low: Array,
    place_large: Array, place_large_low: Array, empty: Array,
    extreme_rows: Array, extreme_of: Array, smallest: Array, largest: Array,
    person_rows: Array, person_out: Array, household_rows: Array, household_out: Array,
    loop_first: Array, loop_last: Array, fixed_rows: Array, fixed_facts: Array,
) -> None:  # fmt: skip
    """Evaluate the households first_h to last_h; blocks of at most `cap` persons.

    Shapes: stages (n_stages, 6), rounds (n_rounds, 3), need (n_scenarios, n_stages); inputs
    (n_variants, n_uses) addresses, with the bytes each moves on for a person and for a household;
    variant (n_scenarios,): which of these a scenario reads, as years before may differ; rows
    (n_scenarios, n_periods, n_uses) addresses of rows of scratch; PM, TM (n_scenarios, n_periods,
    n_uses), PY, TY (n_scenarios, n_uses).

    Cycles that are worked through in rounds: loop_first, loop_last (n_stages,) tell which loop
    begins and ends at a stage (-1 none); fixed_rows (n_scenarios, n_periods, n_fixed, 2) rows of
    value before and after, -1 where the scenario has none of its own; fixed_facts (n_fixed, 5):
    loop, 1 if of persons, start, tolerance, site.
    """
    n_scenarios, n_periods, n_rows = rows.shape
    n_scalars, n_packed, n_inputs = PY.shape[1], TY.shape[1], inputs.shape[1]
    now = np.empty(inputs.size + 1, np.int64)
    begin = np.empty(len(hidx) + 2, np.int64)
    c_table, c_hidx, c_begin, c_now = pointer(T), pointer(hidx), pointer(begin), pointer(now)
    c_sites, c_rows = pointer(sites), pointer(rows)
    settled = np.zeros((len(fixed_facts), len(hidx) + 1), np.bool_)
    moved = np.zeros(len(hidx) + 1, np.bool_)
    first_stage = np.zeros(len(loop_first) + 1, np.int64)
    for k in range(len(loop_first)):
        if loop_first[k] >= 0:
            first_stage[loop_first[k]] = k
    hlo = first_h
    while hlo < last_h:
        lo = start[hlo]
        end = hlo + 1
        while end < last_h and start[end + 1] - lo <= cap and end - hlo < cap:
            end += 1
        n, nh = start[end] - lo, end - hlo
        for h in range(nh):
            begin[h] = start[hlo + h] - lo
            for i in range(start[hlo + h] - lo, start[hlo + h + 1] - lo):
                hidx[i] = h
        begin[nh] = n
        for v in range(len(inputs)):
            for k in range(n_inputs):
                moved_on = lo * steps_person[v, k] + hlo * steps_household[v, k]
                now[v * n_inputs + k] = inputs[v, k] + moved_on
        for r in range(len(rounds)):
            monthly = rounds[r, MONTHLY] == 1
            for p in range(n_periods if monthly else 1):
                for s in range(n_scenarios):
                    k, turn = rounds[r, FIRST], 0
                    while k < rounds[r, NEXT]:
                        if loop_first[k] >= 0 and turn == 0:
                            for f in range(len(fixed_facts)):
                                if (
                                    fixed_facts[f, LOOP] == loop_first[k]
                                    and fixed_rows[s, p, f, 0] >= 0
                                ):
                                    begin_rounds(
                                        S, fixed_rows[s, p, f, 0], n, fixed_facts[f, START],
                                        settled[f],
                                    )  # fmt: skip
                        if need[s, k]:
                            here = s * n_periods + p
                            if monthly:
                                scalars = shifted(
                                    pointer(PM), here * n_scalars + stages[k, SCALARS]
                                )
                                packed = shifted(pointer(TM), here * n_packed + stages[k, PACKED])
                            else:
                                scalars = shifted(pointer(PY), s * n_scalars + stages[k, SCALARS])
                                packed = shifted(pointer(TY), s * n_packed + stages[k, PACKED])
                            call_stage(stages[k, ADDRESS], (
                                shifted(c_rows, here * n_rows + stages[k, ROWS]), scalars, packed,
                                c_table,
                                shifted(c_now, variant[s] * n_inputs + stages[k, INPUTS]),
                                c_begin, c_hidx,
                                shifted(pointer(head), lo), shifted(pointer(spouse), lo),
                                shifted(pointer(mother), lo), shifted(pointer(father), lo),
                                shifted(pointer(person_key), lo),
                                shifted(pointer(household_key), hlo),
                                shifted(pointer(poison), hlo), shifted(c_sites, stages[k, SITES]),
                                n, nh, months[p] if monthly else 0, int(monthly and p == 0),
                                int(monthly and p == n_periods - 1), n_months, stream, year,
                            ))  # fmt: skip
                        if loop_last[k] >= 0:
                            turn += 1
                            unsettled = 0
                            for f in range(len(fixed_facts)):
                                if (
                                    fixed_facts[f, LOOP] == loop_last[k]
                                    and fixed_rows[s, p, f, 0] >= 0
                                ):
                                    unsettled += end_round(
                                        S, fixed_rows[s, p, f, 0], fixed_rows[s, p, f, 1],
                                        fixed_facts[f, PERSONS] == 1.0, n, nh, hidx,
                                        fixed_facts[f, TOLERANCE], settled[f], moved,
                                    )  # fmt: skip
                            if unsettled > 0 and turn < MOST_ROUNDS:
                                k = first_stage[loop_last[k]]
                                continue
                            turn = 0
                            if unsettled > 0:
                                for f in range(len(fixed_facts)):
                                    if (
                                        fixed_facts[f, LOOP] == loop_last[k]
                                        and fixed_rows[s, p, f, 0] >= 0
                                    ):
                                        for h in range(nh):
                                            if not settled[f, h]:
                                                mark(poison, hlo + h, int(fixed_facts[f, SITE]))
                        k += 1
        check(S, n, nh, hlo, hidx, measure_rows, measure_of, inverse_scale, weight, poison,
              first_site, empty)  # fmt: skip
        tally(S, n, nh, lo, hlo, start, hidx, head, weight, cell, place, poison,
              measure_rows, measure_of, measure_in, inverse_scale, empty,
              picked, in_cell, in_place, large, large_low,
              place_large, place_large_low)  # fmt: skip
        extremes(S, n, nh, hlo, hidx, poison, extreme_rows, extreme_of, smallest, largest)
        copy_rows(S, n, lo, person_rows, person_out)
        copy_rows(S, nh, hlo, household_rows, household_out)
        hlo = end
