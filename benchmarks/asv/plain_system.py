"""The plain system and the indicators, timed by airspeed velocity."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PLAIN = Path(__file__).resolve().parents[1] / "plain"


class PlainSystem:
    """From columns in memory to columns, totals and indicators."""

    params = ([20_000, 500_000], [1, 2])
    param_names = ("persons", "threads")
    timeout = 300

    def setup(self, persons: int, threads: int) -> None:
        """Make the data and compile."""
        sys.path.insert(0, str(PLAIN))
        import generate
        import ours

        self.ours, self.data = ours, (ours.compiled(), generate.make(persons))
        self.found: Any = ours.run_ours(self.data, threads)[0]

    def time_all(self, persons: int, threads: int) -> None:  # noqa: ARG002
        """Rules, totals, indicators."""
        self.ours.run_ours(self.data, threads)

    def time_rules(self, persons: int, threads: int) -> None:  # noqa: ARG002
        """Rules and totals."""
        self.ours.evaluate(*self.data, threads)

    def peakmem_all(self, persons: int, threads: int) -> None:  # noqa: ARG002
        """Peak memory of it all."""
        self.ours.run_ours(self.data, threads)


class Indicators:
    """Sorting, inequality and poverty of a resource."""

    params = ([200_000],)
    param_names = ("households",)

    def setup(self, households: int) -> None:
        """Make a resource and weights."""
        import numpy as np

        from microsim.indicators.distribution import distribution

        g = np.random.Generator(np.random.PCG64(1))
        self.y = np.exp(g.normal(9.5, 0.8, households))
        self.w = 20.0 + 15.0 * g.random(households)
        self.d = distribution(self.y, self.w)

    def time_distribution(self, households: int) -> None:  # noqa: ARG002
        """Sort and merge equal values."""
        from microsim.indicators.distribution import distribution

        distribution(self.y, self.w)

    def time_inequality(self, households: int) -> None:  # noqa: ARG002
        """All indices of inequality."""
        from microsim.indicators.inequality import inequality

        inequality(self.d)

    def time_gaps(self, households: int) -> None:  # noqa: ARG002
        """FGT under two lines, without sorting."""
        from microsim.indicators.poverty import foster_greer_thorbecke

        foster_greer_thorbecke(self.y, self.w, [10_000.0, 20_000.0])
