"""The plain system in the rule language, from arrays in memory to totals and indicators."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rules
from microsim.indicators.distribution import distribution, quantile
from microsim.indicators.inequality import gini
from microsim.indicators.poverty import poverty
from microsim.policy.loading import load_system
from microsim.simulation.arrays import ArrayRules, Answers, compile_rules

SYSTEM = Path(__file__).with_name("system.yaml")
PERSONS = (
    "employee_contribution", "employer_contribution", "income_tax", "child_benefit",
    "social_pension_benefit",
)  # fmt: skip
ITEMS = {
    "wage": "wages", "self": "self_incomes", "pension": "pensions", "other": "other_income",
    "sic_ee": "employee_contributions", "sic_er": "employer_contributions", "tax": "income_taxes",
    "child": "child_benefits", "spension": "social_pensions", "assist": "assistance",
    "disposable": "disposable",
}  # fmt: skip
