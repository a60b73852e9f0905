"""What a model takes and what there is, device by device: values, and whether there is room. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

__all__ = ["MAIN", "NOTHING", "Measured", "Need", "Room", "Space", "room_for"]

MAIN = "CPU"
"""Stands for main memory where a device is named."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a model takes on a device, in bytes.

    Attributes:
        device: Its name, such as "CUDA0", or ``MAIN``.
        weights: Of the model, without ``mapped``.
        mapped: Weights that stay in the file, of which the system keeps as much in memory as it has room for.
        cache: KV memory and recurrent states.
        compute: Buffers of the graph, logits among them.
        kept: What earlier requests computed and is kept for later ones, at most.
        process: All else that the engine's process takes.
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
        """What cannot be taken away again."""
        return self.weights + self.cache + self.compute + self.kept + self.process

    @property
    def total(self) -> int:
        """All of it."""
        return self.held + self.mapped


@dataclass(frozen=True, slots=True)
class Space:
    """Memory of a device, in bytes.

    Attributes:
        device: Its name, or ``MAIN``.
        free: What can be had now.
        total: What there is, or what this process may have of it.
        description: What its vendor calls it.
        is_shared: It is a part of main memory.
    """

    device: str
    free: int
    total: int
    description: str = ""
    is_shared: bool = False

    def without(self, size: int) -> Space:
        """The same, with so many bytes less that are free."""
        return replace(self, free=max(0, self.free - size))

    def left(self, margin: float) -> int:
        """Bytes that may be taken if so many percent of it should stay free."""
        return max(0, self.free - int(self.total * margin / 100))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a configuration takes.

    Attributes:
        needs: By device; main memory is among them.
        context: Tokens of the longest sequence.
        is_estimate: Computed from the file's header, not reported by the engine.
    """

    needs: tuple[Need, ...]
    context: int = 0
    is_estimate: bool = False

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
    """All but the mapped weights: they would be read from the disk again for every token."""
    ALL = 2


def room_for(measured: Measured, spaces: Sequence[Space], margin: float) -> Room:
    """Whether there is room on every device.

    Args:
        measured: What is needed.
        spaces: What there is. A device of which nothing is known has room.
        margin: Percent of each device that stays free.
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
