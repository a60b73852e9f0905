"""Counting in bounded memory: sums and distributions by labels, which Prometheus' text is made of."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Distribution", "Sums", "Tally"]

MAX_SERIES = 1000
"""Most combinations of labels; those beyond are counted together."""

Labels = tuple[str, ...]


@dataclass(slots=True)
class Distribution:
    """How values are spread: ``counts`` has one number for each limit, and one for what lies beyond the last."""

    limits: Sequence[float]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.limits) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.limits, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Each limit as text, with how many values are at most that; the last is ``+Inf``."""
        rows, running = [], 0
        for limit, count in zip((*map(str, self.limits), "+Inf"), self.counts, strict=True):
            running += count
            rows.append((limit, float(running)))
        return rows


@dataclass(slots=True)
class Sums:
    """A number that only grows, for each combination of labels."""

    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, value: float = 1.0) -> None:
        """Add to it."""
        labels = _bounded(labels, self.values)
        self.values[labels] = self.values.get(labels, 0.0) + value


@dataclass(slots=True)
class Tally:
    """A distribution for each combination of labels."""

    limits: Sequence[float]
    values: dict[Labels, Distribution] = field(default_factory=dict)

    def add(self, labels: Labels, value: float) -> None:
        """Count a value."""
        labels = _bounded(labels, self.values)
        self.values.setdefault(labels, Distribution(self.limits)).add(value)


def _bounded(labels: Labels, known: Mapping[Labels, object]) -> Labels:
    if labels in known or len(known) < MAX_SERIES:
        return labels
    return ("other",) * len(labels)
