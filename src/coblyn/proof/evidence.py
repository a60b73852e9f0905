"""The measurements that prove where a model runs, and the verdict on them. Values, and a pure decision."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from coblyn.crash import read_crash
from coblyn.llama.placement import Device, Placement
from coblyn.proof.error import MAX_DIVERGENCE, MAX_ERROR
from coblyn.proof.machine import Machine
from coblyn.proof.verdict import State, Verdict, judge_load

__all__ = [
    "LOADING",
    "MARK",
    "Comparison",
    "DeviceProof",
    "Failure",
    "GenerationProof",
    "Measured",
    "ProductProof",
    "Proof",
    "judge",
]

MARK = "coblyn-proof "
"""Prefix of the measuring process's reports; every other line is log."""

LOADING = "loading"
"""Prefix of the stage in which a model is loaded."""

_SLOWER = 0.9
"""Below this fraction of the CPU's speed, a device is slower beyond measurement noise."""


@dataclass(frozen=True, slots=True)
class ProductProof:
    """A matrix product on a device.

    Attributes:
        kind: Type of the weights: "f32", "f16", "q8_0" or "q4_0".
        is_supported: Whether the device supports products of that type; if not, the other values are 0.
        gflops: Billions of operations per second.
        error: Normalised error against double precision; infinite if the result contains NaN or infinity.
    """

    kind: str
    is_supported: bool
    gflops: float = 0.0
    error: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether the numbers are correct; True for a product that was not computed."""
        return self.error <= MAX_ERROR


@dataclass(frozen=True, slots=True)
class DeviceProof:
    """A device and its measurements. Memory is in bytes; 0 where the driver does not report it."""

    device: Device
    memory_free: int = 0
    memory_total: int = 0
    products: tuple[ProductProof, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether all its products are right."""
        return all(product.is_right for product in self.products)


@dataclass(frozen=True, slots=True)
class GenerationProof:
    """A short generation.

    Attributes:
        placement: Where the model's layers were.
        prefill, decode: Tokens per second.
        tokens: The tokens that were generated, or given.
    """

    placement: Placement
    prefill: float
    decode: float
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of the generation with the reference, which was given the same tokens.

    Attributes:
        positions: Number of positions compared.
        same: Number of positions where both have the same most likely token.
        divergence: Mean Kullback-Leibler divergence of the device's distribution from the reference's, in nats.
        error: Normalised error of the logits.
    """

    positions: int
    same: int
    divergence: float
    error: float

    @property
    def is_right(self) -> bool:
        """Whether the two distributions agree."""
        return self.divergence <= MAX_DIVERGENCE  # False for NaN


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure that ended the measurement early.

    Attributes:
        stage: The stage at that time, such as "generation on CUDA0".
        is_crash: Whether the process died or hung, rather than reporting an error.
        message: The known details.
        log: The last lines of the log, oldest first.
    """

    stage: str
    is_crash: bool
    message: str
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """All measurements up to the point that was reached.

    Attributes:
        backends: Backends that the bundle registers.
        features: Each backend's name, and the features it was compiled with.
        devices: The devices, accelerators first.
        model: Name of the model; empty if there was none.
        model_size: Size of its file in bytes.
        num_layers: Number of its layers; 0 if unknown.
        generation: On the devices that a model would run on with the user's settings.
        reference: On the CPU alone; if the model runs on the CPU anyway, with the weights in plain order.
        comparison: Comparison of the two.
        skipped: Why there is no generation, reference or comparison; empty if there is.
        failure: The failure that ended the measurement early, or None.
        seconds: Duration of the measurement.
    """

    backends: tuple[str, ...] = ()
    features: tuple[tuple[str, tuple[str, ...]], ...] = ()
    devices: tuple[DeviceProof, ...] = ()
    model: str = ""
    model_size: int = 0
    num_layers: int = 0
    generation: GenerationProof | None = None
    reference: GenerationProof | None = None
    comparison: Comparison | None = None
    skipped: str = ""
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """The measurements, the machine, and the verdict."""

    measured: Measured
    machine: Machine
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", judge(self.measured, self.machine))

    def to_json(self) -> dict[str, Any]:
        """As JSON: ``verdict``, ``machine``, and the measurements."""
        measured: dict[str, Any] = _finite(asdict(self.measured))
        measured["features"] = {name: list(words) for name, words in self.measured.features}
        for name in ("generation", "reference"):
            if measured[name]:
                # Already included above.
                for known in ("devices", "cpu_features"):
                    del measured[name]["placement"][known]
        return {"verdict": self.verdict.to_json(), "machine": asdict(self.machine), **measured}


def judge(measured: Measured, machine: Machine) -> Verdict:
    """The verdict: the most serious problem that was found, and its cause."""
    failure = measured.failure
    if failure and failure.is_crash:
        return _crashed(failure, measured)
    wrong = _wrong_device(measured) or _wrong_text(measured)
    if wrong:
        return wrong
    if failure:
        return _no_memory(measured, failure) or _failed(failure)
    verdict = judge_load(_placement(measured), machine)
    if verdict.state is not State.OK:
        return verdict
    return _slow(measured) or verdict


_GPU_CODE = re.compile(
    r"ggml-(?:cuda|hip|vulkan|metal|sycl|opencl)|libcuda|nvcuda|amdhip|libvulkan|nvidia|radeon"
)
_ILLEGAL = re.compile(r"SIGILL|signal 4\b|ILLEGAL_INSTRUCTION|0xC000001D|3221225501")
_KILLED = re.compile(r"SIGKILL|signal 9\b")


def _crashed(failure: Failure, measured: Measured) -> Verdict:
    """The cause of the crash: a device only if one was at work; otherwise CPU code, or the system."""
    crash = next(filter(None, map(read_crash, failure.log)), None)
    library = re.split(r"[/\\]", crash.library)[-1] if crash else ""
    text = f"The engine died during: {failure.stage}."
    reason = failure.message.rstrip(".") + (f", in {library}." if library else ".")
    if _is_of_device(failure, measured, library):
        fix = "Update the driver of the device. Until then: --gpu-layers 0"
    elif _KILLED.search(failure.message):
        reason += " The system does that when memory runs out."
        fix = "Close other programs, or take a smaller model."
    else:
        if _ILLEGAL.search(f"{failure.message} {crash.signal if crash else ''}"):
            reason += (
                " The processor does not have the instruction, the system does not allow it, or the compiler made it "
                "wrongly."
            )
        fix = "coblyn build --force"
    return Verdict(State.CRASHED, text, "crash", reason, fix)


def _is_of_device(failure: Failure, measured: Measured, library: str) -> bool:
    names = [each.device.name for each in measured.devices if each.device.is_accelerator]
    if not names:
        return False
    if library:
        return bool(_GPU_CODE.search(library.lower()))
    on_cpu = re.search(r"\bCPU\b", failure.stage) and not any(
        name in failure.stage for name in names
    )
    return not on_cpu


def _wrong_device(measured: Measured) -> Verdict | None:
    for proof in measured.devices:
        bad = next((product for product in proof.products if not product.is_right), None)
        if bad:
            text = f"{proof.device.name} ({proof.device.description}) computes wrong numbers."
            off = f"{bad.error:.1%}" if bad.error < 10 else "more than its own size"
            reason = f"A product of {bad.kind} matrices is off by {off}."
            fix = _wrong_fix(is_accelerator=proof.device.is_accelerator)
            return Verdict(State.WRONG, text, "numbers", reason, fix)
    return None


def _wrong_text(measured: Measured) -> Verdict | None:
    comparison, generation = measured.comparison, measured.generation
    if comparison is None or generation is None or comparison.is_right:
        return None
    names = ", ".join(generation.placement.accelerated_by)
    reason = (
        f"Its predictions differ from the reference's by {comparison.divergence:.2g} nats, with the same most likely "
        f"token at {comparison.same} of {comparison.positions} positions."
    )
    if math.isnan(comparison.divergence):
        reason = "Its predictions hold what is not a number."
    text = f"{names or 'The CPU'} computes a wrong text."
    return Verdict(State.WRONG, text, "numbers", reason, _wrong_fix(is_accelerator=bool(names)))


def _wrong_fix(*, is_accelerator: bool) -> str:
    if is_accelerator:
        return "Update the driver of the device. Until then: --gpu-layers 0"
    return "coblyn build --force"


_NO_MEMORY = ("unable to allocate", "failed to allocate", "out of memory", "OutOfDeviceMemory")

_MODEL_PART = 0.8
"""The fraction of a device's memory that weights may take; the rest is for the context and for computation."""


def _no_memory(measured: Measured, failure: Failure) -> Verdict | None:
    device = next((each for each in measured.devices if each.device.is_accelerator), None)
    said = "\n".join((failure.message, *failure.log))
    if device is None or not any(words in said for words in _NO_MEMORY):
        return None
    part = min(1.0, _MODEL_PART * device.memory_free / max(measured.model_size, 1))
    layers = int(measured.num_layers * part)
    fix = (
        f"--gpu-layers {layers}, or"
        if layers
        else "A smaller --gpu-layers, a smaller --context, or"
    )
    return Verdict(
        State.NOT_USED,
        f"{measured.model} does not fit into the memory of {device.device.name}.",
        "memory",
        f"The weights take {_gigabytes(measured.model_size)}, and {_gigabytes(device.memory_free)} are free there.",
        f"{fix} a model of smaller quantization.",
    )


def _failed(failure: Failure) -> Verdict:
    is_model = failure.stage.startswith(LOADING)
    text = f"The proof ended early, during: {failure.stage}."
    fix = "Choose another model." if is_model else "coblyn build --force"
    cause = "model" if is_model else "engine"
    return Verdict(State.FAILED, text, cause, failure.message, fix)


def _gigabytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _placement(measured: Measured) -> Placement:
    """Where the model was; if none was loaded, the devices that it would use."""
    if measured.generation:
        return measured.generation.placement
    return Placement(
        devices=tuple(proof.device for proof in measured.devices),
        cpu_features=dict(measured.features).get("CPU", ()),
    )


def _slow(measured: Measured) -> Verdict | None:
    generation, reference = measured.generation, measured.reference
    names = ", ".join(generation.placement.accelerated_by) if generation else ""
    if generation is None or reference is None or not names:
        return None
    prefill = generation.prefill / reference.prefill
    decode = generation.decode / reference.decode
    if prefill >= _SLOWER or decode >= _SLOWER:
        return None
    return Verdict(
        State.SLOW,
        f"{names} is slower than the CPU.",
        "speed",
        f"It reads a prompt at {prefill:.2f} and writes at {decode:.2f} of the CPU's speed.",
        "--gpu-layers 0",
    )


def _finite(value: Any) -> Any:
    """JSON has no infinity: NaN and infinity become null."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    is_odd = isinstance(value, float) and not math.isfinite(value)
    return None if is_odd else value
