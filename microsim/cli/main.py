"""The `microsim` command: mounts subcommands, prints faults as messages, returns exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

import typer
from rich.console import Console

from microsim.errors import MicrosimError

# Each module has `register(app)`; several commands may share one.
COMMANDS = {
    "run": "run",
    "prepare": "run",
    "plan": "plan",
    "resume": "resume",
    "expand": "resume",
    "status": "upkeep",
    "verify": "upkeep",
    "gc": "upkeep",
    "consolidate": "upkeep",
    "work": "work",
    "submit": "submit",
    "household": "household",
    "explain": "explain",
    "check": "check",
    "new": "new",
    "tables": "tables",
    "validate": "validate",
    "parameters": "parameters",
    "population": "population",
}

app = typer.Typer(
    name="microsim",
    help="Household-level microsimulation of social protection: law, households, social budget.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Household-level microsimulation of social protection: law, households, social budget."""


def build(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command with the named subcommands mounted; each module loads only here."""
    for module in dict.fromkeys(COMMANDS[name] for name in names):
        importlib.import_module(f"microsim.cli.{module}").register(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line.

    Exit codes: 0 fine, 1 the run failed or is incomplete, 2 the input is at fault, 75 call again.
    """
    given = sys.argv[1:] if arguments is None else arguments
    chosen = tuple(name for name in COMMANDS if given and given[0] == name) or COMMANDS
    try:
        build(chosen)(args=given, standalone_mode=True)
    except MicrosimError as error:
        Console(stderr=True, emoji=False, soft_wrap=True).print(
            str(error), markup=False, highlight=False
        )
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        from microsim.simulation.disk import words_of

        if not words_of(error):
            raise
        Console(stderr=True, emoji=False, soft_wrap=True).print(
            words_of(error), markup=False, highlight=False
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
