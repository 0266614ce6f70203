"""Compiles generated stages in a process of its own: `python -m microsim.language.precompile`.

Standard input: JSON of `folder`, `claims` and `names`. Several processes share a list: whoever
makes the file named after a stage in `claims` first compiles it. What goes wrong here is found out
and told by the process that needs the stage.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from microsim.language.loading import claim, import_stage


def main() -> None:
    """Compile what nobody else has claimed."""
    given = json.load(sys.stdin)
    for name in given["names"]:
        if claim(Path(given["claims"]), name):
            import_stage(name, Path(given["folder"]))


if __name__ == "__main__":
    main()
