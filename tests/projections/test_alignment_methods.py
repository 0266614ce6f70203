"""Whole projections under each method of alignment that a lives file may name."""

from __future__ import annotations

import pytest
from projections import cells_of, life_of, persons_in, rows_of, series_of

from microsim.dynamics.tables import METHODS, SORTING
from microsim.simulation.run import prepare

RISK = """
variables:
  risk_of_death: {of: person, unit: number, period: year, formula: 3 if employment_status == "other inactive" else 1}
"""  # noqa: E501 (a line of YAML)


@pytest.fixture
def unequal(my_perennia):
    """Return Perennia, where the inactive die more often, and without reforms."""
    my_perennia.without_reforms()
    path = my_perennia.country / "lives" / "lives.yaml"
    text = path.read_text()
    path.write_text(text.replace("\nprocesses:", RISK + "\nprocesses:", 1))
    my_perennia.change(
        "lives/lives.yaml", "    factor: life_mortality\n",
        "    factor: life_mortality\n    relative: risk_of_death\n",
    )  # fmt: skip
    return my_perennia


def lives_file_says(country, method: str) -> None:
    """Align deaths and, where the method suits it, statuses."""
    old = "    relative: risk_of_death\n    align: multiplicative\n"
    country.change("lives/lives.yaml", old, old.replace("multiplicative", method))
    if method in SORTING:
        country.change("lives/lives.yaml", "    align: none\n", f"    align: {method}\n")


@pytest.mark.parametrize("method", METHODS)
def test_method__is_registered_and_shards_do_not_matter(unequal, method):
    lives_file_says(unequal, method)
    one = unequal.run("one")
    two = unequal.run("two", shard_persons=100_000)
    assert one.digest == two.digest
    for driver in ("life expectancy at birth, men", "unemployment rate"):
        said = method if driver.startswith("life") or method in SORTING else "none"
        rows = [row for row in rows_of(one, "A5") if row.row.startswith(driver)]
        assert rows
        assert all(f"; alignment: {said})" in row.row for row in rows)


def test_methods__take_their_way_with_the_same_total(unequal):
    """Sorted methods have as many deaths in the first step; each method chooses other persons, and
    is part of what identifies lives.
    """
    deaths, contents, people = {}, set(), set()
    written = "multiplicative"
    for method in METHODS:
        old = f"    relative: risk_of_death\n    align: {written}\n"
        unequal.change("lives/lives.yaml", old, old.replace(written, method))
        written = method
        prepared = prepare(unequal.scenario, unequal.options(method))
        life = life_of(prepared)
        contents.add(life.horizon.content()["groups"][0]["tables"]["alignment"]["mortality"])
        outcome = unequal.run(f"run {method}")
        cells = cells_of(unequal.folder / f"run {method}")
        people.add(persons_in(cells[max(cells)]).tobytes())
        deaths[method] = series_of(outcome, "A2", row="Deaths", group="")
    assert contents == set(METHODS)
    first = min(deaths["sbdl"])
    assert deaths["sbp"][first] == deaths["sbd"][first] == deaths["sbdl"][first]
    assert len(people) == len(METHODS)
    drawn = deaths["multiplicative"][first]
    assert deaths["none"][first] > drawn  # the factor of 3 is not taken back
