"""How many persons a core takes through rules in a second: plain system, Kenya's whole law.

    python rules_speed.py plain FOLDER | kenya POPULATION

Prints one line of JSON. Run in a process of its own by run.py.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

REPEATS = 9


def median_cpu(run: Callable[[], Any]) -> float:
    """Return the median CPU seconds of a call, after one that compiles."""
    run()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return statistics.median(times)


def plain(folder: Path) -> dict[str, float]:
    """Time the plain system: rules alone, then with columns and totals; one thread."""
    sys.path.insert(0, str(Path(__file__).with_name("plain")))
    import generate
    import ours

    from microsim.language.evaluating import Evaluator, Wanted

    rules, data = ours.compiled(), generate.load(folder)
    n = data["p_age"].size
    e = rules.evaluator
    bare = Evaluator(e.program, e.laws, [0], Wanted())
    alone = replace(rules, evaluator=bare, persons=(), households=(), totals=())
    sums = Evaluator(e.program, e.laws, [0], Wanted(sums=e.wanted.sums))
    columns = Evaluator(e.program, e.laws, [0], replace(e.wanted, sums=()))
    variants = {
        "rules alone": alone,
        "rules and totals": replace(rules, evaluator=sums, persons=(), households=()),
        "rules and columns kept": replace(rules, evaluator=columns, totals=()),
        "rules, totals, columns kept": rules,
    }
    return {
        what: n / median_cpu(lambda one=one: ours.evaluate(one, data, 1))  # type: ignore[misc]
        for what, one in variants.items()
    }


def kenya(population: Path) -> dict[str, float]:
    """Time Kenya's law of a year: as the engine runs it, and without sums and household columns;
    one thread.
    """
    from microsim.language.evaluating import Evaluator, Wanted
    from microsim.language.people import World
    from microsim.scenario.scenario import load_scenario
    from microsim.shipped import folder
    from microsim.simulation.people import people_of, weighting_of
    from microsim.simulation.question import model_of, open_of, question_of
    from microsim.simulation.unit import shard_columns

    path = folder("scenarios") / "kenya" / "floor.yaml"
    scenario = replace(load_scenario(path), reforms={})
    question = question_of(path, scenario, str(population), "", None, ())
    reader = open_of(question)
    model = model_of(question, reader, scenario)
    part = reader.read(columns=shard_columns(model))
    people = people_of(part.persons, part.households, model.program.layout.inputs)
    weighting = weighting_of(part.persons, part.households, len(reader.regions))
    whole = model.evaluator()
    alone = Evaluator(model.program, model.laws, [0], Wanted())
    world, n = World(1), people.n_persons
    found = {
        "with what tables need": n / median_cpu(lambda: whole.run(people, weighting, world)),
        "rules alone": n / median_cpu(lambda: alone.run(people, weighting, world)),
    }
    facts = {
        "persons": n,
        "periods": len(model.laws[0].months),
        "formulas": len(model.program.graph.formulas),
    }
    return (
        found
        | {name: float(x) for name, x in facts.items()}
        | {"totals": float(len(model.measures))}
    )


if __name__ == "__main__":
    print(json.dumps({"plain": plain, "kenya": kenya}[sys.argv[1]](Path(sys.argv[2]))))
