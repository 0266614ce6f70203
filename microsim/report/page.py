"""Writes tables as one self-contained page for browser and printer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from microsim.report.arrange import Sheet
from microsim.report.blocks import figure_text
from microsim.report.titles import NOTE


def page_html(
    sheets: Sequence[Sheet], title: str, currency: str, footer: str, notes: Sequence[str] = ()
) -> str:
    """Return the page; every text from the run is escaped.

    Parameters
    ----------
    sheets
        The tables, arranged.
    title
        Heading of the page.
    currency
        Currency that LCU stands for.
    footer
        Which run this is.
    notes
        What the reader must know before any figure, such as that results are incomplete.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        sheets=sheets,
        title=title,
        currency=currency,
        note=NOTE,
        footer=footer,
        warnings=notes,
        figure=figure_text,
    )
