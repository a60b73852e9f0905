"""Decides which lore entries enter the context, as a function of the entries, the text and a seed.

Every entry gets a verdict. The order of decisions is SillyTavern's: entries are scanned in passes; in each pass
inclusion groups, probability and the budget decide about triggered entries, and the text of accepted ones may trigger
more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from coblyn.story.lore.buffer import MAX_DEPTH, Buffer
from coblyn.story.lore.decorators import Decorated, decorated
from coblyn.story.lore.entry import AT_DEPTH, Entry
from coblyn.story.lore.groups import survivors
from coblyn.story.lore.look import Called, Look
from coblyn.story.lore.match import Matcher
from coblyn.story.lore.pattern import Clock
from coblyn.story.lore.scene import LoreSettings, Scene
from coblyn.story.lore.verdict import Fired, Lore, Silent, Timer

__all__ = ["fire"]


def fire(
    entries: Sequence[Entry],
    scene: Scene,
    settings: LoreSettings | None = None,
    count: Callable[[str], int] = len,
) -> Lore:
    """Decide about every entry.

    Args:
        entries: All entries, in the story's order.
        scene: The texts to scan.
        settings: The lore settings.
        count: Counts the tokens of a text.
    """
    return _Run(entries, scene, settings or LoreSettings(), count).lore()


class _Run:
    """One scan, with the decisions so far."""

    def __init__(
        self,
        entries: Sequence[Entry],
        scene: Scene,
        settings: LoreSettings,
        count: Callable[[str], int],
    ) -> None:
        self._scene, self._settings, self._count = scene, settings, count
        self._order = _sorted([decorated(entry) for entry in entries], settings)
        matcher = Matcher(settings.case_sensitive, settings.whole_words, Clock())
        keys = (key for one in self._order for key in _keys(one))
        self._buffer = Buffer(scene.messages, scene.sources, keys)
        self._look = Look(scene, self._buffer, matcher)
        self._fired: dict[str, Fired] = {}
        self._silent: dict[str, Silent] = {}
        share = round(settings.budget_percent * scene.context / 100) or 1
        self._budget = min(share, settings.budget_cap) if settings.budget_cap > 0 else share
        self._tokens = 0
        self._is_full = False

    def lore(self) -> Lore:
        """All passes."""
        depth, level, steps = self._settings.scan_depth, 0, 0
        levels = sorted({one.entry.delay_until_recursion for one in self._order} - {0})
        opened = levels.pop(0) if levels else 0
        while True:
            steps += 1
            new = self._pass(depth, level, opened)
            if self._is_full or steps == self._settings.max_steps or steps > MAX_DEPTH:
                break
            calling = [one.content for one in new if not one.entry.prevent_recursion]
            if self._settings.recursive and calling:
                self._buffer.call(calling)
                level += 1
            elif self._settings.recursive and levels:
                opened, level = levels.pop(0), level + 1
            elif self._wants_more(depth):
                depth += 1
            else:
                break
        return self._result()

    def _wants_more(self, depth: int) -> bool:
        limit = min(self._settings.max_depth or MAX_DEPTH, len(self._scene.messages))
        return len(self._fired) < self._settings.min_activations and depth < limit

    def _pass(self, depth: int, level: int, opened: int) -> list[Fired]:
        called: list[Called] = []
        for one in self._order:
            if one.entry.id in self._fired or self._is_settled(one.entry, level):
                continue
            verdict = self._look.at(one, depth, level, opened)
            if isinstance(verdict, Silent):
                self._silent[one.entry.id] = verdict
            else:
                called.append(verdict)
        kept, lost = survivors(
            called, self._fired.values(), self._scene.seed, is_scored=self._settings.group_scoring
        )
        for silent in lost:
            self._silent[silent.entry.id] = silent
        kept.sort(key=lambda one: one.by != "sticky")  # stable: sticky ones get room first
        return [fired for one in kept if (fired := self._admit(one, level))]

    def _is_settled(self, entry: Entry, level: int) -> bool:
        """Whether an entry is decided: refusals by probability, group or budget are final for this scan."""
        if (silent := self._silent.get(entry.id)) is None:
            return False
        is_beyond = level > 0 and entry.exclude_recursion
        return is_beyond or silent.because in ("roll", "group", "budget")

    def _admit(self, one: Called, level: int) -> Fired | None:
        """Admit an entry if probability and budget allow it."""
        entry, roll = one.entry, None
        if entry.probability is not None and entry.probability < 100 and one.by != "sticky":
            roll = _roll(self._scene.seed, entry.id)
            if roll > entry.probability:
                values = {"roll": roll, "probability": entry.probability}
                self._refuse(Silent(entry, "roll", values))
                return None
        tokens = self._count(entry.content)
        if not entry.ignores_budget and (self._is_full or self._tokens + tokens > self._budget):
            self._is_full = True  # nothing smaller behind it is tried
            self._refuse(self._no_room(entry))
            return None
        self._tokens += 0 if entry.ignores_budget else tokens
        self._silent.pop(entry.id, None)
        fired = Fired(
            entry, entry.content, one.by, one.key, one.back, self._caller(one, level), level,
            roll, one.won, self._left(one), tokens,
        )  # fmt: skip
        self._fired[entry.id] = fired
        return fired

    def _refuse(self, silent: Silent) -> None:
        self._silent[silent.entry.id] = silent

    def _no_room(self, entry: Entry) -> Silent:
        return Silent(entry, "budget", {"used": self._tokens, "max": self._budget})

    def _caller(self, one: Called, level: int) -> str:
        """The entry whose content holds the key, if none of the texts does."""
        if level == 0 or one.by != "key" or one.back:
            return ""
        for fired in self._fired.values():
            if self._look.occurs(one.key, fired.content, one.entry):
                return fired.entry.id
        return ""

    def _left(self, one: Called) -> int:
        timer = self._scene.timers.get(one.entry.id)
        if one.by == "sticky" and timer:
            return timer.at + one.entry.sticky - len(self._scene.messages) - 1
        return max(one.entry.sticky - 1, 0)

    def _result(self) -> Lore:
        fired = sorted(
            self._fired.values(),
            key=lambda one: (
                one.entry.position,
                -one.entry.depth if one.entry.position == AT_DEPTH else 0,
                one.entry.role if one.entry.position == AT_DEPTH else "",
                one.entry.order,
            ),
        )
        silent = tuple(self._silent.values())
        return Lore(tuple(fired), silent, self._timers(), self._tokens, self._budget)

    def _timers(self) -> dict[str, Timer]:
        """What is known of entries with timed effects after this look."""
        now = len(self._scene.messages)
        timers = {}
        for one in self._order:
            old = self._look.timer(one)
            fired = self._fired.get(one.entry.id)
            if fired and fired.by != "sticky" and self._look.is_timed(one):
                timers[one.entry.id] = Timer(now, self._look.mark(one))
            elif old:
                timers[one.entry.id] = old
        return timers


def _keys(one: Decorated) -> Iterator[str]:
    """All keys that an entry is looked for by."""
    entry = one.entry
    if not entry.is_disabled:
        yield from (*entry.keys, *entry.secondary, *entry.forbidden, *one.excluded)


def _sorted(entries: list[Decorated], settings: LoreSettings) -> list[Decorated]:
    """Who gets room first: the chat's own lore, the persona's, then the others by strategy; the larger order first."""
    ranks = {
        "evenly": {"chat": 0, "persona": 1, "character": 2, "global": 2},
        "character_first": {"chat": 0, "persona": 1, "character": 2, "global": 3},
        "global_first": {"chat": 0, "persona": 1, "character": 3, "global": 2},
    }[settings.strategy]
    return sorted(entries, key=lambda one: (ranks[one.entry.source], -one.entry.order))


def _roll(seed: int, name: str) -> int:
    """1 to 100, the same for the same seed and entry."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "little") % 100
