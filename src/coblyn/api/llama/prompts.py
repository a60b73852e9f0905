"""Prompts in llama-server's formats."""

from __future__ import annotations

import re
from typing import Any

from coblyn.api.ids import ID_RULE, is_id
from coblyn.chat.attachment import MEDIA_WORD, read_file
from coblyn.errors import BadRequest
from coblyn.service.command import AnyPrompt, TextPrompt, TokenPrompt
from coblyn.service.tokens import Tokens

__all__ = ["biases_of_texts", "mixed_ids", "read_prompts"]

_NUMBER = re.compile(r"[+-]?\d+")


async def read_prompts(given: Any, tokens: Tokens) -> tuple[list[AnyPrompt], bool]:
    """The prompts of a body, and whether they were a list.

    Args:
        given: A text; a list of token ids and texts, which is one prompt; an object with ``prompt_string``; or a list
            of prompts, which begins with a text that no token id follows, with a list or with an object.
        tokens: Tokenizes texts.

    Raises:
        BadRequest: It is none of these.
    """
    if not isinstance(given, list) or _is_mixed(given):
        return [await _prompt(given, tokens)], False
    if not given:
        raise BadRequest("prompt is an empty list.", field="prompt")
    return [await _prompt(each, tokens) for each in given], True


async def mixed_ids(
    parts: list[Any], tokens: Tokens, *, field: str, starts: bool, parses: bool = True
) -> list[int]:
    """Token ids of a list of texts and token ids.

    Args:
        parts: The list.
        tokens: Tokenizes texts.
        field: Its name in the body.
        starts: Whether to add the BOS token before a text that comes first.
        parses: Whether names of special tokens in texts become these tokens.

    Raises:
        BadRequest: An item is neither.
    """
    ids: list[int] = []
    for index, part in enumerate(parts):
        if isinstance(part, str):
            is_start = starts and index == 0
            ids += await tokens.ids(part, add_special=is_start, parse_special=parses)
        elif is_id(part):
            ids.append(part)
        else:
            raise BadRequest(
                f"{field}[{index}] must be a text or a token id; {ID_RULE}.", field=field
            )
    return ids


async def biases_of_texts(given: Any, tokens: Tokens) -> Any:
    """``logit_bias`` with each text in place of a token id replaced by the tokens of the text; a number is not text."""
    if isinstance(given, dict):
        given = [[key, value] for key, value in given.items()]
    is_pairs = isinstance(given, list) and all(isinstance(e, list) and len(e) == 2 for e in given)
    if not is_pairs:
        return given
    pairs: list[list[Any]] = []
    for key, value in given:
        is_text = isinstance(key, str) and not _NUMBER.fullmatch(key)
        ids = await tokens.of_text(key, special=False) if is_text else [key]
        pairs += [[each, value] for each in ids]
    return pairs


def _is_mixed(given: list[Any]) -> bool:
    """Whether a list is one prompt, which is so if it contains a token id, or what should be one."""
    return any(isinstance(part, int | float) for part in given)


async def _prompt(given: Any, tokens: Tokens) -> AnyPrompt:
    if isinstance(given, dict):
        if given.get("multimodal_data"):
            return _with_media(given.get("prompt_string"), given["multimodal_data"])
        given = given.get("prompt_string")
    if isinstance(given, str):
        return TextPrompt(given)
    if isinstance(given, list):
        return TokenPrompt(tuple(await mixed_ids(given, tokens, field="prompt", starts=True)))
    raise BadRequest(
        "prompt must be a text, a list of token ids, or a list of these.", field="prompt"
    )


def _with_media(text: Any, data: Any) -> TextPrompt:
    """A text with a mark for each image or sound."""
    field = "prompt.multimodal_data"
    if not isinstance(text, str):
        raise BadRequest("prompt.prompt_string must be a text.", field="prompt.prompt_string")
    if not isinstance(data, list):
        raise BadRequest(f"{field} must be a list of base64 texts.", field=field)
    first, *others = text.split(MEDIA_WORD)
    if len(others) != len(data):
        raise BadRequest(
            f"prompt.prompt_string has {MEDIA_WORD} {len(others)} times, and there are {len(data)} files.",
            field=field,
        )
    media = tuple(read_file(each, f"{field}[{index}]") for index, each in enumerate(data))
    marked = (each.mark + after for each, after in zip(media, others, strict=True))
    return TextPrompt(first + "".join(marked), media=media)
