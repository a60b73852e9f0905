"""Prediction heads (MTP) in a model's file: layers behind the others that guess the token after next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coblyn.files import human_size
from coblyn.models.gguf import GgufHeader, read_header
from coblyn.models.splits import read_headers

__all__ = [
    "EAGLE",
    "MAX_UNKNOWN_TOKENS",
    "FileHeads",
    "find_heads",
    "heads_of",
    "kind_of_other_heads",
]

MAX_UNKNOWN_TOKENS = 128
"""Maximum difference between the sizes of the vocabularies of a model and of what guesses for it; those of one family's
models differ at their ends."""

_KEY = "nextn_predict_layers"

_BEGINNING = 2**16
"""Bytes of a file that are searched: the architecture and its numbers stand before the vocabulary."""

EAGLE = "EAGLE-3"

_OF_OTHERS = {"eagle3": EAGLE, "dflash": "DFlash", "gemma4-assistant": "Gemma 4's assistant"}
"""Architectures of files that are not models of their own: they continue from the states of another model's layers."""

_RUN = frozenset({"cohere2moe", "deepseek2", "glm4moe", "hy_v3", "step35"})
"""Architectures whose heads llama.cpp 0.5.0 runs and tests try: some graphs end the process in cases of their own."""

_UNTRIED = frozenset({"deepseek32", "glm-dsa", "mimo2"})
"""Further ones with a graph for ``LLM_GRAPH_TYPE_DECODER_MTP``."""

_SEVERAL = frozenset({"hy_v3", "step35"})
"""Those that may have several heads; the graphs of the others end the process then."""

_RECURRENT = frozenset(
    {
        "bailingmoe3",
        "deepseek4",
        "glm5-next",
        "nemotron_h_moe",
        "qwen35",
        "qwen35moe",
        "qwen3next",
    }
)
"""Further ones, from whose memory wrong guesses cannot be removed."""


@dataclass(frozen=True, slots=True)
class FileHeads:
    """Prediction heads of a file.

    Attributes:
        count: Their number.
        size: Size of their tensors in bytes; 0 if the file has none of them.
        problem: Why they cannot be used; empty if they can.
    """

    count: int
    size: int
    problem: str = ""

    @property
    def are_usable(self) -> bool:
        """Whether tokens can be guessed with them."""
        return not self.problem

    @property
    def told(self) -> str:
        """Their number and size, and whether they are used."""
        what = f"{self.count} (MTP, {human_size(self.size)})"
        if self.problem:
            return f"{what}, not used: {self.problem}"
        return f"{what}, used to guess tokens ahead where that is faster"


def find_heads(path: Path) -> FileHeads | None:
    """The prediction heads in a model's file; None if it has none. Takes a millisecond for a file that has none.

    Raises:
        ModelError: The file has some, and cannot be read.
    """
    return heads_of(read_headers(path)) if _KEY.encode() in _beginning(path) else None


def kind_of_other_heads(path: Path) -> str:
    """The kind of heads that a file has instead of a model, such as "EAGLE-3"; empty for a model.

    Raises:
        ModelError: The file may be such heads, and cannot be read.
    """
    beginning = _beginning(path)
    if not any(name.encode() in beginning for name in _OF_OTHERS):
        return ""
    return _OF_OTHERS.get(read_header(path).architecture, "")


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_BEGINNING)
    except OSError:
        return b""  # loading it will report the error


def heads_of(headers: Sequence[GgufHeader]) -> FileHeads | None:
    """The prediction heads of a model, from the headers of all its files; None if it has none."""
    first = headers[0]
    count = first.metadata.get(f"{first.architecture}.{_KEY}", 0)
    if not isinstance(count, int) or not 0 < count < first.block_count:
        return None
    blocks = tuple(f"blk.{first.block_count - place}." for place in range(1, count + 1))
    tensors = [t for header in headers for t in header.tensors if t.name.startswith(blocks)]
    is_whole = any(".nextn.eh_proj." in tensor.name for tensor in tensors)
    return FileHeads(
        count,
        sum(tensor.size for tensor in tensors),
        _problem(first.architecture, count, is_whole=is_whole),
    )


def _problem(architecture: str, count: int, *, is_whole: bool) -> str:
    if not is_whole:
        return "the file lacks their weights"
    if architecture in _RECURRENT:
        return "wrong guesses cannot be removed from this model's memory"
    if architecture in _UNTRIED:
        return f"Coblyn has not been tried with those of {architecture}"
    if architecture not in _RUN:
        return f"llama.cpp does not run those of {architecture}"
    if count > 1 and architecture not in _SEVERAL:
        return f"llama.cpp runs only one of {architecture}"
    return ""
