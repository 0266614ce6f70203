"""Runs a scenario as a user does and returns what is said when it is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from microsim.cli.main import main


def refused(country: Any, capsys: Any, *more: object) -> str:
    """Run the scenario as a user does; return what is said, which must be a refusal."""
    out = country.folder / "run"
    arguments = ["run", country.scenario, "--population", country.population, "--out", out, *more]
    with pytest.raises(SystemExit) as caught:
        main([str(one) for one in arguments])
    said = capsys.readouterr().err
    assert caught.value.code == 2, said
    assert "Traceback" not in said
    assert not (out / "results.h5").exists()
    return re.sub(r"\s+", " ", said)


def line_of(country: Any, name: str, text: str) -> int:
    """Return the number of the only line of a file that holds a text."""
    lines = (country.country / name).read_text().splitlines()
    (number,) = (k for k, line in enumerate(lines, 1) if text in line)
    return number
