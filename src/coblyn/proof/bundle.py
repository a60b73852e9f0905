"""Proves a bundle in a separate process, which may crash, and within bounded time."""

from __future__ import annotations

import json
import signal
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.crash import Crash, read_crash
from coblyn.errors import ProgramFailed
from coblyn.llama.environment import changes
from coblyn.native.fault import Fault, FaultKind
from coblyn.progress import Progress, Report
from coblyn.proof.protocol import MARK, NUM_STAGES
from coblyn.run import stream

__all__ = ["PHASE", "Reading", "prove_bundle"]

PHASE = "Proving"

_LOG_LINES = 20
_SECONDS = 600.0

_STAGE_SECONDS = 60.0
"""Seconds after which a stage counts as hung; on any current CPU, a stage takes milliseconds."""

_HUNG = "Timeout ("
"""Prefix of the line that Python's faulthandler writes when the time of a stage is over."""


def prove_bundle(
    lib_dir: Path,
    report: Report,
    *,
    remotes: Sequence[str] = (),
    stage_seconds: float = _STAGE_SECONDS,
) -> Fault | None:
    """Let a bundle compute products, attention and tiny models, and compare the results with numpy.

    Takes a second or two on an idle machine.

    Args:
        lib_dir: Directory of its libraries.
        report: Receives the progress, with the phase "Proving".
        remotes: llama.cpp RPC servers ("host:port") whose devices are tested as if they were local.
        stage_seconds: Seconds after which a stage counts as hung.

    Returns:
        The first fault; None if it runs and computes correctly.
    """
    reading = Reading(report)
    child = [sys.executable, "-m", "coblyn.proof.child"]
    argv: list[str | Path] = [*child, lib_dir, str(stage_seconds), *remotes]
    # One thread for numpy: the library's threads are what is tested.
    env = {**changes(), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": None}
    try:
        done = stream(argv, reading.read, env=env, timeout=_SECONDS, check=False)
    except ProgramFailed as error:
        return reading.hung(error.message)
    return reading.outcome(done.code)


@dataclass
class Reading:
    """Collects the output of the process.

    Attributes:
        report: Receives the progress.
        stage: The current stage.
        fault: The fault that the process reported.
        is_done: Whether the process reported success.
    """

    report: Report
    stage: str = "start of the process"
    variant: str = ""
    fault: Fault | None = None
    is_done: bool = False
    crash: Crash | None = None
    num_stages: int = 0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))

    def read(self, line: str) -> None:
        """Process one line."""
        if line.startswith(MARK):
            self._take(json.loads(line.removeprefix(MARK)))
            return
        self.crash = self.crash or read_crash(line)
        self.log.append(line)

    def outcome(self, code: int) -> Fault | None:
        """The result, after the process has ended with an exit code."""
        if self.fault or self.is_done:
            return self.fault
        if any(line.startswith(_HUNG) for line in self.log):
            return self.hung("It gave no answer in time.")
        if code == _KILLED:
            return self._fault(
                FaultKind.FAILED,
                "The process was killed, as the system does when memory runs out.",
            )
        if code < 0 or self.crash or code >= _WINDOWS_ERRORS:
            name = self.crash.signal if self.crash else _signal(code)
            return self._fault(FaultKind.CRASH, f"The process was ended by {name}.")
        return self._fault(FaultKind.FAILED, f"The process ended with code {code}.")

    def hung(self, message: str) -> Fault:
        """Handle a process that took too long and was killed."""
        return self._fault(FaultKind.HANG, message)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "stage":
            self.stage = event["name"]
            self.num_stages += 1
            done = min(self.num_stages, NUM_STAGES)
            self.report(Progress(PHASE, done, NUM_STAGES, detail=self.stage))
        elif kind == "variant":
            self.variant = event["name"]
        elif kind == "wrong":
            self.fault = self._fault(FaultKind.WRONG, event["message"], event["error"])
        elif kind == "failed":
            self.fault = self._fault(FaultKind.FAILED, event["message"])
        else:
            self.is_done = True

    def _fault(self, kind: FaultKind, message: str, error: float = 0.0) -> Fault:
        return Fault(kind, self.stage, message, self.crash, error, self.variant, tuple(self.log))


_KILLED = -9
"""Sent from outside: no code of the bundle ends its process this way."""

_WINDOWS_ERRORS = 0xC0000000
"""Exit codes of Windows from here on are unhandled exceptions."""


def _signal(code: int) -> str:
    if code >= 0:
        return f"the exception 0x{code:X}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
