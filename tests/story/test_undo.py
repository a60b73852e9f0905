from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from story.conftest import Shelf, edit


def test_undo_and_redo_go_through_all_steps(shelf: Shelf) -> None:
    texts = [""]
    for number in range(30):
        shelf.type(len(shelf.text), f"{number} ")
        texts.append(shelf.text)
    for expected in reversed(texts[:-1]):
        assert shelf.undo("text/main") == 1
        assert shelf.text == expected
    assert shelf.undo("text/main") == 0
    for expected in texts[1:]:
        assert shelf.redo("text/main") == 1
        assert shelf.text == expected
    assert shelf.redo("text/main") == 0


def test_a_step_says_whether_there_are_more(shelf: Shelf) -> None:
    for word in "abc":
        shelf.type(0, word)
    shelf.do({"kind": "put", "place": "memory", "value": "kept"})
    back = [shelf.journal.undo(shelf.story, "text/main", "tab", f"b{n}") for n in range(4)]
    assert [(len(step.records), step.has_more) for step in back] == [
        (1, True),
        (1, True),
        (1, False),
        (0, False),
    ]
    forth = [shelf.journal.redo(shelf.story, "text/main", "tab", f"f{n}") for n in range(3)]
    assert [step.has_more for step in forth] == [True, True, False]
    again = shelf.journal.redo(shelf.story, "text/main", "tab", "f0")
    assert (again.records, again.has_more) == ((), False)


def test_an_undo_undoes_the_last_step_of_a_scope_or_of_all(shelf: Shelf) -> None:
    shelf.do({"kind": "put", "place": "memory", "value": "old"})
    shelf.do({"kind": "put", "place": "memory", "value": "new"})
    shelf.type(0, "text")
    shelf.undo("memory")
    assert (shelf.place("memory"), shelf.text) == ("old", "text")
    shelf.undo()
    assert (shelf.place("memory"), shelf.text) == ("old", "")
    shelf.undo()
    assert (shelf.place("memory"), shelf.undo()) == (None, 0)
    shelf.redo("text/main")
    assert (shelf.place("memory"), shelf.text) == (None, "text")


def test_operations_of_one_unit_are_one_step(shelf: Shelf) -> None:
    shelf.type(0, "before ")
    shelf.do(edit(7, "a", unit="piece"), edit(8, "b", unit="piece"))
    shelf.do(
        {"kind": "put", "place": "lore/a", "value": {}, "unit": "book"},
        {"kind": "put", "place": "lore/b", "value": {}, "unit": "book"},
    )
    assert shelf.undo("lore/b") == 2
    assert shelf.place("lore/a") is None
    assert shelf.undo("text/main") == 2
    assert shelf.text == "before "
    shelf.redo("text/main")
    assert shelf.text == "before ab"


def test_a_piece_that_streamed_while_the_writer_typed_is_taken_out_alone(shelf: Shelf) -> None:
    shelf.type(0, "Start. ")
    shelf.type(7, "one ", piece="p", unit="piece")
    shelf.type(0, "The ", unit="typing")
    shelf.type(15, "two ", piece="p", unit="piece")
    shelf.type(4, "real ", unit="typing")
    shelf.type(24, "three", piece="p", unit="piece")
    assert shelf.text == "The real Start. one two three"
    shelf.undo("text/main")
    assert shelf.text == "The real Start. "
    shelf.undo("text/main")
    assert shelf.text == "Start. "
    shelf.redo("text/main")
    shelf.redo("text/main")
    assert shelf.text == "The real Start. one two three"


def test_the_same_undo_again_does_nothing(shelf: Shelf) -> None:
    shelf.type(0, "a")
    shelf.type(1, "b")
    for _ in range(2):
        shelf.journal.undo(shelf.story, "text/main", "tab", "once")
    assert shelf.text == "a"


def test_an_edit_ends_redo_and_what_it_held_becomes_a_branch(shelf: Shelf) -> None:
    shelf.type(0, "Start. ")
    shelf.type(7, "what the model wrote", piece="p")
    shelf.undo("text/main")
    shelf.type(7, "Another way.")
    assert shelf.redo("text/main") == 0
    state = shelf.journal.state(shelf.story)[1]
    (cut,) = set(state.texts) - {"main"}
    assert state.text(cut).text == "Start. what the model wrote"
    assert state.places[f"branch/{cut}"] == {"name": "", "parent": "main", "at": 7}


def test_a_few_words_that_were_undone_become_no_branch(shelf: Shelf) -> None:
    shelf.type(0, "Start. ")
    shelf.type(7, "a few words")
    shelf.undo("text/main")
    shelf.type(7, "Other words.")
    assert set(shelf.journal.state(shelf.story)[1].texts) == {"main"}


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_undo_is_what_editors_do(seed: int) -> None:
    """Against a stack of whole texts."""
    import tempfile
    from pathlib import Path

    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        shelf = Shelf(Path(directory) / "journal.sqlite")
        done, undone = [""], list[str]()
        for _ in range(40):
            act = rng.choice("tttuur")
            if act == "t":
                at = rng.randint(0, len(shelf.text))
                end = rng.randint(at, min(len(shelf.text), at + 4))
                shelf.type(at, rng.choice(["", "x", "yz\n"]), end)
                done.append(shelf.text)
                undone.clear()
            elif act == "u":
                assert shelf.undo("text/main") == (len(done) > 1)
                if len(done) > 1:
                    undone.append(done.pop())
            else:
                assert shelf.redo("text/main") == bool(undone)
                if undone:
                    done.append(undone.pop())
            assert shelf.text == done[-1]
        shelf.database.close()
