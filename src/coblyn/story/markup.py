"""What stands around turns in what is sent: tags in place of the story's marks, or a model's own template."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from coblyn.story.segment import Segment

__all__ = ["Markup", "tagged", "woven"]

_MARK = re.compile(r"\n?\{\{\[(INPUT|OUTPUT|SYSTEM)(_END)?\]\}\}\n?")


@dataclass(frozen=True, slots=True)
class Markup:
    """Tags around what each speaker says; the names are those of KoboldCPP's chat adapters."""

    system_start: str = ""
    system_end: str = ""
    user_start: str = ""
    user_end: str = ""
    assistant_start: str = ""
    assistant_end: str = ""
    assistant_gen: str = ""

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer."""
        found = (self.assistant_end, self.user_start, self.assistant_start)
        return tuple(dict.fromkeys(text.strip() for text in found if text.strip()))


def tagged(
    segments: Sequence[Segment], markup: Markup, count: Callable[[str], int]
) -> tuple[Segment, ...]:
    """Segments of a story in the mode ``instruct`` with tags in place of its marks.

    What stands before the text is what the system says. A turn ends where the next one begins; the last one of the
    assistant, which is to be written, may begin otherwise than those before.

    Args:
        segments: As the story has them.
        markup: The tags.
        count: Tokens of a text.
    """
    filler = _Filler(markup, _number_of_last_output(segments))
    first = next((i for i, one in enumerate(segments) if one.kind == "story"), len(segments))
    told = []
    for segment in segments[first:]:
        text = filler.fill(segment.text) if segment.kind == "story" else segment.text
        told.append(
            segment if text == segment.text else replace(segment, text=text, tokens=count(text))
        )
    top = _around(segments[:first], markup, count) if first else []
    return (*top, *told)


def _around(top: Sequence[Segment], markup: Markup, count: Callable[[str], int]) -> list[Segment]:
    start, end = markup.system_start, markup.system_end
    return [_template(start, count), *top, _template(end, count)] if end else [*top]


class _Filler:
    def __init__(self, markup: Markup, last: int) -> None:
        self._markup = markup
        self._last = last
        self._open = ""
        self._num_outputs = 0

    def fill(self, text: str) -> str:
        return _MARK.sub(lambda found: self._tag(found[1], is_end=bool(found[2])), text)

    def _tag(self, who: str, *, is_end: bool) -> str:
        markup, ends = self._markup, self._open
        self._open = ""
        if is_end:
            return ends
        if who == "INPUT":
            self._open = markup.user_end
            return ends + markup.user_start
        if who == "SYSTEM":
            self._open = markup.system_end
            return ends + markup.system_start
        self._open = markup.assistant_end
        self._num_outputs += 1
        is_last = self._num_outputs == self._last
        return ends + ((is_last and markup.assistant_gen) or markup.assistant_start)


def _number_of_last_output(segments: Sequence[Segment]) -> int:
    return sum(one.text.count("{{[OUTPUT]}}") for one in segments if one.kind == "story")


def woven(
    rendered: str, parts: Iterable[Segment], count: Callable[[str], int]
) -> tuple[Segment, ...]:
    """What a template made of parts, cut into those parts and what the template has put around them.

    Args:
        rendered: What is sent.
        parts: In the order in which they stand there; what is not found there as it is, is the template's.
        count: Tokens of a text.
    """
    segments: list[Segment] = []
    at = 0
    for part in parts:
        start = rendered.find(part.text, at)
        if start < 0 or not part.text:
            continue
        segments += [_template(rendered[at:start], count)] if start > at else []
        segments.append(replace(part, tokens=count(part.text)))
        at = start + len(part.text)
    return (*segments, *([_template(rendered[at:], count)] if at < len(rendered) else []))


def _template(text: str, count: Callable[[str], int]) -> Segment:
    return Segment("template", "", text, count(text))
