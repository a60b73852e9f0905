"""How the context is shared between a prompt and its completion: pure arithmetic."""

from __future__ import annotations

from coblyn.errors import PromptTooLong

__all__ = ["longest_completion", "require_fitting_text", "require_room", "shrunk"]

_HINT = "Please reduce the length of the messages, or load the model with a larger context."
"""With these words and those of the message, clients know that they have to shorten a conversation."""


def longest_completion(context: int) -> int:
    """Maximum number of tokens that a completion may take, so that the prompt keeps a fair part.

    KoboldCPP's rule: a fifth of the context, and 16 tokens in any case, stay with the prompt.
    """
    return max(1, context - max(min(context - 4, 16), context // 5))


def shrunk(max_tokens: int, context: int) -> int:
    """What is kept free of a prompt for a completion whose length nobody asked for: so little that the prompt stays."""
    return min(max_tokens, max(1, context // 32))


def require_room(num_prompt: int, context: int) -> int:
    """Tokens that are left for the completion, at least 1.

    Raises:
        PromptTooLong: None are.
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
            f"This model's maximum context length is {context} tokens of prompt and completion together, but the "
            f"prompt has {length} characters.",
            field="prompt",
            hint=_HINT,
            context=context,
        )
