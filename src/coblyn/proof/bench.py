"""Measures an engine in a separate process, which its model may crash: the side of the caller."""

from __future__ import annotations

import json
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from coblyn.crash import Crash, read_crash
from coblyn.engine.config import EngineConfig
from coblyn.engine.death import Death, Explain, explain_plainly
from coblyn.engine.interface import ModelInfo
from coblyn.errors import CoblynError, error_from_code
from coblyn.llama.environment import changes
from coblyn.progress import Progress, Report, silent
from coblyn.proof.benchmark import Figures, Shape
from coblyn.run import stream

__all__ = ["MARK", "bench"]

MARK = "coblyn-bench "


def bench(
    config: EngineConfig,
    shape: Shape,
    report: Report = silent,
    explain: Explain = explain_plainly,
) -> tuple[Figures, ModelInfo]:
    """Load a model in a separate process, and measure it there.

    Args:
        config: Configuration of the engine to load.
        shape: The workload to measure.
        report: Receives the progress.
        explain: Names the instruction that the process died of.

    Raises:
        CoblynError: The model could not be loaded, or the process died.
    """
    request = msgspec.json.encode({"config": config, "shape": shape}).decode()
    reading = _Reading(report)
    done = stream(
        [sys.executable, "-m", "coblyn.proof.bencher", request],
        reading.read,
        env=changes(),
        check=False,
    )
    if reading.failure:
        raise reading.failure
    if reading.figures is None or reading.info is None:
        raise _death_error(reading.death(done.code, config.model, explain))
    return reading.figures, reading.info


def _death_error(death: Death) -> CoblynError:
    return death.stopped("") if death.was_ready else death.error()


@dataclass
class _Reading:
    """Collects the output of the process."""

    report: Report
    info: ModelInfo | None = None
    figures: Figures | None = None
    failure: CoblynError | None = None
    crash: Crash | None = None
    log: deque[str] = field(default_factory=lambda: deque(maxlen=40))

    def read(self, line: str) -> None:
        """Process one line."""
        if line.startswith(MARK):
            event = json.loads(line.removeprefix(MARK))
            getattr(self, f"_{event.pop('event')}")(**event)
        elif crash := read_crash(line):
            self.crash = crash
        else:
            self.log.append(line)

    def death(self, code: int, model: str, explain: Explain) -> Death:
        """The death of the process, for an exit that it had not announced."""
        instruction = explain(self.crash) if self.crash else ""
        log = tuple(self.log)
        return Death(code, model, self.info is not None, self.crash, instruction, log=log)

    def _loaded(self, info: dict[str, Any]) -> None:
        self.info = msgspec.convert(info, ModelInfo)
        self.log.clear()

    def _progress(self, progress: dict[str, Any]) -> None:
        self.report(Progress(**progress))

    def _figures(self, figures: dict[str, float]) -> None:
        self.figures = Figures(**figures)

    def _failed(self, code: str, message: str, hint: str) -> None:
        self.failure = error_from_code(code, message, hint=hint)
