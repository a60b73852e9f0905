from __future__ import annotations

from coblyn.engine.events import Delta, Finish, Stats
from coblyn.service.hub import MAX_FINISHED, Hub, Record


def finished(hub: Hub, name: str, key: str = "", text: str = "") -> Record:
    record = Record(name, key)
    hub.open(record)
    record.note(Delta(name, text))
    record.note(Finish(name, "eos", Stats()))
    hub.close(record)
    return record


def test_newest_with_a_key_is_meant() -> None:
    hub = Hub()
    finished(hub, "1", "k", "old")
    newer = finished(hub, "2", "k", "new")
    assert hub.find("k") is newer
    running = Record("3", "k")
    hub.open(running)
    assert hub.find("k") is running
    assert hub.find("other") is None


def test_without_key_the_only_one_is_meant() -> None:
    hub = Hub()
    last = finished(hub, "0", "secret")
    assert hub.find("") is last
    one, two = Record("1", "a"), Record("2", "")
    hub.open(one)
    assert hub.find("") is one
    hub.open(two)
    assert hub.find("") is None
    assert hub.active("") == []
    assert hub.active("a") == [one]


def test_memory_of_finished_ones_is_bounded() -> None:
    hub = Hub()
    for number in range(MAX_FINISHED + 5):
        finished(hub, str(number), f"key{number}")
    assert hub.find("key0") is None
    assert hub.find(f"key{MAX_FINISHED + 4}") is not None
    assert hub.num_finished == MAX_FINISHED + 5


def test_what_never_finished_is_not_remembered() -> None:
    hub = Hub()
    record = Record("1", "k")
    hub.open(record)
    hub.close(record)
    hub.close(record)
    assert hub.find("k") is None
    assert hub.num_finished == 0


def test_clocks() -> None:
    now = [100.0]
    hub = Hub(lambda: now[0])
    now[0] = 110.0
    assert (hub.uptime, hub.idle_time) == (10.0, 10.0)
    record = Record("1", "")
    hub.open(record)
    assert hub.idle_time == 0.0
    now[0] = 115.0
    hub.close(record)
    now[0] = 118.0
    assert (hub.uptime, hub.idle_time) == (18.0, 3.0)
