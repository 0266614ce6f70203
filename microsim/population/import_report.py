"""What an import did beyond copying: treatments, assumptions, weights; printed and stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "missing": "Missing values treated",
    "negative": "Negative values treated",
    "constant": "Not in the survey: one stated value",
    "derived": "Derived by cases",
    "expansion": "Tax units expanded to persons",
    "weights": "Weights",
    "dropped": "Left out",
    "assumption": "Assumptions of the mapping",
}


@dataclass(frozen=True)
class Note:
    """One thing done to the data.

    Attributes
    ----------
    kind
        A key of `KINDS`.
    column
        The user's column, or the target column where the survey has none.
    text
        What was done.
    count, of
        Rows, persons or households concerned, of how many.
    because
        The user's reason, empty if none is stated.
    """

    kind: str
    column: str
    text: str
    count: int
    of: int
    because: str = ""

    def __str__(self) -> str:
        """Return the note as one line."""
        share = f"{self.count:,} of {self.of:,}" if self.of else ""
        head = ": ".join(part for part in (self.column, self.text) if part)
        reason = f" — {self.because}" if self.because else ""
        return f"{head}{f' ({share})' if share else ''}{reason}"


@dataclass
class ImportReport:
    """Counts and notes of one import; `persons_weighted` and `households_weighted` are sums."""

    mapping: str
    source: str
    files: tuple[str, ...]
    n_rows: int = 0
    n_persons: int = 0
    n_households: int = 0
    persons_weighted: float = 0.0
    households_weighted: float = 0.0
    notes: list[Note] = field(default_factory=list)

    def note(
        self, kind: str, column: str, text: str, count: int = 0, of: int = 0, because: str = ""
    ) -> None:
        """Add a note."""
        self.notes.append(Note(kind, column, text, int(count), int(of), because))

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        lines = [
            f"{self.mapping}: {self.n_rows:,} rows of {', '.join(self.files)}",
            f"  {self.n_persons:,} persons in {self.n_households:,} households, standing for "
            f"{self.persons_weighted:,.0f} persons in {self.households_weighted:,.0f} households",
        ]
        for kind, title in KINDS.items():
            notes = [note for note in self.notes if note.kind == kind]
            if notes:
                lines.append(f"{title}:")
                lines.extend(f"  {note}" for note in notes)
        return lines

    def as_data(self) -> dict[str, Any]:
        """Return the report as plain data, for the provenance of the population file."""
        return {
            "mapping": self.mapping,
            "source": self.source,
            "n_rows": self.n_rows,
            "notes": [vars(note) for note in self.notes],
        }
