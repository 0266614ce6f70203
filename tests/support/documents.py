"""Reads the project's documents: their blocks of code, their commands, the paths they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for pattern in (
        "*.md", "scenarios/**/*.md", "cluster/**/*.md", "results_schema/**/*.md",
        "benchmarks/**/*.md", "microsim/**/*.md",
    )
    for path in CHECKOUT.glob(pattern)
)  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where the block stands."""
        return f"{self.document.relative_to(CHECKOUT)}:{self.line}"


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a document."""
    text = document.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [Block(document, text.count("\n", 0, one.start()) + 2, one[1], one[2]) for one in found]


def spans(document: Path) -> list[str]:
    """Return the inline code of a document, line breaks as spaces."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [re.sub(r"\s+", " ", one) for one in re.findall(r"`([^`]+)`", text)]


def links(document: Path) -> list[str]:
    """Return the relative targets of a document's links and pictures."""
    found = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    return [target for target in found if "://" not in target]
