"""The JSON Schemas of mappings and of known totals accept and refuse what their readers do."""

import json
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from small_survey import MAPPING

from microsim.shipped import folder


def schema(name: str) -> dict[str, Any]:
    path = folder("scenarios") / "schemas" / name
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def plain(text: str) -> Any:
    """Return YAML as JSON sees it: keys are texts, as in an editor that validates YAML."""
    return json.loads(json.dumps(YAML(typ="safe").load(text)))


def shipped(name: str) -> str:
    return (folder("scenarios") / "united_states" / name).read_text(encoding="utf-8")


def test_schemas__accept_what_ships() -> None:
    jsonschema.validate(plain(shipped("cps.yaml")), schema("mapping.json"))
    jsonschema.validate(plain(shipped("targets_2014.yaml")), schema("targets.json"))
    jsonschema.validate(plain(MAPPING), schema("mapping.json"))
    blocks = shipped("README.md").split("```yaml\n")[1:]
    jsonschema.validate(plain(blocks[0].split("```")[0]), schema("mapping.json"))
    jsonschema.validate(plain(blocks[1].split("```")[0]), schema("targets.json"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rows: persons", "rows: person"),
        ("age: {column: edad}", "age: {colum: edad}"),
        ("age: {column: edad}", "agee: {column: edad}"),
        ("weight: {column: peso}", "weight: {column: peso, sero: drop}"),
        ("head: {column: jefe, is: 1}", "head: {column: jefe}"),
        ("year: 2024", "year: soon"),
        ("psu: upm", "psu: upm\nextras: {}"),
        ("treatment: value, value: 0, ", "treatment: guess, "),
    ],
)
def test_schema__refuses_what_the_reader_refuses(old: str, new: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=r"\S"):
        jsonschema.validate(plain(MAPPING.replace(old, new)), schema("mapping.json"))
