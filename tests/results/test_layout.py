"""The shipped layout and code lists agree with the code and with the README."""

from __future__ import annotations

import pytest

from microsim.errors import InputError
from microsim.results.classifications import classifications, view
from microsim.results.contents import FUNCTIONS, KINDS, PAYERS, PILLARS, TIDY
from microsim.results.layout import format_version, group_spec, readme_table
from microsim.shipped import folder


def test_layout__has_the_tidy_columns():
    assert set(group_spec("tables/C").columns()) == set(TIDY)


def test_readme__shows_the_layout_as_it_is():
    text = (folder("results_schema") / "README.md").read_text(encoding="utf-8")
    assert readme_table() in text
    assert f"version {format_version()[0]}.{format_version()[1]}" in text


def test_classifications__agree_with_the_contract():
    lists = classifications()
    assert tuple(f["code"] for f in lists["functions"]) == FUNCTIONS
    assert tuple(lists["kinds"]) == KINDS
    assert tuple(lists["pillars"]) == PILLARS
    assert set(lists["payers"]) == set(PAYERS)
    assert len(lists["account"]) == 28


def test_mapping_matrices__have_columns_that_sum_to_one():
    matrices = [v["columns"] for v in classifications()["views"].values()]
    matrices.append(classifications()["receipt_origin"]["columns"])
    for columns in matrices:
        for name, column in columns.items():
            assert sum(column.values()) == 1.0, name


@pytest.mark.parametrize("name", ["c102", "esspros", "ssi"])
def test_view__keeps_the_total(name):
    amounts = {(f, k): 2.0**i for i, f in enumerate(FUNCTIONS) for k in KINDS}
    assert sum(view(name, amounts).values()) == sum(amounts.values())


def test_view__maps_maternity_to_family_in_esspros():
    assert view("esspros", {("MAT", "cash periodic"): 60.0})["Family/children"] == 60.0


def test_view__names_the_views_it_knows():
    with pytest.raises(InputError, match="unknown view 'x'; expected one of c102, esspros, ssi"):
        view("x", {})
