"""What is measured, kept, and measured again when it was disturbed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from coblyn.llama.model import Heads
from coblyn.tuning.measured import Measured, most_doubtful
from coblyn.tuning.tuning import (
    Tuner,
    attention_questions,
    few_questions,
    product_questions,
    tile_questions,
)

HEADS = Heads(64, 9, 3)


class Machine:
    """Measures by a table, and counts.

    Attributes:
        spreads: Of one measurement after the other; then 0. None is one that was stopped.
        is_alone: Whether nobody else computes.
    """

    instruction_set = "AVX2"

    def __init__(
        self,
        batches: dict[int, int],
        floors: dict[int, int] | None = None,
        tokens: int = 0,
        single: float = 0.0,
        spreads: Sequence[float | None] = (),
    ) -> None:
        self.floors = floors or {}
        self.tokens = tokens
        self.single = single
        self.takes_single = False
        self.few: dict[int, int] = {}
        self.tiles: dict[int, bool] = {}
        self.min_tokens = 64
        self.shapes: list[tuple[int, Heads, int]] = []
        self.batches = batches
        self.asked: list[tuple[int, int, int, int]] = []
        self.chosen: dict[int, int] = {}
        self.spreads = list(spreads)
        self.spread: float | None = 0.0
        self.is_alone = True
        self.is_stoppable = False

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        assert 0 < seconds < 0.1
        self.asked.append((kind, rows, columns, threads))
        self._disturb()
        return self.batches[kind]

    def min_batch(self, kind: int) -> int:
        return self.floors.get(kind, 1)

    def set_min_batch(self, kind: int, batch: int) -> None:
        self.chosen[kind] = batch

    def uses_tiles(self, kind: int) -> bool:
        return self.tiles.get(kind, False)

    def find_tiles(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> bool:
        assert 0 < seconds < 0.1
        self.asked.append((kind, rows, columns, threads))
        self._disturb()
        return self.batches[kind] > 0

    def set_tiles(self, kind: int, may: bool) -> None:
        self.tiles[kind] = may

    def find_few(self, kind: int, rows: int, columns: int, *, threads: int, seconds: float) -> int:
        assert 0 < seconds < 0.1
        self.asked.append((kind, rows, columns, threads))
        self._disturb()
        return self.batches[kind]

    def set_max_few(self, kind: int, rows: int) -> None:
        self.few[kind] = rows

    def find_tokens(
        self, kind: int, heads: Heads, *, cells: int, threads: int, seconds: float
    ) -> int:
        assert 0 < seconds < 0.1
        assert cells >= 256
        self.shapes.append((kind, heads, threads))
        self._disturb()
        return self.tokens

    def measure_attention(
        self, kind: int, heads: Heads, *, cells: int, tokens: int, threads: int, seconds: float
    ) -> float:
        assert 0 < seconds < 0.1
        assert (kind, heads, tokens, threads) == (1, HEADS, 1, 2)
        assert cells >= 256
        self._disturb()
        return self.single

    def set_single(self, is_taken: bool) -> None:
        self.takes_single = is_taken

    def set_min_tokens(self, tokens: int) -> None:
        self.min_tokens = tokens

    def take_spread(self) -> float | None:
        spread, self.spread = self.spread, 0.0
        return spread

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        assert self.is_alone, "what another engine measures is not ours to stop"
        self.is_stoppable = True
        yield
        self.is_stoppable = False

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield self.is_alone

    def _disturb(self) -> None:
        self.spread = self.spreads.pop(0) if self.spreads else 0.0


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make(
    machine: Machine,
    kinds: Sequence[int],
    memory: Path,
    *,
    width: int = 64,
    threads: int = 2,
    clock: Clock | None = None,
) -> Tuner:
    questions = tuple(product_questions(machine, kinds, width=width, threads=threads))
    tuner = Tuner(machine, questions, memory, clock or Clock())
    tuner.tune()
    return tuner


def tune(
    machine: Machine, kinds: Sequence[int], *, width: int, threads: int, memory: Path
) -> dict[int, int]:
    make(machine, kinds, memory, width=width, threads=threads)
    return machine.chosen


def tune_attention(machine: Machine, *, is_unified: bool, memory: Path) -> tuple[int, bool]:
    questions = attention_questions(machine, 1, HEADS, is_unified=is_unified, threads=2)
    Tuner(machine, tuple(questions), memory).tune()
    return machine.min_tokens, machine.takes_single


def kept(memory: Path) -> dict[str, dict[str, float]]:
    content = json.loads(memory.read_text())
    assert content["version"] == 2
    return dict(content["measured"])


def test_each_type_gets_what_was_measured(tmp_path: Path) -> None:
    machine = Machine({2: 32, 8: 0})
    memory = tmp_path / "tunings" / "cpu-1.json"
    assert tune(machine, (2, 8), width=576, threads=2, memory=memory) == {2: 32, 8: 0}
    assert machine.chosen == {2: 32, 8: 0}
    # Matrices are made of whole blocks of every type, and no larger than a short measurement can bear.
    assert machine.asked == [(2, 2048, 768, 2), (8, 2048, 768, 2)]


def test_the_library_s_own_choice_is_the_least(tmp_path: Path) -> None:
    machine = Machine({2: 4, 3: 64, 8: 0, 1: 4}, floors={2: 16, 3: 16, 8: 16, 1: 0})
    chosen = tune(machine, (2, 3, 8, 1), width=576, threads=2, memory=tmp_path / "cpu-1.json")
    assert chosen == {2: 16, 3: 64, 8: 0}
    assert 1 not in machine.chosen, "what is off stays off"


def test_few_rows_are_measured_by_themselves_and_once(tmp_path: Path) -> None:
    memory = tmp_path / "cpu-1.json"
    tune(Machine({2: 32, 8: 16}), (2, 8), width=576, threads=2, memory=memory)

    def tune_few(machine: Machine) -> None:
        Tuner(machine, tuple(few_questions(machine, (2, 8), width=576, threads=2)), memory).tune()

    machine = Machine({2: 4, 8: 0})
    tune_few(machine)
    assert machine.few == {2: 4, 8: 0}
    assert machine.asked == [(2, 2048, 768, 2), (8, 2048, 768, 2)]
    again = Machine({})
    tune_few(again)
    assert again.few == {2: 4, 8: 0}
    batches = Machine({})
    tune(batches, (2, 8), width=576, threads=2, memory=memory)
    assert batches.chosen == {2: 32, 8: 16}


def test_tiles_are_measured_where_there_are_some(tmp_path: Path) -> None:
    memory = tmp_path / "cpu-1.json"

    def tune_tiles(machine: Machine) -> None:
        questions = tuple(tile_questions(machine, (2, 3, 8), width=576, threads=2))
        Tuner(machine, questions, memory).tune()

    machine = Machine({2: 1, 8: 0})
    machine.tiles = {2: True, 8: True}
    tune_tiles(machine)
    assert machine.tiles == {2: True, 8: False}
    assert machine.asked == [(2, 2048, 768, 2), (8, 2048, 768, 2)]
    again = Machine({})
    again.tiles = {2: True, 8: True}
    tune_tiles(again)
    assert again.tiles == {2: True, 8: False}


def test_an_answer_is_used_before_the_next_question(tmp_path: Path) -> None:
    class Slow(Machine):
        """Whose tiles lose, and with them the batch that is found."""

        def find_batch(
            self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
        ) -> int:
            return 64 if self.tiles[kind] else 8

    machine = Slow({2: 0})
    machine.tiles = {2: True}
    shape = {"width": 576, "threads": 2}
    questions = (
        *tile_questions(machine, (2,), **shape),
        *product_questions(machine, (2,), **shape),
    )
    Tuner(machine, questions, tmp_path / "cpu-1.json").tune()
    assert machine.chosen == {2: 8}


def test_nothing_is_measured_twice(tmp_path: Path) -> None:
    machine, memory = Machine({2: 32, 3: 8}), tmp_path / "cpu-1.json"
    tune(machine, (2,), width=576, threads=2, memory=memory)
    again = Machine({2: 99, 3: 8})
    assert tune(again, (2, 3), width=576, threads=2, memory=memory) == {2: 32, 3: 8}
    assert [kind for kind, *_ in again.asked] == [3]
    other_threads = Machine({2: 16})
    tune(other_threads, (2,), width=576, threads=4, memory=memory)
    assert other_threads.chosen == {2: 16}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        '{"x": "y"}',
        '{"AVX2, 1 threads, type 2, 1024 x 256": 8}',  # of version 1, which knew no spread
        '{"version": 2}',
        '{"version": 2, "measured": [1]}',
        '{"version": 2, "measured": {"AVX2, 1 threads, type 2, 1024 x 256": 8}}',
        '{"version": 3, "measured": {}}',
        '{"x":' * 100_000,
    ],
)
def test_a_memory_that_can_not_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "cpu-1.json"
    memory.write_text(text)
    assert tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory) == {2: 32}
    again = Machine({})
    assert tune(again, (2,), width=64, threads=1, memory=memory) == {2: 32}
    assert again.asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("value", value) for value in [-1, 257, 2**31, 10**30, True, 1.5, "32", None]),
        *(
            ("spread", value)
            for value in [-0.1, float("nan"), float("inf"), 10**400, True, "0", None]
        ),
        *(("times", value) for value in [0, -1, 1.0, True, "1", None]),
    ],
)
def test_what_nobody_measures_is_not_believed(tmp_path: Path, name: str, value: object) -> None:
    memory = tmp_path / "cpu-1.json"
    tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory)
    good = kept(memory)
    (key,) = good
    content = {"version": 2, "measured": {key: good[key] | {name: value}}}
    memory.write_text(json.dumps(content))
    machine = Machine({2: 32})
    assert tune(machine, (2,), width=64, threads=1, memory=memory) == {2: 32}
    assert len(machine.asked) == 1
    assert kept(memory) == good


def test_what_another_process_measures_meanwhile_is_kept(tmp_path: Path) -> None:
    memory = tmp_path / "cpu-1.json"

    class Slow(Machine):
        def find_batch(
            self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
        ) -> int:
            tune(Machine({8: 64}), (8,), width=576, threads=2, memory=memory)
            return super().find_batch(kind, rows, columns, threads=threads, seconds=seconds)

    tune(Slow({2: 32}), (2,), width=576, threads=2, memory=memory)
    again = Machine({})
    assert tune(again, (2, 8), width=576, threads=2, memory=memory) == {2: 32, 8: 64}
    assert again.asked == []


def test_a_memory_that_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = tmp_path / "file" / "cpu-1.json"
    assert tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory) == {2: 32}


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (memory := tmp_path / "cpu-1.json").mkdir()  # a file cannot take its place
    assert tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory) == {2: 32}
    assert list(tmp_path.iterdir()) == [memory]


@pytest.mark.parametrize(
    ("measured", "is_unified", "chosen"),
    [
        (0, False, 0),
        (2, False, 4),
        (16, False, 16),
        (128, False, 128),
        (2, True, 64),
        (128, True, 128),
    ],
)
def test_attention_where_sequences_share_cells_and_where_not(
    tmp_path: Path, measured: int, is_unified: bool, chosen: int
) -> None:
    machine, memory = Machine({}, tokens=measured), tmp_path / "cpu-1.json"

    def choose(machine: Machine) -> tuple[int, bool]:
        return tune_attention(machine, is_unified=is_unified, memory=memory)

    assert choose(machine) == (machine.min_tokens, False) == (chosen, False)
    assert machine.shapes == [(1, HEADS, 2)]
    again = Machine({}, tokens=99, single=9)
    assert choose(again) == (chosen, False)
    assert again.shapes == [], "measured before"


@pytest.mark.parametrize(("ratio", "is_taken"), [(0, False), (1.04, False), (1.05, True)])
def test_attention_of_a_single_token(tmp_path: Path, ratio: float, is_taken: bool) -> None:
    machine, memory = Machine({}, tokens=0, single=ratio), tmp_path / "cpu-1.json"
    for each in (machine, Machine({})):
        chosen = tune_attention(each, is_unified=True, memory=memory)
        assert chosen == (0, is_taken)
        assert each.takes_single == is_taken


def test_attention_that_is_off_stays_off(tmp_path: Path) -> None:
    machine = Machine({}, tokens=4, single=2)
    machine.min_tokens = 0
    memory = tmp_path / "cpu-1.json"
    chosen = tune_attention(machine, is_unified=False, memory=memory)
    assert chosen == (0, False)
    assert machine.shapes == []


# Disturbed measurements


def test_a_clean_measurement_is_not_made_again(tmp_path: Path) -> None:
    machine = Machine({2: 32}, spreads=[0.05])
    tuner = make(machine, (2,), tmp_path / "cpu-1.json")
    assert tuner.rest() is None
    assert len(machine.asked) == 1


def test_a_disturbed_one_is_used_and_marked_and_made_again_when_the_engine_rests(
    tmp_path: Path,
) -> None:
    memory, clock = tmp_path / "cpu-1.json", Clock()
    machine = Machine({2: 256, 3: 8}, spreads=[0.7, 0.02])
    tuner = make(machine, (2, 3), memory, clock=clock)
    assert machine.chosen == {2: 256, 3: 8}
    assert [each["spread"] for each in kept(memory).values()] == [0.7, 0.02]
    assert tuner.rest() == pytest.approx(30), "what disturbs lasts for a while"
    clock.now += 10
    assert tuner.rest() == pytest.approx(20)
    assert len(machine.asked) == 2
    clock.now += 20
    machine.batches[2] = 16
    tuner.rest()
    assert machine.chosen == {2: 16, 3: 8}
    assert [kind for kind, *_ in machine.asked] == [2, 3, 2]
    assert tuner.rest() is None
    assert make(again := Machine({}), (2, 3), memory).rest() is None
    assert again.chosen == {2: 16, 3: 8}


def test_a_machine_that_is_never_quiet_is_measured_three_times(tmp_path: Path) -> None:
    memory, clock = tmp_path / "cpu-1.json", Clock()
    machine = Machine({2: 256}, spreads=[0.7, 0.3, 0.5])
    tuner = make(machine, (2,), memory, clock=clock)
    for found in (16, 128):
        machine.batches[2] = found
        clock.now += 30
        tuner.rest()
    assert tuner.rest() is None
    assert machine.chosen == {2: 16}, "the least disturbed"
    (answer,) = kept(memory).values()
    assert answer == {"value": 16, "spread": 0.3, "times": 3}


def test_another_process_goes_on_where_this_one_ended(tmp_path: Path) -> None:
    memory, clock = tmp_path / "cpu-1.json", Clock()
    make(Machine({2: 256}, spreads=[0.7]), (2,), memory)
    machine = Machine({2: 16})
    tuner = make(machine, (2,), memory, clock=clock)
    assert machine.chosen == {2: 256}
    assert machine.asked == []
    clock.now += 30
    tuner.rest()
    assert machine.chosen == {2: 16}


def test_what_another_process_found_clean_is_taken_over(tmp_path: Path) -> None:
    memory, clock = tmp_path / "cpu-1.json", Clock()
    machine = Machine({2: 256}, spreads=[0.7, 0.6])
    tuner = make(machine, (2,), memory, clock=clock)
    other = make(Machine({2: 16}), (2,), memory, clock=clock)
    clock.now += 30
    other.rest()
    tuner.rest()
    assert machine.chosen == {2: 16}
    assert tuner.rest() is None


def test_a_request_stops_a_measurement_that_then_does_not_count(tmp_path: Path) -> None:
    memory, clock = tmp_path / "cpu-1.json", Clock()
    machine = Machine({2: 256}, spreads=[0.7, None, 0.0])
    tuner = make(machine, (2,), memory, clock=clock)
    before = kept(memory)
    machine.batches[2] = 0
    clock.now += 30
    assert tuner.rest() == pytest.approx(30)
    assert machine.chosen == {2: 256}
    assert kept(memory) == before
    assert not machine.is_stoppable
    machine.batches[2] = 16
    clock.now += 30
    tuner.rest()
    assert machine.chosen == {2: 16}


def test_nothing_is_measured_while_another_engine_computes(tmp_path: Path) -> None:
    clock = Clock()
    machine = Machine({2: 256}, spreads=[0.7])
    tuner = make(machine, (2,), tmp_path / "cpu-1.json", clock=clock)
    machine.is_alone = False
    clock.now += 30
    assert tuner.rest() == pytest.approx(30)
    assert len(machine.asked) == 1


def test_which_is_measured_again_next() -> None:
    known = {
        "clean": Measured(8, 0.01),
        "noisy": Measured(8, 0.3),
        "noisier": Measured(8, 0.5),
        "twice": Measured(8, 0.9, 2),
        "settled": Measured(8, 0.9, 3),
    }
    order = []
    while (key := most_doubtful(known)) is not None:
        order.append(key)
        known[key] = Measured(8, 0.0)
    assert order == ["noisier", "noisy", "twice"]
