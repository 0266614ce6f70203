"""A system of a few lines, and a way to spoil one of them."""

from __future__ import annotations

from pathlib import Path

BASELINE = """\
system: Small
country: SML
currency: SMC
include: [law.yaml]
incomes: {market: [earnings], pensions: [pension_income]}
retirement_age: pension.age
poverty_lines: {national: frame.poverty_line_300}
"""

LAW = """\
parameters:
  pension:
    age: {unit: years, source: Act, values: {2020-01-01: 60}}
    rate: {unit: share, source: Act, values: {2020-01-01: 0.05, 2024-03-15: 0.06}}
  tax:
    bands:
      unit: currency/month
      kind: schedule
      source: Act
      values: {2020-01-01: [[0, 0.1], [100, 0.2]]}
    steps:
      unit: currency/month
      kind: table
      keys: [{name: age, unit: years}, {name: sex, unit: category}]
      source: Act
      values:
        2020-01-01: [[0, male, 1], [0, female, 2], [60, male, 3], [60, female, 4]]
inputs:
  rent: {of: household, unit: currency/month, default: 0}
variables:
  contribution: {of: person, unit: currency/month, formula: pension.rate * earnings}
  grant: {of: household, unit: currency/month, formula: 0}
  poor: {of: household, unit: boolean, formula: welfare < 10}
schemes:
  fund:
    pillar: social insurance
    contributions:
      employee: {variable: contribution, payer: employees}
    benefits:
      grant:
        {function: OLD, variable: grant, kind: cash periodic, means_tested: true, eligible: poor}
    financing: {general_revenue: 0.5}
taxes:
  income_tax: {variable: contribution, kind: income tax, origin: households}
"""


def write_system(folder: Path, old: str = "", new: str = "", law: str = LAW) -> Path:
    """Write the small system with `old` replaced by `new`; return the path of the system file."""
    base = BASELINE
    if old:
        assert (base + law).count(old) == 1, f"{old!r} is there {(base + law).count(old)} times"
        base, law = base.replace(old, new), law.replace(old, new)
    country = folder / "small"
    country.mkdir(exist_ok=True)
    (country / "law.yaml").write_text(law, encoding="utf-8")
    (country / "baseline.yaml").write_text(base, encoding="utf-8")
    return country / "baseline.yaml"
