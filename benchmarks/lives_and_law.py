"""Projections: lives with a country's whole law, many scenarios on one life course, whole runs.

    python benchmarks/lives_and_law.py
    python benchmarks/lives_and_law.py --parts law sharing
    python benchmarks/lives_and_law.py --parts million

`law`: person-years a second on one core, of lives alone, and with Kenya's law of every year and all
sums of the tables, of one scenario. `sharing`: ten scenarios that change the law only, against
lives + 10 x law. `million`: the command, a million persons for fifty years, baseline and three
reforms, on two cores, with the memory of the largest worker.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

from microsim.language.people import World
from microsim.shipped import folder
from microsim.simulation.horizon import LifeGroup
from microsim.simulation.model import laws_of_years, of_lives_alone
from microsim.simulation.phases import Prepared
from microsim.simulation.projecting import ShardLife
from microsim.simulation.run import Options, prepare
from microsim.simulation.unit import Unit
from microsim.simulation.worker import project_unit
from microsim.simulation.worlds import WorldKey

REFORM = "reform: NSSF at {rate}\nreplace:\n  nssf.rate: {{2027-01-01: {rate}}}\n"
TEN = [round(0.061 + 0.002 * k, 3) for k in range(9)]
BASE = WorldKey()


def question(
    where: Path, last: int, households: int, reforms: dict[str, str], name: str = "ahead"
) -> Path:
    """Write a projection of Kenya beside copies of its files, and return its file."""
    country = where / "scenarios" / "kenya"
    if not country.exists():
        shutil.copytree(folder("scenarios"), where / "scenarios")
    lines = [
        "scenario: a projection", "system: projection.yaml", "year: 2025", f"to: {last}",
        "lives: lives.yaml", "tables: {every: 10}", "frame: frame.yaml", "totals: totals.csv",
        f"population: {{country: KEN, households: {households}, seed: 1}}", "reforms:",
        *(f"  {key}: {file}" for key, file in reforms.items()),
    ]  # fmt: skip
    if not reforms:
        lines.remove("reforms:")
    path = country / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def ten_reforms(where: Path) -> dict[str, str]:
    """Write nine reforms of one rate; with the baseline they are ten scenarios."""
    reforms = {}
    for k, rate in enumerate(TEN):
        file = where / "scenarios" / "kenya" / "reforms" / f"rate_{k}.yaml"
        file.write_text(REFORM.format(rate=rate), encoding="utf-8")
        reforms[f"rate_{k}"] = f"reforms/rate_{k}.yaml"
    return reforms


def prepared_of(path: Path) -> Prepared:
    """Return a prepared run with its machine code made."""
    run = prepare(path, Options(out=path.with_suffix("")))
    project_unit(run, Unit(-1, 0, 0, 0, 0, 1, ""), 1, most_years=2)
    return run


def cpu_of_law(run: Prepared, markets: int, repeats: int) -> tuple[float, int]:
    """Return CPU seconds of some markets' lives under the law, and their person-years."""
    unit, times, lived = Unit(-1, 0, 0, 0, 0, markets, ""), [], 0
    project_unit(run, unit, 1)  # makes the evaluators of all years
    for _ in range(repeats):
        began = time.process_time()
        arrays, _ = project_unit(run, unit, 1)
        times.append(time.process_time() - began)
        lived = sum(int(array.sum()) for name, array in arrays.items() if name.endswith("/ages"))
    return statistics.median(times), lived


def cpu_of_lives(run: Prepared, markets: int, repeats: int) -> float:
    """Return CPU seconds of the same lives with nothing but the rules that they read."""
    horizon, projection = run.horizon(0, BASE), run.scenario.projection
    assert projection is not None  # noqa: S101 - the benchmark's own scenario
    first = horizon.groups[0]
    model = of_lives_alone(first.model, projection.lives.behaviour)
    group = LifeGroup(0, model, first.tables, laws_of_years(model, horizon.years), (set(),))
    times = []
    for _ in range(repeats + 1):
        began = time.process_time()
        for market in range(markets):
            part = run.population.read_markets(market, market + 1)
            life = ShardLife(horizon, group, part, len(run.population.regions), World(1))
            for _ in horizon.years:
                life.begin_year()
                life.evaluate(1)
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def law(where: Path, repeats: int) -> dict[str, float]:
    """Measure lives alone and with the whole law."""
    run = prepared_of(question(where, 2060, 20_000, {}, "law"))
    markets = run.population.n_markets
    alone = cpu_of_lives(run, markets, repeats)
    whole, lived = cpu_of_law(run, markets, repeats)
    return {
        "person_years": lived,
        "lives_alone_person_years_per_s": round(lived / alone),
        "with_whole_law_person_years_per_s": round(lived / whole),
        "law_alone_person_years_per_s": round(lived / (whole - alone)),
    }


def sharing(where: Path, repeats: int) -> dict[str, float]:
    """Measure ten scenarios of the law on one life course."""
    one = prepared_of(question(where, 2060, 20_000, {}, "one"))
    ten = prepared_of(question(where, 2060, 20_000, ten_reforms(where), "ten"))
    markets = one.population.n_markets
    lives = cpu_of_lives(one, markets, repeats)
    single, _ = cpu_of_law(one, markets, repeats)
    many, _ = cpu_of_law(ten, markets, repeats)
    bound = lives + 10 * (single - lives)
    return {
        "lives_s": round(lives, 2), "law_s": round(single - lives, 2), "ten_s": round(many, 2),
        "ten_over_lives_and_ten_laws": round(many / bound, 3),
    }  # fmt: skip


def million(where: Path, households: int) -> dict[str, float]:
    """Time the command on two cores."""
    reforms = {
        "universal_pension": "reforms/pension_universal.yaml",
        "nssf_rate": "reforms/pension_nssf_rate.yaml",
        "older_persons": "reforms/pension_older_persons_65.yaml",
    }
    path = question(where, 2075, households, reforms, "million")
    warm = question(where, 2026, 2_000, reforms, "warm")
    command = [sys.executable, "-m", "microsim", "run"]
    for file, workers in ((warm, "1"), (path, "2")):
        shutil.rmtree(file.with_suffix(""), ignore_errors=True)
        words = [*command, str(file), "--out", str(file.with_suffix("")), "--workers", workers]
        words += ["--backend", "processes", "--shard-persons", "50000"]
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        wall = time.perf_counter() - began
    memory = re.findall(r"largest worker ([\d,]+) MiB", done.stderr + done.stdout)
    identities = re.findall(r"(\d+) of (\d+) accounting", done.stdout)
    return {
        "wall_s": round(wall, 1),
        "largest_worker_MiB": int(memory[-1].replace(",", "")) if memory else -1,
        "identities": int(identities[-1][0]) if identities else -1,
    }


def main() -> None:
    """Print what was asked for, as JSON lines, with the machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", nargs="*", default=["law", "sharing", "million"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--households", type=int, default=300_000)
    asked = parser.parse_args()
    print(json.dumps({"machine": dict(machine.described()), "load": machine.load()}))
    with tempfile.TemporaryDirectory() as folder_name:
        where = Path(folder_name)
        found = {
            "law": lambda: law(where, asked.repeats),
            "sharing": lambda: sharing(where, asked.repeats),
            "million": lambda: million(where, asked.households),
        }
        for part in asked.parts:
            print(json.dumps({"part": part, **found[part]()}), flush=True)


if __name__ == "__main__":
    main()
