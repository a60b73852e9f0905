from __future__ import annotations

import pytest

from coblyn.engine.infill import Gap, InfillTokens, arrange
from coblyn.service.command import GenerateCommand, InfillPrompt
from coblyn.service.infill import InfillUnsupported, infill_room
from coblyn.service.services import make_services
from factories import SteppedEngine

PLAIN = InfillTokens(1, 2, 3)


def test_the_nearest_text_is_kept() -> None:
    gap = Gap(list(range(100, 200)), list(range(200, 300)), list(range(50, 90)))
    assert arrange(PLAIN, Gap([5], [6], [4]), [0], 100) == [0, 4, 1, 5, 2, 6, 3]
    prompt = arrange(PLAIN, gap, [0], 44)
    assert prompt == [0, 1, *range(170, 200), 2, *range(200, 210), 3]
    prompt = arrange(PLAIN, Gap([5], range(200, 300), [4]), [], 44)
    assert prompt == [1, 5, 2, *range(200, 240), 3]
    prompt = arrange(PLAIN, Gap(range(100, 110), [], range(50, 90)), [], 20)
    assert prompt == [*range(83, 90), 1, *range(100, 110), 2, 3]


def test_a_tiny_room_has_the_tokens_alone() -> None:
    assert arrange(PLAIN, Gap([5], [6], [4]), [0], 2) == [0, 1, 2, 3]


@pytest.mark.parametrize(("max_tokens", "room"), [(None, 75), (10, 90), (90, 50)])
def test_room(max_tokens: int | None, room: int) -> None:
    assert infill_room(100, max_tokens) == room


async def prompt_of(tokens: InfillTokens | None, prompt: InfillPrompt) -> list[int]:
    engine = SteppedEngine(infill=tokens)
    engine.allow()
    generation = await make_services(engine).generator.start(GenerateCommand(prompt))
    await generation.aclose()
    return engine.requests[0].prompt.ids.tolist()


async def test_texts_become_one_prompt() -> None:
    assert await prompt_of(PLAIN, InfillPrompt("ab", "c")) == [256, 1, 97, 98, 2, 99, 3]
    # Names of special tokens in code are text.
    assert (await prompt_of(PLAIN, InfillPrompt("<end>", "")))[1:] == [1, *b"<end>", 2, 3]


async def test_other_files_come_first() -> None:
    prompt = InfillPrompt("a", "b", files=(("x.py", "X"), ("y.py", "Y")), name="z.py")
    apart = b"\n\n--- snippet ---\n\n"
    assert await prompt_of(PLAIN, prompt) == [256, *apart, 88, *apart, 89, 1, 97, 2, 98, 3]
    with_files = InfillTokens(1, 2, 3, 4, 5)
    files = [4, *b"repository\n", 5, *b"x.py\nX", 5, *b"y.py\nY", 5, *b"z.py\n"]
    assert await prompt_of(with_files, prompt) == [256, *files, 1, 97, 2, 98, 3]


async def test_a_model_without_the_tokens_is_named() -> None:
    with pytest.raises(InfillUnsupported, match="fake has no tokens"):
        await prompt_of(None, InfillPrompt("a", "b"))
