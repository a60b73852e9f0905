"""A program that calls ggml or llama.cpp but is not linked with the library that defines what it calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._stale import OPTIONAL, OTHER_FLAGS
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.finding import Confidence, Finding, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4
_OF = {"ggml": "libggml (libggml-base, libggml-cpu)", "gguf": "libggml-base", "llama": "libllama",
       "whisper": "libwhisper", "mtmd": "libmtmd", "common": "libcommon"}  # fmt: skip
_PUBLIC = re.compile(r"(?:__imp_)?(ggml|gguf|llama|whisper|mtmd|common)_[a-z]\w+(?:\(|$)")


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    own = [(each, match[1]) for each in found if (match := _PUBLIC.match(each.symbol))]
    if not case.log or not own or len(own) < 0.8 * len(found):
        return None
    # Objects of ggml itself that lack parts of ggml have another cause.
    inside = re.search(
        r"(?:^|[/\\])(?:lib)?(?:ggml|llama|quantize)[\w-]*\.(?:o|obj|so|c\.o|cpp\.o)\b",
        own[0][0].by,
    )
    names = ", ".join(each.symbol for each, _ in own[:3])
    evidence = [each.hit.evidence(case.log.name) for each, _ in own[:_EVIDENCE]]
    if all(OPTIONAL.match(each.symbol) for each, _ in own):
        return CAUSE.finding(
            *evidence,
            story=(f"{own[0][0].by or 'An object'} asks for {names}.", OTHER_FLAGS),
            fix=_SAME_FLAGS,
            confidence=Confidence.MEDIUM,
        )
    return CAUSE.finding(
        *evidence,
        story=(
            f"{own[0][0].by or 'An object'} calls {names}, and the link has no {_OF[own[0][1]]} that gives them.",
            CAUSE.explanation,
        ),
        confidence=Confidence.LOW if inside else Confidence.MEDIUM,
    )


_SAME_FLAGS = Fix(
    command="make clean",
    text="Clear what was built (make clean, or a fresh build directory) and build every target with the same options, "
    "such as WHISPER_COREML=1; in a project of your own, add the sources of that part, or do not define its option "
    "(WHISPER_USE_COREML, WHISPER_USE_OPENVINO).",
)
CAUSE: Cause = described(__name__, _diagnose)
