"""The text of NovelAI's newer editor: a document of sections in MessagePack, as its story files have it in base64.

The form is not published. What is here agrees with what other programs read of real files: the document is an
extension (20) with ``sections``, their ``order``, a history of changes (30, 31), and changes (40, 41) that were not put
into the history yet, ``dirtySections``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.story.bounded import unbase64
from coblyn.story.interchange.msgpackr import unpacked
from coblyn.story.phrases import phrase, refused

__all__ = ["Document", "read_document"]

_TYPES = frozenset({20, 30, 31, 40, 41, 42})
_CREATE, _UPDATE, _REMOVE = 0, 1, 2
_MAX_WORK = 30_000_000
"""Changes times sections, old and new: more is left as it is, since nobody leaves so much unfinished."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document.

    Attributes:
        text: Its sections of text, each a paragraph.
        num_others: Sections that are no text, such as pictures.
        is_unfinished: It lists changes that do not fit its sections; these are left as they are.
    """

    text: str
    num_others: int
    is_unfinished: bool


def read_document(packed: str) -> Document:
    """A document from base64.

    Raises:
        FileRefused: It is damaged, or of another form.
    """
    what = phrase("the_story_text")
    value = unpacked(unbase64(packed.encode(), what), what, _TYPES)
    value = value if isinstance(value, Mapping) else {}
    sections, order = value.get("sections"), value.get("order")
    if not isinstance(sections, Mapping) or not isinstance(order, list):
        raise refused("no_sections", what=what)
    editor, changes = _Editor(sections, order), value.get("dirtySections")
    is_unfinished = isinstance(changes, Mapping) and not editor.apply(changes)
    if is_unfinished:
        editor = _Editor(sections, order)
    named = (editor.sections.get(name) for name in editor.order if isinstance(name, str | int))
    found = [one for one in named if isinstance(one, Mapping)]
    texts = [one["text"] for one in found if isinstance(one.get("text"), str)]
    return Document("\n".join(texts), len(found) - len(texts), is_unfinished)


class _Editor:
    """Sections and their order, changed in place. A method that gives False has found a change that does not fit."""

    def __init__(self, sections: Mapping[Any, Any], order: list[Any]) -> None:
        self.sections, self.order = dict(sections), list(order)

    def apply(self, changes: Mapping[Any, Any]) -> bool:
        """All changes: what is new first, since it may stand behind what goes, or behind what is new as well."""
        steps = [(name, one) for name, one in changes.items() if isinstance(one, Mapping)]
        if len(steps) < len(changes) or self._work(len(steps)) > _MAX_WORK:
            return False
        new = [(name, one) for name, one in steps if one.get("type") == _CREATE]
        others = [(name, one) for name, one in steps if one.get("type") != _CREATE]
        return self._create_all(new) and all(self._change(name, one) for name, one in others)

    def _create_all(self, new: list[tuple[Any, Mapping[str, Any]]]) -> bool:
        work = 0
        while new:
            work += self._work(len(new))
            left = [(name, one) for name, one in new if not self._create(name, one)]
            if len(left) == len(new) or work > _MAX_WORK:
                return False
            new = left
        return True

    def _work(self, num_changes: int) -> int:
        """Comparisons that so many changes may take: each looks for its place once."""
        return num_changes * (len(self.order) + num_changes)

    def _create(self, name: Any, change: Mapping[str, Any]) -> bool:
        """``after`` names the section before it; 0 is the beginning, and without it the end is meant."""
        section, after = change.get("section"), change.get("after")
        is_placed = after in (None, 0) or after in self.order
        if name in self.sections or not isinstance(section, Mapping) or not is_placed:
            return False
        at = 0 if after == 0 else len(self.order) if after is None else self.order.index(after) + 1
        self.sections[name] = section
        self.order.insert(at, name)
        return True

    def _change(self, name: Any, change: Mapping[str, Any]) -> bool:
        if change.get("type") == _REMOVE and name in self.order:
            self.order.remove(name)
            return True
        old = self.sections.get(name)
        if change.get("type") != _UPDATE or not isinstance(old, Mapping):
            return False
        new = _updated(old, change.get("diff"))
        if new is not None:
            self.sections[name] = new
        return new is not None


def _updated(old: Mapping[str, Any], diff: Any) -> Mapping[str, Any] | None:
    """A section after a change: another one in its place, or edits of its text. None where they do not fit."""
    inner = diff.get("diff", diff) if isinstance(diff, Mapping) else None
    if not isinstance(inner, Mapping):
        return None
    if isinstance(inner.get("to"), Mapping):
        whole: Mapping[str, Any] = inner["to"]
        return whole
    parts, text = inner.get("parts"), old.get("text")
    new = _edited(text, parts) if isinstance(text, str) and isinstance(parts, list) else None
    return None if new is None else {**old, "text": new}


def _edited(text: str, parts: list[Any]) -> str | None:
    """Each part counts UTF-16 units from the end of the one before, and says what it deletes."""
    units, at = text.encode("utf-16-le"), 0
    written = bytearray()
    for part in parts:
        if not isinstance(part, Mapping) or type(part.get("from")) is not int or part["from"] < 0:
            return None
        start = at + 2 * part["from"]
        gone, come = (str(part.get(key, "")).encode("utf-16-le") for key in ("delete", "insert"))
        if start > len(units) or not units.startswith(gone, start):
            return None
        written += units[at:start] + come
        at = start + len(gone)
    return (bytes(written) + units[at:]).decode("utf-16-le", "replace")
