"""Sums and distributions by label in bounded memory, for Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Distribution", "Sums", "Tally"]

MAX_SERIES = 1000
"""Maximum number of label combinations; further ones are counted together."""

Labels = tuple[str, ...]


@dataclass(slots=True)
class Distribution:
    """A histogram: ``counts`` has one number per limit, and one for values above the last."""

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
        """Each limit as text, with the number of values up to it; the last is ``+Inf``."""
        rows, running = [], 0
        for limit, count in zip((*map(str, self.limits), "+Inf"), self.counts, strict=True):
            running += count
            rows.append((limit, float(running)))
        return rows


@dataclass(slots=True)
class Sums:
    """A counter per label combination."""

    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, value: float = 1.0) -> None:
        """Add to it."""
        labels = _bounded(labels, self.values)
        self.values[labels] = self.values.get(labels, 0.0) + value


@dataclass(slots=True)
class Tally:
    """A histogram per label combination."""

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
