"""`python -m microsim` is the command line."""

from microsim.cli.main import main

main()
