"""Assembles the context of a story: segments with their origin, with old text cut off in steps.

The layout from the top: memory, lore before the characters, characters and the writer's persona, lore after them,
examples, and
then the text, with the author's note and lore at their depths in it. Depths count paragraphs from the end, or turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from coblyn.errors import BadRequest
from coblyn.story.cards.card import Card, card_of
from coblyn.story.lore.verdict import Fired, Lore
from coblyn.story.macros import Names, filled
from coblyn.story.segment import Kind, Segment
from coblyn.story.state import State
from coblyn.story.text import units
from coblyn.story.turns import Message, Speakers, speakers_of

__all__ = ["Context", "assemble", "cards_of", "messages_of", "names_of"]

LONG_BLOCK = 1000
"""Length in characters beyond which a paragraph may be cut."""

STEPS = 4
"""The text is cut in steps of a quarter of its room, so that its beginning stays while it grows within a step."""

NOTE_DEPTH = 3
_SLOT = "<|>"


@dataclass(frozen=True, slots=True)
class Context:
    """The context to send.

    Attributes:
        segments: In order; together they are the prompt.
        dropped: The text before this position is not sent, in UTF-16 units.
        room: Maximum number of tokens of the story's text.
        messages: In chats and instructions, the same as messages for the chat template; empty in a story.
        parts: The parts of the messages, in order: segments before the text, turns, and insertions between them.
        stops: Stop texts, with which another speaker's turn begins.
    """

    segments: tuple[Segment, ...]
    dropped: int
    room: int
    messages: tuple[Message, ...] = ()
    parts: tuple[Segment, ...] = ()
    stops: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The prompt text."""
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, slots=True)
class _Inserted:
    """Something inserted into the text, a number of paragraphs before its end."""

    kind: Kind
    id: str
    text: str
    depth: int


def messages_of(text: str, speakers: Speakers) -> list[str]:
    """The messages for lore, newest first: turns, or paragraphs in a story."""
    if speakers.has_turns:
        return [message.text for message in reversed(speakers.messages(text))]
    return [line for line in reversed(text.split("\n")) if line.strip()]


def cards_of(state: State) -> dict[str, Card]:
    """The active characters of a story, by id."""
    cards = {}
    for name, value in state.collection("characters").items():
        if value.get("is_absent"):
            continue
        try:
            cards[name] = card_of(value)
        except BadRequest:
            continue  # it stays in the story, but is not sent
    return cards


def names_of(state: State, cards: Mapping[str, Card], seed: int) -> Names:
    """The names for placeholders in a story: the first character and the first persona."""
    char = next((card.called for card in cards.values()), "")
    user = next((str(value.get("name", "")) for value in state.collection("personas").values()), "")
    return Names(char, user or "You", seed=seed)


def assemble(
    state: State, branch: str, lore: Lore, count: Callable[[str], int], room: int, seed: int = 0
) -> Context:
    """Assemble the context of a story.

    Args:
        state: The story.
        branch: The branch.
        lore: The result of the lore scan.
        count: Counts the tokens of a text.
        room: Maximum number of tokens in the whole context.
        seed: Seed for random placeholders.

    Raises:
        BadRequest: There is no such branch, or the fixed parts leave no room for the text.
    """
    cards = cards_of(state)
    names = names_of(state, cards, seed)
    top = [
        Segment(kind, name, text, count(text))
        for kind, name, text in _top(state, cards, lore, names)
        if text
    ]
    inserted = _inserted(state, lore, names)
    used = sum(segment.tokens for segment in top) + sum(count(one.text) for one in inserted)
    left = room - used
    if left <= 0:
        raise BadRequest(
            f"Memory, characters, notes and lore take {used} of {room} tokens.",
            hint="Shorten them, or allow a larger context.",
            field="max_context",
        )
    speakers = speakers_of(state)
    blocks = _blocks(state.text(branch).text)
    first = _first_kept(blocks, count, left)
    segments = (*top, *_woven(branch, blocks, first, inserted, count, speakers))
    told = _told(segments, speakers) if speakers.has_turns else []
    messages, parts = tuple(message for message, _ in told), tuple(_parts(segments, told))
    return Context(segments, blocks[first][1], left, messages, parts, speakers.stops)


def _start_of_text(segments: Sequence[Segment]) -> int:
    return next((i for i, one in enumerate(segments) if one.kind == "story"), len(segments))


def _told(segments: Sequence[Segment], speakers: Speakers) -> list[tuple[Message, Segment | None]]:
    """The text before the story as one message, then turns, with insertions as system messages.

    Each has the segment it is made of; the first may be made of several.
    """
    start = _start_of_text(segments)
    top = "".join(segment.text for segment in segments[:start]).strip()
    told: list[tuple[Message, Segment | None]] = [(Message("system", top), None)] if top else []
    for segment in segments[start:]:
        if segment.kind == "story":
            told += [(message, segment) for message in speakers.messages(segment.text)]
        else:
            told.append((Message("system", segment.text.strip()), segment))
    return told


def _parts(
    segments: Sequence[Segment], told: Sequence[tuple[Message, Segment | None]]
) -> Iterator[Segment]:
    if told and told[0][1] is None:
        for segment in segments[: _start_of_text(segments)]:
            yield replace(segment, text=segment.text.strip())
    for message, source in told:
        if source is not None:
            yield replace(source, text=message.text, start=None, end=None)


def _top(
    state: State, cards: Mapping[str, Card], lore: Lore, names: Names
) -> list[tuple[Kind, str, str]]:
    parts: list[tuple[Kind, str, str]] = [
        ("memory", "", _line(filled(state.single("memory"), names)))
    ]
    parts += _lore_at(lore, 0, names)
    for name, card in cards.items():
        own = Names(card.called, names.user, seed=names.seed)
        described = (card.text(part) for part in ("description", "personality", "scenario"))
        parts.append(("character", name, "".join(_line(filled(text, own)) for text in described)))
    for name, value in state.collection("personas").items():
        parts.append(("persona", name, _line(filled(str(value.get("description", "")), names))))
    parts += _lore_at(lore, 1, names) + _lore_at(lore, 5, names)
    for name, card in cards.items():
        own = Names(card.called, names.user, seed=names.seed)
        parts.append(("examples", name, _line(filled(card.text("mes_example"), own))))
    return parts + _lore_at(lore, 6, names)


def _lore_at(lore: Lore, position: int, names: Names) -> list[tuple[Kind, str, str]]:
    return [
        ("lore", one.entry.id, _line(filled(one.content, names)))
        for one in lore.fired
        if one.entry.position == position
    ]


def _inserted(state: State, lore: Lore, names: Names) -> list[_Inserted]:
    """The insertions into the text, deepest first."""
    note = state.single("note")
    text = note.get("text") if isinstance(note.get("text"), str) else ""
    depth = note.get("depth", NOTE_DEPTH)
    depth = depth if type(depth) is int and depth >= 0 else NOTE_DEPTH
    template = note.get("template")
    parts: list[_Inserted] = []
    if text.strip():
        whole = (
            template.replace(_SLOT, text)
            if isinstance(template, str) and _SLOT in template
            else text
        )
        parts += [_entry(one, depth, names) for one in lore.fired if one.entry.position == 2]
        parts.append(_Inserted("note", "", _line(filled(whole, names)), depth))
        parts += [_entry(one, depth, names) for one in lore.fired if one.entry.position == 3]
    parts += [_entry(one, one.entry.depth, names) for one in lore.fired if one.entry.position == 4]
    return sorted(parts, key=lambda one: -one.depth)


def _entry(one: Fired, depth: int, names: Names) -> _Inserted:
    return _Inserted("lore", one.entry.id, _line(filled(one.content, names)), depth)


def _line(text: str) -> str:
    """A text that ends with a line break, or nothing."""
    return text if not text.strip() else text.rstrip("\n") + "\n"


Block = tuple[str, int]
"""A piece of the text at whose beginning the text may be cut, with its start in UTF-16 units."""


def _blocks(text: str) -> list[Block]:
    """Paragraphs with their line breaks, long ones in pieces; together they are the text. The last one is empty."""
    blocks: list[Block] = []
    at = position = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        if end - at > LONG_BLOCK:
            end = text.rfind(" ", at, at + LONG_BLOCK) + 1
            end = end if end > at else at + LONG_BLOCK
        blocks.append((text[at:end], position))
        position += units(text[at:end])
        at = end
    return [*blocks, ("", position)]


def _first_kept(blocks: Sequence[Block], count: Callable[[str], int], room: int) -> int:
    """The index of the first block that is sent."""
    left, first = room, len(blocks) - 1
    while first > 0 and (tokens := count(blocks[first - 1][0])) <= left:
        left -= tokens
        first -= 1
    if first == 0:
        return 0
    sent = blocks[-1][1] - blocks[first][1]
    step = max(room // STEPS * _units_per_token(sent, room - left), 1)
    # The first block after a multiple of the step, which stays the same until the text has grown by a step.
    border = -(-blocks[first][1] // step) * step
    kept = next((i for i in range(first, len(blocks)) if blocks[i][1] >= border), len(blocks) - 1)
    return kept if kept < len(blocks) - 1 else first


def _units_per_token(length: int, tokens: int) -> int:
    """1, 2 or 4; coarse, so that small edits do not move the cut."""
    ratio = length / max(tokens, 1)
    return 4 if ratio >= 3 else 2 if ratio >= 1.5 else 1


def _woven(
    branch: str,
    blocks: Sequence[Block],
    first: int,
    inserted: Sequence[_Inserted],
    count: Callable[[str], int],
    speakers: Speakers,
) -> list[Segment]:
    """The text to send, with its insertions."""
    places = _places(blocks, first, inserted, speakers)
    segments: list[Segment] = []

    def flush(start: int, end: int) -> None:
        text = "".join(block for block, _ in blocks[start:end])
        if text:
            tokens = sum(count(block) for block, _ in blocks[start:end])
            segments.append(
                Segment(
                    "story", branch, text, tokens, blocks[start][1], blocks[start][1] + units(text)
                )
            )

    start = first
    for place, one in places:
        flush(start, place)
        start = place
        text = one.text
        if segments and not segments[-1].text.endswith("\n"):
            text = "\n" + text
        segments.append(Segment(one.kind, one.id, text, count(text)))
    flush(start, len(blocks))
    return segments


def _places(
    blocks: Sequence[Block], first: int, inserted: Sequence[_Inserted], speakers: Speakers
) -> list[tuple[int, _Inserted]]:
    """The block before which each insertion goes, from the top."""
    starts = [
        i
        for i in range(first, len(blocks) - 1)
        if blocks[i][0].strip()
        and (i == first or blocks[i - 1][0].endswith("\n"))
        and (speakers.begins(blocks[i][0]) if speakers.has_turns else True)
    ]
    borders = [*starts, len(blocks)]
    return [(borders[max(len(starts) - one.depth, 0)], one) for one in inserted]
