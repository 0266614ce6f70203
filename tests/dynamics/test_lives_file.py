"""Lives files: the shipped ones, inheritance, joining the law, and every fault with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from microsim.dynamics.lives_blocks import ALIGNED, ENTRIES, OPTIONAL
from microsim.dynamics.lives_file import LivesSpec, load_lives
from microsim.dynamics.tables import METHODS, PROCESSES
from microsim.errors import InputError
from microsim.policy.loading import load_system
from microsim.policy.reforms import apply, load_reform
from microsim.policy.system import System
from microsim.shipped import folder
from microsim.simulation.checking import check_path

GENERIC = folder("scenarios") / "lives" / "generic.yaml"
FACTORS = {
    "life_mortality", "life_fertility", "life_union", "life_dissolution", "life_emigration",
    "life_disability", "life_formal", "life_retires",
}  # fmt: skip


def write(tmp_path: Path, text: str, name: str = "lives.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def any_country() -> System:
    return load_system(folder("scenarios") / "any_country" / "baseline.yaml")


def faults_of(path: Path, system: System | None = None) -> str:
    with pytest.raises(InputError, match=r"\w") as caught:
        spec = load_lives(path)
        spec.apply(system or any_country())
    return "\n".join(str(one) for one in caught.value.faults).replace(str(path.parent), "")


def test_generic__is_complete_and_declares_the_variables_of_behaviour() -> None:
    spec = load_lives(GENERIC)
    assert set(spec.processes) == set(ENTRIES) - set(OPTIONAL)
    assert set(spec.variables) == FACTORS
    assert set(spec.behaviour.values()) == FACTORS
    assert set(spec.behaviour) <= set(PROCESSES) | {"retirement"}
    assert set(spec.alignment) == {*ALIGNED.values(), "recovery"}
    assert spec.alignment["labour"] == "sbdl"
    assert set(spec.alignment.values()) <= set(METHODS)
    assert spec.normalised == ()
    assert all(one.source for one in spec.processes.values())


@pytest.mark.parametrize("country", ["any_country", "kenya"])
def test_generic__joins_the_law_of_every_country(country: str) -> None:
    system = load_system(folder("scenarios") / country / "baseline.yaml")
    joined = load_lives(GENERIC).apply(system)
    added = set(joined.definitions.variables) - set(system.definitions.variables)
    assert added == FACTORS
    assert "life.mortality_factor" in joined.definitions.parameters
    assert [file.name for file in joined.files][-1].endswith("lives/generic.yaml")


def test_generic__can_be_moved_by_a_reform(tmp_path: Path) -> None:
    system = load_lives(GENERIC).apply(any_country())
    text = "reform: r\nsource: test\nreplace: {life.mortality_factor: {2030-01-01: 0.9}}\n"
    reform = load_reform(write(tmp_path, text, "reform.yaml"), system)
    values = apply(system, reform).definitions.parameters["life.mortality_factor"].values
    assert [one.value for one in values] == [1.0, 0.9]


def test_check__takes_a_lives_file_and_knows_that_lives_read_parameters() -> None:
    report = check_path(GENERIC)
    assert report.lines == [f"{GENERIC}: 12 processes, 17 parameters, 8 variables"]
    kenya = check_path(folder("scenarios") / "kenya" / "pension_2060.yaml")
    assert not kenya.faults
    assert not [one for one in kenya.warnings if "life." in str(one) or "economy." in str(one)]


def test_kenya__replaces_blocks_and_keeps_the_rest() -> None:
    spec = load_lives(folder("scenarios") / "kenya" / "lives.yaml")
    assert spec.processes["unions"].number("polygamy") == 0.045
    assert spec.processes["labour"].text("formal_jobs") == "life.formal_jobs_growth"
    assert spec.processes["mortality"].table == "open data"
    assert spec.parameters["economy.inflation"].values[0].value == 0.05
    assert spec.sensitivity["economy.inflation"] == (0.03, 0.08)
    assert spec.sensitivity["mortality"] == (0.9, 1.1)
    assert "life.formal_jobs_growth" in spec.table_parameters
    assert "retirement.age" in spec.table_parameters
    assert [file.name for file in spec.files] == ["kenya/lives.yaml", "lives/generic.yaml"]
    assert "retirement.age" in spec.variables["life_retires"].formula


def test_like__generic_works_from_any_folder(tmp_path: Path) -> None:
    spec = load_lives(write(tmp_path, "lives: mine\nlike: generic\n"))
    assert spec.name == "mine"
    assert set(spec.processes) == set(ENTRIES) - set(OPTIONAL)


@pytest.mark.parametrize("word", ["genric", "generic.yaml"])
def test_like__a_file_that_is_missing_may_mean_generic(tmp_path: Path, word: str) -> None:
    (said,) = faults_of(write(tmp_path, f"lives: mine\nlike: {word}\n")).splitlines()
    assert said.endswith("found no such file or directory; expected a file. "
                         "Did you mean 'generic'?")  # fmt: skip


def test_like__a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(
        tmp_path,
        "lives: first\nlike: generic\nsensitivity: {mortality: {low: 0, high: 9}}\n",
        "a/b.yaml",
    )
    spec = load_lives(write(tmp_path, "lives: second\nlike: b.yaml\n", "a/c.yaml"))
    assert spec.sensitivity["mortality"] == (0.0, 9.0)
    assert len(spec.like) == 2


def test_like__in_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "lives: first\nlike: c.yaml\n", "b.yaml")
    path = write(tmp_path, "lives: second\nlike: b.yaml\n", "c.yaml")
    assert "/b.yaml:2: a lives file that is like itself; found c.yaml" in faults_of(path)


def test_processes_left_out__are_named(tmp_path: Path) -> None:
    text = faults_of(write(tmp_path, "lives: mine\n"))
    for name in ENTRIES:
        assert (f"the process '{name}' is missing" in text) == (name not in OPTIONAL)
    assert "histories.formal_work is missing" in text


PROCESS = (
    "lives: mine\nlike: generic\nprocesses:\n  {name}:\n    basis: data\n    source: x\n{rest}"
)


@pytest.mark.parametrize(
    ("name", "rest", "fault"),
    [
        (
            "mortality",
            "    tabel: open data\n",
            "/lives.yaml:7: unknown key 'tabel' in process mortality",
        ),
        (
            "mortality",
            "    table: open dat\n",
            "/lives.yaml:7: 'table' of process mortality; found open dat",
        ),
        ("mortality", "    table: balance\n", "expected open data, or a CSV file"),
        ("mortality", "", "process mortality has no 'table'"),
        ("mortality", "    table: death.csv\n", "process mortality has no 'newborns'"),
        (
            "mortality",
            "    table: open data\n    newborns: n.csv\n",
            "it belongs to a table from a file",
        ),
        (
            "mortality",
            "    table: open data\n    align: guess\n",
            "/lives.yaml:8: 'align' of process mortality; found guess; expected one of none, "
            "multiplicative, logit, sbp, sbd, sbdl",
        ),
        (
            "labour",
            "    table: population\n    align: logit\n",
            "'align' of process labour; found logit; expected one of none, sbp, sbd, sbdl",
        ),
        (
            "unions",
            "    table: population\n    polygamy: 0\n    align: logit\n",
            "'align' of process unions; found logit; expected one of none, multiplicative, sbp",
        ),
        ("mortality", "    table: ../../../x.csv\n", "the path leaves the folder tree"),
        (
            "fertility",
            "    table: open data\n    parity: [1, 2]\n    unpartnered: 1\n",
            "'parity' of process fertility",
        ),
        (
            "fertility",
            "    table: open data\n    unpartnered: -1\n",
            "'unpartnered' of process fertility",
        ),
        (
            "unions",
            "    table: population\n    polygamy: 2\n",
            "'polygamy' of process unions; found 2; expected a share",
        ),
        ("dissolution", "    rows: [[20, 0.1], [10, 0.2]]\n", "rows of rising age"),
        ("dissolution", "    rows: [[20, 1.1]]\n", "shares from 0 to 1 after the age"),
        ("dissolution", "    rows: [[20, 0.1, 0.1]]\n", "a list of 2 numbers"),
        ("elders", "    rows: 3\n", "'rows' of process elders"),
        (
            "moves",
            "    affinity: []\n    leave: {unemployed: 0.5}\n",
            "every status; missing: formal public employee",
        ),
        (
            "moves",
            "    affinity: []\n    leave: {jobless: 0.5}\n",
            "unknown employment status; found jobless",
        ),
        (
            "moves",
            "    affinity: []\n    leave: {unemployed: 1.5}\n",
            "'leave' of process moves; found 1.5",
        ),
        (
            "moves",
            "    leave: {}\n    affinity: [[student, retired, -1]]\n",
            "[from status, to status, weight of 0 or more]",
        ),
        (
            "moves",
            "    affinity: [[student, retired, 1], [student, retired, 1]]\n",
            "each move once",
        ),
        (
            "labour",
            "    table: population\n    formal_share: a\n    formal_jobs: b\n",
            "formal_share and formal_jobs; expected one of the two",
        ),
        ("transitions", "", "process transitions; found nothing; expected one of table, probabili"),
        (
            "transitions",
            "    table: population\n",
            "'table' of process transitions; found population; expected a CSV file",
        ),
        (
            "transitions",
            "    table: t.csv\n    towards: u.csv\n",
            "/lives.yaml:5: process transitions; found only one of towards and share",
        ),
        (
            "transitions",
            "    table: t.csv\n    ages: 10-64\n",
            "'ages' of process transitions; found 10-64; expected ages from 15 to 120",
        ),
        ("transitions", "    table: t.csv\n    ages: 64-20\n", "found 64-20"),
        ("transitions", "    table: t.csv\n    ages: all\n", "found all"),
        (
            "transitions",
            "    probability: {}\n",
            "/lives.yaml:7: 'probability' of process transitions; found an empty mapping; expected "
            "variables by employment status",
        ),
        (
            "transitions",
            "    logit: {}\n    base: unemployed\n",
            "/lives.yaml:7: 'logit' of process transitions; found an empty mapping",
        ),
        (
            "transitions",
            "    probability:\n",
            "/lives.yaml:5: process transitions; found nothing; expected one of table",
        ),
        ("transitions", "    table: t.csv\n    align: none\n", "unknown key 'align' in process"),
        ("earnings", "    permanent_share: 0.5\n", "process earnings has no 'persistence'"),
        ("retirement", "    factor: life_retires\n", "unknown key 'factor' in process retirement"),
    ],
)
def test_faults_of_a_block__are_named_with_their_line(
    tmp_path: Path, name: str, rest: str, fault: str
) -> None:
    found = faults_of(write(tmp_path, PROCESS.format(name=name, rest=rest)))
    assert fault in found


def test_labour_with_transitions__has_methods_of_its_own(tmp_path: Path) -> None:
    block = "  {name}:\n    basis: data\n    source: x\n"
    text = "lives: mine\nlike: generic\nprocesses:\n"
    text += block.format(name="labour") + "    table: population\n    align: sbd\n"
    text += block.format(name="transitions") + "    table: t.csv\n"
    found = faults_of(write(tmp_path, text))
    assert "/lives.yaml:8: 'align' of process labour, whose statuses have transitions" in found
    assert "found sbd; expected one of none, sbdl" in found


def test_basis_and_source__are_needed(tmp_path: Path) -> None:
    text = "lives: mine\nlike: generic\nprocesses: {mortality: {table: open data, basis: guess}}\n"
    found = faults_of(write(tmp_path, text))
    assert "'basis' of process mortality; found guess; expected one of data, assumption" in found
    assert "process mortality has no 'source'" in found


def test_blocks_of_transitions_in_the_readme__are_right(tmp_path: Path) -> None:
    text = GENERIC.with_name("README.md").read_text(encoding="utf-8")
    blocks = [one for one in re.findall(r"```yaml\n(.*?)```", text, re.S) if "transitions:" in one]
    assert len(blocks) == 2
    for k, block in enumerate(blocks):
        spec = load_lives(write(tmp_path, f"lives: mine\nlike: generic\n{block}", f"{k}.yaml"))
        spec.apply(any_country())
        formulas = {key for key in spec.behaviour if key.startswith("transition to ")}
        assert len(formulas) == 2 * k


BLOCK = "{{basis: data, source: x, table: open data, {entry}}}"


@pytest.mark.parametrize(
    ("variables", "entry", "fault"),
    [
        ("", "factor: life_mortalty", "'factor' of process mortality; found life_mortalty"),
        ("", "factor: life_mortalty", "Did you mean 'life_mortality'?"),
        ("", "factor: contributes", "found contributes of person, boolean, by month"),
        (
            "  v: {of: person, unit: number, formula: 1}\n",
            "relative: v",
            "found v of person, number, by month",
        ),
        (
            "  v: {of: household, unit: number, period: year, formula: 1}\n",
            "factor: v",
            "found v of household",
        ),
        (
            "  v: {of: person, unit: years, period: year, formula: age}\n",
            "factor: v",
            "found v of person, years",
        ),
    ],
)
def test_variables_a_block_names__are_checked(
    tmp_path: Path, variables: str, entry: str, fault: str
) -> None:
    text = "lives: mine\nlike: generic\n" + ("variables:\n" + variables if variables else "")
    text += "processes:\n  mortality: " + BLOCK.format(entry=entry) + "\n"
    assert fault in faults_of(write(tmp_path, text))


def test_parameters_a_block_names__are_checked(tmp_path: Path) -> None:
    text = (
        "lives: mine\nlike: generic\nprocesses:\n  labour: {basis: data, source: x, "
        "table: population, unemployment: life.unemploymnt_change, retirement_age: "
        "life.formal_change}\n"
    )
    found = faults_of(write(tmp_path, text))
    assert "'unemployment' of process labour; found life.unemploymnt_change" in found
    assert "'retirement_age' of process labour; found life.formal_change: scalar, share" in found


def test_a_name_that_the_law_declares_too__is_refused(tmp_path: Path) -> None:
    text = (
        "lives: mine\nlike: generic\nparameters:\n  retirement:\n    age: {unit: years, "
        "source: x, values: {2000-01-01: 60}}\nvariables:\n  contributes: {of: person, "
        "unit: boolean, formula: true}\n"
    )
    found = faults_of(write(tmp_path, text))
    assert "parameter 'retirement.age' of the lives file is declared by the system too" in found
    assert "variable 'contributes' of the lives file is declared by the system too" in found
    assert "also at " in found


def test_sensitivity__names_what_exists_in_order(tmp_path: Path) -> None:
    text = "lives: mine\nlike: generic\nsensitivity: {mortalty: {low: 1, high: 2}}\n"
    assert "unknown parameter or process 'mortalty'" in faults_of(write(tmp_path, text))
    text = "lives: mine\nlike: generic\nsensitivity: {mortality: {low: 3, high: 2}}\n"
    assert "expected low at most high" in faults_of(write(tmp_path, text))


def test_another_kind_of_file__is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "frame: {}\n")
    assert "the file is of another kind; found a frame file" in faults_of(path)


def test_relative_factors__are_named_as_normalised(tmp_path: Path) -> None:
    text = (
        "lives: mine\nlike: generic\nvariables:\n  risk: {of: person, unit: number, "
        "period: year, formula: 2 if severe_disability else 1}\nprocesses:\n  mortality: "
        + BLOCK.format(entry="relative: risk, factor: life_mortality")
        + "\n"
    )
    spec: LivesSpec = load_lives(write(tmp_path, text))
    assert spec.normalised == ("mortality",)
    assert spec.behaviour["mortality_relative"] == "risk"
    spec.apply(any_country())
