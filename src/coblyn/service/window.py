"""Which tokens of a prompt fit into the context: pure arithmetic over lists of token ids."""

from __future__ import annotations

from collections.abc import Sequence

from coblyn.errors import PromptTooLong

__all__ = [
    "longest_completion",
    "require_fitting_text",
    "require_room",
    "trim_below_memory",
    "trim_front",
]


def longest_completion(context: int) -> int:
    """The most tokens that a completion may take, so that the prompt keeps a fair part.

    KoboldCPP's rule: a fifth of the context, and 16 tokens in any case, stay with the prompt.
    """
    return max(1, context - max(min(context - 4, 16), context // 5))


def trim_front(
    prompt: Sequence[int], start: Sequence[int], *, context: int, max_tokens: int
) -> list[int]:
    """The newest part of a prompt that leaves room for the completion.

    Args:
        prompt: Token ids, ``start`` among them where the model wants it.
        start: What every prompt starts with: the BOS token, or nothing.
        context: Tokens of prompt and completion.
        max_tokens: Tokens of the completion.
    """
    room = context - max_tokens
    if len(prompt) <= room:
        return list(prompt)
    return [*start, *_newest(prompt, room - len(start))]


def trim_below_memory(
    memory: Sequence[int],
    prompt: Sequence[int],
    start: Sequence[int],
    *,
    context: int,
    max_tokens: int,
) -> list[int]:
    """Memory on top and, under it, the newest part of the prompt that fits.

    Overflow eats the oldest text of the prompt; memory itself loses its front only if it alone does
    not fit.

    Args:
        memory: Token ids, ``start`` among them.
        prompt: Token ids without ``start``.
        start: What every prompt starts with: the BOS token, or nothing.
        context: Tokens of prompt and completion.
        max_tokens: Tokens of the completion.
    """
    top = trim_front(memory, start, context=context - 4, max_tokens=max_tokens)
    return top + _newest(prompt, context - max_tokens - 1 - len(top))


def require_room(num_prompt: int, context: int) -> int:
    """Tokens that are left for the completion, at least 1.

    Raises:
        PromptTooLong: None are.
    """
    if num_prompt >= context:
        raise PromptTooLong(
            f"The prompt has {num_prompt} tokens, but the context holds {context} tokens of prompt "
            "and completion together.",
            field="prompt",
            hint="Shorten the prompt, or load the model with a larger context.",
        )
    return context - num_prompt


def require_fitting_text(length: int, context: int, max_token_length: int) -> None:
    """Refuse a text by its length alone, before it is tokenized.

    Args:
        length: Characters of the prompt.
        context: Tokens of prompt and completion.
        max_token_length: Characters of the longest token of any vocabulary.

    Raises:
        PromptTooLong: However it is tokenized, it does not fit.
    """
    if length > context * max_token_length:
        raise PromptTooLong(
            f"The prompt has {length:,} characters, and no more than {context:,} tokens of prompt and completion fit "
            "into the context.",
            field="prompt",
            hint="Shorten the prompt, or load the model with a larger context.",
        )


def _newest(tokens: Sequence[int], room: int) -> list[int]:
    return list(tokens[max(0, len(tokens) - max(0, room)) :])
