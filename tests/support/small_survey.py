"""A small survey of a fictional country in the words of its users, for tests of the import."""

from __future__ import annotations

import csv
from pathlib import Path

COLUMNS = ("hid", "linea", "jefe", "edad", "sexo", "trabajo", "salario", "negocio", "pension",
           "conyuge", "madre", "peso", "upm", "estrato", "zona", "renta")  # fmt: skip
# Two households: a couple with a child; a woman with her mother.
ROWS = [
    ["A1", 1, 1, 40, "H", 3, 1200, 0, "", 2, "", 10.5, 7, 1, 1, 300],
    ["A1", 2, 0, 38, "M", 6, 0, 240, "", 1, "", 10.5, 7, 1, 1, 300],
    ["A1", 3, 0, 5, "H", 0, 0, 0, "", "", 2, 10.5, 7, 1, 1, 300],
    ["B2", 1, 1, 45, "M", 3, 2400, 0, "", "", 2, 20.0, 8, 1, 2, 120],
    ["B2", 2, 0, 70, "M", 11, 0, 0, 600, "", "", 20.0, 8, 1, 2, 120],
]
MAPPING = """\
mapping: Encuesta de hogares
source: a fictional survey
country: XYZ
currency: XYD
year: 2024
rows: persons
household: {id: hid}
person: {id: linea}
head: {column: jefe, is: 1}
weight: {column: peso}
stratum: estrato
psu: upm
links:
  spouse: {column: conyuge, none: 0}
  mother: {column: madre}
columns:
  age: {column: edad}
  sex: {column: sexo, codes: {"H": male, "M": female}}
  employment_status:
    column: trabajo
    codes: {0: under working age, 3: informal employee, 6: informal own-account, 11: retired}
  sector: {constant: none, because: not asked}
  earnings: {column: salario, unit: currency/year}
  self_employment_income: {column: negocio, unit: currency/year}
  pension_income:
    column: pension
    unit: currency/year
    missing: {treatment: value, value: 0, because: asked of pensioners only}
  severe_disability: {constant: false, because: not asked}
  orphan: {constant: false, because: not asked}
  region: {constant: whole country}
  urban: {column: zona, codes: {1: true, 2: false}}
  welfare:
    columns: [salario, negocio]
    unit: currency/year
    across_rows: sum
extra:
  rent: {of: household, label: rent paid, unit: currency/month, column: renta}
"""


def write_survey(folder: Path, changes: dict[tuple[int, str], object] | None = None,
                 mapping: str = MAPPING, extra_rows: list[list[object]] | None = None,
                 without: str = "") -> tuple[Path, Path]:  # fmt: skip
    """Write survey.csv and map.yaml; `changes` are (row from 1, column) to value."""
    rows = [list(row) for row in (*ROWS, *(extra_rows or []))]
    for (row, column), value in (changes or {}).items():
        rows[row - 1][COLUMNS.index(column)] = value
    survey, path = folder / "survey.csv", folder / "map.yaml"
    kept = [i for i, column in enumerate(COLUMNS) if column != without]
    with survey.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([COLUMNS[i] for i in kept])
        writer.writerows([[row[i] for i in kept] for row in rows])
    path.write_text(mapping, encoding="utf-8")
    return survey, path
