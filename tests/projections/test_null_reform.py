"""A reform that states the law as it is, and what a reform of rules alone leaves in place."""

from __future__ import annotations

import math

import numpy as np
from projections import cells_of, persons_in

NULL, REFORM = "nothing", "higher_pension"
FIRST, LAST = 2025, 2035
TABLE_YEARS = {2025, 2030, 2035}


def keyed(outcome, scenario: str) -> dict:
    return {
        (r.year, r.table, r.row, r.column, r.unit, r.scheme, r.function, r.group): r
        for r in outcome.rows
        if r.scenario == scenario
    }


def test_null_reform__equals_the_baseline_in_every_cell_of_every_year(perennia, projected):
    names = list(projected.contents.scenarios)
    found = cells_of(projected.out)
    assert sorted(found) == list(range(FIRST, LAST + 1))
    for cells in found.values():
        for array in (cells.persons, cells.persons_n, cells.places, cells.places_n):
            assert array is not None
            np.testing.assert_array_equal(array[names.index(NULL)], array[0])


def test_null_reform__equals_the_baseline_in_every_row_of_every_year(projected):
    baseline, null = keyed(projected, "baseline"), keyed(projected, NULL)
    outside = {key[1] for key in baseline.keys() ^ null.keys()}
    assert outside <= {"A1", "A2", "A3", "A4", "A5", "T1", "T2"}  # of lives, or of the run
    assert {key[0] for key in null} == set(range(FIRST, LAST + 1))
    for key, row in null.items():
        before = baseline[key].value
        assert row.value == before or (math.isnan(row.value) and math.isnan(before)), key


def test_null_reform__gives_exact_zeros_in_every_difference(projected):
    found = [row for row in projected.rows if row.scenario == f"{NULL}-baseline"]
    assert {"C8", "C9", "C10", "C11", "D1", "D6"} <= {row.table for row in found}
    assert {row.year for row in found} == set(range(FIRST, LAST + 1))
    assert {row.year for row in found if row.table == "D6"} == TABLE_YEARS
    for row in found:
        levels = row.table == "C10" and not row.column.startswith(("difference", "cumulated"))
        if not levels and not (row.table == "D6" and "before and after" in row.row):
            assert row.value == 0 or (math.isnan(row.value) and row.status != "ok"), row


def test_reform_of_rules__moves_its_scheme_from_its_year_and_nothing_of_lives(projected):
    names = list(projected.contents.scenarios)
    assert projected.contents.lives_of == (0, 0, 0)
    place = names.index(REFORM)
    for year, cells in cells_of(projected.out).items():
        np.testing.assert_array_equal(persons_in(cells, place), persons_in(cells))
        paid = [
            sum(
                cells.persons[scenario, k].sum()
                for k, one in enumerate(cells.measures)
                if (one.kind, one.scheme, one.statistic)
                == ("benefit", "universal_pension", "amount")
            )
            for scenario in (0, place)
        ]
        expected = 1.5 if year >= 2028 else 1.0  # 0.12 in place of 0.08 of the average wage
        assert paid[1] == np.float64(paid[0]) * expected or math.isclose(
            paid[1], paid[0] * expected, rel_tol=1e-12
        )


# -- identities --------------------------------------------------------------------------------


def test_identities__hold_in_every_year(projected):
    assert all(one.holds for one in projected.identities)
    for year in range(FIRST, LAST + 1):
        of_year = {one.id for one in projected.identities if one.what.endswith(str(year))}
        assert {"I-02", "I-04", "I-05", "I-06", "I-08"} <= of_year, year
        if year > FIRST:
            assert {"I-01", "I-03", "I-07"} <= of_year, year


def test_households__spend_what_they_get_in_table_years(projected):
    """I-14: disposable income = market income + benefits in cash - taxes - contributions."""
    found = [one for one in projected.identities if one.id == "I-14"]
    years = {int(one.what[-4:]) for one in found}
    assert years == TABLE_YEARS
    assert {one.scenario for one in found} == set(projected.contents.scenarios)
    for one in found:
        assert one.holds
        assert abs(one.residual) <= one.tolerance


def test_sums_of_disposable_income__are_sums_of_their_parts(projected):
    """V9 over all households, from the cells: what goes in comes out, to rounding."""
    for year, cells in cells_of(projected.out).items():
        for scenario in range(len(projected.contents.scenarios)):
            signs = {"benefit": 1.0, "contribution": -1.0}
            inside, parts = 0.0, []
            for k, one in enumerate(cells.measures):
                if one.statistic != "amount":
                    continue
                amount = math.fsum(cells.persons[scenario, k].ravel())
                if one.kind == "income" and one.item == "disposable":
                    inside = amount
                elif one.kind in signs:
                    parts.append(signs[one.kind] * amount)
                elif one.kind == "income" and one.item in ("earnings", "self_employment_income"):
                    parts.append(amount)
            assert len(parts) == 2 + 3 + 1
            assert inside > 0
            assert math.isclose(inside, math.fsum(parts), rel_tol=1e-12), (year, scenario)
