"""The measuring process: a line of ``MARK`` and JSON is a report, every other line is the library's log.

    python -m coblyn.proof.bencher JSON

It is a separate process, since a model may crash it. Both the engine and the bare loop run in it.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

import msgspec

from coblyn.engine.aloud import load_aloud
from coblyn.engine.config import EngineConfig
from coblyn.engine.local import LocalEngine
from coblyn.engine.loop import run_loop
from coblyn.errors import CoblynError
from coblyn.llama.process import end_with_parent
from coblyn.progress import Progress
from coblyn.proof.bench import MARK
from coblyn.proof.benchmark import Shape, WatchedRunner, measure

__all__ = ["main"]


def main() -> None:
    """Measure the request in the first argument."""
    end_with_parent()
    request = json.loads(sys.argv[1])
    try:
        run_loop(
            _measure(msgspec.convert(request["config"], EngineConfig), Shape(**request["shape"]))
        )
    except CoblynError as error:
        _tell("failed", code=error.code, message=error.message, hint=error.hint)


async def _measure(config: EngineConfig, shape: Shape) -> None:
    def make_runner() -> WatchedRunner:
        return load_aloud(config, partial(WatchedRunner, config))

    engine = LocalEngine(make_runner, max_running=config.max_running)
    _tell("loaded", info=asdict(engine.info))
    try:
        _tell("figures", figures=asdict(await measure(engine, shape, _report)))
    finally:
        await engine.close()


def _report(progress: Progress) -> None:
    _tell("progress", progress=asdict(progress))


def _tell(event: str, **values: Any) -> None:
    os.write(1, f"{MARK}{json.dumps({'event': event, **values})}\n".encode())


if __name__ == "__main__":
    main()
