"""The sdist holds what the list allows, the wheel holds every file and works without a checkout."""

from __future__ import annotations

import ast
import email
import json
import os
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import microsim

CHECKOUT = Path(__file__).resolve().parents[2]
DATA_FOLDERS = ("scenarios", "cluster", "results_schema")
TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "PKG-INFO", "README.md",
    "benchmarks", "cluster", "docs", "microsim", "pyproject.toml", "results_schema", "scenarios",
    "tests",
}  # fmt: skip
MADE = {"__pycache__", ".ipynb_checkpoints"}


def files_of(folder: Path) -> set[str]:
    """Return the files below a folder, without what running makes."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not MADE & set(path.parts)
    }


def settings() -> dict:
    """Return pyproject.toml."""
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


def run(code: str, site: Path, folder: Path) -> str:
    """Run Python code outside the checkout, with the packages of `site` before all others."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sdist__holds_what_the_list_allows(sdist):
    assert {path.name for path in sdist.iterdir()} <= TOP_LEVEL
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"):
        assert (sdist / name).stat().st_size > 0, name


def test_sdist__holds_nothing_that_running_makes(sdist):
    unwanted = re.compile(r"__pycache__|\.pyc$|\.nb[ci]$|\.hypothesis|_cache/|^runs/|\.benchmarks")
    names = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*")}
    assert not [name for name in names if unwanted.search(name)]


@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_wheel__holds_every_file_of_a_data_folder(wheel, name):
    shipped = files_of(wheel / "microsim" / "_shipped" / name)
    assert shipped == files_of(CHECKOUT / name)
    assert "README.md" in shipped


def test_wheel__holds_the_package_and_its_data(wheel):
    found = {name for name in files_of(wheel / "microsim") if not name.startswith("_shipped/")}
    assert found == files_of(CHECKOUT / "microsim")
    assert {"population/data/open_data.npz", "report/page.html.j2", "py.typed"} <= found


def test_wheel__is_one_import_package_with_its_licence(wheel):
    (information,) = wheel.glob("*.dist-info")
    assert {path.name for path in wheel.iterdir()} == {"microsim", information.name}
    text = (information / "licenses" / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    metadata = email.message_from_string((information / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Name"] == "microsim-social"
    assert metadata["Version"] == microsim.__version__
    assert metadata["License-Expression"] == "Apache-2.0"


def test_data_folders__hold_no_code(wheel):
    for place in (CHECKOUT, wheel / "microsim" / "_shipped"):
        for name in DATA_FOLDERS:
            assert not list((place / name).rglob("*.py")), place / name


def test_wheel__finds_its_scenarios_without_a_checkout(wheel, tmp_path):
    code = (
        "import json, microsim\n"
        "from microsim.scenario.scenario import load_scenario\n"
        "from microsim.shipped import scenario_file\n"
        "file = scenario_file('kenya/floor.yaml')\n"
        "print(json.dumps([microsim.__file__, str(file), list(load_scenario(file).reforms)]))\n"
    )
    package, file, reforms = json.loads(run(code, wheel, tmp_path))
    assert Path(package).is_relative_to(wheel)
    assert Path(file).is_relative_to(wheel)
    assert "universal_pension" in reforms


def test_import__takes_less_than_0_3_seconds(wheel, tmp_path):
    code = (
        "import time; began = time.perf_counter(); import microsim; "
        "print(time.perf_counter() - began)"
    )
    seconds = [float(run(code, wheel, tmp_path)) for _ in range(5)]
    assert statistics.median(seconds) < 0.3


def test_command_line__loads_no_reader_of_surveys_or_workbooks(tmp_path):
    code = (
        "import sys\n"
        "from microsim.cli.main import build\n"
        "build()\n"
        "heavy = {'pandas', 'pyarrow', 'pyreadstat', 'openpyxl', 'xlsxwriter', 'polars'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    assert run(code, CHECKOUT, tmp_path) == "[]"


def imports_of(path: Path) -> tuple[set[str], set[str]]:
    """Return the packages a module imports when loaded, and those it imports late."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # What stands under `if TYPE_CHECKING` is never imported.
    quiet = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    at_once: set[str] = set()
    late: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in quiet:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        tops = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"microsim"}
        (at_once if node in tree.body else late).update(tops)
    return at_once, late


def distributions(requirements: list[str]) -> set[str]:
    """Return the import names of requirements."""
    names = {re.split(r"[<>=!~\[ ;]", one)[0] for one in requirements}
    return {{"ruamel.yaml": "ruamel"}.get(name, name.replace("-", "_")) for name in names}


def test_dependencies__are_declared():
    project = settings()["project"]
    core = distributions(project["dependencies"]) | {"llvmlite"}  # numba's own compiler
    extras = core | distributions(
        [one for requirements in project["optional-dependencies"].values() for one in requirements]
    )
    for path in sorted((CHECKOUT / "microsim").rglob("*.py")):
        at_once, late = imports_of(path)
        # What loads late may load its package at its own top: readers, what Dask's workers load.
        assert at_once | late <= extras, (path, (at_once | late) - extras)
        if not path.name.startswith(("build_", "readers", "dask_serving")):
            assert at_once <= core, (path, at_once - core)
