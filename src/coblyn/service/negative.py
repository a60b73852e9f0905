"""The negative prompt of guidance."""

from __future__ import annotations

from dataclasses import replace

from coblyn.chat.messages import Message
from coblyn.service.command import AnyPrompt, ChatPrompt, TextPrompt

__all__ = ["negative_of"]


def negative_of(prompt: AnyPrompt, text: str) -> TextPrompt | ChatPrompt:
    """The prompt that replaces a command's prompt for guidance.

    A conversation keeps all but its system message, which is replaced, as in section 3.4 of Sanchez et al., "Stay on
    topic with Classifier-Free Guidance", 2023. Any other prompt is replaced as a whole; an empty text leaves the BOS
    token.
    """
    if not isinstance(prompt, ChatPrompt):
        return TextPrompt(text)
    system = (Message("system", text),) if text else ()
    others = (message for message in prompt.messages if message.role not in ("system", "developer"))
    return replace(prompt, messages=(*system, *others))
