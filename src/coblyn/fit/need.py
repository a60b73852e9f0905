"""Needed and available memory per device, and whether it suffices. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

__all__ = ["MAIN", "NOTHING", "Measured", "Need", "Room", "Space", "room_for"]

MAIN = "CPU"
"""The device name of main memory."""


@dataclass(frozen=True, slots=True)
class Need:
    """Memory that a model takes on a device, in bytes.

    Attributes:
        device: Its name, such as "CUDA0", or ``MAIN``.
        weights: Weights, without ``mapped``.
        mapped: Weights mapped from the file, which the system keeps in memory as far as there is room.
        cache: KV memory and recurrent states.
        compute: Buffers of the graph, including logits.
        kept: Maximum size of kept results of earlier requests.
        process: Everything else that the engine's process takes.
    """

    device: str
    weights: int = 0
    mapped: int = 0
    cache: int = 0
    compute: int = 0
    kept: int = 0
    process: int = 0

    @property
    def held(self) -> int:
        """Memory that the system cannot reclaim."""
        return self.weights + self.cache + self.compute + self.kept + self.process

    @property
    def total(self) -> int:
        """Total."""
        return self.held + self.mapped


@dataclass(frozen=True, slots=True)
class Space:
    """Memory of a device, in bytes.

    Attributes:
        device: Its name, or ``MAIN``.
        free: Memory available now.
        total: Total memory, or the part this process may use.
        description: The vendor's name of the device.
        is_shared: Whether it is part of main memory.
    """

    device: str
    free: int
    total: int
    description: str = ""
    is_shared: bool = False

    def without(self, size: int) -> Space:
        """The same with fewer free bytes."""
        return replace(self, free=max(0, self.free - size))

    def left(self, margin: float) -> int:
        """Bytes that may be used if a percentage has to stay free."""
        return max(0, self.free - int(self.total * margin / 100))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a configuration takes.

    Attributes:
        needs: Needs by device, including main memory.
        context: Context length in tokens.
        is_estimate: Whether it was estimated from the file's header, not measured by the engine.
        shares_cells: Whether running requests share one context's cells; otherwise each has a context of its own.
    """

    needs: tuple[Need, ...]
    context: int = 0
    is_estimate: bool = False
    shares_cells: bool = False

    def on(self, device: str) -> Need:
        """The need on a device."""
        return next((need for need in self.needs if need.device == device), Need(device))

    @property
    def total(self) -> int:
        """Bytes on all devices."""
        return sum(need.total for need in self.needs)


NOTHING = Measured(())
"""Nothing was measured."""


class Room(IntEnum):
    """How well something fits: more is better."""

    NONE = 0
    WITHOUT_FILE = 1
    """Everything fits except mapped weights, which would be read from disk again for every token."""
    ALL = 2


def room_for(measured: Measured, spaces: Sequence[Space], margin: float) -> Room:
    """Whether a configuration fits on every device.

    Args:
        measured: The needed memory.
        spaces: The available memory. Unknown devices count as having room.
        margin: Percentage of each device to keep free.
    """
    known = {space.device: space for space in spaces if space.total}
    shared = {space.device for space in spaces if space.is_shared}
    room = Room.ALL
    for need in measured.needs:
        if need.device not in known:
            continue
        beside = [each for each in measured.needs if each.device in shared]
        others = beside if need.device == MAIN else []
        left = known[need.device].left(margin) - sum(each.total for each in others)
        if need.held > left:
            return Room.NONE
        if need.total > left:
            room = Room.WITHOUT_FILE
    return room
