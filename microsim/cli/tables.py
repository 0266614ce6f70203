"""`microsim tables`: prints the tables of a run, or writes them as CSV, workbook or page."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from microsim.errors import Fault, InputError
from microsim.report.arrange import arrange, available, of_world, select
from microsim.report.titles import HEADLINE
from microsim.report.views import benefits_in_view
from microsim.report.years import EVERY
from microsim.results.contents import Contents, Row
from microsim.results.reader import Results, read_results

FORMATS = ("text", "csv", "xlsx", "html")
WIDE = 1000  # columns of a text file, which no terminal cuts


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("tables")(tables)


def tables(
    run: Annotated[Path, typer.Argument(help="Run directory, or its results.h5.")],
    table: Annotated[
        list[str] | None, typer.Option(help="Code of a table, such as C7; may be repeated.")
    ] = None,
    output_format: Annotated[
        str, typer.Option("--format", help="text, csv, xlsx or html.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write (xlsx needs one).")] = None,
    scenario: Annotated[
        list[str] | None, typer.Option(help="Scenario to show; may be repeated.")
    ] = None,
    draw: Annotated[
        int | None, typer.Option(help="Parameter draw to show (0: none; CSV: all).")
    ] = None,
    replicate: Annotated[
        int | None, typer.Option(help="Replicate to show (else their mean; CSV: all).")
    ] = None,
    view: Annotated[
        str | None, typer.Option(help="Show benefits (C2) as c102, esspros or ssi groups them.")
    ] = None,
    every: Annotated[
        int, typer.Option(help="Of a projection, years from one column to the next.")
    ] = EVERY,
    fiscal_year: Annotated[
        int | None, typer.Option(metavar="MONTH", help="First month of the fiscal year, 1 to 12.")
    ] = None,
) -> None:
    """Print the tables of a run: the social budget unless told otherwise.

    Of a projection the years stand side by side: the first, every fifth, and the last. CSV has all.
    """
    if output_format not in FORMATS:
        raise InputError(f"unknown format {output_format!r}; expected one of {', '.join(FORMATS)}.")
    results = read_results(run)
    check_fiscal_year(fiscal_year, results)
    found = results.rows
    if output_format != "csv" or draw is not None or replicate is not None:
        found = of_world(found, draw or 0, replicate)
    codes = list(table or ())
    if not codes and output_format == "text":
        codes = [code for code in HEADLINE if code in available(results.rows)]
    if view is not None:
        found, codes = benefits_in_view(found, view), []
    rows = select(found, codes, scenario or ())
    _write(results, rows, output_format, out, every)
    if output_format == "text" and out is None and not (table or view):
        others = [code for code in available(results.rows) if code not in codes]
        sys.stdout.write(f"Further tables: --table {', '.join(others)}\n" if others else "")


def check_fiscal_year(first_month: int | None, results: Results) -> None:
    """Check that the run holds what a fiscal year needs.

    Raises
    ------
    InputError
        The month is none, or the fiscal year reaches into a year that the run does not hold.
    """
    if first_month is None or first_month == 1:
        return
    if not 1 <= first_month <= 12:
        raise InputError(f"--fiscal-year {first_month}: expected the first month, 1 to 12.")
    year, period = results.contents.year, _period(results.contents)
    raise InputError(
        Fault(
            f"--fiscal-year {first_month}",
            "the fiscal year crosses calendar years, and results hold sums of calendar years",
            f"{period} only" if period == str(year) else f"sums of the years {period}",
            f"monthly sums of {year} and {year + 1}",
            "Leave out --fiscal-year, or give 1.",
        )
    )


def _write(
    results: Results, rows: Sequence[Row], output_format: str, out: Path | None, every: int
) -> None:
    footer = f"Run of {results.provenance['created']}, digest: {results.digest}."
    currency, notes = results.contents.currency, results.incomplete
    if output_format == "xlsx":
        from microsim.report.workbook import write_workbook

        if out is None:
            raise InputError("a workbook needs a file: add --out tables.xlsx.")
        with writable(out):
            write_workbook(arrange(rows, currency, every), out, currency, footer, notes)
        sys.stdout.write(f"{out}\n")
        return
    if output_format == "text" and out is None:
        from rich.console import Console

        from microsim.report.text import print_tables

        console = Console(emoji=False, width=None if sys.stdout.isatty() else WIDE)
        print_tables(arrange(rows, currency, every), console, currency, footer, notes)
        return
    text = _text(results, rows, output_format, footer, every)
    if out is None:
        sys.stdout.write(text)
    else:
        with writable(out):
            out.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{out}\n")


def _period(contents: Contents) -> str:
    first, last = contents.horizon or (contents.year, contents.year)
    return str(first) if first == last else f"{first} to {last}"


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Make the folder of a file, and say plainly if the file cannot be written.

    Raises
    ------
    InputError
        The file cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        what = error.strerror or str(error)
        fault = Fault(str(path), "cannot be written", what, remedy="Give another file by --out.")
        raise InputError(fault) from error


def _text(
    results: Results, rows: Sequence[Row], output_format: str, footer: str, every: int
) -> str:
    contents, buffer = results.contents, io.StringIO()
    if output_format == "csv":
        from microsim.report.tidy import write_csv

        write_csv(rows, buffer)
        sys.stderr.writelines(f"{note}\n" for note in results.incomplete)
    elif output_format == "html":
        from microsim.report.page import page_html

        title = f"Social budget, {contents.country} {_period(contents)}"
        sheets = arrange(rows, contents.currency, every)
        return page_html(sheets, title, contents.currency, footer, results.incomplete)
    else:
        from rich.console import Console

        from microsim.report.text import print_tables

        console = Console(emoji=False, file=buffer, width=WIDE)
        sheets = arrange(rows, contents.currency, every)
        print_tables(sheets, console, contents.currency, footer, results.incomplete)
    return buffer.getvalue()
