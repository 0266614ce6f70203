"""What lives add to the columns of the first year."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.decisions import BIRTH_MONTH_BLOCK, MONTH, hashed
from microsim.kernels.lives_newcomers import draw_keys
from microsim.population.columns import LIFE_INPUTS, LINKS

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

# Columns that tell of one step only: nothing of them lasts.
RESET = (
    "arrived", "gave_birth", "widowed", "late_spouse_widows", "became_disabled",
    "retired_this_year",
)  # fmt: skip
CODES = ("sex", "age", "employment_status")  # kernels take these as int8


def starting_columns(persons: Columns, links: Array, start: Ints, stream: np.uint64) -> Columns:
    """Return the columns of persons with what lives add to them.

    Children born so far are those who live with their mother: the data do not tell of others.
    """
    n = persons["age"].size
    columns = {name: np.ascontiguousarray(column) for name, column in persons.items()}
    for name in CODES:
        columns[name] = np.ascontiguousarray(columns[name], np.int8)
    columns["draw_key"] = np.ascontiguousarray(columns["draw_key"], np.uint64)
    columns["orphan"] = columns["orphan"].astype(np.bool_)
    known = frozenset(columns)
    for column in LIFE_INPUTS:
        if column.name not in known:
            columns[column.name] = np.full(n, column.default, column.dtype)
    if "birth_month" not in known:
        u = draw_keys(columns["draw_key"], stream, hashed(MONTH), 0, BIRTH_MONTH_BLOCK)
        columns["birth_month"] = (1.0 + np.floor(12.0 * u)).astype(np.int8)
    if "children_born" not in known:
        mother = links[LINKS.index("mother")].astype(np.int64)
        first = np.repeat(start[:-1], np.diff(start))
        of_child = (first + mother)[mother >= 0]
        columns["children_born"] = np.bincount(of_child, minlength=n).astype(np.int8)
    return columns
