"""Whether one entry is called: everything that is decided about it alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from coblyn.story.lore.buffer import Buffer
from coblyn.story.lore.decorators import Decorated
from coblyn.story.lore.entry import Entry
from coblyn.story.lore.match import Matcher
from coblyn.story.lore.pattern import BadPattern, PatternTooSlow
from coblyn.story.lore.scene import Scene
from coblyn.story.lore.verdict import FiredBy, Silent, Timer

__all__ = ["Called", "Look"]


@dataclass(frozen=True, slots=True)
class Called:
    """An entry that may enter, unless its group, chance or the budget says no.

    Attributes:
        entry: Which one.
        by, key, back: As in `verdict.Fired`.
        score: How many keys occur.
        won: The group whose draw it won, or empty.
    """

    entry: Entry
    by: FiredBy
    key: str = ""
    back: int = 0
    score: int = 0
    won: str = ""


class Look:
    """Looks at entries in a scene.

    Args:
        scene: What is known besides the texts.
        buffer: The texts.
        matcher: How keys are compared.
    """

    def __init__(self, scene: Scene, buffer: Buffer, matcher: Matcher) -> None:
        self._scene, self._buffer, self._matcher = scene, buffer, matcher

    def at(self, one: Decorated, depth: int, level: int, opened: int) -> Called | Silent:
        """Whether an entry is called.

        Args:
            one: The entry.
            depth: How many messages are looked at.
            level: Of recursion.
            opened: The highest level of `Entry.delay_until_recursion` that may be called.
        """
        entry = one.entry
        if refusal := self._refusal(one, level, opened):
            return refusal
        if one.is_forced:
            return Called(entry, "activated")
        if entry.is_constant:
            return Called(entry, "constant")
        if self._is_sticky(one):
            return Called(entry, "sticky")
        if not entry.keys:
            return Silent(entry, "no_key")
        try:
            return self._by_key(one, depth)
        except PatternTooSlow:
            return Silent(entry, "slow_pattern")
        except BadPattern as error:
            return Silent(entry, "bad_pattern", {"reason": str(error)})

    def occurs(self, key: str, text: str, entry: Entry) -> bool:
        """Whether a key of an entry occurs in a text; one that cannot be compared does not."""
        try:
            return self._matcher.occurs(key, text, entry)
        except (PatternTooSlow, BadPattern):
            return False

    def _refusal(self, one: Decorated, level: int, opened: int) -> Silent | None:
        """What is against an entry, whatever its keys are."""
        entry, num = one.entry, len(self._scene.messages)
        if entry.is_disabled:
            return Silent(entry, "disabled")
        if entry.triggers and self._scene.trigger not in entry.triggers:
            return Silent(entry, "other_trigger", {"trigger": self._scene.trigger})
        if not self._is_for_this_character(entry):
            return Silent(entry, "other_character", {"character": self._scene.character})
        if num < max(entry.delay, one.only_after):
            return Silent(entry, "delay", {"after": max(entry.delay, one.only_after)})
        if one.only_every and num % one.only_every:
            return Silent(entry, "delay", {"every": one.only_every})
        is_sticky = self._is_sticky(one)
        if (left := self._rest(one)) and not is_sticky:
            return Silent(entry, "cooldown", {"left": left})
        if (
            entry.delay_until_recursion
            and not is_sticky
            and not (level and entry.delay_until_recursion <= opened)
        ):
            return Silent(entry, "recursion_only", {"level": entry.delay_until_recursion})
        return Silent(entry, "suppressed") if one.is_suppressed else None

    def _is_for_this_character(self, entry: Entry) -> bool:
        if not entry.filter_names and not entry.filter_tags:
            return True
        is_named = self._scene.character in entry.filter_names or bool(
            self._scene.tags & entry.filter_tags
        )
        return is_named != entry.filter_excludes

    def _by_key(self, one: Decorated, depth: int) -> Called | Silent:
        entry = one.entry

        def stands(key: str) -> bool:
            return self._matcher.stands(key, entry, self._buffer, depth)

        occurring = [key for key in entry.keys if stands(key)]
        if not occurring:
            return self._no_match(entry, depth)
        for key in (*entry.forbidden, *one.excluded):
            if stands(key):
                return Silent(entry, "forbidden", {"key": occurring[0], "forbidden_by": key})
        score = len(occurring)
        if entry.has_logic and entry.secondary:
            found = [key for key in entry.secondary if stands(key)]
            if refusal := _secondary(entry, occurring[0], found):
                return refusal
            score += _score(entry, found)
        back = self._distance(occurring[0], entry, depth)
        return Called(entry, "key", occurring[0], back, score)

    def _no_match(self, entry: Entry, depth: int) -> Silent:
        looked = depth if entry.scan_depth is None else entry.scan_depth
        values: dict[str, object] = {"looked": looked}
        if nearest := self._matcher.nearest(entry, self._buffer, looked):
            values |= {"nearest": nearest[0], "back": nearest[1]}
        return Silent(entry, "no_match", values)

    def _distance(self, key: str, entry: Entry, depth: int) -> int:
        """How many messages back a key stands; 0 if it stands elsewhere."""
        looked = depth if entry.scan_depth is None else entry.scan_depth
        try:
            return self._matcher.back(key, entry, self._buffer, looked)
        except PatternTooSlow:
            return 0

    # Timed effects count from the number of messages at which an entry fired. They are gone when the story has not
    # grown since, as with a retry, or when the entry was changed.

    def timer(self, one: Decorated) -> Timer | None:
        """When an entry with timed effects fired, if that still matters."""
        timer = self._scene.timers.get(one.entry.id)
        is_known = timer and timer.mark == self.mark(one) and timer.at < len(self._scene.messages)
        return timer if is_known else None

    def is_timed(self, one: Decorated) -> bool:
        """Whether it matters when an entry fired."""
        return bool(one.entry.sticky or one.entry.cooldown or one.keeps or one.fires_once)

    def mark(self, one: Decorated) -> str:
        """A hash of an entry's content."""
        plain = replace(
            one.entry, triggers=frozenset(), filter_names=frozenset(), filter_tags=frozenset()
        )
        return hashlib.blake2b(repr((plain, plain.content)).encode(), digest_size=8).hexdigest()

    def _is_sticky(self, one: Decorated) -> bool:
        timer = self.timer(one)
        if timer is None:
            return False
        return one.keeps or len(self._scene.messages) < timer.at + one.entry.sticky

    def _rest(self, one: Decorated) -> int:
        """For how many more messages an entry rests."""
        timer = self.timer(one)
        if timer is None:
            return 0
        if one.fires_once:
            return 1
        end = timer.at + one.entry.sticky + one.entry.cooldown
        return max(end - len(self._scene.messages), 0) if one.entry.cooldown else 0


def _secondary(entry: Entry, key: str, found: list[str]) -> Silent | None:
    """What the secondary keys have against an entry."""
    num = len(entry.secondary)
    match entry.logic:
        case "and_any" if not found:
            return Silent(entry, "secondary", {"key": key, "missing": list(entry.secondary)})
        case "and_all" if len(found) < num:
            missing = [other for other in entry.secondary if other not in found]
            return Silent(entry, "secondary", {"key": key, "missing": missing})
        case "not_any" if found:
            return Silent(entry, "forbidden", {"key": key, "forbidden_by": found[0]})
        case "not_all" if len(found) == num:
            return Silent(entry, "forbidden", {"key": key, "forbidden_by": found[0]})
        case _:
            return None


def _score(entry: Entry, found: list[str]) -> int:
    """What secondary keys add to the number of keys that occur."""
    if entry.logic == "and_any":
        return len(found)
    return len(found) if entry.logic == "and_all" and len(found) == len(entry.secondary) else 0
