"""How a process ended, from the output of the process, its parent, a shell, a debugger or the system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.crash import read_crash
from coblyn.native.binary.instructions import instruction_at

if TYPE_CHECKING:
    from coblyn.doctor.log.log import Hit, Log

__all__ = ["ILLEGAL", "Death", "death"]

ILLEGAL = "an illegal instruction"

_KINDS = {
    ILLEGAL: r"SIGILL|EXCEPTION_(?:ILLEGAL|PRIV)_INSTRUCTION|STATUS_ILLEGAL_INSTRUCTION|signal 4\b|0x[Cc]000001[Dd]"
    r"|3221225501|-1073741795|trap invalid opcode|status=4/ILL",
    "an address that is not there": r"SIGSEGV|EXCEPTION_ACCESS_VIOLATION|STATUS_ACCESS_VIOLATION|signal 11\b"
    r"|0x[Cc]0000005"
    r"|3221225477|-1073741819|status=11/SEGV|segfault at",
    "a file that is shorter than it was, or a wrong address": r"SIGBUS|signal 7\b|status=7/BUS"
    r"|EXCEPTION_IN_PAGE_ERROR|0x[Cc]0000006",
    "its own decision to stop (a failed check)": r"SIGABRT|signal 6\b|status=6/ABRT|0x[Cc]0000409|3221226505"
    r"|-1073740791",
}
_NAMES = "|".join(_KINDS.values())
_CRASH = re.compile(r"coblyn-crash signal=[^\n]{1,600}")
_ENDED = re.compile(
    rf"(?:ended by|terminated by|killed by|died of|received|exited with|[Ee]xit(?:ed with)? (?:code|status):?|returned|"
    rf"code=(?:killed|dumped), |[Ee]xception(?: code)?:?|traps: [^\n]{{1,80}}|\]: )[ (]{{0,3}}(?:the )?(?:code "
    rf"|signal )?"
    rf"(?P<name>(?<!\w)(?:{_NAMES})(?!\w))(?P<rest>[^\n]{{0,300}})"
)
_LIBRARY = re.compile(
    r"(?<![\w.-])(?:lib)?(?P<name>(?:ggml|llama|coblyn|cuda|nvcuda|amdhip|vulkan|nvidia|radeon|mtmd|whisper)[\w.-]*?"
    r"\.(?:so(?:\.\d+)*|dylib|dll))"
)
_INSTRUCTION = re.compile(
    r"=>[ ]?0x[0-9a-f]+[^\n:]{0,120}:\s+(?P<gdb>[a-z][\w]{1,16}(?:[ ][^\n]{1,60})?)"
    r"|\.(?:so|dll|dylib)[\d.]* \((?P<ours>[a-z][^()\n]{1,100})\)"
    r"|\b(?P<amx>tilezero|tileloadd(?:t1)?|tilestored|ldtilecfg|sttilecfg|tdpb\w{3,5}|tdpfp16ps)\b(?P<tile>[^\n()]{0,20})"
)
_FUNCTION = re.compile(r"^0x[0-9a-f]+ in (?P<name>[\w:<>~ ,]{1,120}) \(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a process.

    Attributes:
        hit: Where the log says so.
        kind: What ended it, as a phrase; `ILLEGAL` for an instruction that did not run.
        name: Its name in the log: "SIGILL", "0xC000001D".
        instruction: The instruction, in assembly language; empty if unknown.
        sets: Instruction sets that it needs, as Linux names them.
        library: The library that contains it, without its directory; empty if unknown.
        function: The function that contains it; empty if unknown.
        is_ours: Whether it was one of Coblyn's engines.
    """

    hit: Hit
    kind: str
    name: str
    instruction: str = ""
    sets: tuple[str, ...] = ()
    library: str = ""
    function: str = ""
    is_ours: bool = False

    @property
    def is_amx(self) -> bool:
        """Whether it died in AMX code."""
        words = f"{self.instruction} {self.function} {' '.join(self.sets)}".lower()
        return "amx" in words or bool(re.search(r"\b(?:tile\w+|\w+tilecfg|tdp\w+)\b", words))


def death(log: Log, arch: str) -> Death | None:
    """The end of a process according to a log, from the most informative source; None if there is none.

    Args:
        log: The log.
        arch: Architecture of the machine, as in the fact "arch".
    """
    crash = log.find(_CRASH)
    if crash and (found := _own(crash, arch)):
        return found
    ended = log.find(_ENDED)
    if ended is None:
        return None
    name = ended["name"]
    kind = next(kind for kind, words in _KINDS.items() if re.fullmatch(words, name))
    is_ours = (
        "engine died" in ended.line or "engine restarted" in ended.line or "engine" in ended.line
    )
    near = ended.line if is_ours else log.text
    library, told = _LIBRARY.search(near), _INSTRUCTION.search(near)
    function = _FUNCTION.search(log.text)
    instruction = ""
    if told and kind == ILLEGAL:
        instruction = told["gdb"] or told["ours"] or f"{told['amx']}{told['tile']}"
    return Death(
        ended,
        kind,
        name,
        " ".join(instruction.split()),
        library=library[0] if library else "",
        function=function["name"] if function else "",
        is_ours=is_ours,
    )


def _own(hit: Hit, arch: str) -> Death | None:
    """The end of a process as reported by the handler in one of our engines."""
    crash = read_crash(hit.match[0])
    if crash is None:
        return None
    kinds = (kind for kind, words in _KINDS.items() if re.fullmatch(words, crash.signal))
    found = instruction_at(arch or "x86-64", crash.code)
    library = re.split(r"[/\\]", crash.library)[-1]
    kind = next(kinds, f"the signal {crash.signal}")
    is_illegal = kind == ILLEGAL
    return Death(
        hit,
        kind,
        crash.signal,
        found.text if is_illegal else "",
        found.sets if is_illegal else (),
        library,
        is_ours=True,
    )
