"""The JSON Schema of population parameters accepts what ships and is what the code declares."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from microsim.errors import FaultList
from microsim.files import parse
from microsim.population.synthesis.blocks import read_blocks
from microsim.population.synthesis.schema import schema
from microsim.shipped import folder

HOME = folder("scenarios") / "populations"
FILES = sorted(HOME.glob("*.yaml"))


def plain(text: str) -> Any:
    """Return YAML as JSON sees it: keys are texts, as in an editor that validates YAML."""
    return json.loads(json.dumps(YAML(typ="safe").load(text)))


def test_schema__on_disk_is_what_the_code_declares() -> None:
    path = folder("scenarios") / "schemas" / "population.json"
    assert json.loads(path.read_text(encoding="utf-8")) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_schema__accepts_what_ships(path: Path) -> None:
    jsonschema.validate(plain(path.read_text(encoding="utf-8")), schema())


def test_schema__accepts_the_example_of_the_readme() -> None:
    example = (HOME / "README.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    numbers = str(list(range(21)))
    jsonschema.validate(plain(example.replace("[21 numbers]", numbers)), schema())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("basis: data", "basis: guess"),
        ("female_heads:", "female_head:"),
        ("share: 0.339", "share: 33.9"),
        ("growth: 0.024", "grow: 0.024"),
        ("Mombasa: [1208333, 1.0, 0.15]", "Mombasa: [1208333, 1.0]"),
        ("values: {2022: 3015500", "values: {next: 3015500"),
        ("regions:", "counties:"),
    ],
)
def test_schema_and_reader__refuse_the_same(old: str, new: str) -> None:
    text = (HOME / "KEN.yaml").read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    with pytest.raises(jsonschema.ValidationError, match=r"\S"):
        jsonschema.validate(plain(broken), schema())
    faults = FaultList()
    top = parse(broken, "KEN.yaml", faults)
    assert top is not None
    read_blocks(top, faults)
    assert faults.faults
    assert all(fault.where.startswith("KEN.yaml:") for fault in faults.faults)
