"""The `microsim` command: mounts subcommands, prints faults as messages, returns exit codes."""

from __future__ import annotations

import importlib
import sys

import typer
from rich.console import Console

from microsim.errors import MicrosimError

# Each module has `register(app)`; population and parameters are groups of commands.
COMMANDS = (
    "run",
    "household",
    "explain",
    "check",
    "new",
    "tables",
    "validate",
    "parameters",
    "population",
)

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


def build(names: tuple[str, ...] = COMMANDS) -> typer.Typer:
    """Return the command with the named subcommands mounted; each module loads only here."""
    for name in names:
        importlib.import_module(f"microsim.cli.{name}").register(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exit code 0 fine, 1 the run failed, 2 the input is at fault."""
    given = sys.argv[1:] if arguments is None else arguments
    chosen = tuple(name for name in COMMANDS if given and given[0] == name) or COMMANDS
    try:
        build(chosen)(args=given, standalone_mode=True)
    except MicrosimError as error:
        Console(stderr=True, soft_wrap=True).print(str(error), markup=False, highlight=False)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
