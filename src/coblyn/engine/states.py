"""States of texts: copied from the cache, restored into it, and kept in slots in memory."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.engine.adapter import require_known
from coblyn.engine.content import Content
from coblyn.engine.interface import Runner
from coblyn.engine.plan import Plan
from coblyn.engine.prompt import Prompt
from coblyn.engine.scheduler import Scheduler
from coblyn.engine.shelf import Shelved
from coblyn.engine.state import SavedState, StateInfo, StateOrder, read_state, write_state
from coblyn.errors import NotFound, SettingsError

if TYPE_CHECKING:
    from coblyn.engine.core import Core

__all__ = ["States", "put_state", "take_state"]


def take_state(
    scheduler: Scheduler, runner: Runner, rank: int, *, erases: bool = False
) -> SavedState:
    """Copy the state of an idle text; call on the engine thread, between two steps.

    Args:
        scheduler: Owns the cache.
        runner: Holds the numbers.
        rank: 0 for the text used last, 1 for the one before.
        erases: Whether to remove it from the cache.

    Raises:
        NotFound: There is none.
    """
    if runner.window.size:
        scheduler.observe(runner.window_starts())
    found = scheduler.cache.newest(rank)
    _catch_up(scheduler, runner)
    if found is None:
        raise NotFound(
            "There is no text whose state could be saved.",
            hint="Generate a text first; cache_memory must not be 0.",
        )
    key, copy = found
    state = SavedState(
        copy.content.namespace,
        runner.state_shape,
        copy.content.spans(),
        copy.logits_at,
        copy.start,
        copy.marks,
        runner.take_copy(key),
    )
    if erases:
        scheduler.cache.forget(key)
        _catch_up(scheduler, runner)
    return state


def put_state(scheduler: Scheduler, runner: Runner, state: SavedState) -> None:
    """Make a saved state available to requests; call on the engine thread, between two steps.

    Raises:
        BadRequest: It is from another model, engine or shape, or needs an adapter that is not loaded.
        SettingsError: There is no room for it.
    """
    state.require_like(runner.namespace, runner.state_shape)
    require_known(state.namespace.adapters, runner.info.adapters)
    content = Content.of(Prompt(state.spans, state.namespace))
    key = scheduler.cache.put(Shelved(content, state.logits_at, state.start, state.marks))
    _catch_up(scheduler, runner)
    if key is None:
        raise SettingsError(
            f"The state has {state.tokens} tokens, which is more than the cache memory holds.",
            hint="Start the server with a larger cache_memory.",
        )
    runner.put_copy(key, state.buffers, content)


def _catch_up(scheduler: Scheduler, runner: Runner) -> None:
    """Execute the cache's pending operations on the runner."""
    operations = scheduler.cache.take_operations()
    if operations:
        runner.run(Plan(operations, ()))


class States:
    """Executes operations on states. Any thread may call; calls block.

    Args:
        core: The engine thread.
        max_bytes: Maximum size of all slots together.
    """

    def __init__(self, core: Core, max_bytes: int) -> None:
        self._core = core
        self._max_bytes = max_bytes
        self._slots: dict[int, SavedState] = {}
        self._lock = threading.Lock()

    def carry_out(self, order: StateOrder) -> StateInfo:
        """Execute an operation.

        Raises:
            NotFound: There is no such text, slot or file.
            BadRequest: The saved state does not fit, or is damaged.
            SettingsError, DiskFull: It cannot be stored.
        """
        with self._lock:
            match order.action:
                case "look":
                    return self._look()
                case "save":
                    return self._save(order)
                case "load":
                    return self._load(order)
                case "erase":
                    return self._told(self._core.erase_state(order.rank).result())
                case "clear":
                    self._slots.clear()
                    return StateInfo()

    def _look(self) -> StateInfo:
        try:
            return self._told(self._core.save_state(0).result())
        except NotFound:
            return self._told(None)

    def _save(self, order: StateOrder) -> StateInfo:
        state = self._core.save_state(order.rank).result()
        if order.path:
            return StateInfo(state.tokens, write_state(state, Path(order.path)))
        others = sum(kept.size for slot, kept in self._slots.items() if slot != order.slot)
        if others + state.size > self._max_bytes:
            raise SettingsError(
                f"The slots have no room for {state.size >> 20} MiB more.",
                hint="Clear them, or start the server with a larger cache_memory.",
            )
        self._slots[order.slot] = state
        return self._told(state)

    def _load(self, order: StateOrder) -> StateInfo:
        if order.path:
            path = Path(order.path)
            state = read_state(path)
            self._core.load_state(state).result()
            return StateInfo(state.tokens, path.stat().st_size)
        if order.slot not in self._slots:
            raise NotFound(f"Slot {order.slot} is empty.")
        state = self._slots[order.slot]
        self._core.load_state(state).result()
        return self._told(state)

    def _told(self, state: SavedState | None) -> StateInfo:
        slots = tuple((slot, kept.tokens, kept.size) for slot, kept in sorted(self._slots.items()))
        return StateInfo(state.tokens, state.size, slots) if state else StateInfo(slots=slots)
