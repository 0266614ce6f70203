"""The project holds to its own rules: imports one way, no code in data, nothing of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from microsim.errors import InputError
from microsim.kernels.jit import OPTIONS
from microsim.shipped import folder, scenario_file
from microsim.simulation.checking import check_path

CHECKOUT = Path(__file__).resolve().parents[2]
MADE = {
    ".git", ".venv", "__pycache__", "dist", "build", "runs", ".hypothesis", ".benchmarks",
    ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache", ".asv",
}  # fmt: skip
TEXT = {".py", ".md", ".yaml", ".json", ".toml", ".csv", ".j2", ".svg", ".sh", ""}
FILES = sorted(
    path
    for path in CHECKOUT.rglob("*")
    if path.suffix in TEXT
    and path.is_file()
    and not MADE & set(path.relative_to(CHECKOUT).parts)
    and not path.is_relative_to(CHECKOUT / "_shipped")
)
MODULES = [
    path for path in FILES if path.is_relative_to(CHECKOUT / "microsim") and path.suffix == ".py"
]

# Spelled in parts, so that this file does not hold what it looks for.
HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "debian" + ".org",
    "ana" + "conda.org",
]
PLACES = ["/" + "work/", "/" + "root/", "/" + "home/"]


def test_import_contracts__are_kept():
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", done.stdout)


@pytest.mark.parametrize(
    "words", [HOSTS, PLACES], ids=["hosts of registries", "places of a machine"]
)
def test_files__name_nothing_of_one_machine(words):
    pattern = re.compile("|".join(re.escape(word) for word in words))
    found = [
        f"{path.relative_to(CHECKOUT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def calls_of(path: Path) -> set[str]:
    """Return what a module calls by a dotted name, and the modules it imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


FORBIDDEN = re.compile(
    r"(eval|exec|compile|__import__|pickle.*|marshal.*|shelve.*|os\.system|yaml\.load"
    r"|(np|numpy)\.random\.(?!default_rng$).*|random(\..*)?)"
)


def test_modules__execute_no_data_and_draw_from_no_global_state():
    found = [
        f"{path.relative_to(CHECKOUT)}: {name}"
        for path in MODULES
        for name in sorted(calls_of(path))
        if FORBIDDEN.fullmatch(name)
    ]
    assert found == []


def test_fastmath__is_named_only_where_it_is_turned_off():
    passed_on = '"fastmath": OPTIONS["fastmath"]'
    found = [
        path.name
        for path in MODULES
        if "fastmath" in path.read_text(encoding="utf-8").replace(passed_on, "")
    ]
    assert found == ["jit.py"]
    assert OPTIONS["fastmath"] is False


def test_numba__is_set_up_in_one_place():
    found = [
        path.name for path in MODULES if re.search(r"\bn?jit\(", path.read_text(encoding="utf-8"))
    ]
    assert found == ["jit.py"]


def test_modules__say_what_they_are():
    silent = [
        path
        for path in MODULES
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


@pytest.mark.parametrize(
    "country", sorted(path.parent.name for path in folder("scenarios").glob("*/baseline.yaml"))
)
def test_shipped_countries__pass_their_own_check(country):
    report = check_path(folder("scenarios") / country)
    assert report.faults == []
    assert report.checks
    assert all(one.holds for one in report.checks)


def test_data_folders__say_what_they_hold():
    for place in ("scenarios", "cluster", "results_schema"):
        assert (folder(place) / "README.md").stat().st_size > 200
    systems = [path for path in folder("scenarios").iterdir() if path.is_dir()]
    for place in systems:
        assert (place / "README.md").is_file(), place
    assert (CHECKOUT / "microsim" / "population" / "data" / "README.md").is_file()


def test_scenario_file__prefers_the_users_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = folder("scenarios") / "kenya" / "floor.yaml"
    assert scenario_file("kenya/floor.yaml") == shipped
    assert scenario_file("scenarios/kenya/floor.yaml") == shipped
    (tmp_path / "kenya").mkdir()
    (tmp_path / "kenya" / "floor.yaml").write_text("scenario: mine\n")
    assert scenario_file("kenya/floor.yaml") == Path("kenya/floor.yaml")


@pytest.mark.parametrize("path", ["kenya/flor.yaml", "../kenya/floor.yaml", "/kenya/floor.yaml"])
def test_scenario_file__names_what_ships(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no such file.*found|no such file.*kenya/floor\.yaml"):
        scenario_file(path)
