"""Hypothetical households and explanations: one family by hand, its marginal rates, draws and every number behind."""

from __future__ import annotations

import re

import numpy as np
import pytest
from coresia import copy_country

from microsim.errors import InputError
from microsim.scenario.cases import load_cases
from microsim.simulation.explain import as_json, as_text
from microsim.simulation.explaining import explain_case, explain_run
from microsim.simulation.household import check_case, evaluate, marginal_rates

CASE = """\
name: a worker
source: worked by hand
date: 2025-09
system: ../baseline.yaml
frame: ../frame.yaml
household: {urban: true, tenure: tenant, rent: 4}
members:
  - {name: Amina, age: 34, sex: female, employment_status: formal private employee, earnings: 500}
  - {name: Chiku, age: 72, sex: female}
"""


@pytest.fixture
def write(tmp_path):
    """Write a household file beside the law of Coresia; return its path."""
    country = copy_country(tmp_path).parent

    def written(more: str = "", old: str = "", new: str = ""):
        path = country / "cases" / "mine.yaml"
        path.write_text((CASE.replace(old, new) if old else CASE) + more)
        return path

    return written


def values(path, name: str) -> list[float]:
    (case,) = load_cases(path)
    return evaluate(case, wanted=(name,)).values[name][0].tolist()


def test_a_month__has_the_amounts_of_the_month(write):
    """September 2025: 6 % of 500; 10 % of 470 above 240; premium 6; levy 1.5 %; transfer 20, nine tenths paid."""
    path = write()
    assert values(path, "fund_employee") == [30.0, 0.0]
    assert values(path, "income_tax_paid") == pytest.approx([23.0])
    assert values(path, "health_premium") == [6.0, 0.0]
    assert values(path, "older_persons_paid") == [0.0, 18.0]
    top_up = values(path, "top_up")
    assert top_up == [0.0]  # 500 is far above two poverty lines of 44
    assert values(path, "rent_subsidy") == [4.0]
    expected = 500 + 18 + 4 - 30 - 23 - 6 - 7.5
    assert values(path, "disposable_income") == pytest.approx([expected])


def test_a_year__adds_its_months_up(write):
    """2025: the relief ended in 2024, the limits changed in February; amounts a month come as amounts a year."""
    path = write(old="date: 2025-09", new="year: 2025")
    assert values(path, "fund_employee") == [360.0, 0.0]
    assert values(path, "older_persons_paid") == [0.0, 216.0]
    assert values(path, "disposable_income") == pytest.approx([12 * 455.5])


def test_draws__are_certain_unless_stated(write):
    assert values(
        write('draws: {"take up older persons transfer": false}\n'), "older_persons_paid"
    ) == [0, 0]
    assert values(
        write('draws: {"take up older persons transfer": true}\n'), "older_persons_paid"
    ) == [0, 18]


def test_marginal_rates__are_what_a_unit_of_earnings_loses(write):
    """From 500 to 600 in September 2025: 6 % fund, 1.5 % levy, 10 % tax on what is left of the fund."""
    path = write(
        "vary: {input: earnings, member: Amina, from: 500, to: 560, step: 20}\nshow: [fund_employee]\n"
    )
    (case,) = load_cases(path)
    result = evaluate(case)
    rates = marginal_rates(result)
    assert np.isnan(rates[0])
    np.testing.assert_allclose(rates[1:], 0.06 + 0.015 + 0.1 * 0.94, atol=1e-12)
    assert result.values["fund_employee"].shape == (4, 2)
    assert result.values["disposable_income"].shape == (4, 1)


def test_marginal_rates__of_a_year_are_those_of_the_months(write):
    more = "vary: {input: earnings, member: Amina, from: 500, to: 540, step: 20}\n"
    monthly = marginal_rates(evaluate(load_cases(write(more))[0]))
    yearly = marginal_rates(evaluate(load_cases(write(more, "date: 2025-09", "year: 2025"))[0]))
    np.testing.assert_allclose(yearly[1:], monthly[1:], atol=1e-12)


def test_a_fixed_point__settles(write):
    """Half of what is missing to the line, the top-up itself counted: t = 0.5 (88 - income - t), so t is a third."""
    path = write(old="earnings: 500", new="earnings: 40")
    income = 40  # nobody else earns; the top-up does not count the transfer
    (found,) = values(path, "top_up")
    assert found == pytest.approx((88 - income) / 3, abs=0.01)


def test_a_case_that_does_not_hold__says_what_was_found(write):
    path = write("expect:\n  fund_employee: {Amina: 31}\n")
    (check,) = check_case(load_cases(path)[0])
    assert not check.holds
    assert (check.expected, check.found, check.member) == (31.0, 30.0, "Amina")
    assert re.search(r"mine.yaml:\d+", check.where)


def test_a_rule_that_cannot_be_computed__is_a_fault_with_its_place(write):
    path = write()
    law = path.parent.parent / "law" / "health.yaml"
    law.write_text(law.read_text().replace("[[0, 2], [60, 4], [120, 6]]", "[[600, 2], [700, 4]]"))
    with pytest.raises(
        InputError,
        match=r"health.yaml:\d+: no value in table health.premium in the formula of health_premium",
    ):
        values(path, "health_premium")


# -- explanations ------------------------------------------------------------------------------


def test_explain__goes_down_to_inputs_parameters_and_their_source(write):
    found = explain_case(write(), ["fund_employee"])
    steps = {step.name: step for step in found.steps}
    assert {"fund_employee", "insurable_earnings", "is_formal"} <= set(steps)
    contribution = steps["fund_employee"]
    assert contribution.values == (30.0, 0.0)
    assert contribution.formula == "fund.employee_rate * insurable_earnings"
    assert re.search(r"law/pensions.yaml:\d+", contribution.where)
    (rate,) = contribution.parameters
    assert (rate.name, rate.value, rate.date) == ("fund.employee_rate", 0.06, "2024-03-15")
    assert rate.source == "Provident Fund Act 2020 (fictional) s.20"
    assert steps["insurable_earnings"].inputs["earnings"] == (500.0, 0.0)


def test_explain__prints_text_and_plain_data(write):
    found = explain_case(write(), ["older_persons_paid"])
    text = as_text(found.steps, found.members)
    for part in (
        "older_persons_paid",
        "transfers.paid_share",
        "take up older persons transfer",
        "Chiku",
    ):
        assert part in text
    data = as_json(found.steps)
    assert {"name", "values", "formula", "parameters", "inputs", "draws"} <= set(data[0])


def test_explain_run__repeats_the_numbers_of_the_run_to_the_bit(coresia, reference, tmp_path):
    coresia.run(str(tmp_path / "run"))
    records = reference.contents.records
    disposable = [12 * records.concepts[s, :, -1] for s in range(5)]
    for row in (0, 17, 250):
        for s, scenario in enumerate(reference.contents.scenarios):
            found = explain_run(
                tmp_path / "run", int(records.household_id[row]), ["year__disposable"], scenario
            )
            step = next(step for step in found.steps if step.name == "year__disposable")
            assert step.values[0] / 12 * 12 == pytest.approx(disposable[s][row], rel=1e-15)


def test_explain_run__shows_the_draw_of_the_population(coresia, reference, tmp_path):
    coresia.run(str(tmp_path / "run"))
    records, name = reference.contents.records, "older_persons_transfer.transfer"
    column = records.instruments[0, :, records.instrument_names.index(name)]
    row = int(np.flatnonzero(column > 0)[0])
    found = explain_run(
        tmp_path / "run", int(records.household_id[row]), ["older_persons_entitlement"]
    )
    step = next(step for step in found.steps if step.name == "older_persons_entitlement")
    (draw,) = step.draws
    assert draw.decision == "take up older persons transfer"
    taken = [u for u, v in zip(draw.values, step.values, strict=True) if v > 0]
    assert taken
    assert all(u < 0.8 for u in taken)


@pytest.mark.parametrize(
    ("household", "scenario", "month", "message"),
    [
        (-5, "baseline", 12, "-5"),
        (10_000, "none", 12, "no scenario 'none'; expected baseline, universal_pension"),
        (10_000, "baseline", 13, "no such month; found 13; expected 1 to 12"),
    ],
)
def test_explain_run__names_what_is_not_there(
    coresia, reference, household, scenario, month, message
):
    with pytest.raises(InputError, match=re.escape(message)):
        explain_run(coresia.folder / "reference", household, [], scenario, month)
