"""Assembles what the tables are made from: schemes of all scenarios, frame, cells, records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from microsim.errors import FaultList, InputError
from microsim.files import month_index
from microsim.policy.dated import value_at
from microsim.policy.system import AdministrationRule, FundRule, GivenRule, SchemeRule, System
from microsim.population.store import PopulationReader
from microsim.results.contents import (
    Benefit,
    Cells,
    Contents,
    Contribution,
    FrameValue,
    Fund,
    GivenLine,
    Scheme,
    Tax,
)
from microsim.scenario.frame import Frame
from microsim.simulation.merge import Merged
from microsim.simulation.model import Model

ALWAYS = ("gdp", "government_expenditure", "average_wage", "minimum_wage", "cpi")


class Assembler:
    """Turns a model and its merged sums into contents; collects what the model's year lacks.

    Parameters
    ----------
    model
        Its `year` is that of the contents.
    population
        That was evaluated.
    first_year
        First year of a projection; None for a run of one year. In a projection reserves run on from
        year to year, and returns must be known.
    """

    def __init__(
        self, model: Model, population: PopulationReader, first_year: int | None = None
    ) -> None:
        self.model, self.population, self.first_year = model, population, first_year
        self.faults = FaultList()

    @staticmethod
    def bare(model: Model, population: PopulationReader, cells: Cells) -> Contents:
        """Return contents with cells and schemes only, for comparing single figures."""
        made = Assembler(model, population)
        return Contents(
            model.names, model.names, "", "", model.year, made._schemes(), made._taxes(), {}, {},
            None, population.regions, "", "", cells, None,
        )  # fmt: skip

    def check(self) -> None:
        """Find everything that depends on the year, before anything is computed.

        Raises
        ------
        InputError
            As `contents`.
        """
        system = self.model.systems[0]
        self._schemes()
        self._lines(system)
        self._retirement_age(system)
        self.faults.raise_if_any()

    def contents(self, merged: Merged, labels: tuple[str, ...]) -> Contents:
        """Return the contents of the run.

        Raises
        ------
        InputError
            A given line, administration cost, rate of return, poverty line or retirement age has no
            value in the year.
        """
        model, system = self.model, self.model.systems[0]
        found = Contents(
            scenarios=model.names,
            labels=labels,
            country=self.population.country or system.country,
            currency=self.population.currency if system.currency == "LCU" else system.currency,
            year=model.year,
            schemes=self._schemes(),
            taxes=self._taxes(),
            frame=self._frame(),
            poverty_lines=self._lines(system),
            retirement_age=self._retirement_age(system),
            regions=self.population.regions,
            equivalence=system.equivalence,
            welfare_meaning=system.welfare_source or "welfare of the population file",
            cells=merged.cells,
            records=merged.records,
            household_residuals=merged.residuals,
        )
        self.faults.raise_if_any()
        return found

    # -- schemes --------------------------------------------------------------------------

    def _schemes(self) -> tuple[Scheme, ...]:
        found: dict[str, Scheme] = {}
        for name, system in zip(self.model.names, self.model.systems, strict=True):
            for scheme in system.schemes.values():
                made = self._scheme(scheme, system, name)
                known = found.get(scheme.id)
                if known is None:
                    found[scheme.id] = made
                else:
                    found[scheme.id] = self._same(known, made, name, scheme)
        return tuple(found.values())

    def _same(self, known: Scheme, made: Scheme, name: str, rule: SchemeRule) -> Scheme:
        """Return a scheme that several scenarios have; its metadata must be equal in them."""
        if replace(made, scenarios=known.scenarios) != known:
            self.faults.add(
                str(rule.where),
                f"scheme {rule.id} has other lines, financing or fund in scenario {name}",
                expected="one description of a scheme in all scenarios of a run",
                remedy="In the reform, abolish the scheme and add it under another name.",
            )
        return replace(known, scenarios=(*known.scenarios, name))

    def _scheme(self, scheme: SchemeRule, system: System, scenario: str) -> Scheme:
        basis, value = self._administration(scheme.administration, system)
        return Scheme(
            id=scheme.id,
            label=scheme.label,
            pillar=scheme.pillar,
            contributory=scheme.contributory,
            partial=scheme.partial,
            contributions=tuple(Contribution(c.id, c.payer) for c in scheme.contributions),
            benefits=tuple(
                Benefit(
                    b.id,
                    b.function,
                    b.kind,
                    b.means_tested,
                    b.of,
                    self._parameter(b.minimum, system) if b.minimum else None,
                    bool(b.eligible),
                )
                for b in scheme.benefits
            ),
            given=tuple(
                self._given(line) for line in scheme.given if self._is_of_year(line, scheme)
            ),
            administration_basis=basis,
            administration_value=value,
            general_revenue=scheme.financing.general_revenue,
            external=scheme.financing.external,
            balance=scheme.financing.balance,
            has_insurable_earnings=bool(scheme.insurable_earnings),
            scenarios=(scenario,),
            fund=self._fund(scheme.fund, scheme, system) if scheme.fund is not None else None,
        )

    def _is_of_year(self, line: GivenRule, scheme: SchemeRule) -> bool:
        """Tell whether a given line is printed in the model's year.

        The reserve of a later year is that of the year before run on; and where a fund's returns
        are known, investment income is given for single years only.
        """
        later = self.first_year is not None and self.model.year > self.first_year
        if line.line == "reserve opening" and later:
            return False
        earns = scheme.fund is not None and bool(scheme.fund.returns)
        return not (line.line == "investment income" and earns) or self.model.year in line.values

    def _fund(self, rule: FundRule, scheme: SchemeRule, system: System) -> Fund:
        year = self.model.year
        opening = rule.opening.get(year)
        if year == self.first_year and rule.opening and opening is None:
            what = f"the fund of scheme {scheme.id} has no opening reserve for {year}"
            years = ", ".join(map(str, rule.opening))
            self.faults.add(str(rule.where), what, years, f"{year}, the first year of the run")
        return Fund(
            rule.kind, rule.timing, self._returns(rule, system), opening, rule.target_ratio,
            rule.closed,
        )  # fmt: skip

    def _returns(self, rule: FundRule, system: System) -> float | None:
        """Return the rate of the year; in a run of one year a frame need not know it."""
        if not rule.returns.startswith("frame."):
            return self._parameter(rule.returns, system) if rule.returns else None
        series, year = rule.returns.removeprefix("frame."), self.model.year
        if self.first_year is None:
            return self.model.frame.get(series, year)
        try:
            return self.model.frame.value(series, year)
        except InputError as error:
            self.faults.faults.extend(error.faults)
            return None

    def _administration(self, rule: AdministrationRule | None, system: System) -> tuple[str, float]:
        if rule is None:
            return "", 0.0
        return rule.basis, self._parameter(rule.parameter, system) if rule.parameter else rule.value

    def _parameter(self, name: str, system: System) -> float:
        parameter = system.definitions.parameters[name]
        try:
            month = month_index(self.model.year, 12)
            return float(value_at(parameter, month, yearly=True, frame=self.model.frame))
        except InputError as error:
            self.faults.faults.extend(error.faults)
            return 0.0

    def _given(self, line: GivenRule) -> GivenLine:
        return GivenLine(
            line.line, self._given_value(line), line.source, line.function, line.kind,
            line.means_tested, line.scheme,
        )  # fmt: skip

    def _given_value(self, line: GivenRule) -> float:
        year, values = self.model.year, line.values
        if year in values:
            return values[year]
        last = max((y for y in values if y <= year), default=None)
        if last is None or not line.index:
            years = ", ".join(map(str, values)) or "none"
            remedy = "Give the year's value, or an index that moves the last one."
            what = f"given line '{line.line}' has no value for {year}"
            self.faults.add(str(line.where), what, years, str(year), remedy)
            return 0.0
        try:
            frame = self.model.frame
            return values[last] * frame.value(line.index, year) / frame.value(line.index, last)
        except InputError as error:
            self.faults.add(str(line.where), f"given line '{line.line}' follows {line.index}")
            self.faults.faults.extend(error.faults)
            return 0.0

    def _taxes(self) -> tuple[Tax, ...]:
        found: dict[str, Tax] = {}
        for system in self.model.systems:
            for tax in system.taxes.values():
                one = Tax(tax.id, tax.label, tax.kind, tax.origin, tax.earmarked_for)
                found.setdefault(tax.id, one)
        return tuple(found.values())

    # -- frame and lines ------------------------------------------------------------------

    def _frame(self) -> dict[str, FrameValue]:
        frame: Frame = self.model.frame
        found = {name: FrameValue(None, "", "nobody gives it") for name in ALWAYS}
        for name, series in frame.series.items():
            value = frame.get(name, self.model.year)
            found[name] = FrameValue(value, series.unit, series.source, series.label)
        return found

    def _lines(self, system: System) -> dict[str, float]:
        lines = {}
        for name, source in system.poverty_lines.items():
            if not source.startswith("frame."):
                lines[name] = self._parameter(source, system)
                continue
            try:
                lines[name] = self.model.frame.value(source[6:], self.model.year)
            except InputError as error:
                self.faults.faults.extend(error.faults)
        return lines

    def _retirement_age(self, system: System) -> tuple[float, float] | None:
        if not system.retirement_age:
            return None
        parameter = system.definitions.parameters[system.retirement_age]
        value = value_at(
            parameter, month_index(self.model.year, 12), yearly=True, frame=self.model.frame
        )
        if parameter.kind == "table":
            by_sex = {int(row[0]): float(row[1]) for row in np.atleast_2d(value)}
            return by_sex[0], by_sex[1]
        return float(value), float(value)
