"""The JSON Schemas describe what the loaders take: every shipped file, and the same keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from small_system import LAW

from microsim.dynamics.lives_blocks import ENTRIES, HISTORY_ENTRIES, keys_of
from microsim.errors import FaultList
from microsim.files import parse
from microsim.policy.vocabulary import KEYS
from microsim.shipped import folder

SCHEMAS = folder("scenarios") / "schemas"
CORESIA = Path(__file__).parent.parent / "data" / "coresia"
OTHERS = ("populations", "united_states")  # recipes and mappings: read by the population, not here
FILES = sorted(
    path
    for path in (*folder("scenarios").rglob("*.yaml"), *CORESIA.rglob("*.yaml"))
    if not set(OTHERS) & set(path.parts)
)


def schema(name):
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validators():
    registry = Registry().with_resources(
        (path.name, Resource.from_contents(json.loads(path.read_text(encoding="utf-8"))))
        for path in SCHEMAS.glob("*.json")
    )
    return {
        path.stem: Draft202012Validator(schema(path.stem), registry=registry)
        for path in SCHEMAS.glob("*.json")
    }


def plain(node):
    """Return a node as the values a JSON Schema speaks of."""
    if node.kind == "mapping":
        return {key.text: plain(value) for key, value in node.entries}
    if node.kind == "list":
        return [plain(value) for value in node.elements]
    for value in (node.as_integer(), node.as_number(), node.as_boolean()):
        if value is not None:
            return value
    return node.as_text()


def read(text):
    faults = FaultList()
    node = parse(text, "x.yaml", faults)
    faults.raise_if_any()
    return plain(node)


def kind_of(content):
    for key, kind in (
        ("scenario", "scenario"),
        ("reform", "reform"),
        ("frame", "frame"),
        ("cases", "cases"),
        ("members", "household"),
        ("system", "system"),
        ("lives", "lives"),
    ):
        if key in content and not (kind == "frame" and isinstance(content[key], str)):
            return kind
    return "law"


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_schemas__take_every_shipped_file(validators, path):
    content = read(path.read_text(encoding="utf-8"))
    errors = list(validators[kind_of(content)].iter_errors(content))
    assert not errors, [f"{list(one.absolute_path)}: {one.message[:200]}" for one in errors]


def test_schemas__are_schemas(validators):
    for validator in validators.values():
        Draft202012Validator.check_schema(validator.schema)


def test_schemas__know_the_keys_the_loaders_know():
    law = schema("law")
    defs = law["$defs"]
    found = {name: defs[name.replace(" ", "_")]["properties"] for name in (
        "parameter", "dated value", "after_last", "table key", "variable", "fixed_point", "input",
        "unit", "scheme", "contribution", "benefit", "administration", "given", "financing", "tax",
        "fund",
    )}  # fmt: skip
    found["case"] = {key: 0 for one in defs["case"]["anyOf"] for key in one["properties"]}
    found["law"] = law["properties"]
    found["system"] = schema("system")["properties"]
    found["incomes"] = found["system"]["incomes"]["properties"]
    found["welfare"] = found["system"]["welfare"]["properties"]
    found["reform"] = schema("reform")["properties"]
    found["phase_in"] = found["reform"]["phase_in"]["additionalProperties"]["properties"]
    found["add"] = found["reform"]["add"]["properties"]
    found["frame"] = schema("frame")["properties"]
    found["series"] = schema("frame")["$defs"]["series"]["properties"]
    found["series after_last"] = schema("frame")["$defs"]["series"]["properties"]["after_last"][
        "properties"
    ]
    found["lives"] = schema("lives")["properties"]
    found["sensitivity"] = found["lives"]["sensitivity"]["additionalProperties"]["properties"]
    found["scenario"] = schema("scenario")["properties"]
    found["tables"] = found["scenario"]["tables"]["properties"]
    found["alignment"] = found["scenario"]["alignment"]["properties"]
    found["ageing"] = found["scenario"]["ageing"]["anyOf"][1]["properties"]
    found["population"] = {
        key: 0 for one in found["scenario"]["population"]["anyOf"] for key in one["properties"]
    }
    found["calibrate"] = schema("scenario")["$defs"]["calibrate"]["properties"]
    found["cases"] = schema("cases")["properties"]
    found["household case"] = schema("household")["properties"]
    found["vary"] = found["household case"]["vary"]["properties"]
    assert {name: set(keys) for name, keys in found.items()} == {
        name: set(keys) for name, keys in KEYS.items()
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pillar:", "piller:"),
        ("unit: years, source: Act, values", "unit: yeers, source: Act, values"),
        ("2024-03-15", "2024-3-15"),
        ("function: OLD", "function: AGE"),
        ("payer: employees", "payer: workers"),
        ("means_tested: true", "means_tested: yes"),
        ("general_revenue: 0.5", "general_revenue: 1.5"),
        (", formula: 0", ""),
        ("origin: households", "origin: persons"),
        ("kind: schedule", "kind: scale"),
    ],
)
def test_schemas__refuse_what_the_loader_refuses(validators, old, new):
    assert validators["law"].is_valid(read(LAW))
    assert LAW.count(old) == 1
    assert not validators["law"].is_valid(read(LAW.replace(old, new)))


def test_schemas__know_the_blocks_of_lives():
    lives = schema("lives")["properties"]
    blocks = {
        name: set(one["properties"]) for name, one in lives["processes"]["properties"].items()
    }
    assert blocks == {name: set(keys_of(name)) for name in ENTRIES}
    history = lives["histories"]["properties"]["formal_work"]["properties"]
    assert set(history) == {"basis", "source", *HISTORY_ENTRIES}
