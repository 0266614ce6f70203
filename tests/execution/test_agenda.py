"""The order of handing out, and who is blamed: with fake workers, so that thousands fit."""

from __future__ import annotations

import pytest
from listening import Collected

from microsim.errors import StoppedError
from microsim.execution.agenda import Agenda, Task
from microsim.execution.jobs import Job


def units(*numbers: int, **more) -> list[dict]:
    return [{"unit": number, **more} for number in numbers]


def agenda_of(fresh: list[dict], suspects: list[dict] = (), width: int = 4) -> Agenda:
    return Agenda(Job("", {}, fresh, suspects), Collected(), width)


def done(agenda: Agenda, task: Task) -> None:
    agenda.answered(task, {"kind": "done", "receipt": {"unit": task.number}})


def hand_out(agenda: Agenda, in_flight: int = 0) -> list[Task]:
    """Take all that may be in flight now."""
    tasks: list[Task] = []
    while len(tasks) + in_flight < agenda.width:
        room = agenda.room(in_flight + len(tasks))
        task = agenda.next(in_flight + len(tasks))
        assert (task is not None) == (room > 0)
        if task is None:
            break
        tasks.append(task)
    return tasks


def test_new_units__come_in_order_and_suspects_last_and_alone():
    agenda = agenda_of(units(1, 2, 3), units(8, 9))
    first = hand_out(agenda)
    assert [(task.number, task.alone) for task in first] == [(1, False), (2, False), (3, False)]
    for task in first[:2]:
        done(agenda, task)
    assert hand_out(agenda, in_flight=1) == []
    done(agenda, first[2])
    for number in (8, 9):
        (task,) = hand_out(agenda)
        assert (task.number, task.alone) == (number, True)
        done(agenda, task)
    agenda.finish()


def test_a_unit_that_died_beside_others__is_tried_alone_and_given_up_at_three():
    agenda = agenda_of(units(1, 2))
    first, second = hand_out(agenda)
    agenda.died(first, "gone", "there")
    assert hand_out(agenda, in_flight=1) == []
    done(agenda, second)
    for _ in range(2):
        (again,) = hand_out(agenda)
        assert again == Task({"unit": 1}, True)
        agenda.died(again, "gone again", "there")
    (failure,) = agenda.listener.failures
    assert (failure.unit, failure.kind, failure.attempts) == ({"unit": 1}, "died", 3)
    assert failure.text == "gone again"
    assert not agenda.open
    agenda.finish()


def test_a_unit_that_was_not_begun__is_handed_out_again():
    agenda = agenda_of(units(1))
    (task,) = hand_out(agenda)
    agenda.give_back(task)
    assert hand_out(agenda) == [task]


def test_finish__tells_how_much_is_left():
    agenda = agenda_of(units(1, 2, 3))
    done(agenda, hand_out(agenda)[0])
    with pytest.raises(StoppedError, match="2 of 3 units are left"):
        agenda.finish()


@pytest.mark.parametrize("culprit", [0, 500, 999])
def test_a_culprit_among_a_thousand_ranks__is_found_in_few_runs(culprit):
    """Each death ends all ranks, and makes a suspect of whatever they had in hand."""
    beside: dict[int, int] = {}
    alone = runs = rounds = 0
    finished: set[int] = set()
    while alone < 3:
        runs += 1
        suspects = [{"unit": k, "beside": n} for k, n in beside.items() if k not in finished]
        if alone:
            suspects = [{**one, "beside": 0} if one["unit"] == culprit else one for one in suspects]
        fresh = units(*(k for k in range(1000) if k not in beside and k not in finished))
        agenda = agenda_of(fresh, suspects, width=1000)
        while tasks := hand_out(agenda):
            rounds += 1
            if culprit in {task.number for task in tasks}:
                for task in tasks:
                    beside[task.number] = beside.get(task.number, 0) + (not task.alone)
                alone += tasks[0].alone
                break
            for task in tasks:
                done(agenda, task)
                finished.add(task.number)
    assert finished == set(range(1000)) - {culprit}
    assert runs <= 10
    assert rounds <= 40
