"""Every number of a parameter file moves something in the population made from it."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microsim.population.content import Population
from microsim.population.synthesis.assemble import synthesise
from microsim.population.synthesis.blocks import BLOCKS
from microsim.population.synthesis.parameters import load

HOUSEHOLDS = 400


def entries(country: str) -> Iterator[tuple[str, str, str]]:
    blocks = load(country).blocks
    for name in sorted(blocks):
        for key in BLOCKS[name]:
            if name != "labour.youth_unemployment_factor":
                yield country, name, key


def changed(value: Any) -> Any:
    """Return an entry with its numbers moved, still valid."""
    if isinstance(value, dict):
        return {str(key): changed(entry) for key, entry in value.items()}
    if isinstance(value, list) and isinstance(value[0], list):
        first, *rest = value
        middle = [[row[0], *(entry * 0.7 + 0.05 for entry in row[1:])] for row in rest]
        return [first, *middle]
    if isinstance(value, list):
        persons, urban, shift = value
        return [persons, None if urban is None else urban * 0.8, shift + 0.4]
    return value * 0.5 + (0.0 if value > 0.5 else 0.3)


@cache
def baseline(country: str) -> Population:
    return synthesise(country, households=HOUSEHOLDS, seed=1)


PARAMETERS = [
    *entries("BRA"),
    *entries("KEN"),
    ("HTI", "labour.youth_unemployment_factor", "factor"),  # Haiti has no youth unemployment rate
]


@pytest.mark.parametrize(("country", "block", "key"), PARAMETERS)
def test_parameter__moves_something(tmp_path: Path, country: str, block: str, key: str) -> None:
    entry = copy.deepcopy(load(country).blocks[block])
    entry[key] = changed(entry[key])
    if block == "regions":
        entry[key]["Mombasa"][0] *= 3
    by_year = {k: {str(y): x for y, x in v.items()} if isinstance(v, dict) and k == "values" else v
               for k, v in entry.items()}  # fmt: skip
    section, _, name = block.partition(".")
    file = tmp_path / "changed.yaml"
    text = json.dumps({section: {name: by_year} if name else by_year})
    # JSON quotes the years; in YAML they must be plain numbers.
    for year in range(2000, 2030):
        text = text.replace(f'"{year}"', str(year))
    file.write_text(text)
    before, after = baseline(country), synthesise(country, HOUSEHOLDS, 1, data=file)
    same = all(
        np.array_equal(getattr(before, table)[column], getattr(after, table)[column])
        for table in ("persons", "households")
        for column in getattr(before, table)
    )
    assert not same
