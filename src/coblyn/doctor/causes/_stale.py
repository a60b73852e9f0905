"""Signs in a log that objects of two versions of a project are linked together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.finding import Confidence, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Cause
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.log.log import Log

__all__ = ["OPTIONAL", "OTHER_FLAGS", "stale_by_log"]

_EVIDENCE = 4
# Symbol prefixes of ggml and its users; symbols move between their files with every release.
_OWN = re.compile(
    r"_?(?:ggml|gguf|llama|whisper|clip|llava|mtmd|gpttype|sd)_\w+|(?:de)?quantize_\w+|iqk?_\w+|iq\d\w+|kvalues_\w+"
)
_MAKE = re.compile(r"(?m)^[ \t]*\S*make(?:\[\d+\])?: \*\*\* \[(?:Makefile:\d+: )?[\w.-]+\]")
_CMAKE = re.compile(r"CMakeFiles/|ninja: ")


# Parts that are linked only if an option enables them.
OPTIONAL = re.compile(r"_?(?:whisper_(?:coreml|openvino)|ggml_metal|ggml_backend_metal)_\w+")
OTHER_FLAGS = (
    "That is an optional part of the project. The object was compiled with the option that asks for it switched on, "
    "in an earlier build or through other flags, and this link was made without it."
)
_EARLIER = (
    "Most often that object was compiled from an earlier version of the sources: the makefile does not know which "
    "headers it depends on, so that a pull leaves it as it is."
)


def stale_by_log(cause: Cause, log: Log) -> Finding | None:
    """Objects of ggml that lack functions of ggml, in a build by a plain makefile.

    Such makefiles do not track headers, and most of these threads end with `make clean`. An object that is
    missing from the makefile's list looks the same.
    """
    found = undefined(log)
    own = [each for each in found if _OWN.match(each.symbol)]
    if (
        not own
        or len(own) < 0.8 * len(found)
        or _CMAKE.search(log.text)
        or not _MAKE.search(log.text)
    ):
        return None
    names = ", ".join(each.symbol for each in own[:3])
    optional = all(OPTIONAL.match(each.symbol) for each in own)
    return cause.finding(
        *(each.hit.evidence(log.name) for each in own[:_EVIDENCE]),
        story=(
            f"{own[0].by or 'An object'} asks for {names}, which no other object of the project has.",
            OTHER_FLAGS if optional else _EARLIER,
        ),
        fix=Fix(
            command="make clean && make",
            text="Compile everything again: make clean, then make with the same options.",
        ),
        confidence=Confidence.MEDIUM,
    )
