from __future__ import annotations

import random

import pytest

from coblyn.errors import BadRequest
from coblyn.story.changes import Change
from coblyn.story.operation import Branch, Edit, Operation, Put, Remove, Select
from coblyn.story.state import NEW, apply, apply_all
from coblyn.story.text import Text


def _operation(draw: random.Random) -> Operation:
    place = draw.choice(["memory", "lore/a", "lore/b", "branch/main"])
    kinds: list[Operation] = [
        *[Put(place, {"n": draw.randrange(9)})] * 4,
        Remove(place),
        Edit("main", (Change(0, 0, Text("A lamp. ", ((8, ""),))),)),
        Branch(f"b{draw.randrange(10**9)}", "main", 0, None),
        Select("main"),
    ]
    return draw.choice(kinds)


@pytest.mark.parametrize("seed", range(20))
def test_many_at_once_are_as_one_after_the_other(seed: int) -> None:
    draw = random.Random(seed)
    operations = [_operation(draw) for _ in range(40)]
    state, inverses = NEW, []
    for operation in operations:
        state, inverse = apply(state, operation)
        inverses.append(inverse)
    assert apply_all(NEW, operations) == (state, inverses)
    assert NEW.places == {}


def test_one_of_many_that_cannot_be_done_is_refused() -> None:
    with pytest.raises(BadRequest, match="no branch"):
        apply_all(NEW, [Put("memory", "A lamp."), Put("branch/other", {"name": "Other"})])
