"""Shows a life year by year, for people and as plain data."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from microsim.simulation.explain import as_json, as_text
from microsim.simulation.life_story import LifeEvent, LifeStory, LifeYear

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def life_as_text(story: LifeStory) -> str:
    """Return a life: what a person was in each year, what happened, what changed in each value; or,
    if a year was asked for, that year's formulas.
    """
    if story.steps:
        return as_text(list(story.steps), list(story.members))
    lines: list[str] = []
    shown: dict[str, Any] = {}
    for year in story.years:
        lines.append(_headline(year))
        lines += [f"        {line}" for line in _events(year.events)]
        for name, value in year.values.items():
            if value != shown.get(name, 0.0):
                lines.append(f"        {name} = {_number(value)}    ({story.labels.get(name, '')})")
            shown[name] = value
    lines.append(story.end)
    return "\n".join(lines)


def _headline(year: LifeYear) -> str:
    people = f"household {year.household} of {year.household_size}"
    earned = f", earns {year.earnings:,.0f} a month" if year.earnings else ""
    return f"{year.year}  age {year.age}, {year.status}{earned}, {people}"


def _events(events: Iterable[LifeEvent]) -> list[str]:
    lines = []
    for event in events:
        chance = ""
        if not math.isnan(event.probability):
            chance = (
                f": probability {event.probability:.6g} before alignment, drawn {event.draw:.6g}"
            )
        lines.append(f"{event.kind} in {MONTHS[event.month - 1]}{chance}")
    return lines


def _number(value: Any) -> str:  # noqa: ANN401 - number, truth or label
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    return f"{value:,.2f}"


def life_as_json(story: LifeStory) -> dict[str, Any]:
    """Return a life as plain data."""
    years = [asdict(year) for year in story.years]
    for year in years:
        for event in year["events"]:
            for key in ("probability", "draw"):
                event[key] = None if math.isnan(event[key]) else event[key]
    return {
        "title": story.title, "end": story.end, "years": years, "labels": story.labels,
        "members": list(story.members), "steps": as_json(list(story.steps)),
    }  # fmt: skip
