"""The books of KV cells against a memory that really has cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.cells import Cells


class RealCells:
    """Each token is a cell that knows its owners."""

    def __init__(self) -> None:
        self.sequences: dict[int, list[object]] = {}

    @property
    def used(self) -> int:
        return len({id(cell) for cells in self.sequences.values() for cell in cells})

    def append(self, sequence: int, count: int) -> None:
        self.sequences.setdefault(sequence, []).extend(object() for _ in range(count))

    def copy(self, source: int, target: int, length: int) -> None:
        self.sequences[target] = self.sequences.get(source, [])[:length]

    def truncate(self, sequence: int, length: int) -> None:
        del self.sequences.get(sequence, [])[length:]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("copy"), st.integers(0, 3), st.integers(0, 3), st.integers(0, 12)),
        st.tuples(st.just("truncate"), st.integers(0, 3), st.integers(0, 12), st.just(0)),
    ),
    max_size=40,
)


@given(operations)
def test_the_books_agree_with_real_cells(steps: list[tuple[str, int, int, int]]) -> None:
    books, real = Cells(1000), RealCells()
    for what, a, b, c in steps:
        if what == "append":
            books.append(a, b)
            real.append(a, b)
        elif what == "truncate":
            books.truncate(a, b)
            real.truncate(a, b)
        elif a != b and not real.sequences.get(b):
            books.copy(a, b, c)
            real.copy(a, b, c)
        assert books.used == real.used
        for sequence, cells in real.sequences.items():
            assert books.length(sequence) == len(cells)


def test_a_copy_costs_nothing_until_the_two_part() -> None:
    cells = Cells(100)
    cells.append(0, 50)
    cells.copy(0, 1, 40)
    assert cells.used == 50
    cells.append(1, 5)
    assert cells.used == 55
    cells.truncate(0, 0)
    assert cells.used == 45
    assert cells.free == 55
