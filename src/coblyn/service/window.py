"""Divides the context between a prompt and its completion. Pure arithmetic."""

from __future__ import annotations

from coblyn.errors import PromptTooLong

__all__ = ["longest_completion", "require_fitting_text", "require_room", "shrunk"]

_HINT = "Please reduce the length of the messages, or load the model with a larger context."
"""Clients recognize these words and those of the message, and shorten the conversation."""


def longest_completion(context: int) -> int:
    """Maximum length of a completion that leaves the prompt a fair share.

    KoboldCPP's rule: the prompt keeps a fifth of the context, and at least 16 tokens.
    """
    return max(1, context - max(min(context - 4, 16), context // 5))


def shrunk(max_tokens: int, context: int) -> int:
    """Number of tokens reserved for a completion of default length, small enough for the prompt to fit."""
    return min(max_tokens, max(1, context // 32))


def require_room(num_prompt: int, context: int) -> int:
    """Number of tokens left for the completion, at least 1.

    Raises:
        PromptTooLong: None are left.
    """
    if num_prompt >= context:
        raise PromptTooLong(
            f"This model's maximum context length is {context} tokens of prompt and completion together, but the "
            f"prompt has {num_prompt} tokens.",
            field="prompt",
            hint=_HINT,
            num_prompt=num_prompt,
            context=context,
        )
    return context - num_prompt


def require_fitting_text(length: int, context: int, max_token_length: int) -> None:
    """Refuse a text by its length, before it is tokenized.

    Args:
        length: Length of the prompt in characters.
        context: Context length in tokens.
        max_token_length: Length of the longest token of any vocabulary, in characters.

    Raises:
        PromptTooLong: It cannot fit, however it is tokenized.
    """
    if length > context * max_token_length:
        raise PromptTooLong(
            f"This model's maximum context length is {context} tokens of prompt and completion together, but the "
            f"prompt has {length} characters.",
            field="prompt",
            hint=_HINT,
            context=context,
        )
