"""The context that a model would get for a story now, in real tokens, and which lore entries fired and why."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coblyn.engine.interface import ModelInfo
from coblyn.errors import PromptTooLong
from coblyn.mcp.tool_servers import ToolServers
from coblyn.service.models import LoadedModel
from coblyn.service.sent import as_sent
from coblyn.story.book import EntryReader, lore_settings_of, read_timers, sources_of
from coblyn.story.context import Context, assemble, cards_of, messages_of
from coblyn.story.lore.entry import Entry
from coblyn.story.lore.fire import fire
from coblyn.story.lore.scene import LoreSettings, Scene
from coblyn.story.lore.verdict import Lore
from coblyn.story.state import State
from coblyn.story.text import Text
from coblyn.story.turns import speakers_of

__all__ = ["ContextQuery", "Contexts", "StoryContext"]

_REMEMBERED = 65536
"""Number of texts whose token counts are cached; 16 bytes and an integer each."""

_TRIES = 4


@dataclass(frozen=True, slots=True)
class ContextQuery:
    """The question.

    Attributes:
        branch: The branch; empty for the current one.
        max_context: Maximum number of tokens of prompt and completion; None for the model's limit.
        max_tokens: The part of them for the completion.
        seed: Seed for random lore entries.
        trigger: The kind of generation, for lore entries limited to some kinds.
        timers: Timers of the lore as given by the last scan; None for those the story keeps.
        end: Place of the continuation, in UTF-16 units; text after it is not used. None for the end of the text.
        text: Stands for the text of the branch; None for that text itself.
    """

    branch: str = ""
    max_context: int | None = None
    max_tokens: int = 256
    seed: int = 0
    trigger: str = "normal"
    timers: Mapping[str, Any] | None = None
    end: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class StoryContext:
    """The answer.

    Attributes:
        context: The context to send.
        lore: The entries that fired, and why the others did not.
        tokens: Number of tokens of the whole prompt.
        max_prompt: Maximum number of tokens that it may have.
    """

    context: Context
    lore: Lore
    tokens: int
    max_prompt: int


class Contexts:
    """Assembles contexts; caches the token counts of texts.

    Args:
        servers: The tool servers.
    """

    def __init__(self, servers: ToolServers | None = None) -> None:
        self._servers = servers
        self._reader = EntryReader()
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    async def of(self, model: LoadedModel, state: State, query: ContextQuery) -> StoryContext:
        """The context that a model would get for a story.

        Raises:
            BadRequest: There is no such branch, or the fixed parts leave no room for the text.
        """
        branch = query.branch or state.selected
        state = _read_as(state, branch, query)
        text = state.text(branch).text
        limit = model.engine.info.context
        room = max(min(query.max_context or limit, limit) - query.max_tokens, 1)
        loop, cards = asyncio.get_running_loop(), cards_of(state)
        count = self._counter(model, loop)
        timers = query.timers
        scene = Scene(
            messages=messages_of(text, speakers_of(state)),
            sources=sources_of(state, cards),
            character=next((card.name for card in cards.values()), ""),
            tags=frozenset(tag for card in cards.values() for tag in card.tags),
            trigger=query.trigger,
            timers=read_timers(
                state.places.get("settings/lore.timers") if timers is None else timers
            ),
            seed=query.seed,
            context=room + query.max_tokens,
        )
        entries = await asyncio.to_thread(self._reader.entries, state)
        lore = await self.lore(model, entries, scene, lore_settings_of(state))
        # The parts together may have more tokens than the sum of the parts; then there is a little less room.
        for slack in (0, *(16 << n for n in range(_TRIES))):
            plain = await asyncio.to_thread(
                assemble, state, branch, lore, count, room - slack, query.seed
            )
            context = await as_sent(model, state, plain, count, self._servers)
            tokens = len(await model.tokens.of_text(context.prompt, special=True))
            if tokens <= room:
                return StoryContext(context, lore, tokens, room)
        raise PromptTooLong(f"The context has {tokens} tokens, and {room} fit.")

    async def lore(
        self, model: LoadedModel, entries: Sequence[Entry], scene: Scene, settings: LoreSettings
    ) -> Lore:
        """Which entries fire in a scene."""
        count = self._counter(model, asyncio.get_running_loop())
        # Runs on a thread, since untrusted patterns may take a second and counting needs the engine.
        return await asyncio.to_thread(fire, entries, scene, settings, count)

    def _counter(self, model: LoadedModel, loop: asyncio.AbstractEventLoop) -> Callable[[str], int]:
        """A function that counts tokens from a thread."""

        def count(text: str) -> int:
            if not text:
                return 0
            key = _key(model.engine.info, text)
            known = self._counts.get(key)
            if known is None:
                work = model.tokens.of_text(text, special=False)
                known = len(asyncio.run_coroutine_threadsafe(work, loop).result())
                self._counts[key] = known
                while len(self._counts) > _REMEMBERED:
                    self._counts.popitem(last=False)
            return known

        return count


def _read_as(state: State, branch: str, query: ContextQuery) -> State:
    """The story with the text that is asked about in the branch's place."""
    text = state.text(branch)
    if query.text is not None:
        text = Text.of(query.text)
    if query.end is not None:
        text = text.cut(0, query.end)
    return replace(state, texts={**state.texts, branch: text})


def _key(info: ModelInfo, text: str) -> bytes:
    """The cache key of a text, which includes the model because an engine may load another one."""
    vocabulary = f"{info.path}\n{info.size}\n{info.vocab_size}\n".encode("utf-8", "surrogatepass")
    content = vocabulary + text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()
