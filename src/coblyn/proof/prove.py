"""Proves what a model runs on, in a separate process, which a driver may crash, and within bounded time."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from coblyn.engine.config import EngineConfig
from coblyn.errors import ProgramFailed
from coblyn.llama.environment import changes
from coblyn.llama.placement import Device, Placement
from coblyn.progress import Progress, Report, silent
from coblyn.proof.evidence import (
    MARK,
    Comparison,
    DeviceProof,
    Failure,
    GenerationProof,
    Measured,
    ProductProof,
    Proof,
)
from coblyn.proof.machine import Machine
from coblyn.run import stream

__all__ = ["prove"]

_LOG_LINES = 20
_STAGE_SECONDS = 60.0

_NUM_LAYERS = re.compile(r"\bn_layer\s+= (\d+)")


def prove(
    config: EngineConfig,
    machine: Machine,
    *,
    report: Report = silent,
    remotes: Sequence[str] = (),
    stage_seconds: float = _STAGE_SECONDS,
) -> Proof:
    """Measure, and judge.

    It takes several seconds: four small matrix products on each device, and one short generation each on the devices
    that the model would use with these settings and on the CPU. A large model adds twice the time it takes to load.

    Args:
        config: The bundle's libraries, the model and the settings; without a model, only products are tested.
        machine: Facts about the machine.
        report: Receives the progress.
        remotes: llama.cpp RPC servers ("host:port") whose devices are tested as if they were local.
        stage_seconds: Seconds after which a stage counts as hung; loading a model gets as much more as a
            slow disk needs.
    """
    reading = _Reading(report)
    request = {
        "config": msgspec.to_builtins(config),
        "remotes": list(remotes),
        "stage_seconds": stage_seconds,
    }
    argv = [sys.executable, "-m", "coblyn.proof.prover", json.dumps(request)]
    started = time.monotonic()
    try:
        done = stream(argv, reading.read, env=changes(), check=False)
    except ProgramFailed as error:
        reading.died(error.message)
    else:
        if not reading.is_over:
            reading.died(_how(done.code, reading.log))
    report(Progress("Proving", 1, 1))
    return Proof(replace(reading.measured, seconds=time.monotonic() - started), machine)


@dataclass
class _Reading:
    """Collects the output of the process."""

    report: Report
    measured: Measured = field(default_factory=Measured)
    stage: str = "start of the process"
    is_over: bool = False
    log: deque[str] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))

    def read(self, line: str) -> None:
        """Process one line."""
        if line.startswith(MARK):
            event = json.loads(line.removeprefix(MARK))
            getattr(self, f"_{event.pop('event')}")(**event)
            return
        self.log.append(line)
        layers = _NUM_LAYERS.search(line)
        if layers:
            self._set(num_layers=int(layers[1]))

    def died(self, message: str) -> None:
        """Handle a process that ended before it was done."""
        self._set(failure=Failure(self.stage, True, message, tuple(self.log)))

    def _set(self, **values: Any) -> None:
        self.measured = replace(self.measured, **values)

    def _stage(self, name: str, done: int, total: int) -> None:
        self.stage = name
        self.report(Progress("Proving", done, total, detail=name))

    def _hello(self, backends: list[str], features: Any, devices: list[dict[str, Any]]) -> None:
        self._set(
            backends=tuple(backends),
            features=tuple((name, tuple(words)) for name, words in features),
            devices=tuple(
                DeviceProof(
                    memory_free=each.pop("free"),
                    memory_total=each.pop("total"),
                    device=Device(**each),
                )
                for each in devices
            ),
        )

    def _product(self, device: str, **values: Any) -> None:
        proof = ProductProof(**values)
        self._set(
            devices=tuple(
                replace(each, products=(*each.products, proof))
                if each.device.name == device
                else each
                for each in self.measured.devices
            )
        )

    def _model(self, name: str, size: int) -> None:
        self._set(model=name, model_size=size)

    def _generation(self, role: str, placement: Mapping[str, Any], **values: Any) -> None:
        values["tokens"] = tuple(values["tokens"])
        self._set(**{role: GenerationProof(msgspec.convert(placement, Placement), **values)})

    def _comparison(self, **values: Any) -> None:
        self._set(comparison=Comparison(**values))

    def _skipped(self, reason: str) -> None:
        self._set(skipped=reason)

    def _failed(self, message: str, hint: str) -> None:
        self.is_over = True
        text = f"{message} {hint}".strip()
        self._set(failure=Failure(self.stage, False, text, tuple(self.log)))

    def _done(self) -> None:
        self.is_over = True


def _how(code: int, log: Iterable[str]) -> str:
    # Written by Python's faulthandler when the time is over.
    if any(line.startswith("Timeout (") for line in log):
        return "It hung, and gave no answer."
    if code < 0:
        return f"The process was ended by signal {-code}."
    return f"The process ended with code {code}."
