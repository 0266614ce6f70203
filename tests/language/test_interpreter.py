"""The interpreter against values worked out by hand: one formula, one household, one number."""

from __future__ import annotations

import math

import pytest
from small_rules import STATUS, interpreter_of, law, people, value_of, with_variable

from microsim.kernels.draws import decision_hash, uniform
from microsim.language.definitions import UnitDefinition
from microsim.language.people import World

FAMILY = people(
    [
        [
            {"age": 70, "sex": "female", "earnings": 0.0, "status": "retired"},
            {"age": 40, "sex": "male", "earnings": 250.0, "spouse": 2, "mother": 0, "bonus": 600.0},
            {"age": 35, "sex": "female", "earnings": 100.0, "spouse": 1, "disabled": True},
            {"age": 10, "sex": "female", "mother": 2, "father": 1},
            {"age": 3, "sex": "male", "father": 1, "mother": 2},
        ],
        [{"age": 17, "sex": "male", "earnings": 30.0, "status": "own-account"}],
    ],
    rent=[80.0, 0.0],
    urban=[True, False],
)  # fmt: skip

PERSON = {
    "earnings * 2 - 0": [0, 500, 200, 0, 0, 60],
    "earnings / 4": [0, 62.5, 25, 0, 0, 7.5],
    "-earnings": [0, -250, -100, 0, 0, -30],
    "min(earnings, rent)": [0, 80, 80, 0, 0, 0],
    "max(earnings - rent, 0)": [0, 170, 20, 0, 0, 30],
    "clip(earnings, grant.amount, rent + rent)": [50, 160, 100, 50, 50, 0],
    "abs(rent - earnings)": [80, 170, 20, 80, 80, 30],
    "round(earnings, grant.amount)": [0, 250, 100, 0, 0, 50],  # 30 / 50 = 0.6: up
    "floor(earnings, grant.amount)": [0, 250, 100, 0, 0, 0],
    "ceil(earnings + 0, grant.amount)": [0, 250, 100, 0, 0, 50],
    "round(earnings / 4, grant.amount)": [0, 50, 50, 0, 0, 0],  # 25 / 50: half goes up
    "earnings if sex == 'female' else 0": [0, 0, 100, 0, 0, 0],
    "earnings if status in ('employee', 'retired') else rent": [0, 250, 100, 0, 0, 0],
    "earnings if age > 18 and not disabled or age < 5 else rent": [0, 250, 80, 80, 0, 0],
    "grant.amount if 3 < age <= 17 else 0": [0, 0, 0, 50, 0, 50],
    "schedule(earnings, tax.bands)": [0, 55, 10, 0, 0, 3],  # 10 % to 100, 30 % above
    "lookup(grant.table, age, sex)": [601, 0, 1, 1, 0, 0],
    "of(spouse, earnings, rent)": [80, 100, 250, 80, 80, 0],
    "of(mother, earnings, 0) + of(father, earnings, 0)": [0, 0, 0, 350, 350, 0],
    "of(head, rent + 0, 0)": [80, 80, 80, 80, 80, 0],
    "of(spouse, of(mother, earnings + rent, 0), 0)": [0, 0, 80, 0, 0, 0],
    "earnings if has(mother) else rent": [80, 250, 80, 0, 0, 0],
    "sum(household, earnings)": [350] * 5 + [30],
    "max(household, earnings) - min(household, earnings)": [250] * 5 + [0],
    "grant.amount * count(household, age < 18)": [100] * 5 + [50],
    "grant.amount if any(household, disabled) else 0": [50] * 5 + [0],
    "grant.amount if all(household, age > 2) else 0": [50] * 6,
    "sum(family, earnings)": [0, 350, 350, 350, 350, 30],
    "grant.amount * count(family)": [50, 200, 200, 200, 200, 50],
    "max(family, earnings * 2)": [0, 500, 500, 500, 500, 60],
    "month(tax.credit)": [100] * 6,
    "month(bonus)": [0, 50, 0, 0, 0, 0],
    "frame.wage": [330] * 6,
    "earnings * tax.rate": [0, 25, 10, 0, 0, 3],  # January
}


@pytest.mark.parametrize("formula", PERSON)
def test_person_formulas__give_values_worked_by_hand(formula):
    assert value_of(with_variable(law(), "x", formula), FAMILY, "x") == PERSON[formula]


HOUSEHOLD = {
    "rent": [80, 0],
    "sum(members, earnings) - rent": [270, 30],
    "sum(members, earnings if age < 38 else 0)": [100, 30],
    "grant.amount * count(members, age < 18)": [100, 50],
    "grant.amount * count(family)": [100, 50],  # the grandmother, the couple with children
    "max(family, grant.amount)": [50, 50],
    "rent if urban else grant.amount": [80, 50],
    "grant.amount * size": [250, 50],
    "sum(members, rent)": [400, 0],
    "max(members, 0 - earnings)": [0, -30],
    "grant.amount if any(family, true) else 0": [50, 50],
}


@pytest.mark.parametrize("formula", HOUSEHOLD)
def test_household_formulas__give_values_worked_by_hand(formula):
    found = value_of(with_variable(law(), "x", formula, of="household"), FAMILY, "x")
    assert found == HOUSEHOLD[formula]


YEARLY = {
    "year(earnings)": [0, 3000, 1200, 0, 0, 360],
    "year(earnings * tax.rate)": [0, 450, 180, 0, 0, 54],  # six months at 10 %, six at 20 %
    "year(earnings) * tax.rate": [0, 600, 240, 0, 0, 72],  # at 31 December: 20 %
    "tax.credit * (year(disabled) / 12)": [0, 0, 1200, 0, 0, 0],
    "year(december(earnings) * 0 + earnings)": None,  # december is not known in a month
    "bonus": [0, 600, 0, 0, 0, 0],
    "sum(household, bonus)": [600] * 5 + [0],
    "year(sum(household, earnings))": [4200] * 5 + [360],
    "tax.credit if december(earnings * tax.rate) > 12 * grant.amount * 0 else 0": [0, 1200, 1200, 0, 0, 1200],
}  # fmt: skip


@pytest.mark.parametrize("formula", [f for f, values in YEARLY.items() if values is not None])
def test_yearly_formulas__give_values_worked_by_hand(formula):
    definitions = with_variable(law(), "x", formula, unit="currency/year")
    assert value_of(definitions, FAMILY, "x") == YEARLY[formula]


def test_months_and_years__read_one_another_in_rounds():
    """Tax of the month -> credit of the year -> what is left, paid back by the month."""
    definitions = with_variable(law(), "tax", "earnings * tax.rate")
    definitions = with_variable(
        definitions, "left", "max(tax.credit - year(tax), 0)", unit="currency/year"
    )
    definitions = with_variable(definitions, "back", "month(left) - tax")
    definitions = with_variable(definitions, "all", "year(back)", unit="currency/year")
    assert value_of(definitions, FAMILY, "tax", month=6)[1] == 25
    assert value_of(definitions, FAMILY, "tax", month=7)[1] == 50
    assert value_of(definitions, FAMILY, "left")[:2] == [1200, 750]
    assert value_of(definitions, FAMILY, "back", month=12)[:2] == [100, 12.5]
    assert value_of(definitions, FAMILY, "all")[:2] == [1200, 750 - 450]


def test_cases__are_read_in_order():
    cases = [("age < 18", "grant.amount"), ("disabled", "rent"), ("", "0")]
    assert value_of(with_variable(law(), "x", "", cases=cases), FAMILY, "x") == [
        0,
        0,
        80,
        50,
        50,
        50,
    ]


def test_categories__are_codes_of_labels():
    definitions = with_variable(
        law(), "x", "status if age > 18 else 'retired'", unit="category", labels=STATUS
    )
    assert value_of(definitions, FAMILY, "x") == [2, 0, 0, 2, 2, 2]


def test_plain_functions__agree_with_mathematics():
    for formula, expected in {
        "exp(age / 10)": math.exp(4.0),
        "log(age)": math.log(40),
        "sqrt(age)": math.sqrt(40),
        "pow(age, 0.5)": math.sqrt(40),
        "pow(age, -2)": 1 / 1600,
    }.items():
        definitions = with_variable(law(), "x", formula, unit="number")
        assert value_of(definitions, FAMILY, "x")[1] == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("rule", "dependent", "children", "anchors"),
    [
        ("person alone", "", "own", [0, 1, 2, 3, 4, 5]),
        ("couple", "", "own", [0, 1, 1, 3, 4, 5]),
        ("couple with dependent children", "age < 18", "own", [0, 1, 1, 1, 1, 5]),
        ("couple with dependent children", "age < 18", "head", [0, 1, 1, 1, 1, 5]),
        ("parent with dependent children", "age < 18", "own", [0, 1, 2, 2, 2, 5]),
        ("couple with dependent children", "age < 41", "own", [0, 0, 1, 1, 1, 5]),
    ],
)
def test_units_of_people__follow_their_rule(rule, dependent, children, anchors):
    definitions = law()
    from small_rules import PLACE

    definitions.units["group"] = UnitDefinition("group", rule, dependent, children, PLACE)
    interpreter, ids = interpreter_of(
        with_variable(definitions, "x", "sum(group, earnings)"), FAMILY
    )
    if dependent != "age < 41":
        assert interpreter.value(ids["anchor:group"]).tolist() == anchors
    else:  # the son and his wife are dependent too: all follow the grandmother
        assert interpreter.value(ids["anchor:group"]).tolist()[:2] == [0, 0]


def test_a_dependent_without_parents__joins_the_head_or_stands_alone():
    household = people([[{"age": 50}, {"age": 12}]])
    for rule, expected in (("head", [2, 2]), ("own", [1, 1])):
        definitions = law()
        from small_rules import PLACE

        definitions.units["kin"] = UnitDefinition(
            "kin", "parent with dependent children", "age < 18", rule, PLACE
        )
        assert (
            value_of(with_variable(definitions, "x", "count(kin)", unit="count"), household, "x")
            == expected
        )


POISON = {
    "earnings / (rent / grant.amount)": ("division by zero", [False, True]),
    "lookup(grant.table, age - 30, sex)": ("no value in table grant.table", [True, True]),
    "earnings * log(age - 17)": ("log of a number that is not positive", [True, True]),
    "earnings * sqrt(age - 17)": ("square root of a negative number", [True, False]),
    "earnings * pow(age - 17, 2)": ("pow of a number that is not positive", [True, True]),
    "round(earnings, rent)": ("rounding to a multiple of zero", [False, True]),
    "earnings / (rent / grant.amount) if urban else 0": ("", [False, False]),
    "grant.amount if urban and earnings / (rent / grant.amount) > 0 else 0": ("", [False, False]),
    "grant.amount if not urban or earnings / (rent / grant.amount) > 0 else 0": (
        "",
        [False, False],
    ),
    "of(spouse, 0, earnings / (rent / grant.amount))": ("division by zero", [False, True]),
}


@pytest.mark.parametrize("formula", POISON)
def test_what_cannot_be_computed__marks_the_household_and_only_it(formula):
    what, expected = POISON[formula]
    interpreter, ids = interpreter_of(with_variable(law(), "x", formula), FAMILY)
    interpreter.value(ids["x"], 0)
    assert (interpreter.poison > 0).tolist() == expected
    for site in set(interpreter.poison[interpreter.poison > 0].tolist()):
        assert interpreter.sites[site].what == what
        assert interpreter.sites[site].formula.text == formula


def test_draws__are_keyed_by_person_decision_and_year():
    definitions = with_variable(law(), "x", "grant.amount if happens(0.5, 'take up') else 0")
    definitions = with_variable(definitions, "u", "propensity('take up')", unit="share")
    world = World(7, replicate=2)
    drawn = [uniform(k, 7, 2, decision_hash("take up"), 2025, 0) for k in FAMILY.person_key]
    assert value_of(definitions, FAMILY, "x", world=world) == [50 * (u < 0.5) for u in drawn]
    for_life = [uniform(k, 7, 2, decision_hash("take up"), 0, 0) for k in FAMILY.person_key]
    assert value_of(definitions, FAMILY, "u", world=world) == for_life
    assert value_of(definitions, FAMILY, "u", world=world, year=2026) == for_life


def test_draws_of_households__use_the_household_key():
    definitions = with_variable(law(), "x", "propensity('a')", unit="share", of="household")
    expected = [uniform(k, 1, 0, decision_hash("a"), 0, 0) for k in FAMILY.household_key]
    assert value_of(definitions, FAMILY, "x") == expected


def test_certain_draws__happen_where_they_can_unless_said_otherwise():
    definitions = with_variable(
        law(), "x", "grant.amount if happens(0.001 if urban else 0, 'a') else 0"
    )
    assert value_of(definitions, FAMILY, "x", world=World(1, certain=True)) == [50] * 5 + [0]
    stated = World(1, certain=True, fixed={"a": 1.0})
    assert value_of(definitions, FAMILY, "x", world=stated) == [0] * 6


@pytest.mark.parametrize(
    "cut",
    [((1, 12),), ((1, 6), (7, 6)), tuple((m, 1) for m in range(1, 13)), ((1, 5), (6, 1), (7, 6))],
)
def test_year_sums__do_not_depend_on_how_the_year_is_cut(cut):
    """0.1 is no binary number: twelve additions and one product differ, unless neighbours are put together."""
    constant = with_variable(law(), "x", "year(earnings * 0.1)", unit="currency/year")
    assert value_of(constant, FAMILY, "x", periods=cut) == [
        12 * (e * 0.1) for e in (0, 250, 100, 0, 0, 30)
    ]
    if len(cut) > 1:
        changing = with_variable(law(), "x", "year(earnings * tax.rate)", unit="currency/year")
        assert value_of(changing, FAMILY, "x", periods=cut) == [
            6 * (e * 0.1) + 6 * (e * 0.2) for e in (0, 250, 100, 0, 0, 30)
        ]


def test_yearly_draws__are_new_each_year_and_the_same_all_year():
    definitions = with_variable(law(), "x", "happens(0.5, 'a')", unit="boolean")
    definitions = with_variable(definitions, "n", "year(x)", unit="months", period="year")
    many = people([[{"age": 30}] for _ in range(64)])
    one, other = (
        value_of(definitions, many, "n", year=y, periods=((1, 5), (6, 7))) for y in (2025, 2026)
    )
    assert set(one) == {0, 12}
    assert one != other
