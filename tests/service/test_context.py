from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from coblyn.service.context import ContextQuery, Contexts
from coblyn.service.models import LoadedModel
from coblyn.story.operation import Put
from coblyn.story.state import NEW, apply
from factories import make_info


class Tokens:
    """A vocabulary in which each character is so many tokens."""

    def __init__(self, num: int) -> None:
        self.num = num

    async def of_text(self, text: str, *, special: bool) -> list[int]:
        return [0] * (len(text) * self.num + special)


def model(info: Any, num: int) -> LoadedModel:
    engine = SimpleNamespace(info=info)
    return cast("LoadedModel", SimpleNamespace(engine=engine, tokens=Tokens(num)))


async def test_another_model_in_the_same_engine_counts_anew() -> None:
    contexts = Contexts()
    state, _ = apply(NEW, Put("memory", "A mine."))
    one = model(make_info(), 1)
    assert (await contexts.of(one, state, ContextQuery())).context.segments[0].tokens == 8
    one.engine.info = replace(one.engine.info, path="other.gguf")  # type: ignore[misc]
    cast("Any", one.tokens).num = 3
    answer = await contexts.of(one, state, ContextQuery())
    assert (answer.context.segments[0].tokens, answer.tokens) == (24, 25)
