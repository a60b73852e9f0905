"""Detects a model's marks of reasoning from its template and the rendered prompt, not from its name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "NO_REASONING",
    "THINK",
    "Reasoning",
    "begins_reasoning",
    "opens_reasoning",
    "reasoning_of",
]


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The marks around reasoning.

    Attributes:
        opening: Text that begins it; empty if the model does not reason.
        closing: Text that ends it.
        after: What models write after ``closing`` before their answer: both are inserted to end reasoning early.
    """

    opening: str
    closing: str
    after: str = "\n\n"

    def __bool__(self) -> bool:
        return bool(self.opening)


NO_REASONING = Reasoning("", "")

THINK = Reasoning("<think>", "</think>")

# A sign in the template, and the marks it implies; the first match counts.
_FAMILIES = (
    ("<|START_THINKING|>", Reasoning("<|START_THINKING|>", "<|END_THINKING|>", "")),
    (
        "<|channel|>analysis<|message|>",
        Reasoning("<|channel|>analysis<|message|>", "<|end|>", "<|start|>assistant"),
    ),
    (
        " to=self<|message|>",
        Reasoning(" to=self<|message|>", "<|eom|>", "<|start|>assistant"),
    ),
    ("<|channel>", Reasoning("<|channel>thought\n", "<channel|>", "")),
    ("<seed:think>", Reasoning("<seed:think>", "</seed:think>", "\n")),
    ("<mm:think>", Reasoning("<mm:think>", "</mm:think>")),
    ("<|inner_prefix|>", Reasoning("<|inner_prefix|>", "<|inner_suffix|>", "")),
    ("[THINK]", Reasoning("[THINK]", "[/THINK]", "")),
    (
        "[BEGIN FINAL RESPONSE]",
        Reasoning("Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]", "\n"),
    ),
    (
        "Here is my thought process:",
        Reasoning("Here is my thought process:", "Here is my response:"),
    ),
    ("◁think▷", Reasoning("◁think▷", "◁/think▷", "")),
    ("<think>", THINK),
    ("</think>", THINK),
    ("<thought>", Reasoning("<thought>", "</thought>")),
    ("<reasoning>", Reasoning("<reasoning>", "</reasoning>")),
)


def reasoning_of(template: str) -> Reasoning:
    """The marks of reasoning of a model with this chat template."""
    return next((marks for sign, marks in _FAMILIES if sign in template), NO_REASONING)


def opens_reasoning(marks: Reasoning, prompt: str) -> bool:
    """Whether a prompt ends with an open block of reasoning, so that what is generated begins with reasoning.

    Args:
        marks: The model's marks.
        prompt: The rendered prompt, including the beginning of the message to generate.
    """
    return bool(marks) and prompt.rstrip().endswith(marks.opening.rstrip())


def begins_reasoning(marks: Reasoning, content: str) -> bool:
    """Whether a message contains reasoning. Templates remove it, or open another block before it."""
    return bool(marks) and content.lstrip().startswith(marks.opening.strip())
