"""Whole runs of a small country: what changes nothing, what must change something, and what is
refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from coresia import change

from microsim.cli.main import main
from microsim.errors import IdentityViolatedError, InputError
from microsim.population import store
from microsim.results.shards import read_shard, write_shard
from microsim.simulation import run as run_module

NULL = "nothing"
SCENARIOS = ["baseline", "universal_pension", "higher_contributions", "both", NULL]


def command(*arguments: object) -> int:
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    return int(caught.value.code or 0)


def rows_by_key(outcome, scenario: str) -> dict:
    return {
        (r.table, r.row, r.column, r.unit, r.scheme, r.function, r.group): r
        for r in outcome.rows
        if r.scenario == scenario
    }


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


# -- a change that changes nothing -------------------------------------------------------------


def test_null_reform__equals_the_baseline_in_every_cell(reference):
    cells, records = reference.contents.cells, reference.contents.records
    assert list(reference.contents.scenarios) == SCENARIOS
    for array in (
        cells.persons,
        cells.persons_n,
        cells.places,
        records.welfare,
        records.concepts,
        records.instruments,
    ):
        np.testing.assert_array_equal(array[-1], array[0])
    baseline, null = rows_by_key(reference, "baseline"), rows_by_key(reference, NULL)
    outside = {key[0] for key in baseline.keys() ^ null.keys()}
    assert outside <= {"A1", "A2", "A3", "A4", "A5", "T1"}  # what no reform of benefits can move
    assert len(null) > 1000
    for key, row in null.items():
        assert same(row.value, baseline[key].value), key


def test_null_reform__gives_exact_zeros_in_every_difference(reference):
    found = [r for r in reference.rows if r.scenario == f"{NULL}-baseline"]
    assert {"C10", "D1", "D6"} <= {r.table for r in found}
    for row in found:
        changes = row.table == "C10" and not row.column.startswith("difference")
        moves = row.table == "D6" and ("before and after" in row.row)
        if not changes and not moves:
            assert row.value == 0 or (math.isnan(row.value) and row.status != "ok"), row
    real = [r for r in reference.rows if r.scenario == "both-baseline" and r.table == "D6"]
    assert sum(r.value != 0 for r in real) > 20


def test_reforms__move_what_they_are_about(reference):
    pensions = {
        name: sum(r.value for r in rows_by_key(reference, name).values() if r.table == "B4" and r.scheme == "universal_pension" and r.value == r.value)
        for name in SCENARIOS
    }  # fmt: skip
    assert pensions["universal_pension"] > 0
    assert pensions["both"] > 0
    assert pensions["baseline"] == pensions[NULL] == pensions["higher_contributions"] == 0


# -- every parameter moves something -----------------------------------------------------------

SET = {
    "fund.contributing_statuses": "everybody",
    "income_tax.bands": "[[0, 0.0], [240, 0.11], [600, 0.25]]",
    "health.premium": "[[0, 2], [60, 4.5], [120, 6]]",
    "health.care_cost": "[[0, male, 11], [0, female, 12], [60, male, 40], [60, female, 36]]",
    "transfers.everybody": "true",
}


def settings_of(system) -> list[str]:
    """Return a setting of another value for each parameter of a system."""
    made = []
    for name, parameter in system.definitions.parameters.items():
        value = parameter.values[-1].value
        if name in SET:
            made.append(f"{name}={SET[name]}")
        elif parameter.unit in ("years", "count", "months"):
            made.append(f"{name}={value + 1}")
        else:
            made.append(f"{name}={value * 0.9 if value else 0.25}")
    return made


def test_every_parameter__moves_a_result_or_is_warned_of(coresia, reference, tmp_path):
    from microsim.scenario.scenario import load_scenario

    unused = {
        re.search(r"parameter (\S+) is used by no formula", str(w))[1] for w in reference.warnings
    }
    still = set()
    settings = settings_of(load_scenario(coresia.scenario).system)
    assert len(settings) >= 25
    for setting in settings:
        outcome = coresia.run(str(tmp_path / setting.split("=")[0]), settings=(setting,))
        if outcome.digest == reference.digest:
            still.add(setting.split("=")[0])
    assert still == unused
    assert unused == {"income_tax.child_credit"}  # read only by a variable no scheme or tax uses


def test_a_parameter_that_a_reform_adds_for_nothing__is_warned_of(my_coresia):
    change(
        my_coresia.country,
        "reforms/universal_pension.yaml",
        "values: {2020-01-01: 0}}",
        "values: {2020-01-01: 0}}\n      idle: {unit: share, source: nobody, values: {2020-01-01: 0.5}}",
    )
    warnings = [str(one) for one in my_coresia.run("run").warnings]
    assert any(
        re.search(r"universal_pension.yaml:\d+: parameter universal.idle is used by no", w)
        for w in warnings
    )


# -- settings, seeds ---------------------------------------------------------------------------


def amount(outcome, scheme: str, scenario: str = "baseline", item: str = "amount") -> float:
    """Return the yearly amount of the benefits or contributions of a scheme."""
    index = list(outcome.contents.scenarios).index(scenario)
    cells = outcome.contents.cells
    return sum(
        cells.persons[index, m].sum()
        for m, measure in enumerate(cells.measures)
        if measure.scheme == scheme and measure.statistic == item
    )


def test_set__changes_the_baseline_and_reforms_that_do_not_replace(coresia, reference, tmp_path):
    doubled = coresia.run(str(tmp_path / "run"), settings=("transfers.older_persons=40",))
    for name in ("baseline", "higher_contributions", NULL):
        before = amount(reference, "older_persons_transfer", name)
        assert amount(doubled, "older_persons_transfer", name) == pytest.approx(
            2 * before, rel=1e-12
        )
    assert amount(doubled, "older_persons_transfer", "both") == 0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "transfers.older_person=40",
            "unknown parameter 'transfers.older_person'.*Did you mean 'transfers.older_persons'",
        ),
        ("transfers.older_persons", "--set name=value"),
        ("transfers.older_persons=much", "--set transfers.older_persons=much"),
        ("income_tax.bands=3", "--set income_tax.bands=3"),
    ],
)
def test_set__names_what_it_cannot_do(coresia, tmp_path, capsys, setting, message):
    assert (
        command(
            "run",
            coresia.scenario,
            "--population",
            coresia.population,
            "--out",
            tmp_path / "r",
            "--set",
            setting,
        )
        == 2
    )
    assert re.search(message, capsys.readouterr().err, re.DOTALL)
    assert not (tmp_path / "r").exists()


def test_seed__changes_draws_and_nothing_else(coresia, reference, tmp_path):
    other = coresia.run(str(tmp_path / "run"), seed=2)
    assert other.digest != reference.digest
    cells, before = other.contents.cells, reference.contents.cells
    moved = {
        (measure.scheme or measure.item)
        for m, measure in enumerate(cells.measures)
        if not np.array_equal(cells.persons[0, m], before.persons[0, m])
    }
    drawn = {"older_persons_transfer", "social_assistance", "disposable", "gross"}
    drawn |= {"provident_fund"}  # those who pay voluntarily: a propensity
    assert "older_persons_transfer" in moved
    assert "provident_fund" in moved
    for certain in ("child_grant", "health_insurance", "income_tax", "market", "housing_fund"):
        assert certain not in moved
    again = coresia.run(str(tmp_path / "again"), seed=2)
    assert again.digest == other.digest


# -- households that cannot be computed --------------------------------------------------------


def poison(my_coresia) -> None:
    """Let the premium's table of one reform begin at 50: formal employees below have no premium."""
    change(
        my_coresia.country, "reforms/higher_contributions.yaml",
        "{value: [[0, 3], [100, 6]], first_payroll: 2025-06}", "{value: [[50, 3], [100, 6]], first_payroll: 2025-06}",
    )  # fmt: skip


def test_a_household_that_cannot_be_computed__is_named_and_left_out_of_all_scenarios(
    my_coresia, reference, tmp_path
):
    poison(my_coresia)
    outcome = my_coresia.run("run")
    (found,) = outcome.poisoned
    assert (found.variable, found.what) == ("health_premium", "no value in table health.premium")
    assert re.search(r"law/health.yaml:\d+", found.where)
    assert "lookup(health.premium, earnings)" in found.formula
    population = store.read(my_coresia.population)
    earnings, status = population.persons["earnings"], population.persons["employment_status"]
    household = np.repeat(
        np.arange(len(population.households["size"])), population.households["size"].astype(int)
    )
    bad = np.unique(household[(earnings < 50) & np.isin(status, (1, 2))])
    ids = population.households["household_id"][bad]
    assert found.households == len(bad) > 5
    assert list(found.first_ids) == ids[: len(found.first_ids)].tolist()
    assert set(outcome.contents.records.household_id) == set(
        population.households["household_id"]
    ) - set(ids)
    good = ~np.isin(reference.contents.records.household_id, ids)
    for s in (0, 1, 4):  # scenarios that are not changed: those who are left have what they had
        np.testing.assert_array_equal(
            outcome.contents.records.concepts[s], reference.contents.records.concepts[s][good]
        )


def test_households_that_cannot_be_computed__are_printed(my_coresia, capsys):
    poison(my_coresia)
    main_out = my_coresia.folder / "r"
    arguments = (
        "run",
        my_coresia.scenario,
        "--population",
        my_coresia.population,
        "--out",
        main_out,
    )
    assert command(*arguments) == 0
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert re.search(r"health_premium", text)
    assert re.search(r"no value in table health.premium", text)


# -- what fails and what is refused ------------------------------------------------------------


def test_a_violated_identity__fails_the_run(coresia, tmp_path, capsys):
    """A shard whose sums were altered, checksum and all: the accounts do not close any more."""
    name = str(tmp_path / "run")
    coresia.run(name)
    path = coresia.shards(name)[0]
    header, arrays = read_shard(path)
    arrays["hi"] = arrays["hi"].copy()
    arrays["hi"][0, :, 5] += 1_000
    write_shard(path, header, arrays)
    with pytest.raises(IdentityViolatedError, match="I-"):
        coresia.run(name)
    arguments = (
        "run",
        coresia.scenario,
        "--population",
        coresia.population,
        "--out",
        name,
        "--shard-persons",
        500,
    )
    assert command(*arguments) == 1
    assert re.search(r"I-\d\d", capsys.readouterr().err)


def test_a_directory_of_another_question__is_refused(coresia, tmp_path, capsys):
    arguments = (
        "run",
        coresia.scenario,
        "--population",
        coresia.population,
        "--out",
        tmp_path / "r",
    )
    assert command(*arguments, "--seed", 5) == 0
    before = (tmp_path / "r" / "results.h5").read_bytes()
    assert command(*arguments, "--seed", 6) == 2
    assert re.search(
        r"holds the answer to another question; found a difference in seed.*Choose another --out",
        capsys.readouterr().err.replace("\n", " "),
    )
    assert (tmp_path / "r" / "results.h5").read_bytes() == before


def test_a_changed_law__is_another_question(my_coresia, capsys):
    my_coresia.run("run")
    change(
        my_coresia.country,
        "law/transfers.yaml",
        "values: {2019-07-01: 20}",
        "values: {2019-07-01: 21}",
    )
    with pytest.raises(
        InputError, match=r"another question; found a difference in file .*law/transfers\.yaml"
    ):
        my_coresia.run("run")


def test_a_scenario_without_population__says_so(my_coresia, capsys):
    change(
        my_coresia.country,
        "scenario.yaml",
        "population: {country: CRS, households: 1000, seed: 1}\n",
        "",
    )
    assert command("run", my_coresia.scenario, "--out", my_coresia.folder / "r") == 2
    assert re.search(r"scenario.yaml:\d+.*population", capsys.readouterr().err)


def test_an_unknown_country__says_so(my_coresia, capsys):
    assert command("run", my_coresia.scenario, "--out", my_coresia.folder / "r") == 2
    assert re.search("CRS", capsys.readouterr().err)


def test_a_missing_population_file__is_named(coresia, tmp_path, capsys):
    arguments = (
        "run",
        coresia.scenario,
        "--population",
        tmp_path / "none.h5",
        "--out",
        tmp_path / "r",
    )
    assert command(*arguments) == 2
    assert re.search(
        r"population file not found; found .*none\.h5", capsys.readouterr().err.replace("\n", "")
    )


def test_a_missing_input_column__is_named(coresia, tmp_path, capsys):
    population = store.read(coresia.population)
    households = {k: v for k, v in population.households.items() if k != "tenure"}
    extras = tuple(one for one in population.extras if one.name != "tenure")
    store.write(tmp_path / "p.h5", replace(population, households=households, extras=extras))
    arguments = (
        "run",
        coresia.scenario,
        "--population",
        tmp_path / "p.h5",
        "--out",
        tmp_path / "r",
    )
    assert command(*arguments) == 2
    assert re.search(
        r"tax.yaml:\d+: the rules read the input `tenure`, which the population does not have",
        capsys.readouterr().err.replace("\n", " "),
    )


def test_faults_of_the_law__come_all_at_once_with_exit_code_2(my_coresia, capsys):
    change(
        my_coresia.country,
        "law/tax.yaml",
        "formula: housing_levy.rate * earnings",
        "formula: housing_levy.rat * earnings",
    )
    change(
        my_coresia.country,
        "law/transfers.yaml",
        "of(mother, is_formal, false)",
        "of(mothr, is_formal, false)",
    )
    arguments = (
        "run",
        my_coresia.scenario,
        "--population",
        my_coresia.population,
        "--out",
        my_coresia.folder / "r",
    )
    assert command(*arguments) == 2
    printed = capsys.readouterr().err
    assert re.search(r"law/tax.yaml:\d+.*unknown name `housing_levy.rat`", printed)
    assert re.search(r"law/transfers.yaml:\d+.*needs a link first", printed)
    assert "Traceback" not in printed


# -- calibration -------------------------------------------------------------------------------


def test_calibration__meets_the_total_and_shows_before_and_after(my_coresia, reference):
    change(
        my_coresia.country,
        "scenario.yaml",
        "totals: totals.csv\n",
        "totals: totals.csv\ncalibrate:\n  - {parameter: transfers.take_up, scheme: older_persons_transfer, item: recipients}\n",
    )
    entitled = next(c for c in reference.trust if c.scheme == "older_persons_transfer")
    assert entitled.eligible > entitled.simulated > 0
    official = round(0.5 * entitled.eligible)
    change(
        my_coresia.country,
        "totals.csv",
        "older_persons_transfer,recipients,2025,41000",
        f"older_persons_transfer,recipients,2025,{official}",
    )
    outcome = my_coresia.run("run")
    (done,) = outcome.calibrated
    assert (done.parameter, done.value_before, done.official) == (
        "transfers.take_up",
        0.8,
        official,
    )
    assert done.simulated_before == entitled.simulated
    assert 0.3 < done.value_after < 0.7
    assert done.reached
    assert abs(done.simulated_after / official - 1) < 0.05
    after = next(c for c in outcome.trust if c.scheme == "older_persons_transfer")
    assert after.simulated == done.simulated_after
    kept = my_coresia.run("set", settings=("transfers.take_up=0.8",))
    assert kept.calibrated == []
    assert kept.digest != outcome.digest


def test_calibration__out_of_reach_is_reported_not_clipped(my_coresia, reference):
    change(
        my_coresia.country,
        "scenario.yaml",
        "totals: totals.csv\n",
        "totals: totals.csv\ncalibrate:\n  - {parameter: transfers.take_up, scheme: older_persons_transfer, item: recipients}\n",
    )
    outcome = my_coresia.run("run")
    (done,) = outcome.calibrated
    assert done.value_after == 1.0
    assert not done.reached
    comparison = next(c for c in outcome.trust if c.scheme == "older_persons_transfer")
    assert comparison.above_eligible
    assert comparison.simulated == comparison.eligible
    assert comparison.official == 41000


# -- provenance --------------------------------------------------------------------------------


def test_results__name_every_file_read_and_the_seed(coresia, reference):
    from microsim.results.validation import read_verified

    results = read_verified(coresia.folder / "reference")
    assert results.digest == reference.digest
    names = [one["name"] for one in results.provenance["inputs"]]
    for file in (
        "scenario.yaml",
        "baseline.yaml",
        "law/tax.yaml",
        "reforms/nothing.yaml",
        "totals.csv",
        "frame.yaml",
        "coresia.h5",
    ):
        assert any(name.endswith(file) for name in names), file
    assert results.provenance["seed"] == 1


def test_say__reports_each_shard(coresia, tmp_path):
    said: list[str] = []
    run_module.run(coresia.scenario, coresia.options(str(tmp_path / "r")), said.append)
    assert sum(bool(re.match(r"shard \d+ of \d+: [\d,]+ persons", line)) for line in said) == len(
        coresia.shards("reference")
    )
