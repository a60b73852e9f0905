"""Prompts for filling a gap in a text (fill-in-the-middle)."""

from __future__ import annotations

from coblyn.engine.encoded import Source, Text
from coblyn.engine.infill import Gap, InfillTokens, arrange
from coblyn.engine.interface import EngineClient
from coblyn.engine.prompt import unpack_ids
from coblyn.errors import BadRequest
from coblyn.service.command import InfillPrompt

__all__ = ["InfillUnsupported", "infill_ids", "infill_room"]

MAX_TOKEN_LENGTH = 256
"""Upper bound of the length of a token in any vocabulary, in characters."""

_REPOSITORY = "repository\n"
_APART = "\n\n--- snippet ---\n\n"
"""Precedes each other file if the model has no token for that."""


class InfillUnsupported(BadRequest):
    """The model's vocabulary has no tokens for filling a gap."""

    code = "infill_unsupported"


def infill_room(context: int, max_tokens: int | None) -> int:
    """Maximum number of tokens of the prompt; at least half of the context."""
    return context - min(max_tokens or context // 4, context // 2)


async def infill_ids(engine: EngineClient, prompt: InfillPrompt, room: int) -> tuple[int, ...]:
    """Token ids of an infill prompt.

    Args:
        engine: Tokenizes the texts.
        prompt: The texts around the gap.
        room: Maximum number of tokens of the prompt.

    Raises:
        InfillUnsupported: The model was not trained to fill gaps.
    """
    tokens = engine.info.infill
    if tokens is None:
        raise InfillUnsupported(
            f"{engine.info.name} has no tokens for text after the gap: it cannot fill one.",
            field="suffix",
            hint="Load a model that was trained to fill gaps, such as one for code.",
        )
    longest = (
        room * MAX_TOKEN_LENGTH
    )  # text farther from the gap has no room, however it is tokenized
    before = await _plain(engine, prompt.before[-longest:])
    after = await _plain(engine, prompt.after[:longest])
    context = await _context(engine, tokens, prompt)
    start = await _ids(engine, Text("", parse_special=False))
    return tuple(arrange(tokens, Gap(before, after, context), start, room))


async def _context(engine: EngineClient, tokens: InfillTokens, prompt: InfillPrompt) -> list[int]:
    if not prompt.files:
        return []
    ids: list[int] = []
    if tokens.repository is not None and tokens.file is not None:
        ids += [tokens.repository, *await _plain(engine, _REPOSITORY)]
    for name, text in (*prompt.files, (prompt.name, "")):
        if tokens.file is not None:
            ids += [tokens.file, *await _plain(engine, f"{name}\n")]
        elif text:
            ids += await _plain(engine, _APART)
        ids += await _plain(engine, text)
    return ids


async def _plain(engine: EngineClient, text: str) -> list[int]:
    return await _ids(engine, Text(text, add_special=False, parse_special=False)) if text else []


async def _ids(engine: EngineClient, text: Text) -> list[int]:
    encoded = await engine.encode(Source((text,), is_prompt=False, wants_ids=True))
    return unpack_ids(encoded.ids or b"").tolist()
