"""How an engine process ended, and the messages about it. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coblyn.crash import Crash
from coblyn.errors import CoblynError, EngineError, EngineRestarted, EngineStopped, ModelBroken

__all__ = ["Death", "Explain", "explain_plainly"]

Explain = Callable[[Crash], str]
"""Names an instruction as a phrase, such as "ldtilecfg of AMX-TILE"; empty if it is not known."""

_ILLEGAL = frozenset({"SIGILL", "EXCEPTION_ILLEGAL_INSTRUCTION", "EXCEPTION_PRIV_INSTRUCTION"})

_WINDOWS_CODES = {
    0xC0000005: "EXCEPTION_ACCESS_VIOLATION",
    0xC000001D: "EXCEPTION_ILLEGAL_INSTRUCTION",
    0xC0000094: "EXCEPTION_INT_DIVIDE_BY_ZERO",
    0xC0000096: "EXCEPTION_PRIV_INSTRUCTION",
    0xC00000FD: "EXCEPTION_STACK_OVERFLOW",
    0xC0000409: "STATUS_STACK_BUFFER_OVERRUN",
}

_OF_THE_FILE = frozenset(
    {
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGSEGV",
        "EXCEPTION_ACCESS_VIOLATION",
        "STATUS_STACK_BUFFER_OVERRUN",
    }
)
"""Signals that a bad file can cause while it is loaded."""

_MEANINGS = {
    "SIGABRT": "the library gave up",
    "SIGBUS": "a file that was mapped is gone or shorter, or an address is wrong",
    "SIGFPE": "a division that has no result",
    "SIGILL": "an illegal instruction",
    "SIGKILL": "by the system or by a person; the system does that when memory runs out",
    "SIGSEGV": "an address that is not there",
    "EXCEPTION_ACCESS_VIOLATION": "an address that is not there",
    "EXCEPTION_ILLEGAL_INSTRUCTION": "an illegal instruction",
}

_LAST_WORDS = re.compile(r"GGML_ASSERT|GGML_ABORT|what\(\)")
_TELLING = re.compile(r"terminate called|\berror\b|\bfailed\b|Error\b")
_FOLDERS = re.compile(r"\S*[/\\](?=[\w.-]+:\d+:)")
"""The directory before a source file's name and line, which is where it was compiled and says nothing."""
_MAX_WORDS = 400


def explain_plainly(crash: Crash) -> str:
    """The instruction's bytes, for use without a decoder."""
    return f"the bytes {crash.code.hex(' ')}" if crash.code else ""


@dataclass(frozen=True, slots=True)
class Death:
    """The unexpected end of an engine process.

    Attributes:
        code: Exit code; negative for a signal, None if it is not known.
        model: The model's file, or empty.
        was_ready: Whether the model was loaded.
        crash: The instruction that crashed it, if it could report it.
        instruction: Description of that instruction, such as "ldtilecfg of AMX-TILE", or empty.
        failure: The error that it reported before it ended.
        hang: Why it was considered hung and killed, or empty.
        log: Its last lines, oldest first.
    """

    code: int | None
    model: str = ""
    was_ready: bool = False
    crash: Crash | None = None
    instruction: str = ""
    failure: CoblynError | None = None
    hang: str = ""
    log: tuple[str, ...] = ()

    @property
    def signal(self) -> str:
        """Name of the signal or exception that ended it, or empty."""
        if self.crash:
            return self.crash.signal
        if self.code is None or self.code >= 0:
            return _WINDOWS_CODES.get((self.code or 0) & 0xFFFFFFFF, "")
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    @property
    def library(self) -> str:
        """File name of the library that holds the instruction, or empty."""
        return re.split(r"[/\\]", self.crash.library)[-1] if self.crash else ""

    @property
    def is_illegal(self) -> bool:
        """Whether the processor does not know or does not allow the instruction, so that a retry cannot help."""
        return self.signal in _ILLEGAL

    @property
    def reason(self) -> str:
        """What ended it and its last log lines, as a clause without a full stop."""
        if self.hang:
            return self.hang
        if self.failure:
            return self.failure.message.rstrip(".")
        words = last_words(self.log)
        how = self._how()
        return f"{how}; its last words: {words}" if words else how

    def error(self) -> CoblynError:
        """The error for all waiting requests if it is restarted at once."""
        reason = self.reason
        if self.was_ready:
            return EngineRestarted(
                f"The engine restarted while it worked on this request: {reason}.",
                hint="Send it again.",
            )
        return self._load_error(reason)

    def stopped(self, when: str) -> EngineStopped:
        """The error for requests that arrive before it is restarted.

        Args:
            when: When it is started again, as a sentence.
        """
        if not self.was_ready:
            error = self.failure or self._load_error(self.reason)
            return EngineStopped(error.message, hint=f"{error.hint} {when}".strip())
        return EngineStopped(f"The engine died: {self.reason}.", hint=f"{self._advice()} {when}")

    def _load_error(self, reason: str) -> CoblynError:
        what = self.model or "The engine"
        message = f"{what} could not be loaded, since the engine died meanwhile: {reason}."
        if not self.model or self.hang or self.signal not in _OF_THE_FILE:
            return EngineError(message, hint=self._advice())
        return ModelBroken(
            message,
            hint="The file contradicts itself, or this engine does not know all that is in it: get it from "
            "another source. If other models fail too, ask `coblyn doctor`.",
        )

    def _advice(self) -> str:
        if self.is_illegal:
            return "The engine has instructions that do not work here. Build it again: `coblyn build --force`."
        return "Look at the machine and the engine with `coblyn doctor`."

    def _how(self) -> str:
        if not self.signal:
            return f"exit code {self.code}"
        meaning = _MEANINGS.get(self.signal)
        how = f"it was ended by {self.signal}" + (f", {meaning}" if meaning else "")
        if self.crash and self.crash.library and self.signal != "SIGABRT":
            how += f", in {self.library}" + (f" ({self.instruction})" if self.instruction else "")
        return how


def last_words(lines: Sequence[str]) -> str:
    """The log lines that say why a process ended; its last line if none does."""
    spoken = [_FOLDERS.sub("", line.strip()) for line in lines if line.strip()]
    last = [line for line in spoken if _LAST_WORDS.search(line)][-1:]
    telling = [line for line in spoken if _TELLING.search(line)][-2:]
    words = " / ".join(last or telling or spoken[-1:]).rstrip(".")
    return words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}…"
