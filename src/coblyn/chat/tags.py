"""Finds the tags around each speaker's text in a chat template by rendering marked messages."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from coblyn.chat.placeholders import Tags
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import Run, run_here
from coblyn.errors import ModelBroken

__all__ = ["tags_of"]

_SYSTEM, _QUESTION, _ANSWER, _MORE = "SystemMark0", "UserMark1", "AssistantMark2", "UserMark3"


@functools.lru_cache(maxsize=8)
def tags_of(source: str, bos: str, eos: str, run: Run = run_here) -> Tags | None:
    """The tags of a chat template.

    Args:
        source: Jinja text of the template.
        bos: Text of the BOS token, which is not part of a tag.
        eos: Text of the EOS token.
        run: Renders it.

    Returns:
        None if there is no template, or its text around messages cannot be split into tags.
    """
    if not source.strip():
        return None
    try:
        return _Reader(source, bos, eos, run).tags()
    except (TemplateRefusal, ModelBroken, _NoTags):
        return None


def _split(between: str, before: str, ends: Sequence[str]) -> tuple[str, str]:
    """Split the text between an answer and the next question into the end of one and the start of the other.

    Args:
        between: The text between them.
        before: The text before the first question, which ends with the start tag of a question.
        ends: Possible ends of an answer; some templates end the last one differently.
    """
    for end in ends:
        if end and between.startswith(end):
            return end, between.removeprefix(end)
    pairs = zip(reversed(between), reversed(before), strict=False)
    length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    common = between[len(between) - length :]
    start = re.sub(r"^[^<\[\n]+(?=[<\[\n])", "", common)  # "_end|><|user|>" begins within a tag
    return between.removesuffix(start), start


class _NoTags(Exception):
    """A message is not where it should be."""


class _Reader:
    """Renders marked messages with a template, and splits the text at the marks."""

    def __init__(self, source: str, bos: str, eos: str, run: Run) -> None:
        self._run = run
        self._source = source
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._bos = bos

    def tags(self) -> Tags:
        turns = {_QUESTION: "user", _ANSWER: "assistant", _MORE: "user"}
        before, middle, again, user_end = self._parts(turns)
        *_, whole = self._parts(turns, opens_answer=True)
        *_, last_end = self._parts({_QUESTION: "user", _ANSWER: "assistant"})
        assistant_end, user_start = _split(again, before, (last_end, user_end))
        if not (middle.startswith(user_end) and whole.startswith(user_end) and user_start):
            raise _NoTags
        system_start, system_end = self._system(before, user_start, user_end)
        return Tags(
            system_start,
            system_end,
            user_start,
            user_end,
            middle.removeprefix(user_end),
            assistant_end,
            whole.removeprefix(user_end),
        )

    def _system(self, before: str, user_start: str, user_end: str) -> tuple[str, str]:
        """Tags of a system message; those of the user if the template has no such role."""
        try:
            start, end, _ = self._parts({_SYSTEM: "system", _QUESTION: "user"})
        except TemplateRefusal:
            return user_start, user_end
        if end.endswith(user_start):
            return start, end.removesuffix(user_start)
        # It is part of the first user message, whose tag has to precede both.
        return "", end if start == before else ""

    def _parts(self, turns: dict[str, str], *, opens_answer: bool = False) -> list[str]:
        """The text before, between and after messages, each given by mark and role."""
        messages = [{"role": role, "content": mark} for mark, role in turns.items()]
        values: dict[str, Any] = {
            "messages": messages,
            "tools": None,
            "documents": None,
            **self._tokens,
        }
        values["add_generation_prompt"] = opens_answer
        rest = self._run(self._source, values).removeprefix(self._bos)
        parts = []
        for mark in turns:
            part, found, rest = rest.partition(mark)
            if not found or mark in rest:
                raise _NoTags
            parts.append(part)
        return [*parts, rest]
