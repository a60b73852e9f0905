"""Adapts conversations to strict templates.

Messages keep their places where possible, since everything after a moved one has to be computed again each turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from coblyn.chat.messages import Message, ToolCall

__all__ = ["folded", "gentler", "with_system"]

Messages = Sequence[Message]

_SYSTEM = ("system", "developer")


def gentler(messages: Messages) -> Iterator[list[Message]]:
    """Yield forms of the conversation that more and more templates accept."""
    current = list(messages)
    for step in (_late_system, _spoken, _merged, _no_system, _starts_with_user):
        changed = step(current)
        if changed != current:
            current = changed
            yield current
    without_tools = _merged(folded(current, _plain, results_too=True))
    if without_tools != current:
        yield without_tools


def with_system(messages: Messages, text: str) -> list[Message]:
    """The conversation with a text appended to its system message, which is added if there is none."""
    if messages and messages[0].role in _SYSTEM:
        first = messages[0]
        return [replace(first, content=f"{first.content}\n\n{text}"), *messages[1:]]
    return [Message("system", text), *messages]


def folded(
    messages: Messages, write: Callable[[Sequence[ToolCall]], str], *, results_too: bool
) -> list[Message]:
    """The conversation with its calls as text, for templates that do not show calls.

    Args:
        messages: The conversation.
        write: Writes calls in the model's format.
        results_too: Whether results become user messages too.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    fitted = []
    for message in messages:
        if message.tool_calls:
            parts = (message.content, write(message.tool_calls))
            text = "\n".join(part for part in parts if part)
            fitted.append(replace(message, content=text, tool_calls=()))
        elif message.role == "tool" and results_too:
            name = message.name or names.get(message.tool_call_id, "the tool")
            fitted.append(Message("user", f"Result of {name}:\n{message.content}"))
        else:
            fitted.append(message)
    return fitted


def _plain(calls: Sequence[ToolCall]) -> str:
    return "\n".join(f"Call of {call.name}: {call.arguments}" for call in calls)


def _late_system(messages: Messages) -> list[Message]:
    """Turn system messages other than the first into user messages."""
    start = next((i for i, each in enumerate(messages) if each.role not in _SYSTEM), len(messages))
    return [
        replace(each, role="user", name="") if i >= start and each.role in _SYSTEM else each
        for i, each in enumerate(messages)
    ]


def _spoken(messages: Messages) -> list[Message]:
    """Leave out answers that say nothing and call nothing, except the last, which may be continued."""
    return [
        each
        for i, each in enumerate(messages, 1)
        if each.role != "assistant"
        or each.content
        or each.tool_calls
        or each.reasoning
        or i == len(messages)
    ]


def _merged(messages: Messages) -> list[Message]:
    """Merge consecutive messages of one role."""
    fitted: list[Message] = []
    for message in messages:
        before = fitted[-1] if fitted else None
        role = "system" if message.role in _SYSTEM else message.role
        is_plain = role in ("system", "user", "assistant") and not message.tool_calls
        if before and is_plain and before.role == role and not before.tool_calls:
            text = "\n\n".join(part for part in (before.content, message.content) if part)
            fitted[-1] = replace(before, content=text)
        else:
            fitted.append(replace(message, role=role))
    return fitted


def _no_system(messages: Messages) -> list[Message]:
    """Move the system message to the beginning of the first user message."""
    if not messages or messages[0].role not in _SYSTEM:
        return list(messages)
    return _merged([replace(messages[0], role="user"), *messages[1:]])


def _starts_with_user(messages: Messages) -> list[Message]:
    """Add an empty user message before an assistant that speaks first."""
    start = next((i for i, each in enumerate(messages) if each.role not in _SYSTEM), len(messages))
    if start < len(messages) and messages[start].role == "user":
        return list(messages)
    return [*messages[:start], Message("user", ""), *messages[start:]]
