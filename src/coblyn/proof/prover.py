"""The process that proves what a model runs on: it computes, and writes a line for each result.

    python -m coblyn.proof.prover JSON

It is a separate process, since a driver may crash it. A line of ``MARK`` and JSON is a report; every other line is the
log of the library and of the drivers, written immediately, so that the last lines are not lost.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError
from coblyn.llama import devices
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.cores import usable_cores
from coblyn.llama.library import Library, open_library
from coblyn.llama.model import Model
from coblyn.llama.placement import read_placement
from coblyn.llama.product import TYPES, Product, Unsupported
from coblyn.proof.error import divergence, normalised_error
from coblyn.proof.evidence import LOADING, MARK, Comparison, GenerationProof, ProductProof
from coblyn.proof.weights import Weights, make_weights

__all__ = ["compare", "main"]

Logits = NDArray[np.float32]

# 0.5 billion operations per product: a CPU core takes some hundredths of a second, and a GPU has enough work.
_ROWS, _INNER, _COLUMNS = 1024, 2048, 128
_PRODUCT_SECONDS = 0.1
_MAX_PRODUCTS = 4096

_PROMPT = (
    "The old miner put down his lamp and listened. Far below, where nobody had dug for a hundred years, somebody was "
    "knocking: three times, then a pause, then three times again. He had heard the stories, of course."
)
_NUM_TOKENS = 24
_CONTEXT = 256
_WRITING_SECONDS = 10.0
_BYTES_A_MINUTE = 1.2e9
"""Read speed of a slow disk, for the time limit of loading a model."""

_WARM_SECONDS = 1.5
_SHARE_OF_MEMORY = 0.6


def main() -> None:
    """Prove the request in the first argument."""
    request = json.loads(sys.argv[1])
    config = msgspec.convert(request["config"], EngineConfig)
    prover = Prover(config, request["remotes"], request["stage_seconds"])
    try:
        prover.run()
    except CoblynError as error:
        prover.tell("failed", message=error.message, hint=error.hint)
    else:
        prover.tell("done")
    # Some drivers crash at the end of a process, after all work is done.
    os._exit(0)


class Prover:
    """Performs all measurements, one after the other.

    Args:
        config: Configuration of the engine to load; without a model, only products are tested.
        remotes: RPC servers whose devices are tested too.
        stage_seconds: Time limit of a stage; loading a large model gets more.
    """

    def __init__(self, config: EngineConfig, remotes: Sequence[str], stage_seconds: float) -> None:
        self._config = config
        self._remotes = remotes
        self._stage_seconds = stage_seconds
        self._threads = config.threads or usable_cores()
        self._done = 0
        self._total = 1

    def tell(self, event: str, **values: Any) -> None:
        """Write a report."""
        _write(MARK + json.dumps({"event": event, **values}))

    def run(self) -> None:
        """Run the proof.

        Raises:
            CoblynError: Something cannot be opened, loaded or computed.
        """
        self._stage("opening the engine")
        library = open_library(Path(self._config.library), _write)
        for endpoint in self._remotes:
            devices.add_remote(library, endpoint)
        found = devices.devices(library)
        self._total = 1 + len(found) * len(TYPES) + (4 if self._config.model else 0)
        self._describe(library, found)
        self._multiply(library, found)
        if self._config.model:
            self._generate(library)

    def _stage(self, name: str, num_bytes: int = 0) -> None:
        self.tell("stage", name=name, done=self._done, total=self._total)
        self._done += 1
        # A driver that hangs blocks this thread forever; this ends the process from another thread.
        seconds = self._stage_seconds * (1 + num_bytes / _BYTES_A_MINUTE)
        faulthandler.dump_traceback_later(seconds, exit=True)

    def _describe(self, library: Library, found: Sequence[devices.Device]) -> None:
        self.tell(
            "hello",
            backends=devices.backends(library),
            features=list(devices.features(library).items()),
            devices=[
                asdict(device) | asdict(devices.memory(library, device.name)) for device in found
            ],
        )

    # Products

    def _multiply(self, library: Library, found: Sequence[devices.Device]) -> None:
        vectors = np.random.default_rng(0).standard_normal((_COLUMNS, _INNER)).astype(np.float32)
        for index, kind in enumerate(TYPES):
            weights = make_weights(kind, _ROWS, _INNER, seed=index + 1)
            assert weights.values is not None, "none of these has a codebook"
            reference = vectors.astype(np.float64) @ weights.values.T
            for device in found:
                self._stage(f"{kind} product on {device.name}")
                proof = self._product(library, device.name, weights, vectors, reference)
                self.tell("product", device=device.name, **asdict(proof))

    def _product(
        self,
        library: Library,
        device: str,
        weights: Weights,
        vectors: Logits,
        reference: NDArray[np.float64],
    ) -> ProductProof:
        try:
            product = Product(
                library,
                device,
                weights.kind,
                weights.data,
                rows=_ROWS,
                inner=_INNER,
                columns=_COLUMNS,
                threads=self._threads,
            )
        except Unsupported:
            return ProductProof(weights.kind, is_supported=False)
        with product:
            product.set(vectors)
            product.compute()  # the first one compiles and warms up
            error = normalised_error(product.get(), reference)
            seconds = _seconds_each(product)
        return ProductProof(weights.kind, True, 2e-9 * _ROWS * _INNER * _COLUMNS / seconds, error)

    # Generation

    def _generate(self, library: Library) -> None:
        path = Path(self._config.model)
        size = path.stat().st_size
        self.tell("model", name=path.stem, size=size)
        self._stage(f"{LOADING} {path.name}", size)
        generation, logits = self._write_text(library, None, "generation")
        self.tell("generation", role="generation", **asdict(generation))
        free = psutil.virtual_memory().available
        if size > _SHARE_OF_MEMORY * free:
            self.tell(
                "skipped",
                reason="The model is too large to be loaded on the CPU beside, to compare.",
            )
            return
        self._stage(f"{LOADING} {path.name} on the CPU", size)
        reference, expected = self._write_text(library, generation, "reference")
        self.tell("generation", role="reference", **asdict(reference))
        self.tell("comparison", **asdict(compare(logits, expected)))

    def _write_text(
        self, library: Library, given: GenerationProof | None, what: str
    ) -> tuple[GenerationProof, list[Logits]]:
        """Generate as the user would, or with ``given``, repeat that generation's tokens as its reference."""
        config = replace(self._config, gpu_layers=0) if given else self._config
        is_on_cpu = given is not None and not given.placement.on_devices
        model = Model(
            library,
            Path(config.model),
            gpu_layers=config.gpu_layers,
            memory_map=config.memory_map,
            cpu_only=given is not None,
            plain_layout=is_on_cpu,
        )
        model.require_decoder()
        with model, Context(model, self._context_options()) as context:
            placement = read_placement(
                [*model.log_lines, *context.log_lines],
                devices.devices(library),
                gpu_layers=config.gpu_layers,
                num_layers=model.num_layers,
                cpu_features=devices.cpu_features(library),
            )
            where = ", ".join(placement.accelerated_by) or "the CPU"
            self._stage(f"{what} on {where}")
            writer = _Writer(
                context, model.tokenize(_PROMPT, add_special=True, parse_special=False)
            )
            logits = writer.repeat(given.tokens) if given else writer.greedy(_NUM_TOKENS)
            return writer.generation(placement), logits

    def _context_options(self) -> ContextOptions:
        return ContextOptions(
            length=_CONTEXT,
            max_batch=_CONTEXT,
            max_sequences=1,
            threads=self._threads,
            flash_attention=self._config.flash_attention,
            cache_type=self._config.cache_type,
        )


class _Writer:
    """Reads a prompt, generates tokens after it, and times both."""

    def __init__(self, context: Context, prompt: Sequence[int]) -> None:
        self._context = context
        self._batch = Batch(_CONTEXT)
        self._prompt = list(prompt)[: _CONTEXT - _NUM_TOKENS]
        self._tokens: list[int] = []
        self._prefill_seconds = self._decode_seconds = 0.0
        self._started = time.perf_counter()

    def greedy(self, count: int) -> list[Logits]:
        """Generate the most likely tokens within the time limit; keeps the logits that each was chosen from."""
        logits = [self._read()]
        while len(logits) < count and self._has_time:
            self._tokens.append(int(logits[-1].argmax()))
            logits.append(self._decode(self._tokens[-1]))
        self._tokens.append(int(logits[-1].argmax()))
        return logits

    def repeat(self, tokens: Sequence[int]) -> list[Logits]:
        """Repeat these tokens within the time limit; keeps the logits that each would be chosen from."""
        logits = [self._read()]
        for token in tokens[:-1]:
            if not self._has_time:
                break
            self._tokens.append(token)
            logits.append(self._decode(token))
        self._tokens.append(tokens[len(self._tokens)])
        return logits

    def generation(self, placement: Any) -> GenerationProof:
        """The resulting generation."""
        return GenerationProof(
            placement,
            prefill=len(self._prompt) / self._prefill_seconds,
            decode=(len(self._tokens) - 1) / self._decode_seconds,
            tokens=tuple(self._tokens),
        )

    @property
    def _has_time(self) -> bool:
        """Whether to continue; there is always a second token, since it is the first that can be timed."""
        elapsed = time.perf_counter() - self._started
        return not self._tokens or elapsed < _WRITING_SECONDS

    def _read(self) -> Logits:
        """Read the prompt, and repeat that if the first time was short: kernels are compiled at their first use."""
        started = time.perf_counter()
        logits = self._read_once()
        self._prefill_seconds = time.perf_counter() - started
        if self._prefill_seconds > _WARM_SECONDS:
            return logits
        self._run([int(logits.argmax())], len(self._prompt))
        self._context.clear()
        started = time.perf_counter()
        logits = self._read_once()
        self._prefill_seconds = time.perf_counter() - started
        return logits

    def _read_once(self) -> Logits:
        return self._run(self._prompt, 0)

    def _decode(self, token: int) -> Logits:
        started = time.perf_counter()
        logits = self._run([token], len(self._prompt) + len(self._tokens) - 1)
        self._decode_seconds += time.perf_counter() - started
        return logits

    def _run(self, tokens: Sequence[int], position: int) -> Logits:
        self._batch.fill(0, tokens, position, 0, output=True)
        self._context.decode(self._batch, len(tokens))
        return self._context.logits(len(tokens) - 1)


def compare(found: Sequence[Logits], expected: Sequence[Logits]) -> Comparison:
    """Compare the logits of the positions that both have.

    Args:
        found: Logits on the device, an array of the vocabulary's size for each position.
        expected: Logits of the reference for the same tokens.
    """
    pairs = list(zip(found, expected, strict=False))
    same = sum(int(ours.argmax() == theirs.argmax()) for ours, theirs in pairs)
    divergences, errors = [], []
    for ours, theirs in pairs:
        divergences.append(divergence(ours, theirs))
        # Only differences between logits are meaningful.
        errors.append(
            normalised_error(ours - ours.mean(), theirs.astype(np.float64) - theirs.mean())
        )
    return Comparison(len(pairs), same, float(np.mean(divergences)), float(np.mean(errors)))


def _seconds_each(product: Product) -> float:
    """Seconds per product, when many run in sequence, like the layers of a model."""
    count = 1
    while True:
        started = time.perf_counter()
        for _ in range(count):
            product.compute()
        product.wait()
        elapsed = time.perf_counter() - started
        if elapsed >= _PRODUCT_SECONDS or count >= _MAX_PRODUCTS:
            return elapsed / count
        count *= 4


def _write(line: str) -> None:
    # In one piece: other threads write too.
    os.write(sys.stdout.fileno(), f"{line}\n".encode(errors="replace"))


if __name__ == "__main__":
    main()
