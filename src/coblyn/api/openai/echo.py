"""The echo of a completion's prompt before the generated text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coblyn.api.call import Call
from coblyn.engine.events import TokenText
from coblyn.service.command import GenerateCommand, InfillPrompt, TextPrompt, TokenPrompt
from coblyn.service.scoring import scoring_command, with_first

__all__ = ["NO_ECHO", "Echo", "echoes_of"]


@dataclass(frozen=True, slots=True)
class Echo:
    """What precedes the generated text.

    Attributes:
        text: The prompt; empty without echo.
        tokens: Its tokens with their log-probabilities, if requested.
    """

    text: str = ""
    tokens: tuple[TokenText, ...] = ()


NO_ECHO = Echo()


async def echoes_of(
    call: Call, commands: Sequence[GenerateCommand], num_alternatives: int | None
) -> list[Echo]:
    """The echo of each command. A shared prompt is scored once.

    Args:
        call: The request.
        commands: The commands.
        num_alternatives: Number of most likely tokens listed per place of a prompt; None for no log-probabilities.

    Raises:
        CoblynError: A prompt cannot be scored.
    """
    first = {id(command.prompt): command for command in commands}
    texts = {each: await _text(call, command) for each, command in first.items()}
    if num_alternatives is None:
        return [Echo(texts[id(command.prompt)]) for command in commands]
    tokens = await _scored(call, list(first.values()), num_alternatives)
    shown = {
        each: Echo(texts[each], _without_start(scored, texts[each]))
        for each, scored in zip(first, tokens, strict=True)
    }
    return [shown[id(command.prompt)] for command in commands]


async def _scored(
    call: Call, commands: Sequence[GenerateCommand], num_alternatives: int
) -> list[tuple[TokenText, ...]]:
    """The tokens of prompts with their log-probabilities, all scored together."""
    starts, scoring = [], []
    for command in commands:
        async with call.services.models.acquire(command.model) as model:
            ids = await model.prompts.ids(command)
            starts.append((ids[0], (await model.tokens.pieces(ids[:1]))[0]))
        scoring.append(scoring_command(ids, num_alternatives, command.model))
    wanted = [each for each in scoring if each]
    records = iter(await call.complete(wanted) if wanted else ())
    return [
        with_first(*start, next(records).tokens if each else ())
        for start, each in zip(starts, scoring, strict=True)
    ]


async def _text(call: Call, command: GenerateCommand) -> str:
    prompt = command.prompt
    if isinstance(prompt, TextPrompt):
        return prompt.text
    if isinstance(prompt, InfillPrompt):
        return prompt.before
    assert isinstance(prompt, TokenPrompt), "conversations have a route of their own"
    async with call.services.models.acquire(command.model) as model:
        return await model.tokens.to_text(prompt.tokens, special=True)


def _without_start(tokens: Sequence[TokenText], text: str) -> tuple[TokenText, ...]:
    """The tokens of a text without a leading BOS token.

    The first remaining token has no log-probability, as in OpenAI's API.
    """
    first = tokens[0].piece.decode(errors="replace")
    shown = tokens if text.startswith(first) else tokens[1:]
    if not shown:
        return ()
    return (TokenText(shown[0].token, shown[0].piece), *shown[1:])
