"""The shared context of all parts of a proof: the library, the devices, threads, and the report of stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from coblyn.errors import EngineError
from coblyn.llama.kernels import REASONS, SELF_CHECK, Kernels
from coblyn.llama.library import Library
from coblyn.proof.error import MAX_DIVERGENCE, MAX_ERROR

__all__ = ["Ground", "Tell", "Wrong", "count"]


Tell = Callable[[str], None]
"""Receives each stage before it begins, such as "product of q4_1, 33 rows, 2 threads"."""


class Wrong(EngineError):
    """Numbers are wrong.

    Args:
        error: Normalised error; infinite if a number is not finite.
    """

    code = "wrong_numbers"

    def __init__(self, message: str, error: float) -> None:
        super().__init__(message)
        self.error = error


@dataclass(slots=True)
class Ground:
    """The context of a proof.

    Attributes:
        library: The opened bundle.
        threads: Numbers of threads to compute with, the smallest first.
        tell: Receives each stage.
        num_checked: Number of results compared so far.
        worst: Largest error so far, as a fraction of the allowed error, and the stage that caused it.
    """

    library: Library
    threads: Sequence[int]
    tell: Tell
    num_checked: int = 0
    worst: tuple[float, str] = (0.0, "")
    own: Kernels = field(init=False)

    def __post_init__(self) -> None:
        self.own = Kernels(self.library)

    def check(self, error: float, what: str) -> None:
        """Check the error of a product or an attention.

        Raises:
            Wrong: It exceeds what rounding causes.
        """
        off = f"{error:.1%}" if error < 10 else "more than their own size"
        self._take(error, MAX_ERROR, what, f"The numbers are off by {off}.")

    def check_text(self, nats: float, what: str) -> None:
        """Check the largest divergence of a text's probabilities.

        Raises:
            Wrong: It exceeds what rounding causes.
        """
        off = f"off by {nats:.2g} nats" if nats < float("inf") else "no numbers"
        self._take(nats, MAX_DIVERGENCE, what, f"The probabilities are {off}.")

    def _take(self, error: float, limit: float, what: str, message: str) -> None:
        self.num_checked += 1
        self.worst = max(self.worst, (error / limit, what))
        if not error <= limit:  # also true for NaN
            raise Wrong(message, error)

    @contextmanager
    def kernels(self, *, few: bool) -> Iterator[bool]:
        """Have Coblyn's kernels compute everything they can within the block.

        Args:
            few: Use the kernels for few rows of activations where they exist; otherwise those for many, even for one.

        Yields:
            Whether there are any for this processor.

        Raises:
            Wrong: The kernels' own check failed.
        """
        kernels = self.own
        self.tell("check of Coblyn's kernels")
        reason = kernels.install()
        if reason == REASONS[SELF_CHECK]:
            raise Wrong("The check that Coblyn's kernels make of themselves failed.", float("inf"))
        if not reason:
            kernels.take_everything(few=few)
        try:
            yield not reason
        finally:
            kernels.remove()


def count(number: int, thing: str) -> str:
    """A number of things in words, such as "2 threads"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
