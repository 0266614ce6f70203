"""Draws the picture in the README from a run: what each reform costs and by how much poverty falls.

python docs/draw_result.py RUN docs/kenya_floor.svg
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from microsim.results.reader import Results, read_results

WIDTH, ROW, LEFT, PANEL = 760, 34, 250, 210
STYLE = "font-family: sans-serif; font-size: 13px; fill: #333"


def figure(results: Results, table: str, scenario: str, row: str, column: str) -> float:
    """Return one figure of a table, for everyone."""
    (found,) = {
        one.value
        for one in results.rows
        if (one.table, one.scenario, one.row, one.column, one.group)
        == (table, scenario, row, column, "")
    }
    return found


def panel(title: str, values: list[float], left: int, colour: str, shown: str) -> list[str]:
    """Return a title and one horizontal bar for each value; the longest fills the panel."""
    widest = max(abs(value) for value in values) or 1.0
    lines = [f'<text x="{left}" y="24" font-weight="bold">{escape(title)}</text>']
    for i, value in enumerate(values):
        y, length = 40 + i * ROW, abs(value) / widest * (PANEL - 60)
        lines.append(
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="20" fill="{colour}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 15}">{value:{shown}}</text>'
        )
    return lines


def picture(results: Results) -> str:
    """Return the picture as SVG: cost beside change of poverty, by reform."""
    contents = results.contents
    labels = dict(zip(contents.scenarios, contents.labels, strict=True))
    baseline, *reforms = contents.scenarios
    line = next(iter(contents.poverty_lines))

    def change(table: str, row: str, column: str) -> list[float]:
        before = figure(results, table, baseline, row, column)
        return [figure(results, table, name, row, column) - before for name in reforms]

    cost = change("C7", "Total expenditure", "% of GDP")
    poor = change("D1", "FGT0 Headcount", line)
    bottom = 40 + len(reforms) * ROW
    note = (
        f"{contents.country} {contents.year}, synthesised population; "
        f"{line} line of {contents.currency} {contents.poverty_lines[line]:,.0f} a month and head."
    )
    body = [
        f'<text x="0" y="{55 + i * ROW}">{escape(labels[name])}</text>'
        for i, name in enumerate(reforms)
    ]
    body += panel("Cost, % of GDP", cost, LEFT, "#1f6f8b", "+.2f")
    body += panel("Poor, change in points", poor, LEFT + PANEL + 40, "#c8553d", "+.2f")
    body.append(f'<text x="0" y="{bottom + 20}" font-size="11">{escape(note)}</text>')
    lines = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" '
        f'style="{STYLE}">\n<rect width="100%" height="100%" fill="#fff"/>\n{lines}\n</svg>\n'
    )


if __name__ == "__main__":
    run, out = (Path(argument) for argument in sys.argv[1:])
    out.write_text(picture(read_results(run)), encoding="utf-8")
