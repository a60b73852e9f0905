"""Short work on threads, with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from coblyn.engine.workers import TookTooLong, Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers("test", 1, 0.5)
    yield workers
    workers.close()


def test_work_is_done_and_says_how_it_ended(workers: Workers) -> None:
    done: list[int] = []

    def fail() -> None:
        raise IndexError

    workers.submit(lambda: done.append(1)).result()
    assert done == [1]
    with pytest.raises(IndexError):
        workers.submit(fail).result()
    workers.submit(lambda: done.append(2)).result()
    assert done == [1, 2], "the thread lives on"


def test_what_takes_too_long_is_given_up_and_is_in_nobodys_way(workers: Workers) -> None:
    may_end = threading.Event()
    threads: list[threading.Thread] = []

    def stay() -> None:
        threads.append(threading.current_thread())
        may_end.wait()

    slow = workers.submit(stay)
    quick = workers.submit(lambda: threads.append(threading.current_thread()))
    with pytest.raises(TookTooLong, match=r"0\.5 seconds"):
        slow.result()
    assert workers.num_given_up == 1
    quick.result()
    assert threads[0] is not threads[1]
    may_end.set()
    threads[0].join()
    assert workers.num_given_up == 0
    workers.submit(lambda: None).result()


def test_work_that_waits_is_not_given_up(workers: Workers) -> None:
    may_end = threading.Event()
    slow = workers.submit(may_end.wait)  # type: ignore[arg-type]
    others = [workers.submit(lambda: None) for _ in range(20)]
    with pytest.raises(TookTooLong):
        slow.result()
    for other in others:
        other.result()
    may_end.set()
