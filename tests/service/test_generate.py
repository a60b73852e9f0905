from __future__ import annotations

import asyncio

import pytest

from coblyn.chat.messages import Message
from coblyn.engine.encoded import Encoded, Source
from coblyn.engine.encoder import Encoder
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.engine.fake import BOS, FakeVocab
from coblyn.engine.params import SamplingParams
from coblyn.engine.prompt import pack_ids
from coblyn.errors import BadRequest, Busy, EngineStopped, PromptTooLong
from coblyn.service.choices import merge
from coblyn.service.command import ChatPrompt, GenerateCommand, TextPrompt, TokenPrompt
from coblyn.service.infill import MAX_TOKEN_LENGTH
from coblyn.service.services import Services, make_services
from factories import SteppedEngine, wait_for


@pytest.fixture
async def engine() -> SteppedEngine:
    return SteppedEngine()


@pytest.fixture
def services(engine: SteppedEngine) -> Services:
    return make_services(engine)


async def test_events_pass_in_order_and_are_noted(
    engine: SteppedEngine, services: Services
) -> None:
    engine.allow()
    generation = await services.generator.start(
        GenerateCommand(TextPrompt("ab"), sampling=SamplingParams(seed=9))
    )
    kinds = [type(event) async for event in generation]
    assert kinds == [Prefill, Delta, Delta, Finish]
    record = generation.record
    assert (record.text, record.seed, record.num_prompt) == ("AB", 9, 3)
    assert services.hub.find("") is record
    await generation.aclose()
    assert services.hub.last is record


@pytest.mark.parametrize("seed", [0, 7, None])
async def test_a_seed_makes_steps_repeatable(
    engine: SteppedEngine, services: Services, seed: int | None
) -> None:
    engine.allow()
    generation = await services.generator.start(
        GenerateCommand(TextPrompt("ab"), sampling=SamplingParams(seed=seed))
    )
    assert [type(event) async for event in generation][-1] is Finish
    assert engine.requests[0].speculates == (seed is None)
    await generation.aclose()


async def test_closing_early_cancels(engine: SteppedEngine, services: Services) -> None:
    generation = await services.generator.start(GenerateCommand(TextPrompt("ab"), key="k"))
    assert services.hub.active("k") == [generation.record]
    await generation.aclose()
    await generation.aclose()
    assert engine.cancelled == [engine.requests[0].id]
    assert services.hub.active("k") == []


async def test_cancelled_start_leaves_nothing(engine: SteppedEngine, services: Services) -> None:
    engine.encode = lambda _: asyncio.Event().wait()  # type: ignore[assignment, method-assign]
    starting = asyncio.create_task(
        services.generator.start(GenerateCommand(TextPrompt("a"), key="k"))
    )
    await wait_for(lambda: bool(services.hub.active("k")))
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert services.hub.active("k") == []


async def test_refusals_are_known_before_anything_is_sent(
    engine: SteppedEngine, services: Services
) -> None:
    engine.refusal = Busy("Full.")
    with pytest.raises(Busy):
        await services.generator.start(GenerateCommand(TextPrompt("a"), key="k"))
    with pytest.raises(Busy):
        await services.generator.start_all([GenerateCommand(TextPrompt("a"), key="k")] * 3)
    assert services.hub.active("k") == []


async def test_engine_that_refuses_at_the_call(engine: SteppedEngine, services: Services) -> None:
    def stopped(_: object) -> None:
        raise EngineStopped("Closed.")

    engine.generate = stopped  # type: ignore[assignment, method-assign]
    with pytest.raises(EngineStopped):
        await services.generator.start(GenerateCommand(TextPrompt("a"), key="k"))
    assert services.hub.active("k") == []


async def test_one_of_several_that_can_not_start_ends_all(
    engine: SteppedEngine, services: Services
) -> None:
    good, bad = GenerateCommand(TextPrompt("a")), GenerateCommand(TextPrompt("a" * 9000))
    with pytest.raises(PromptTooLong):
        await services.generator.start_all([good, bad])
    assert engine.num_open == 0


@pytest.mark.parametrize("prompt", [TextPrompt("a" * 1_100_000), TextPrompt("b", "a" * 1_100_000)])
async def test_a_text_that_can_never_fit_is_not_tokenized(
    engine: SteppedEngine, services: Services, prompt: TextPrompt
) -> None:
    assert engine.info.context * MAX_TOKEN_LENGTH < 1_100_000
    with pytest.raises(PromptTooLong, match=r"1100000|1100001"):
        await services.generator.start(GenerateCommand(prompt))
    assert engine.sources == []


async def test_merge_gives_events_of_all_with_their_index(
    engine: SteppedEngine, services: Services
) -> None:
    engine.allow()
    commands = [GenerateCommand(TextPrompt(text)) for text in ("ab", "xyz")]
    texts = ["", ""]
    async for index, reply in merge(await services.generator.start_all(commands)):
        if isinstance(reply.event, Delta):
            texts[index] += reply.event.text
    assert texts == ["AB", "XYZ"]


async def test_merge_that_is_left_early_cancels_all(
    engine: SteppedEngine, services: Services
) -> None:
    commands = [GenerateCommand(TextPrompt("ab"))] * 3
    events = merge(await services.generator.start_all(commands))
    await anext(events)
    await events.aclose()
    assert len(engine.cancelled) == 3


async def test_merge_raises_what_one_raises(engine: SteppedEngine, services: Services) -> None:
    engine.fail_after = (1, EngineStopped("Gone."))
    engine.allow()
    commands = [GenerateCommand(TextPrompt("ab"))] * 2
    with pytest.raises(EngineStopped):
        async for _ in merge(await services.generator.start_all(commands)):
            pass
    assert engine.num_open == 0


async def test_bos_never_stands_twice(engine: SteppedEngine, services: Services) -> None:
    class ParseBos(FakeVocab):
        def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
            tokens = super().tokenize(
                text.removeprefix("<bos>"), add_special=add_special, parse_special=parse_special
            )
            return [BOS, *tokens] if text.startswith("<bos>") else tokens

    engine.encoder = Encoder(ParseBos(), "<bos>")
    for text in ("<bos>a", "a"):
        await (await services.generator.start(GenerateCommand(TextPrompt(text)))).aclose()
    assert [list(request.prompt.ids) for request in engine.requests] == [[256, 97], [256, 97]]


async def test_empty_prompts(engine: SteppedEngine, services: Services) -> None:
    for prompt in (TextPrompt(""), TokenPrompt(())):
        await (await services.generator.start(GenerateCommand(prompt))).aclose()
    assert [list(request.prompt.ids) for request in engine.requests] == [[256], [256]]

    class NoTokens(FakeVocab):
        def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
            return []

    engine.encoder = Encoder(NoTokens(), "")
    with pytest.raises(BadRequest, match="empty"):
        await make_services(engine).generator.start(GenerateCommand(TextPrompt("")))


async def test_lengths(engine: SteppedEngine, services: Services) -> None:
    for command in (
        GenerateCommand(TextPrompt("abc")),
        GenerateCommand(TextPrompt("abc"), max_tokens=10**6),
        GenerateCommand(TextPrompt("abc"), max_tokens=5),
        GenerateCommand(TextPrompt("abc"), max_tokens=10**6, max_context=100),
        GenerateCommand(TextPrompt("abc"), max_tokens=10**6, overflow="trim"),
    ):
        await (await services.generator.start(command)).aclose()
    lengths = [request.max_tokens for request in engine.requests]
    assert lengths == [4092, 4092, 5, 96, 4096 - 4096 // 5]


async def test_huge_prompt_is_cut_before_it_is_tokenized(
    engine: SteppedEngine, services: Services
) -> None:
    command = GenerateCommand(TextPrompt("a" * 5_000_000), max_tokens=10, overflow="trim")
    generation = await services.generator.start(command)
    await generation.aclose()
    assert max(source.num_characters for source in engine.sources) <= 4096 * 256
    assert generation.record.num_prompt == 4096 - 10


async def test_chat_is_rendered_with_the_models_template() -> None:
    engine = SteppedEngine(chat_template="{{ x }}{{ messages[0].content }}")
    services = make_services(engine)
    prompt = ChatPrompt((Message("user", "hi"),), variables=(("x", 1),))
    await (await services.generator.start(GenerateCommand(prompt))).aclose()
    assert bytes(engine.requests[0].prompt.ids.tolist()[1:]) == b"1hi"
    text, tokens, _ = await services.models.default.tokens.of_chat(prompt)
    assert (text, len(tokens)) == ("1hi", 4)


async def test_abort_reaches_all_with_the_key(engine: SteppedEngine, services: Services) -> None:
    command = GenerateCommand(TextPrompt("ab"), key="k")
    generations = await services.generator.start_all([command, command])
    assert await services.generator.abort("k")
    for generation in generations:
        events = [event async for event in generation]
        assert isinstance(events[-1], Finish)
        assert events[-1].reason == "cancelled"
        await generation.aclose()
    assert not await services.generator.abort("k")


async def test_a_prompt_that_the_engine_has_forgotten_is_sent_again(
    engine: SteppedEngine, services: Services
) -> None:
    engine.allow()
    plain, forgetful = engine.encode, Encoder(FakeVocab(), "")

    async def forget(source: Source) -> Encoded:
        engine.encode = plain  # type: ignore[method-assign]
        engine.sources.append(source)
        return forgetful.encode(source)

    engine.encode = forget  # type: ignore[method-assign]
    generation = await services.generator.start(GenerateCommand(TextPrompt("ab")))
    assert [type(event) async for event in generation] == [Prefill, Delta, Delta, Finish]
    await generation.aclose()
    assert len(engine.sources) == 2
    assert engine.sources[0] == engine.sources[1]


async def test_text_crosses_once_and_ids_only_when_they_are_asked_for(
    engine: SteppedEngine, services: Services
) -> None:
    engine.allow()
    for command in (
        GenerateCommand(TextPrompt("ab")),
        GenerateCommand(TextPrompt("ab", "memory"), max_tokens=5, overflow="trim"),
        GenerateCommand(ChatPrompt((Message("user", "hi"),))),
    ):
        engine.sources.clear()
        await (await services.generator.start(command)).aclose()
        assert [source.wants_ids for source in engine.sources] == [False]
        assert not engine.sources[0].ids
    engine.sources.clear()
    await (await services.generator.start(GenerateCommand(TokenPrompt((1, 2))))).aclose()
    assert engine.sources[0].ids == pack_ids((1, 2))


@pytest.mark.parametrize("length", [100, 3500, 3900])
async def test_a_default_length_shrinks_and_the_prompt_stays(
    engine: SteppedEngine, services: Services, length: int
) -> None:
    command = GenerateCommand(
        TextPrompt("a" * length), max_tokens=2048, is_default_length=True, overflow="trim"
    )
    generation = await services.generator.start(command)
    await generation.aclose()
    assert generation.record.num_prompt == length + 1
    assert engine.requests[0].max_tokens == min(2048, 4096 - length - 1)


async def test_a_prompt_beyond_the_context_leaves_a_default_length_some_room(
    engine: SteppedEngine, services: Services
) -> None:
    command = GenerateCommand(
        TextPrompt("a" * 9000), max_tokens=2048, is_default_length=True, overflow="trim"
    )
    await (await services.generator.start(command)).aclose()
    assert engine.requests[0].max_tokens == 4096 // 32


async def test_choices_of_a_prompt_encode_it_once(
    engine: SteppedEngine, services: Services
) -> None:
    same, other = TextPrompt("ab"), TextPrompt("cd")
    commands = [GenerateCommand(prompt, max_tokens=2) for prompt in (same, same, other, same)]
    for generation in await services.generator.start_all(commands):
        await generation.aclose()
    assert len(engine.sources) == 2
    texts = [bytes(request.prompt.ids.tolist()[1:]) for request in engine.requests]
    assert texts == [b"ab", b"ab", b"cd", b"ab"]
