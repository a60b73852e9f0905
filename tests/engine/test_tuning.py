"""What is measured once, and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coblyn.engine.tuning import tune, tune_attention
from coblyn.llama.model import Heads

HEADS = Heads(64, 9, 3)


class Machine:
    """Measures by a table, and counts."""

    instruction_set = "AVX2"

    def __init__(
        self,
        batches: dict[int, int],
        floors: dict[int, int] | None = None,
        tokens: int = 0,
        single: float = 0.0,
    ) -> None:
        self.floors = floors or {}
        self.tokens = tokens
        self.single = single
        self.takes_single = False
        self.min_tokens = 64
        self.shapes: list[tuple[int, Heads, int]] = []
        self.batches = batches
        self.asked: list[tuple[int, int, int, int]] = []
        self.chosen: dict[int, int] = {}

    def find_batch(
        self, kind: int, rows: int, columns: int, *, threads: int, seconds: float
    ) -> int:
        assert 0 < seconds < 0.1
        self.asked.append((kind, rows, columns, threads))
        return self.batches[kind]

    def min_batch(self, kind: int) -> int:
        return self.floors.get(kind, 1)

    def set_min_batch(self, kind: int, batch: int) -> None:
        self.chosen[kind] = batch

    def find_tokens(
        self, kind: int, heads: Heads, *, cells: int, threads: int, seconds: float
    ) -> int:
        assert 0 < seconds < 0.1
        assert cells >= 256
        self.shapes.append((kind, heads, threads))
        return self.tokens

    def measure_attention(
        self, kind: int, heads: Heads, *, cells: int, tokens: int, threads: int, seconds: float
    ) -> float:
        assert 0 < seconds < 0.1
        assert (kind, heads, tokens, threads) == (1, HEADS, 1, 2)
        assert cells >= 256
        return self.single

    def set_single(self, is_taken: bool) -> None:
        self.takes_single = is_taken

    def set_min_tokens(self, tokens: int) -> None:
        self.min_tokens = tokens


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
    "text", ["", "no json", "[]", '{"x": "y"}', '{"x": -3}', '{"x":' * 100_000]
)
def test_a_memory_that_can_not_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    memory = tmp_path / "cpu-1.json"
    memory.write_text(text)
    assert tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory) == {2: 32}
    again = Machine({})
    assert tune(again, (2,), width=64, threads=1, memory=memory) == {2: 32}
    assert again.asked == []


@pytest.mark.parametrize("value", [-1, 257, 2**31, 10**30, True, 1.5, "32", None])
def test_what_nobody_measures_is_not_believed(tmp_path: Path, value: object) -> None:
    memory = tmp_path / "cpu-1.json"
    tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory)
    (key,) = json.loads(memory.read_text())
    memory.write_text(json.dumps({key: value}))
    assert tune(Machine({2: 32}), (2,), width=64, threads=1, memory=memory) == {2: 32}
    assert json.loads(memory.read_text()) == {key: 32}


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
    (memory := tmp_path / "cpu-1.json").mkdir()  # a file can not take its place
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
        return tune_attention(machine, 1, HEADS, is_unified=is_unified, threads=2, memory=memory)

    assert choose(machine) == (machine.min_tokens, False) == (chosen, False)
    assert machine.shapes == [(1, HEADS, 2)]
    again = Machine({}, tokens=99, single=9)
    assert choose(again) == (chosen, False)
    assert again.shapes == [], "measured before"


@pytest.mark.parametrize(("ratio", "is_taken"), [(0, False), (1.04, False), (1.05, True)])
def test_attention_of_a_single_token(tmp_path: Path, ratio: float, is_taken: bool) -> None:
    machine, memory = Machine({}, tokens=0, single=ratio), tmp_path / "cpu-1.json"
    for each in (machine, Machine({})):
        chosen = tune_attention(each, 1, HEADS, is_unified=True, threads=2, memory=memory)
        assert chosen == (0, is_taken)
        assert each.takes_single == is_taken


def test_attention_that_is_off_stays_off(tmp_path: Path) -> None:
    machine = Machine({}, tokens=4, single=2)
    machine.min_tokens = 0
    memory = tmp_path / "cpu-1.json"
    chosen = tune_attention(machine, 1, HEADS, is_unified=False, threads=2, memory=memory)
    assert chosen == (0, False)
    assert machine.shapes == []
