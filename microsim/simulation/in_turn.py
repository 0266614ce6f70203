"""Does work in threads and hands the results out in the order of the tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_turn(
    work: Callable[[Task], Result], tasks: Iterable[Task], threads: int, ahead: int
) -> Iterator[Result]:
    """Yield the result of each task in turn, while others are worked on.

    Parameters
    ----------
    work
        What is done with a task; it must release the interpreter for threads to help.
    tasks
        In order.
    threads
        How many tasks are worked on at a time.
    ahead
        How many may be begun or done before they are needed: memory holds no more results.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(work, task))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
