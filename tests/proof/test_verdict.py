"""Every row of the verdicts: what is there, what was reported or measured, and what is said about it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from coblyn.llama.placement import NOWHERE, Device, Placement, Share
from coblyn.proof.evidence import (
    Comparison,
    DeviceProof,
    Failure,
    GenerationProof,
    Measured,
    ProductProof,
    Proof,
    judge,
)
from coblyn.proof.machine import UNKNOWN, Accelerator, Machine, missing_instructions
from coblyn.proof.verdict import State, judge_load

CPU = Device("CPU", "AMD Ryzen", "cpu", "CPU", "CPU")
GPU = Device("CUDA0", "GeForce RTX 3060", "gpu", "CUDA", "CUDA0")
BLAS = Device("BLAS", "Accelerate", "accel", "BLAS", "CPU")

FEATURES = ("AVX", "AVX2", "F16C", "FMA")
FLAGS = ("avx", "avx2", "f16c", "fma")

ON_CPU = Placement(-1, 31, 0, (CPU,), (Share("CPU", 100),), 1, FEATURES)
ON_GPU = Placement(-1, 31, 31, (GPU, CPU), (Share("CUDA0", 90), Share("CPU", 10)), 2, FEATURES)
IDLE = replace(ON_CPU, devices=(GPU, CPU))

PLAIN = Machine(True, "cpu", cpu_flags=FLAGS, built_flags=FLAGS)
CUDA = Accelerator("cuda", "GeForce RTX 3060 with driver 550.")
CUDA_BARE = Accelerator(
    "cuda", "GeForce RTX 3060 cannot be used: nvcc was not found.", False, "Install CUDA."
)
NODE = Accelerator("vulkan", "A GPU is there that Vulkan may drive.", False, "Install glslc.")

LOADED = [
    # placement, machine, state, cause, what the texts must hold
    (NOWHERE, UNKNOWN, State.NONE, "", ["No model is loaded"]),
    (ON_GPU, replace(PLAIN, bundle="cuda"), State.OK, "", ["All 31 layers run on CUDA0 (GeForce RTX 3060)"]),
    (ON_GPU, UNKNOWN, State.OK, "", ["CUDA0"]),
    (replace(ON_GPU, on_devices=20, gpu_layers=20), PLAIN, State.PARTLY, "settings",
     ["20 of 31 layers", "gpu_layers is 20", "--gpu-layers -1"]),
    (replace(ON_GPU, graph_splits=62), PLAIN, State.PARTLY, "operations", ["62 parts", "--cache-type"]),
    (replace(IDLE, gpu_layers=0), PLAIN, State.NOT_USED, "settings",
     ["although the engine sees CUDA0", "gpu_layers is 0", "--gpu-layers -1"]),
    (IDLE, PLAIN, State.NOT_USED, "engine", ["put no weights there", "coblyn build --force"]),
    (replace(IDLE, num_layers=0), PLAIN, State.OK, "", ["A model would run on CUDA0"]),
    # Metal or CUDA compiled in, and the layers on the CPU.
    (ON_CPU, replace(PLAIN, bundle="metal"), State.SLOW, "bundle", ["built for Metal", "coblyn build"]),
    (ON_CPU, replace(PLAIN, bundle="cuda", accelerators=(CUDA,)), State.NOT_USED, "driver",
     ["built for CUDA", "GeForce RTX 3060 with driver 550", "nvidia-smi"]),
    (ON_CPU, replace(PLAIN, bundle="cuda", accelerators=(CUDA,), hidden_by=("CUDA_VISIBLE_DEVICES",)),
     State.NOT_USED, "environment", ["CUDA_VISIBLE_DEVICES hides", "unset CUDA_VISIBLE_DEVICES"]),
    (ON_CPU, replace(PLAIN, bundle="vulkan", accelerators=(CUDA,)), State.NOT_USED, "bundle",
     ["built for Vulkan", "GeForce", "coblyn build"]),
    # A bundle for the CPU on a machine that has more.
    (ON_CPU, replace(PLAIN, accelerators=(CUDA,)), State.NOT_USED, "bundle",
     ["built for the CPU", "GeForce", "coblyn build"]),
    (ON_CPU, replace(PLAIN, accelerators=(CUDA_BARE,)), State.NOT_USED, "bundle", ["nvcc", "Install CUDA."]),
    (ON_CPU, replace(PLAIN, accelerators=(NODE,)), State.NONE, "bundle", ["may drive", "Install glslc."]),
    # A machine with a CPU only.
    (ON_CPU, PLAIN, State.NONE, "", ["as it should be: this machine has no accelerator"]),
    (replace(ON_CPU, devices=(BLAS, CPU)), PLAIN, State.NONE, "", ["as it should be"]),
    (ON_CPU, UNKNOWN, State.NONE, "", ["All 31 layers run on the CPU."]),
    (replace(ON_CPU, num_layers=0), PLAIN, State.NONE, "", ["A model would run on the CPU."]),
    (ON_CPU, replace(PLAIN, cpu_flags=(*FLAGS, "avx512f")), State.SLOW, "instructions",
     ["without AVX512", "coblyn build --force"]),
    (ON_CPU, replace(PLAIN, cpu_flags=(*FLAGS, "avx512f"), built_flags=(*FLAGS, "avx512f")),
     State.NONE, "instructions", ["without AVX512", "newer compiler"]),
    (ON_CPU, replace(PLAIN, cpu_flags=(*FLAGS, "avx512f"), built_flags=(*FLAGS, "avx512f"), is_portable=True),
     State.SLOW, "instructions", ["without AVX512"]),
]  # fmt: skip


@pytest.mark.parametrize(("placement", "machine", "state", "cause", "words"), LOADED)
def test_at_load(
    placement: Placement, machine: Machine, state: State, cause: str, words: list[str]
) -> None:
    verdict = judge_load(placement, machine)
    assert (verdict.state, verdict.cause) == (state, cause)
    said = f"{verdict.text} {verdict.reason} {verdict.fix}"
    assert not [each for each in words if each not in said], said
    # A fault has a cause, a reason and a way out. A split that the user asked for is none.
    is_wanted = (state, cause) == (State.PARTLY, "settings")
    assert verdict.is_fault == (state not in (State.OK, State.NONE) and not is_wanted)
    if verdict.is_fault:
        assert verdict.cause
        assert verdict.reason
        assert verdict.fix
    assert json.loads(json.dumps(verdict.to_json()))["is_fault"] is verdict.is_fault


RIGHT = tuple(ProductProof(kind, True, 100.0, 0.005) for kind in ("f32", "f16", "q8_0", "q4_0"))
GPU_PROOF = DeviceProof(GPU, 8 * 2**30, 12 * 2**30, RIGHT)
CPU_PROOF = DeviceProof(CPU, 2**34, 2**34, RIGHT)
SAME = Comparison(24, 23, 0.002, 0.01)
GOOD = Measured(
    backends=("CUDA", "CPU"),
    features=(("CPU", FEATURES),),
    devices=(GPU_PROOF, CPU_PROOF),
    model="tale-7b-q4",
    model_size=16 * 2**30,
    num_layers=32,
    generation=GenerationProof(ON_GPU, 1000.0, 80.0, (1, 2)),
    reference=GenerationProof(ON_CPU, 50.0, 8.0, (1, 2)),
    comparison=SAME,
)
ON_CUDA = replace(PLAIN, bundle="cuda", accelerators=(CUDA,))
NO_GENERATION = replace(GOOD, generation=None, reference=None, comparison=None)


def product(**changes: object) -> tuple[DeviceProof, ...]:
    wrong = replace(RIGHT[3], **changes)  # type: ignore[arg-type]
    return (replace(GPU_PROOF, products=(*RIGHT[:3], wrong)), CPU_PROOF)


def failure(stage: str, message: str, *log: str, is_crash: bool = False) -> Measured:
    return replace(NO_GENERATION, failure=Failure(stage, is_crash, message, log))


MEASURED = [
    (GOOD, State.OK, "", ["All 31 layers run on CUDA0"]),
    (replace(GOOD, devices=product(error=0.03)), State.WRONG, "numbers",
     ["CUDA0", "q4_0", "3.0%", "driver", "--gpu-layers 0"]),
    (replace(GOOD, devices=product(error=float("inf"))), State.WRONG, "numbers", ["more than its own size"]),
    (replace(GOOD, devices=product(error=0.022)), State.OK, "", []),
    (replace(GOOD, devices=product(is_supported=False, gflops=0.0, error=0.0)), State.OK, "", []),
    (replace(GOOD, devices=(GPU_PROOF, replace(CPU_PROOF, products=(ProductProof("f32", True, 1.0, 2.0),)))),
     State.WRONG, "numbers", ["CPU (AMD Ryzen)", "coblyn build --force"]),
    (replace(GOOD, comparison=replace(SAME, divergence=3.0, same=2)), State.WRONG, "numbers",
     ["CUDA0 computes a wrong text", "3 nats", "2 of 24"]),
    (replace(GOOD, comparison=replace(SAME, divergence=float("nan"))), State.WRONG, "numbers", ["not a number"]),
    (replace(GOOD, generation=GenerationProof(ON_GPU, 30.0, 5.0, (1, 2))), State.SLOW, "speed",
     ["CUDA0 is slower than the CPU", "0.60", "0.62", "--gpu-layers 0"]),
    # Faster in one of the two is a gain.
    (replace(GOOD, generation=GenerationProof(ON_GPU, 500.0, 5.0, (1, 2))), State.OK, "", []),
    (replace(GOOD, generation=GenerationProof(ON_GPU, 30.0, 5.0, (1, 2)), reference=None, comparison=None),
     State.OK, "", []),
    (replace(GOOD, generation=replace(GOOD.generation, placement=replace(IDLE, gpu_layers=0))),  # type: ignore[type-var]
     State.NOT_USED, "settings", ["gpu_layers is 0"]),
    (NO_GENERATION, State.OK, "", ["A model would run on CUDA0"]),
    (failure("generation on CUDA0", "The process was ended by signal 6.", "ggml-cuda.cu:90: CUDA error",
             is_crash=True),
     State.CRASHED, "crash", ["generation on CUDA0", "signal 6", "--gpu-layers 0"]),
    # A wrong product says more than what came of it.
    (replace(failure("loading x.gguf", "bad"), devices=product(error=0.5)), State.WRONG, "numbers", ["50.0%"]),
    (failure("loading x.gguf", "x.gguf cannot be loaded: unable to allocate CUDA0 buffer."),
     State.NOT_USED, "memory", ["does not fit", "16.0 GiB", "8.0 GiB", "--gpu-layers 12"]),
    (failure("loading x.gguf", "no.", "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory"),
     State.NOT_USED, "memory", ["CUDA0"]),
    (replace(failure("loading x.gguf", "out of memory"), num_layers=0), State.NOT_USED, "memory",
     ["A smaller --gpu-layers"]),
    (failure("loading x.gguf", "x.gguf is damaged."), State.FAILED, "model", ["x.gguf is damaged"]),
    (failure("opening the engine", "libllama.so is not there."), State.FAILED, "engine", ["coblyn build --force"]),
]  # fmt: skip


@pytest.mark.parametrize(("measured", "state", "cause", "words"), MEASURED)
def test_measured(measured: Measured, state: State, cause: str, words: list[str]) -> None:
    proof = Proof(measured, ON_CUDA)
    verdict = proof.verdict
    assert (verdict.state, verdict.cause) == (state, cause)
    said = f"{verdict.text} {verdict.reason} {verdict.fix}"
    assert not [each for each in words if each not in said], said
    if verdict.is_fault:
        assert verdict.reason
        assert verdict.fix
    json.dumps(proof.to_json(), allow_nan=False)


def test_out_of_main_memory_is_not_the_devices() -> None:
    measured = failure("loading x.gguf", "unable to allocate CPU buffer")
    verdict = judge(replace(measured, devices=(CPU_PROOF,)), PLAIN)
    assert (verdict.state, verdict.cause) == (State.FAILED, "model")


@pytest.mark.parametrize(
    ("compiled", "flags", "missing"),
    [
        (FEATURES, FLAGS, ()),
        (FEATURES, ("avx", "avx2"), ()),
        (("SSE3",), FLAGS, ("AVX", "F16C", "FMA", "AVX2")),
        (("NEON",), ("asimd", "asimddp", "i8mm"), ("DOTPROD", "MATMUL_INT8")),
        (FEATURES, (), ()),
        # A system may forbid AMX, so that nobody is blamed for not using it.
        (FEATURES, (*FLAGS, "amx_int8"), ()),
    ],
)
def test_missing_instructions(
    compiled: tuple[str, ...], flags: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert missing_instructions(compiled, flags) == missing


class TestADeath:
    """A driver is named only where one was at work."""

    ALONE = replace(NO_GENERATION, devices=(CPU_PROOF,), backends=("CPU",))
    LINE = "coblyn-crash signal=SIGILL address=0x7f0 offset=0x10 code=c4e27b49c0 library=/x/lib/{}"

    @pytest.mark.parametrize(
        "signal", ["signal 4", "SIGILL", "SIGSEGV", "SIGABRT", "code 3221225501"]
    )
    def test_no_driver_where_there_is_only_a_cpu(self, signal: str) -> None:
        dead = Failure("loading x.gguf", True, f"The process was ended by {signal}.")
        verdict = Proof(replace(self.ALONE, failure=dead), PLAIN).verdict
        assert (verdict.state, verdict.fix) == (State.CRASHED, "coblyn build --force")
        assert "driver" not in verdict.reason

    def test_memory(self) -> None:
        dead = Failure("loading x.gguf", True, "The process was ended by signal 9.")
        verdict = Proof(replace(self.ALONE, failure=dead), PLAIN).verdict
        assert "memory" in verdict.reason
        assert "smaller model" in verdict.fix

    @pytest.mark.parametrize(
        ("library", "words"),
        [("libggml-cpu.so", "coblyn build --force"), ("libcuda.so.1", "driver")],
    )
    def test_the_library_tells_beside_a_device(self, library: str, words: str) -> None:
        log = (self.LINE.format(library),)
        dead = Failure("generation on CUDA0", True, "The process was ended by SIGILL.", log)
        verdict = Proof(replace(NO_GENERATION, failure=dead), ON_CUDA).verdict
        assert words in verdict.fix
        assert library in verdict.reason
