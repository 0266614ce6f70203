"""Spoiled formulas give faults with file and line, never a traceback, however they are spoiled."""

from __future__ import annotations

import random
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_systems import STATUS, FormulaWriter, random_definitions
from small_rules import faults_of, law, with_variable

from microsim.errors import FaultList, InputError
from microsim.language.definitions import Definitions, Location
from microsim.language.graph import Builder, Graph

TOKENS = re.compile(r"'[^']*'|[\w.]+|[<>=!]=|\S")
PIECES = [
    *"+-*/()<>,[]{}:=.%&|^~@!?\\'\"", "**", "//", "and", "or", "not", "if", "else", "in", "is", "lambda",
    "earnings", "age", "status", "rent", "bonus", "p.grant", "p.bands", "p.weights", "frame.wage", "members",
    "household", "family", "kin", "sum(", "count(", "lookup(", "schedule(", "of(", "has(", "happens(", "year(",
    "month(", "december(", "propensity(", "exp(", "round(", "0", "1", "1.5", "1e308", "True", "None", "'works'", "'x'",
    "\n", "\t", "#", "é", "０", "__class__", "v0", "v1", ":=",
]  # fmt: skip


def faults_with(definitions: Definitions, of: str, unit: str, text: str) -> list[str]:
    labels = STATUS if unit == "category" else ()
    return faults_of(
        with_variable(
            definitions, "x", text, of=of, unit=unit, labels=labels, place=Location("x.yaml", 7)
        )
    )


def spoiled(rng: random.Random, text: str) -> str:
    """Replace, remove, repeat or insert one to three tokens."""
    tokens = TOKENS.findall(text)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(tokens)) if tokens else 0
        match rng.randrange(4):
            case 0 if tokens:
                tokens[at] = rng.choice(PIECES)
            case 1 if tokens:
                del tokens[at]
            case 2 if tokens:
                tokens.insert(at, rng.choice(tokens))
            case _:
                tokens.insert(at, rng.choice(PIECES))
    return " ".join(tokens)


@pytest.mark.parametrize("seed", range(6))
def test_spoiled_formulas__are_faults_with_file_and_line(seed):
    rng = random.Random(seed)  # noqa: S311 - a test's choices, not secrets
    definitions = random_definitions(seed, 6, depth=2)
    writer, n_faults = FormulaWriter(rng, definitions), 0
    for _ in range(120):
        of = rng.choice(["person", "household", "family"])
        unit = rng.choice(["currency/month", "currency/year", "boolean", "share", "category"])
        period = "year" if unit == "currency/year" else "month"
        text = spoiled(rng, writer.write(unit, of, period, 2))
        found = faults_with(definitions, of, unit, text)
        n_faults += bool(found)
        for fault in found:
            assert re.match(r"x\.yaml:\d+", fault), (text, fault)
    assert n_faults > 60  # spoiling is felt


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
)
def test_any_text__is_read_or_is_a_fault(text):
    for of in ("person", "household"):
        for fault in faults_of(with_variable(law(), "x", text, of=of)):
            assert fault.startswith("law.yaml:")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_wrong_units__are_faults(data):
    """A formula of one unit where another is declared is a fault, unless both are plain numbers or
    booleans.
    """
    seed = data.draw(st.integers(0, 50))
    rng = random.Random(seed)  # noqa: S311 - a test's choices, not secrets
    definitions = random_definitions(seed % 5, 4, depth=2)
    writer = FormulaWriter(rng, definitions)
    units = ["currency/month", "currency/year", "boolean", "category"]
    written = data.draw(st.sampled_from(units))
    declared = data.draw(st.sampled_from([*units, "share"]).filter(lambda u: u != written))
    text = writer.write(written, "person", "month", 2)
    if (
        "year(" in text
        or "month(" in text
        or "december(" in text
        or re.fullmatch(r"[\s()0\-]*", text)
    ):
        return  # crossing depends on the period, and 0 is of any unit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = faults_of(
            with_variable(definitions, "x", text, unit=declared, period="month", labels=("a", "b"))
        )
    assert found, (text, written, declared)


@pytest.mark.parametrize("seed", range(20))
def test_well_typed_random_systems__have_no_fault(seed):
    definitions, faults = random_definitions(seed, 40), FaultList()
    Builder(Graph(), faults).add(definitions)
    faults.raise_if_any()


def test_faults__are_all_in_one_error():
    definitions = law()
    for k in range(30):
        definitions = with_variable(definitions, f"x{k}", f"wrong{k}")
    faults = FaultList()
    Builder(Graph(), faults).add(definitions)
    with pytest.raises(InputError, match=r"\.\.\. and 20 more faults \(30 in all\)") as caught:
        faults.raise_if_any()
    assert len(caught.value.faults) == 30
