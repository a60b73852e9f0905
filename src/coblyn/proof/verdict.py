"""Judges whether a model runs on the hardware it should, from its placement and the machine's facts. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from coblyn.llama.placement import Device, Placement
from coblyn.proof.machine import Accelerator, Machine, missing_instructions

__all__ = ["State", "Verdict", "judge_load"]


class State(StrEnum):
    """The verdict."""

    OK = "ok"
    """An accelerator does the work."""
    NONE = "none"
    """The CPU does the work, as it should: there is no accelerator."""
    PARTLY = "partly"
    """An accelerator does part of the work."""
    NOT_USED = "not used"
    """There is an accelerator, but the CPU does the work."""
    SLOW = "slow"
    """It works, but is slower than necessary."""
    WRONG = "wrong"
    """A device computes wrong numbers."""
    CRASHED = "crashed"
    """A device or its driver crashed the process, or hung."""
    FAILED = "failed"
    """The verdict could not be determined: the engine or the model cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What does the work, and whether that is as it should be.

    Attributes:
        state: The verdict in a word.
        text: What does the work, as a sentence.
        cause: Why it is not as it should be, in one word: "settings", "bundle", "driver", "environment", "memory",
            "instructions", "operations", "numbers", "speed", "crash", "model" or "engine"; empty if all is well.
        reason: Why, as a sentence.
        fix: The one command or step that fixes it.
    """

    state: State
    text: str
    cause: str = ""
    reason: str = ""
    fix: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong, which is always shown as an error. A split requested by the user is no fault."""
        is_wanted = self.state is State.PARTLY and self.cause == "settings"
        return self.state not in (State.OK, State.NONE) and not is_wanted

    def to_json(self) -> dict[str, Any]:
        """As JSON, with ``is_fault``."""
        return asdict(self) | {"state": self.state.value, "is_fault": self.is_fault}


def judge_load(placement: Placement, machine: Machine) -> Verdict:
    """The verdict without measurements: llama.cpp's report on a loaded model, compared with the machine's hardware.

    Args:
        placement: Where the model is; with no layers, the devices that a model would use.
        machine: The machine; if it was not examined, only what the library itself sees counts.
    """
    if not placement.devices:
        return Verdict(State.NONE, "No model is loaded.")
    if placement.on_devices:
        return _on_devices(placement)
    if placement.accelerators:
        return _left_idle(placement) if placement.num_layers else _would_run(placement)
    if machine.bundle not in ("", "cpu"):
        return _unseen(placement, machine)
    if machine.accelerators:
        return _not_built(placement, machine)
    return _on_cpu(placement, machine)


def _on_devices(placement: Placement) -> Verdict:
    on, total = placement.on_devices, placement.num_layers
    used = placement.accelerated_by
    names = ", ".join(_title(device) for device in placement.accelerators if device.name in used)
    if on < total:
        return Verdict(
            State.PARTLY,
            f"{on} of {total} layers run on {names}, the others on the CPU.",
            "settings",
            f"gpu_layers is {placement.gpu_layers}.",
            "Set gpu_layers to -1 (--gpu-layers -1), if the memory of the device is large enough.",
        )
    # One part on the CPU (the embeddings) and one on each device are usual. With one or more per layer, the work
    # moves back and forth.
    if placement.graph_splits >= total:
        return Verdict(
            State.PARTLY,
            f"The weights are on {names}, but a part of every layer runs on the CPU.",
            "operations",
            f"A step is cut into {placement.graph_splits} parts, since the device lacks an operation of this model, "
            "or of its settings.",
            "Try --cache-type f16, and --no-flash-attention.",
        )
    return Verdict(State.OK, f"All {total} layers run on {names}.")


def _would_run(placement: Placement) -> Verdict:
    names = ", ".join(map(_title, placement.accelerators))
    return Verdict(State.OK, f"A model would run on {names}.")


def _left_idle(placement: Placement) -> Verdict:
    seen = _title(placement.accelerators[0])
    text = f"The layers run on the CPU, although the engine sees {seen}."
    if placement.gpu_layers == 0:
        fix = "Set gpu_layers to -1 (--gpu-layers -1)."
        return Verdict(State.NOT_USED, text, "settings", "gpu_layers is 0.", fix)
    reason = "llama.cpp put no weights there."
    return Verdict(State.NOT_USED, text, "engine", reason, "coblyn build --force")


def _unseen(placement: Placement, machine: Machine) -> Verdict:
    """The bundle was built for an accelerator that the library does not see."""
    name = _TITLES.get(machine.bundle, machine.bundle)
    text = f"{_cpu_text(placement)} The engine was built for {name}, but sees no device of it."
    if machine.hidden_by:
        variable = machine.hidden_by[0]
        reason = f"The environment variable {variable} hides the devices from the driver."
        return Verdict(State.NOT_USED, text, "environment", reason, f"unset {variable}")
    found = machine.accelerator(machine.bundle)
    if found:
        reason = f"{found.reason} Its driver does not offer it to programs."
        return Verdict(State.NOT_USED, text, "driver", reason, _DRIVERS.get(machine.bundle, ""))
    other = next((each for each in machine.accelerators if each.can_build), None)
    if other:
        return Verdict(State.NOT_USED, text, "bundle", other.reason, _build(other))
    reason = f"This machine has no device that {name} drives."
    return Verdict(State.SLOW, text, "bundle", reason, "coblyn build")


def _not_built(placement: Placement, machine: Machine) -> Verdict:
    """The bundle was built for the CPU, on a machine that has more."""
    found = machine.accelerators[0]
    text = f"{_cpu_text(placement)} The engine in use was built for the CPU."
    # A render node may belong to a display adapter without compute power, so without the build tools it is only a note.
    state = State.NONE if found.backend == "vulkan" and not found.can_build else State.NOT_USED
    return Verdict(state, text, "bundle", found.reason, _build(found))


def _on_cpu(placement: Placement, machine: Machine) -> Verdict:
    text = _cpu_text(placement)
    missing = missing_instructions(placement.cpu_features, machine.cpu_flags)
    if placement.cpu_features and missing:
        names = ", ".join(missing)
        reason = f"The engine was compiled without {names}, which this CPU has."
        if set(machine.built_flags) == set(machine.cpu_flags) and not machine.is_portable:
            # The compiler saw this very CPU: building again changes nothing.
            return Verdict(
                State.NONE, text, "instructions", reason, "A newer compiler may know them."
            )
        return Verdict(State.SLOW, text, "instructions", reason, "coblyn build --force")
    if not machine.is_known:
        return Verdict(State.NONE, text)
    return Verdict(State.NONE, f"{text} That is as it should be: this machine has no accelerator.")


def _cpu_text(placement: Placement) -> str:
    if not placement.num_layers:
        return "A model would run on the CPU."
    return f"All {placement.num_layers} layers run on the CPU."


def _title(device: Device) -> str:
    return f"{device.name} ({device.description})" if device.description else device.name


def _build(accelerator: Accelerator) -> str:
    return "coblyn build" if accelerator.can_build else accelerator.hint


_TITLES = {"metal": "Metal", "cuda": "CUDA", "hip": "ROCm", "vulkan": "Vulkan"}

_DRIVERS = {
    "cuda": "Run nvidia-smi: if it fails, install NVIDIA's driver again and restart the machine.",
    "hip": "Run rocminfo: if it fails, add yourself to the groups render and video, and log in again.",
    "vulkan": "Run vulkaninfo: if it shows no GPU, install its Vulkan driver (on Debian mesa-vulkan-drivers).",
    "metal": "Start Coblyn in a session with a screen, outside a virtual machine.",
}
