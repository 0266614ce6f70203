"""Who works and how: participation, employment, status, sector, formality; the rest's reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.population.columns import EMPLOYMENT_STATUS, SECTOR
from microsim.population.synthesis.parameters import Parameters, at_ages
from microsim.population.synthesis.people import Bools, Draws, Floats, Ints, choose

STATUS = {label: code for code, label in enumerate(EMPLOYMENT_STATUS)}
SECTOR_CODE = {label: code for code, label in enumerate(SECTOR)}
BANDS = ((15, 24), (25, 54), (55, 64), (65, 200))
WORKING_AGE = 15
EMPLOYEES = ("formal public employee", "formal private employee", "informal employee")
OWN_ACCOUNT = ("formal own-account", "informal own-account")


@dataclass(frozen=True)
class LabourRates:
    """Labour statistics of one sex, all as shares.

    Attributes
    ----------
    participation
        15+, 15-64, 25-54 and 65+, in this order.
    employment, youth_employment
        Employed per person 15+, and 15-24 (None if no data).
    youth_unemployment
        Unemployed per labour force 15-24 (None if no data).
    self_employed, family_workers
        Shares of employment; the first includes the second.
    sectors
        Agriculture, industry, services, shares of employment.
    """

    participation: tuple[float, float, float, float]
    employment: float
    youth_employment: float | None
    youth_unemployment: float | None
    self_employed: float
    family_workers: float
    sectors: tuple[float, float, float]


@dataclass(frozen=True)
class Persons:
    """What is known of persons before work, all of shape (n_persons,)."""

    age: Ints
    female: Bools
    is_head: Bools
    has_spouse: Bools
    urban: Bools
    disabled: Bools


@dataclass(frozen=True)
class FormalJobs:
    """Persons of the sample with formal work; `own_account` is a share of the own-account."""

    employees: int
    public: int
    own_account: float


def assign_labour(
    persons: Persons,
    rates: tuple[LabourRates, LabourRates],
    parameters: Parameters,
    draws: Draws,
) -> tuple[Ints, Ints]:
    """Return employment status (employees still informal) and sector, each shape (n_persons,).

    Parameters
    ----------
    rates
        Of men and of women.
    """
    status = np.full(persons.age.size, STATUS["under working age"], dtype=np.int64)
    sector = np.zeros(persons.age.size, dtype=np.int64)
    for sex in (0, 1):
        of_sex = persons.female if sex else ~persons.female
        _assign_sex(persons, np.flatnonzero(of_sex), rates[sex], parameters, draws, status, sector)
    _assign_inactive(persons, status, parameters, draws)
    return status, sector


def _assign_sex(
    persons: Persons,
    rows: Ints,
    rates: LabourRates,
    parameters: Parameters,
    draws: Draws,
    status: Ints,
    sector: Ints,
) -> None:
    age = persons.age[rows]
    bands = [rows[(age >= low) & (age <= high)] for low, high in BANDS]
    forces, employed = band_counts([band.size for band in bands], rates, parameters)
    working = []
    for band, n_force, n_employed in zip(bands, forces, employed, strict=True):
        force = band[choose(_reluctance(persons, band, draws), n_force)]
        score = draws.uniform("employed", force) - 0.2 * persons.is_head[force]
        at_work = choose(score, n_employed)
        status[force[~at_work]] = STATUS["unemployed"]
        status[band[np.isin(band, force, invert=True)]] = STATUS["other inactive"]
        working.append(force[at_work])
    _assign_work(persons, np.concatenate(working), rates, draws, status, sector)


def _reluctance(persons: Persons, rows: Ints, draws: Draws) -> Floats:
    age = persons.age[rows]
    score = draws.uniform("in the labour force", rows)
    score = score + 0.5 * persons.disabled[rows] - 0.15 * persons.is_head[rows]
    score = score + np.where(age < 25, -0.10 * (age - 15), 0.0)
    tired: Floats = score + np.where(age >= 55, 0.05 * (age - 55), 0.0)
    return tired


def band_counts(
    sizes: list[int], rates: LabourRates, parameters: Parameters
) -> tuple[list[int], list[int]]:
    """Return the labour force and the employed of each band of one sex, in persons.

    The rates of 15+ win; those of 15-24 and 55-64 follow from 15-64 and 25-54 and from the
    employment and unemployment rate at 15-24.
    """
    n = np.array(sizes, dtype=np.float64)
    total, working_age, prime, old = rates.participation
    force = np.array([0.0, prime * n[1], 0.0, old * n[3]])
    left = max(working_age * (n[0] + n[1] + n[2]) - force[1], 0.0)
    factor = parameters.number("labour.youth_unemployment_factor", "factor")
    general = 1.0 - rates.employment / total if total > 0.0 else 0.0
    jobless = rates.youth_unemployment
    jobless = min(factor * general, 0.8) if jobless is None else jobless
    youth_employed = None if rates.youth_employment is None else rates.youth_employment * n[0]
    youth = left * n[0] / max(n[0] + n[2], 1.0)
    if youth_employed is not None:
        youth = min(youth_employed / max(1.0 - jobless, 0.05), n[0])
    force[2] = min(max(left - youth, 0.15 * prime * n[2]), 0.98 * n[2])
    force[0] = min(max(left - force[2], 0.0), n[0])
    force = _scaled(force, n, total * float(n.sum()))
    employed = _employed(force, n, rates, youth_employed, jobless)
    return [round(x) for x in force], [round(x) for x in employed]


def _scaled(part: Floats, whole: Floats, target: float) -> Floats:
    """Move parts towards a total, most where there is most room on both sides."""
    for _ in range(50):
        gap = target - float(np.cumsum(part)[-1])
        room = part * (1.0 - part / np.maximum(whole, 1.0)) + 1e-9 * whole
        step = gap * room / max(float(np.cumsum(room)[-1]), 1e-9)
        part = np.clip(part + step, 0.0, whole)
    return part


def _employed(
    force: Floats, n: Floats, rates: LabourRates, youth: float | None, jobless: float
) -> Floats:
    wanted = min(rates.employment * float(n.sum()), float(np.cumsum(force)[-1]))
    employed = force.copy()
    employed[0] = min(force[0], force[0] * (1.0 - jobless) if youth is None else youth)
    grown = float(np.cumsum(force[1:])[-1])
    share = (wanted - employed[0]) / grown if grown > 0.0 else 0.0
    if share > 1.0:
        employed[0], share = min(wanted - grown, force[0]), 1.0
    employed[1:] = force[1:] * max(share, 0.0)
    return employed


def _assign_work(
    persons: Persons, rows: Ints, rates: LabourRates, draws: Draws, status: Ints, sector: Ints
) -> None:
    head, urban, age = persons.is_head[rows], persons.urban[rows], persons.age[rows]
    n = rows.size
    score = draws.uniform("family worker", rows) + 0.6 * head + 0.3 * urban
    score = score - 0.3 * (age < 25) + 0.2 * (~persons.has_spouse[rows] & (age >= 25))
    family = choose(score, round(rates.family_workers * n))
    score = draws.uniform("own-account", rows) + 9.0 * family + 0.15 * urban - 0.2 * head
    score = score - 0.008 * (age - 30)
    own = choose(score, round((rates.self_employed - rates.family_workers) * n))
    status[rows] = np.where(
        family,
        STATUS["family worker"],
        np.where(own, STATUS["informal own-account"], STATUS["informal employee"]),
    )
    agriculture, industry, services = rates.sectors
    whole = agriculture + industry + services
    score = draws.uniform("agriculture", rows) + 0.8 * urban - 0.3 * family - 0.15 * own
    farm = choose(score, round(agriculture / whole * n))
    score = draws.uniform("industry", rows) + 9.0 * farm
    plant = choose(score, round(industry / whole * n))
    sector[rows] = np.where(
        farm, SECTOR_CODE["agriculture"],
        np.where(plant, SECTOR_CODE["industry"], SECTOR_CODE["services"]),
    )  # fmt: skip


def assign_formality(
    persons: Persons, status: Ints, sector: Ints, jobs: FormalJobs, draws: Draws
) -> Ints:
    """Return status with formal jobs given to employees and own-account workers."""
    status = status.copy()
    for kind, count, public in (
        ("informal employee", jobs.employees, jobs.public),
        ("informal own-account", None, 0),
    ):
        rows = np.flatnonzero(status == STATUS[kind])
        wanted = round(jobs.own_account * rows.size) if count is None else count
        score = draws.uniform("formal job", rows) - 0.25 * persons.urban[rows]
        score = score + 0.35 * (sector[rows] == SECTOR_CODE["agriculture"])
        age = persons.age[rows]
        score = score + 0.25 * (age < 23) + 0.5 * (age >= 60)
        formal = rows[choose(score, wanted)]
        if count is None:
            status[formal] = STATUS["formal own-account"]
            continue
        status[formal] = STATUS["formal private employee"]
        score = draws.uniform("public job", formal)
        score = score + 0.8 * (sector[formal] != SECTOR_CODE["services"])
        status[formal[choose(score, public)]] = STATUS["formal public employee"]
    return status


def _assign_inactive(persons: Persons, status: Ints, parameters: Parameters, draws: Draws) -> None:
    rows = np.flatnonzero(status == STATUS["other inactive"])
    block = parameters.blocks["labour.inactive"]
    age, u = persons.age[rows], draws.uniform("why inactive", rows)
    student = u < at_ages(block["students"], age)
    home = np.where(
        persons.female[rows], float(block["home_duties_women"]), float(block["home_duties_men"])
    )
    reason = np.where(draws.uniform("home duties", rows) < home, STATUS["home duties"],
                      STATUS["other inactive"])  # fmt: skip
    reason = np.where(age >= float(block["retired_from"]), STATUS["retired"], reason)
    reason = np.where(persons.disabled[rows], STATUS["disabled inactive"], reason)
    status[rows] = np.where(student, STATUS["student"], reason)
