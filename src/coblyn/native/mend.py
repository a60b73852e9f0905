"""From a failed proof to a build that passes it: which instruction sets to leave out, and in which order to try.

Does not know compilers: another build is an *attempt*, a function that returns its fault. An attempt takes minutes, so
few are made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.binary.binary import Instruction
from coblyn.native.binary.instructions import instruction_at
from coblyn.native.fault import Fault, FaultKind
from coblyn.native.sets import group_of, with_dependents

if TYPE_CHECKING:
    from coblyn.crash import Crash

__all__ = ["Attempt", "Mended", "Removable", "Repair", "mend"]

Attempt = Callable[[frozenset[str]], Fault | None]
"""Builds without these groups or variants, and proves the result; None if it runs and computes correctly."""

_ILLEGAL = ("SIGILL", "EXCEPTION_ILLEGAL_INSTRUCTION", "EXCEPTION_PRIV_INSTRUCTION")
_GPU_LIBRARY = re.compile(
    r"ggml-(?:cuda|hip|vulkan|metal|sycl|opencl)|libcuda|nvcuda|libamdhip|libvulkan"
)
_VARIANT = re.compile(r"ggml-cpu-([\w.]+?)\.(?:so|dylib|dll)$")


@dataclass(frozen=True, slots=True)
class Removable:
    """Groups and variants that a build can leave out.

    Attributes:
        arch: "x86-64" or "arm64".
        groups: Groups of instruction sets that it uses, newest first.
        variants: Variants of ggml's CPU code that it contains; empty unless it is portable.
    """

    arch: str
    groups: tuple[str, ...]
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """What was left out of a build, and why.

    Attributes:
        stage: The stage at which the proof failed.
        message: How it failed, as one sentence.
        instruction: The instruction that ended the process; empty if it is not known.
        left_out: The groups or variants that the build now does without.
        num_attempts: Number of additional builds that this took.
    """

    stage: str
    message: str
    instruction: str
    left_out: tuple[str, ...]
    num_attempts: int

    def sentence(self, arch: str) -> str:
        """The sentence shown to the user."""
        at = f" at {self.instruction}" if self.instruction else ""
        groups = [group_of(arch, name) for name in self.left_out]
        titles = [
            group.title if group else f"the code for {name}"
            for group, name in zip(groups, self.left_out, strict=True)
        ]
        how = self.message[:1].lower() + self.message[1:].rstrip(".")
        when = "" if self.stage in how else f"{self.stage}: "
        return (
            f"This engine does without {_listed(titles)}: a build that used it did not pass its proof "
            f"({when}{how}{at})."
        )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


@dataclass(frozen=True, slots=True)
class Mended:
    """The outcome.

    Attributes:
        without: Groups and variants that the last build leaves out, including earlier ones.
        repairs: The repairs, in order.
        fault: Why the last build fails; None if it passed its proof.
    """

    without: frozenset[str]
    repairs: tuple[Repair, ...]
    fault: Fault | None


def mend(fault: Fault, without: frozenset[str], removable: Removable, attempt: Attempt) -> Mended:
    """Build again without the failing parts, until the proof passes or nothing is left.

    If the fault names a set or a variant, that one is left out. If it does not (wrong numbers, ``ud2``, a bad address),
    a binary search finds how many of the newest sets have to go; a last attempt, whether the newer ones can stay.

    Args:
        fault: Why the first build failed.
        without: Groups and variants that the first build left out.
        removable: What can be left out.
        attempt: Builds again and proves.
    """
    repairs: list[Repair] = []
    current: Fault | None = fault
    while current is not None and _can_be_mended(current):
        name = _named(current, removable, without)
        if not name:
            found = _search(current, without, removable, attempt)
            return Mended(found.without, (*repairs, *found.repairs), found.fault)
        repairs.append(_repair(current, removable, {name}, 1))
        without |= {name}
        current = attempt(without)
    return Mended(without, tuple(repairs), current)


def _can_be_mended(fault: Fault) -> bool:
    """Whether other CPU code could help: not if a library is missing, nor if a GPU's driver failed."""
    library = fault.crash.library if fault.crash else ""
    return fault.kind is not FaultKind.FAILED and not _GPU_LIBRARY.search(library)


def _named(fault: Fault, removable: Removable, without: frozenset[str]) -> str:
    """The variant or group that the fault names and that is still in use; empty if it names none."""
    gone = with_dependents(removable.arch, without)
    variant = _variant(fault)
    if variant in removable.variants and variant not in gone:
        return variant
    names = (group_of(removable.arch, name) for name in _instruction(fault, removable.arch).sets)
    groups = [group.name for group in names if group]
    usable = (name for name in groups if name in removable.groups and name not in gone)
    return next(usable, "")


def _variant(fault: Fault) -> str:
    """The variant of ggml's code in whose library the process died, or that was in use; the crash is more reliable."""
    library = fault.crash.library if fault.crash else ""
    found = _VARIANT.search(library) or (
        None if "coblyn" in library else _VARIANT.search(fault.variant)
    )
    return found[1] if found else ""


def _instruction(fault: Fault, arch: str) -> Instruction:
    """The instruction that the processor rejected."""
    crash: Crash | None = fault.crash
    is_illegal = crash is not None and crash.signal in _ILLEGAL
    return instruction_at(arch, crash.code) if crash and is_illegal else Instruction()


def _search(
    fault: Fault, without: frozenset[str], removable: Removable, attempt: Attempt
) -> Mended:
    gone = with_dependents(removable.arch, without)
    chain = [name for name in removable.groups if name not in gone]
    trials = _Trials(without, chain, attempt)
    count = trials.smallest()
    if count is None:
        return Mended(trials.last, (), trials.fault or fault)
    kept = trials.narrow(count, removable.arch)
    left_out = kept - without
    return Mended(kept, (_repair(fault, removable, left_out, trials.num),), trials.fault)


class _Trials:
    """Builds without more and more groups of a chain, newest first.

    Args:
        without: Groups and variants that no build uses.
        chain: The groups; if none of them is left out, the proof fails.
        attempt: Builds and proves.

    Attributes:
        num: Number of builds so far.
        last: What the last build left out.
        fault: Why the last build failed.
    """

    def __init__(self, without: frozenset[str], chain: list[str], attempt: Attempt) -> None:
        self._without = without
        self._chain = chain
        self._attempt = attempt
        self.num = 0
        self.last = without
        self.fault: Fault | None = None

    def smallest(self) -> int | None:
        """The minimum number of groups of the chain that have to go; None if the proof fails without all of them."""
        # It is not known whether it passes without all of them, so the upper bound is one past the end of the chain.
        failing, passing = 0, len(self._chain) + 1
        while passing - failing > 1:
            middle = (failing + passing) // 2
            if self._try(self._first(middle)):
                passing = middle
            else:
                failing = middle
        return passing if passing <= len(self._chain) else None

    def narrow(self, count: int, arch: str) -> frozenset[str]:
        """The groups that must go: only the last of ``count`` if that suffices, else all; the last build omits them."""
        every, only = self._first(count), self._without | {self._chain[count - 1]}
        is_same = with_dependents(arch, every) == with_dependents(arch, only)
        if not is_same and self._try(only):
            return only
        if self.last != every:
            self._try(every)
        return only if is_same else every

    def _first(self, count: int) -> frozenset[str]:
        return self._without | frozenset(self._chain[:count])

    def _try(self, without: frozenset[str]) -> bool:
        self.num += 1
        self.last = without
        self.fault = self._attempt(without)
        return self.fault is None


def _repair(
    fault: Fault, removable: Removable, left_out: set[str] | frozenset[str], num: int
) -> Repair:
    text = _instruction(fault, removable.arch).text
    return Repair(fault.stage, fault.message, text, tuple(sorted(left_out)), num)
