"""Means over replicates and their Monte Carlo errors."""

from __future__ import annotations

import math
import statistics

import pytest

from microsim.budget.replicates import means_over_replicates
from microsim.errors import InputError
from microsim.report.arrange import of_world
from microsim.results.contents import MEAN, Row


def row(
    value: float, replicate: int, draw: int = 0, name: str = "Total", status: str = "ok"
) -> Row:
    return Row(
        "baseline", 2025, "C7", name, "total", "LCU million", value, n=10 + replicate,
        status=status, draw=draw, replicate=replicate,
    )  # fmt: skip


def test_means_over_replicates__give_mean_and_its_standard_error():
    values = [3.0, 5.0, 10.0]
    (mean,) = means_over_replicates([row(v, k) for k, v in enumerate(values)])
    assert mean.replicate == MEAN
    assert mean.value == 6.0
    assert mean.se_mc == pytest.approx(statistics.stdev(values) / math.sqrt(3), rel=1e-15)
    assert mean.n == 10


def test_means_over_replicates__of_one_replicate_are_none():
    assert means_over_replicates([row(3.0, 0), row(4.0, 0, draw=1)]) == []


def test_means_over_replicates__do_not_mix_draws():
    rows = [row(1.0, 0), row(3.0, 1), row(10.0, 0, draw=1), row(30.0, 1, draw=1)]
    assert [(m.draw, m.value) for m in means_over_replicates(rows)] == [(0, 2.0), (1, 20.0)]


def test_means_over_replicates__of_a_figure_absent_in_one_are_absent():
    rows = [
        row(1.0, 0),
        row(math.nan, 1, status="suppressed"),
        row(2.0, 0, name="Other"),
        row(2.0, 1),
    ]
    found = {m.row: m for m in means_over_replicates(rows)}
    assert math.isnan(found["Total"].value)
    assert found["Total"].status == "suppressed"
    assert math.isnan(found["Other"].value)
    assert found["Other"].status == "not available"


def test_of_world__takes_the_mean_where_there_is_one():
    rows = [row(1.0, 0), row(3.0, 1)]
    every = [*rows, *means_over_replicates(rows)]
    assert [r.value for r in of_world(every)] == [2.0]
    assert [r.value for r in of_world(every, 0, 1)] == [3.0]
    assert [r.value for r in of_world(rows[:1])] == [1.0]
    with pytest.raises(InputError, match="--replicate: not in the run; found 7; expected -1 to 1"):
        of_world(every, 0, 7)
    with pytest.raises(InputError, match="--draw: not in the run; found 2; expected 0 to 0"):
        of_world(every, 2)
