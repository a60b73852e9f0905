"""A process that was ended by a signal or an exception: at which instruction, and whether this machine supports it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes.run._death import ILLEGAL, Death, death
from coblyn.doctor.finding import Confidence, Fix
from coblyn.native.sets import group_of

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]

_DRIVER = re.compile(r"cuda|nvidia|amdhip|vulkan|radeon|metal|hip|sycl|opencl")
_OURS = "coblyn build --force"


def _diagnose(case: Case) -> Finding | None:
    arch = case.machine["arch"] if case.machine else ""
    found = death(case.log, arch) if case.log else None
    if found is None or case.log is None or found.is_amx:
        return None
    if not (found.is_ours or found.instruction or found.library):
        return None
    story, fix, sure = _illegal(case, found) if found.kind == ILLEGAL else _other(found)
    return CAUSE.finding(
        found.hit.evidence(case.log.name),
        story=(_what(found), *story),
        fix=fix,
        confidence=sure,
    )


def _what(found: Death) -> str:
    who = "The engine" if found.is_ours else "The process"
    at = f" at `{found.instruction}`" if found.instruction else ""
    where = f" in {found.library}" if found.library else ""
    return f"{who} was ended by {found.name}, {found.kind}{where}{at}."


def _illegal(case: Case, found: Death) -> tuple[tuple[str, ...], Fix, Confidence]:
    machine = case.machine
    arch = (machine["arch"] if machine else "") or "x86-64"
    group = next((each for name in found.sets if (each := group_of(arch, name))), None)
    title = group.title if group else ", ".join(found.sets)
    has = machine.words("cpu.features") if machine else ()
    command = _OURS if found.is_ours else ""
    again = (
        "Build it again on this machine" if found.is_ours else "Build it again for this processor"
    )
    if found.sets and has and not set(found.sets) <= set(has):
        return (
            (
                f"That needs {title}, which this processor does not have, or which a virtual machine hides.",
            ),
            Fix(command=command, text=f"{again}: what it cannot run is left out then."),
            Confidence.HIGH,
        )
    if found.sets and has:
        return (
            (
                (
                    f"That belongs to {title}, which this processor has: the compiler translated the code wrongly, or "
                    "the system does not allow the instruction."
                ),
            ),
            Fix(command=command, text=f"{again}, without {title} or with a newer compiler."),
            Confidence.MEDIUM,
        )
    needs = f"That needs {title}. " if title else ""
    return (
        (
            (
                f"{needs}Either this processor does not have the instruction (a virtual machine may hide it; lscpu "
                "shows what there is), or the compiler translated the code wrongly."
            ),
        ),
        Fix(command=command, text=f"{again}; if it was built here already, with a newer compiler."),
        Confidence.MEDIUM,
    )


def _other(found: Death) -> tuple[tuple[str, ...], Fix, Confidence]:
    if found.library and _DRIVER.search(found.library.lower()):
        return (
            ("That is code of a graphics driver, or the part of the program that calls it.",),
            Fix(
                text="Update the driver of the device. Until then run on the CPU (--gpu-layers 0)."
            ),
            Confidence.MEDIUM,
        )
    return (
        (
            (
                "No accelerator is involved, as far as the log shows: the model's file may be damaged or changed while "
                "it was open, memory may be short or faulty, or it is a fault of the program."
            ),
        ),
        Fix(
            command="coblyn doctor" if found.is_ours else "",
            text="Prove the engine on this machine; then check the model's file (coblyn pull fetches and checks it), "
            "and report the fault with the last lines of the log.",
        ),
        Confidence.MEDIUM if found.is_ours else Confidence.LOW,
    )


CAUSE: Cause = described(__name__, _diagnose)
