"""Tables of parameter draws, and what is wrong with them."""

from __future__ import annotations

import re

import pytest

from microsim.errors import InputError
from microsim.scenario.draws import read_draws

KNOWN = ("grant.amount", "tax.rate")


def read(tmp_path, text: str):
    path = tmp_path / "draws.csv"
    path.write_text(text, encoding="utf-8")
    return read_draws(path, KNOWN)


def test_read_draws__makes_settings_of_each_row(tmp_path):
    found = read(tmp_path, "grant.amount, tax.rate\n1000,0.1\n\n1200.5,1e-3\n")
    first, second = (
        ("grant.amount=1000.0", "tax.rate=0.1"),
        ("grant.amount=1200.5", "tax.rate=0.001"),
    )
    assert found == (first, second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grant.amuont\n1\n", "column 1: unknown parameter; found grant.amuont.*grant.amount"),
        ("grant.amount,grant.amount\n1,2\n", "draws.csv:1, column 2: parameter is named twice"),
        ("grant.amount\nmuch\n", "draws.csv:2, column grant.amount: not a number; found much"),
        ("grant.amount\nnan\n", "draws.csv:2, column grant.amount: not a number; found nan"),
        ("grant.amount,tax.rate\n1\n", "draws.csv:2: number of values; found 1; expected 2"),
        ("grant.amount\n", "draws.csv: no draws; found a header only"),
        ("\n1\n", "draws.csv:1: no parameters"),
        ('grant.amount\n"1\n', "not CSV"),
    ],
)  # fmt: skip
def test_read_draws__names_line_and_column_of_a_fault(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_read_draws__names_all_faults_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "tax.rte\nx\ny\n")
    assert len(caught.value.faults) == 3


def test_read_draws__of_a_missing_file_says_so(tmp_path):
    with pytest.raises(InputError, match=re.escape("nothing.csv: cannot be read")):
        read_draws(tmp_path / "nothing.csv", KNOWN)
