"""Facts about the machine and the bundle in use that decide what a model should run on. Values only.

The engine never inspects the machine: its caller supplies these facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["UNKNOWN", "Accelerator", "Machine", "missing_instructions"]

# Instruction sets that change the speed of inference, as ggml's CPU backend names them
# (ggml_backend_cpu_get_features) and as kernels name the CPU's flag. AMX and SME are left out: a system may
# forbid them, and ggml has its own reasons not to use them.
_FLAGS = {
    "AVX": "avx",
    "F16C": "f16c",
    "FMA": "fma",
    "AVX2": "avx2",
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VNNI": "avx512_vnni",
    "NEON": "asimd",
    "DOTPROD": "asimddp",
    "FP16_VA": "asimdhp",
    "MATMUL_INT8": "i8mm",
}


@dataclass(frozen=True, slots=True)
class Accelerator:
    """An accelerator that was found in the machine.

    Attributes:
        backend: The backend that drives it: "metal", "cuda", "hip" or "vulkan".
        reason: The finding, as a sentence.
        can_build: Whether everything needed to build an engine for it is present.
        hint: What to install or do, if not.
    """

    backend: str
    reason: str
    can_build: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The hardware available to run a model.

    Attributes:
        is_known: Whether the machine was examined.
        bundle: The backend that the bundle in use was built for: "cpu", "metal", "cuda", "hip" or "vulkan".
        is_portable: Whether the bundle was built for any CPU.
        accelerators: The accelerators found, in order of preference.
        cpu_flags: Instruction sets of the CPU, in the kernel's terms; empty if they are not known.
        built_flags: Instruction sets of the CPU that the bundle was built for.
        hidden_by: Environment variables that hide devices from their driver, such as "CUDA_VISIBLE_DEVICES".
    """

    is_known: bool = False
    bundle: str = ""
    is_portable: bool = False
    accelerators: tuple[Accelerator, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    built_flags: tuple[str, ...] = ()
    hidden_by: tuple[str, ...] = ()

    def accelerator(self, backend: str) -> Accelerator | None:
        """The accelerator that a backend drives, or None."""
        return next((each for each in self.accelerators if each.backend == backend), None)


UNKNOWN = Machine()
"""A machine that was not examined."""


def missing_instructions(compiled: Iterable[str], cpu_flags: Iterable[str]) -> tuple[str, ...]:
    """Features that the CPU has but the CPU code was compiled without, oldest first.

    Args:
        compiled: Features of the CPU code, in ggml's terms.
        cpu_flags: Instruction sets of the CPU, in the kernel's terms.
    """
    there, used = set(cpu_flags), set(compiled)
    return tuple(name for name, flag in _FLAGS.items() if flag in there and name not in used)
