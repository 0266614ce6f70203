"""The plain system as an OpenFisca country, built, filled and calculated at each call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import generate
import numpy as np
import rules as R  # noqa: N812 - parameters stand for themselves in formulas
from baselines import BANDS, SUMMED, Answers, finish
from openfisca_core.entities import build_entity
from openfisca_core.periods import MONTH
from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

PERIOD = "2024-01"
PERSON = build_entity(key="person", plural="persons", label="", is_person=True)
HOUSEHOLD = build_entity(
    key="household", plural="households", label="",
    roles=[{"key": "member", "plural": "members", "label": ""}],
)  # fmt: skip
COUNTRY = TaxBenefitSystem([PERSON, HOUSEHOLD])
INPUTS = {
    "age": "p_age", "status": "p_status", "wage": "p_wage", "self_inc": "p_self",
    "pension": "p_pension", "other": "h_other", "size": "h_size",
}  # fmt: skip
RESULTS = ("sic_ee", "sic_er", "tax", "child", "spension", "assist", "disposable")


def variable(name: str, entity: Any, formula: Any = None, kind: type = float) -> None:  # noqa: ANN401
    """Add a monthly variable to the country."""
    parts = {"value_type": kind, "entity": entity, "definition_period": MONTH, "label": name}
    if formula is not None:
        parts["formula"] = formula
    COUNTRY.add_variables(type(name, (Variable,), parts))


def household_sum(name: str) -> Callable[..., Any]:
    """Return a formula that adds up a person variable."""
    return lambda h, t, _: h.sum(h.members(name, t))


def employee(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Contribution of the employee."""
    health = np.minimum(p("wage", t), R.HEALTH_CEILING)
    return R.EMPLOYEE_PENSION * p("base", t) + R.EMPLOYEE_HEALTH * health


def employer(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Contribution of the employer."""
    health, family = (
        np.minimum(p("wage", t), R.HEALTH_CEILING),
        np.minimum(p("wage", t), R.FAMILY_CEILING),
    )
    rate = R.EMPLOYER_FAMILY + R.EMPLOYER_INJURY
    return R.EMPLOYER_PENSION * p("base", t) + R.EMPLOYER_HEALTH * health + rate * family


def base(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Pension base."""
    wage = np.clip(p("wage", t), R.PENSION_FLOOR, R.PENSION_CEILING)
    return np.where(p("status", t) == R.FORMAL, wage, 0)


def taxable(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Taxable income of a year."""
    net = 12 * np.maximum(p("wage", t) - p("sic_ee", t), 0)
    abated = np.minimum(R.WAGE_ABATEMENT * net, R.WAGE_ABATEMENT_LIMIT)
    return net - abated + 12 * (1 - R.PENSION_ABATEMENT) * p("pension", t)


def tax(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Income tax of a month."""
    x = p("taxable", t)
    return sum(rate * np.clip(x - low, 0, high - low) for low, high, rate in BANDS) / 12


def child(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Child benefit."""
    return np.select([p("age", t) < a for a, _ in R.CHILD], [v for _, v in R.CHILD], 0)


def social_pension(p: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Social pension."""
    amount = np.maximum(0, R.SOCIAL_PENSION - np.maximum(0, p("pension", t) - R.DISREGARD))
    return np.where(p("age", t) >= R.PENSION_AGE, amount, 0)


def equivalents(h: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Equivalent persons."""
    kids, n = h.sum(h.members("age", t) < R.CHILD_AGE), h("size", t)
    children = R.PER_CHILD * np.minimum(kids, n - 1)
    return 1 + R.PER_ADULT * np.maximum(n - kids - 1, 0) + children


def assistance(h: Any, t: Any, _: Any) -> Any:  # noqa: ANN401
    """Guaranteed minimum."""
    gap = R.TAPER * np.maximum(0, R.MINIMUM * h("eq", t) - h("before", t))
    return np.where(gap >= R.SMALLEST, gap, 0)


def declare() -> None:
    """Add all variables."""
    for name, kind in (("age", int), ("status", int), ("wage", float), ("self_inc", float)):
        variable(name, PERSON, kind=kind)
    variable("pension", PERSON)
    variable("other", HOUSEHOLD)
    variable("size", HOUSEHOLD)
    for name, formula in (
        ("base", base), ("sic_ee", employee), ("sic_er", employer), ("taxable", taxable),
        ("tax", tax), ("child", child), ("spension", social_pension),
    ):  # fmt: skip
        variable(name, PERSON, formula)
    for name in ("wage", "self_inc", *SUMMED[2:]):
        variable(f"h_{name}", HOUSEHOLD, household_sum(name))
    variable("eq", HOUSEHOLD, equivalents)
    variable(
        "market", HOUSEHOLD,
        lambda h, t, _: h("h_wage", t) + h("h_self_inc", t) + h("other", t) + h("h_pension", t),
    )  # fmt: skip
    variable(
        "before", HOUSEHOLD,
        lambda h, t, _: h("market", t) - h("h_sic_ee", t) - h("h_tax", t) + h("h_spension", t),
    )  # fmt: skip
    variable("assist", HOUSEHOLD, assistance)
    variable(
        "disposable", HOUSEHOLD, lambda h, t, _: h("before", t) + h("h_child", t) + h("assist", t)
    )


declare()


def load_openfisca(folder: Path) -> Any:  # noqa: ANN401
    """Return columns as arrays."""
    return generate.load(folder)


def run_openfisca(d: dict[str, Any]) -> tuple[Any, Answers]:
    """Build the simulation, give it its inputs, calculate, make tables and indicators."""
    n, nh = d["p_age"].size, d["h_size"].size
    builder = SimulationBuilder()
    builder.create_entities(COUNTRY)
    builder.declare_person_entity("person", np.arange(n))
    households = builder.declare_entity("household", np.arange(nh))
    builder.join_with_persons(households, d["p_hh"], roles=np.full(n, "member"))
    simulation = builder.build(COUNTRY)
    for name, column in INPUTS.items():
        simulation.set_input(name, PERIOD, d[column])
    kept = [simulation.calculate(name, PERIOD) for name in RESULTS]

    def read(name: str) -> Any:  # noqa: ANN401
        return np.asarray(simulation.calculate(name, PERIOD), float)

    names = {"self": "h_self_inc"} | {k: f"h_{k}" for k in SUMMED if k != "self"}
    h = [read(names.get(item, item)) for item in R.ITEMS]
    w, size = d["h_weight"], d["h_size"].astype(float)
    table = np.stack([np.bincount(d["h_region"], w * x, R.REGIONS) for x in h])
    answers = finish(table, read("market") / size, h[-1] / size, w * size)
    return kept, answers
