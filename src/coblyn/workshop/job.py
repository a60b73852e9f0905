"""Runs tasks in a separate process, since a model file may crash it; this is the caller's side."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.errors import CoblynError, ModelError, error_from_code
from coblyn.llama.environment import changes
from coblyn.progress import Progress, Report, silent
from coblyn.run import Finished, stream
from coblyn.workshop.protocol import MARK

__all__ = ["run_job"]


def run_job(
    library: Path,
    task: str,
    request: Mapping[str, Any],
    *,
    report: Report = silent,
    on_event: Callable[[str, dict[str, Any]], object] = lambda _name, _values: None,
) -> dict[str, Any]:
    """Run a task in a separate process, and return its result.

    Args:
        library: Where the engine's libraries are.
        task: A name in ``worker.TASKS``.
        request: Its arguments; serialized as JSON.
        report: Receives the progress.
        on_event: Receives all other events of the task; an exception in it ends the process.

    Raises:
        CoblynError: The task's error, or the way its process ended.
    """
    reading = _Reading(report, on_event)
    done = stream(
        [sys.executable, "-m", "coblyn.workshop.worker", task, str(library), json.dumps(request)],
        reading.read,
        env=changes(),
        check=False,
    )
    if reading.failure:
        raise reading.failure
    if reading.answer is None:
        raise _ended(task, done, reading)
    return reading.answer


def _ended(task: str, done: Finished, reading: _Reading) -> CoblynError:
    how = f"code {done.code}" if done.code >= 0 else f"signal {-done.code}"
    words = "\n".join(reading.log)
    return ModelError(
        f"The process that should {task} ended with {how}.",
        hint=f"Its last words were:\n{words}" if words else "It said nothing.",
    )


@dataclass
class _Reading:
    """The output of the process so far."""

    report: Report
    on_event: Callable[[str, dict[str, Any]], object]
    answer: dict[str, Any] | None = None
    failure: CoblynError | None = None
    log: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    def read(self, line: str) -> None:
        """Process one line."""
        if not line.startswith(MARK):
            self.log.append(line)
            return
        values = json.loads(line.removeprefix(MARK))
        event = values.pop("event")
        if event == "progress":
            self.report(Progress(**values))
        elif event == "done":
            self.answer = values
        elif event == "failed":
            self.failure = error_from_code(values["code"], values["message"], hint=values["hint"])
        else:
            self.on_event(event, values)
