"""Makes tables A1, A3 and A4: population, labour force and macro frame of the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from microsim.budget.households import Floats
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import EMPLOYED, FIRST_WORKING_AGE_GROUP, LABOUR_FORCE, Sums, add_up
from microsim.results.contents import AGES, SEXES, STATUSES, FrameValue, Measure, Row

POPULATION = Measure("population", "", "", "persons")
# What people call the series of every frame, in table A4.
SERIES_LABELS = {
    "gdp": "Gross domestic product",
    "government_expenditure": "Government expenditure",
    "average_wage": "Average wage",
    "minimum_wage": "Minimum wage",
    "cpi": "Consumer price index",
    "population": "Population of the country",
    "employment": "Employment",
    "inflation": "Inflation",
    "real_growth": "Real growth of GDP",
    "interest": "Interest rate",
    "poverty_line_300": "International poverty line of 3.00 dollars a day (2021 PPP)",
    "poverty_line_420": "International poverty line of 4.20 dollars a day (2021 PPP)",
    "poverty_line_830": "International poverty line of 8.30 dollars a day (2021 PPP)",
    "poverty_line_national": "National poverty line",
    "price_base_year": "Year of constant prices",
    "cpi_base": "Consumer price index in the year of constant prices",
}


def population(sums: Sums) -> list[Row]:
    """Return table A1: persons by age group and sex."""
    table = TableRows("A1", sums.contents.year)
    for scenario, name in first_scenarios(sums):
        cells, n = sums.persons(scenario, POPULATION), sums.n(scenario, POPULATION)
        for i, label in ((-1, ""), *enumerate(SEXES)):
            of = cells if i < 0 else cells[i : i + 1]
            group = f"sex={label}" if label else ""
            for j, age in enumerate(AGES):
                table.add(name, age, add_up(of[:, j]), "persons", group=group)
            table.add(name, "Total", add_up(of), "persons", group=group, n=n)
        young, of_age, old = (add_up(cells[:, a]) for a in (slice(0, 2), slice(2, 5), slice(5, 7)))
        for row, part in (("Youth (0-14 / 15-64)", young), ("Old-age (65+ / 15-64)", old)):
            table.add(name, f"{row} dependency ratio", 100 * ratio(part, of_age), "%")
        of_lives = [one for one in sums.contents.memo if one.scenario == name]
        if of_lives:
            dependent = 100 * ratio(young + old, of_age)
            table.add(name, "Total (0-14 and 65+ / 15-64) dependency ratio", dependent, "%")
        for one in of_lives:
            table.add(name, one.row, one.value, one.unit, group=one.group)
    return table.rows


def labour_force(sums: Sums) -> list[Row]:
    """Return table A3: labour force by status and sex, persons aged 15 and over."""
    table = TableRows("A3", sums.contents.year)
    for scenario, name in first_scenarios(sums):
        adults = sums.persons(scenario, POPULATION)[:, FIRST_WORKING_AGE_GROUP:]
        for i, label in ((-1, ""), *enumerate(SEXES)):
            of: Floats = adults if i < 0 else adults[i : i + 1]
            _labour_force(table, name, of, f"sex={label}" if label else "")
    return table.rows


def _labour_force(table: TableRows, name: str, adults: Floats, group: str) -> None:
    by_status = [add_up(adults[:, :, i]) for i in range(len(STATUSES))]
    population_15 = add_up(adults)
    force = math.fsum(by_status[i] for i in LABOUR_FORCE)
    employed = math.fsum(by_status[i] for i in EMPLOYED)
    inactive = [i for i in range(len(STATUSES)) if i not in LABOUR_FORCE]
    rows: list[tuple[str, float, str]] = [
        ("Population 15+", population_15, "persons"),
        ("Labour force", force, "persons"),
        ("Participation rate", 100 * ratio(force, population_15), "%"),
        ("Employed", employed, "persons"),
        *((f"of which {STATUSES[i]}", by_status[i], "persons") for i in EMPLOYED),
        ("Unemployed", by_status[LABOUR_FORCE[-1]], "persons"),
        ("Unemployment rate", 100 * ratio(by_status[LABOUR_FORCE[-1]], force), "%"),
        ("Inactive", math.fsum(by_status[i] for i in inactive), "persons"),
        *((f"inactive: {STATUSES[i]}", by_status[i], "persons") for i in inactive),
    ]
    for row, value, unit in rows:
        table.add(name, row, value, unit, group=group)


def macro_frame(sums: Sums) -> list[Row]:
    """Return table A4: the series of the macro frame and the poverty lines."""
    table = TableRows("A4", sums.contents.year)
    name = sums.contents.scenarios[0]
    labels = series_labels(sums.contents.frame)
    for series, found in sums.contents.frame.items():
        value = math.nan if found.value is None else found.value
        table.add(name, labels[series], value, found.unit.replace("currency", "LCU"))
    for line, amount in sums.contents.poverty_lines.items():
        table.add(name, f"poverty line {line}", amount, "LCU/month")
    return table.rows


def series_labels(frame: Mapping[str, FrameValue]) -> dict[str, str]:
    """Return what table A4 calls each series: its plain name, or the label of the frame file, or
    its name there. Two series are never called the same.
    """
    labels = {series: SERIES_LABELS.get(series, of.label or series) for series, of in frame.items()}
    told = Counter(labels.values())
    return {
        series: label if told[label] == 1 or series in SERIES_LABELS else f"{label} ({series})"
        for series, label in labels.items()
    }


def first_scenarios(sums: Sums) -> list[tuple[int, str]]:
    """Return the scenarios to print: where several have the same people, the first is enough."""
    if POPULATION not in sums.position:
        return []
    if sums.contents.lives_of:
        seen: dict[int, int] = {}
        for i, group in enumerate(sums.contents.lives_of):
            seen.setdefault(group, i)
        return [(i, sums.contents.scenarios[i]) for i in seen.values()]
    persons = sums.cells.persons[:, sums.position[POPULATION]]
    alike = bool(np.all(persons == persons[:1]))
    return list(enumerate(sums.contents.scenarios))[: 1 if alike else None]
