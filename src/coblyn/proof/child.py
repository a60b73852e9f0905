"""The process that proves a bundle: it writes a line before each computation.

    python -m coblyn.proof.child LIBRARIES SECONDS [REMOTE...]

It is a separate process, since the tested code may crash it. A line of ``MARK`` and JSON is a report; every other line
is the log of the library and of the drivers, written immediately, so that the last lines are not lost.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coblyn.errors import CoblynError
from coblyn.llama import devices
from coblyn.llama.cores import usable_cores
from coblyn.llama.library import Library, open_library
from coblyn.llama.loaded import cpu_variant
from coblyn.llama.operation import OpenDevice
from coblyn.proof.attention import prove_attention
from coblyn.proof.generation import Expected, prove_model
from coblyn.proof.ground import Ground, Wrong
from coblyn.proof.products import FEW, activations, make_cases, prove_products
from coblyn.proof.protocol import MARK
from coblyn.proof.tiny import tiny_models

__all__ = ["Child", "main"]

_KERNELS = "Coblyn's kernels"
_FEW_KERNELS = "Coblyn's kernels for few rows"


def main() -> None:
    """Prove the libraries in the directory of the first argument; the second is the time limit of a stage in seconds.

    Further arguments are RPC servers whose devices are tested as if they were local.
    """
    # Output to stderr must not come in the middle of a report line.
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    child = Child(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    try:
        child.run()
    except Wrong as error:
        child.report("wrong", message=error.message, error=error.error)
    except CoblynError as error:
        child.report("failed", message=f"{error.message} {error.hint}".strip())
    # Some drivers crash at the end of a process, after all work is done.
    os._exit(0)


class Child:
    """Runs all proofs in sequence.

    Args:
        directory: Directory of the libraries.
        stage_seconds: Time limit of a stage.
        remotes: RPC servers ("host:port") whose devices are tested too.
    """

    def __init__(self, directory: Path, stage_seconds: float, remotes: Sequence[str] = ()) -> None:
        self._directory = directory
        self._remotes = remotes
        self._stage_seconds = stage_seconds

    def run(self) -> None:
        """Run the proofs.

        Raises:
            Wrong: Numbers are wrong.
            CoblynError: Something cannot be opened, loaded or computed.
        """
        self.stage("loading the libraries")
        library = open_library(self._directory, _write, tell_crashes=True)
        self.report("variant", name=cpu_variant(library))
        for endpoint in self._remotes:
            devices.add_remote(library, endpoint)
        ground = Ground(library, sorted({1, usable_cores()}), self.stage)
        self._operations(ground)
        with tempfile.TemporaryDirectory(prefix="coblyn-proof-") as directory:
            self._models(ground, Path(directory))
        error, what = ground.worst
        self.report("done", checked=ground.num_checked, error=error, what=what)

    def report(self, event: str, **values: Any) -> None:
        """Write a report."""
        _write(MARK + json.dumps({"event": event, **values}))

    def stage(self, name: str) -> None:
        """Announce the next stage, and start its time limit."""
        self.report("stage", name=name)
        # Hanging code blocks this thread forever; a timer in another thread ends the process.
        faulthandler.dump_traceback_later(self._stage_seconds, exit=True)

    def _operations(self, ground: Ground) -> None:
        library, vectors = ground.library, activations()
        self.stage("opening the CPU")
        with OpenDevice(library, _cpu(library)) as cpu:
            self.stage("reading of weights")
            cases = make_cases(cpu, vectors)
            prove_products(ground, cpu, cases, vectors)
            prove_attention(ground, cpu)
            with ground.kernels(few=False) as there_are:
                if there_are:
                    prove_products(ground, cpu, cases, vectors, _KERNELS)
                    prove_attention(ground, cpu, _KERNELS)
            with ground.kernels(few=True) as there_are:
                if there_are:
                    prove_products(ground, cpu, cases, vectors, _FEW_KERNELS, batches=FEW)
        alone = Ground(library, (1,), self.stage)
        for device in devices.devices(library):
            if device.is_accelerator:
                self.stage(f"opening {device.name}")
                with OpenDevice(library, device.name) as opened:
                    prove_products(alone, opened, cases, vectors, device.name)
                    prove_attention(alone, opened, device.name)

    def _models(self, ground: Ground, directory: Path) -> None:
        tiny = [Expected(model) for model in tiny_models()]
        for model in tiny:
            prove_model(ground, model, directory)
        with ground.kernels(few=True) as there_are:
            for model in tiny if there_are else ():
                prove_model(ground, model, directory, where=_KERNELS)
        found = [each.name for each in devices.devices(ground.library) if each.is_accelerator]
        for model in tiny if found else ():
            prove_model(ground, model, directory, on_device=True, where=" and ".join(found))


def _cpu(library: Library) -> str:
    return next(each.name for each in devices.devices(library) if each.kind == "cpu")


def _write(line: str) -> None:
    # In one piece: other threads write too.
    os.write(sys.stdout.fileno(), f"{line}\n".encode(errors="replace"))


if __name__ == "__main__":
    main()
