"""A small table, printed as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """Title, column heads, rows of text, notes below."""

    title: str
    heads: tuple[str, ...]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        """Add a row."""
        self.rows.append([str(cell) for cell in cells])

    def text(self) -> str:
        """Return the table as Markdown, columns aligned."""
        lines = [f"### {self.title}", ""]
        if self.rows:
            table = [list(self.heads), *[list(row) for row in self.rows]]
            width = [max(len(row[c]) for row in table) for c in range(len(self.heads))]
            padded = [
                [
                    cell.ljust(n) if c == 0 else cell.rjust(n)
                    for c, (cell, n) in enumerate(zip(row, width, strict=True))
                ]
                for row in table
            ]
            rule = ["-" * n if c == 0 else "-" * (n - 1) + ":" for c, n in enumerate(width)]
            lines += ["| " + " | ".join(row) + " |" for row in (padded[0], rule, *padded[1:])]
            lines.append("")
        lines += [f"{note}\n" for note in self.notes]
        return "\n".join(lines)


def seconds(value: float) -> str:
    """Return a time with three significant digits."""
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def millions(value: float) -> str:
    """Return a number of millions."""
    return f"{value / 1e6:.1f} M"
