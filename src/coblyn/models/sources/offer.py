"""The variants of a model at a source, and the choice of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.errors import BadRequest, ModelNotFound
from coblyn.files import human_size
from coblyn.models.splits import part_names, plain_name

if TYPE_CHECKING:
    from coblyn.models.sources.take import RemoteFile

__all__ = [
    "ManyVariants",
    "Variant",
    "choose",
    "quantization_of",
    "variants_of",
    "without_quantization",
]

_QUANTIZATION = re.compile(r"(?:IQ|TQ|Q)\d(?:_[A-Z0-9]+)*|BF16|F16|F32|MXFP4|NVFP4", re.IGNORECASE)

_MAX_LISTED = 12

_OF_PROJECTORS = ("F16", "BF16", "Q8_0")
"""Types of projector weights, best first; half precision is as good as single."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of a model.

    Attributes:
        quantization: Such as ``Q4_K_M``; the file's name if it contains none.
        files: Its files in order: several if it is split.
        projector: Its projector for images or sounds, if the source has one.
    """

    quantization: str
    files: tuple[RemoteFile, ...]
    projector: RemoteFile | None = None

    @property
    def size(self) -> int:
        """Total size of its files in bytes; 0 if unknown."""
        return sum(file.size or 0 for file in self.files)


class ManyVariants(BadRequest):
    """A source has several variants, and none was named.

    Attributes:
        variants: The available variants, smallest first.
    """

    code = "many_variants"

    def __init__(self, reference: str, variants: Sequence[Variant]) -> None:
        self.variants = tuple(variants)
        listed = ", ".join(
            f"{each.quantization} ({human_size(each.size)})" for each in self.variants[:_MAX_LISTED]
        )
        more = len(self.variants) - _MAX_LISTED
        super().__init__(
            f"{reference} comes in {len(self.variants)} variants: {listed}"
            + (f" and {more} more." if more > 0 else "."),
            field="reference",
            hint=f"Name one: {reference}:{self.variants[0].quantization}",
        )


def variants_of(files: Iterable[RemoteFile]) -> tuple[Variant, ...]:
    """The variants among a source's GGUF files, smallest first.

    Projectors and importance matrices are not models; incomplete splits are left out.
    """
    listed = list(files)
    by_path = {file.name: file for file in listed if _is_model(file.name)}
    projector = _projector(listed)
    found = []
    for path in by_path:
        folder, _, name = path.rpartition("/")
        parts = [f"{folder}/{part}" if folder else part for part in part_names(name)]
        if path == parts[0] and all(part in by_path for part in parts):
            whole = tuple(by_path[part] for part in parts)
            found.append(Variant(quantization_of(path), whole, projector))
    return tuple(sorted(found, key=lambda variant: (variant.size, variant.quantization)))


def choose(reference: str, variants: Sequence[Variant], wanted: str) -> Variant:
    """Choose a variant by quantization or file name, ignoring case, or the only one.

    Raises:
        ManyVariants: None was named, and there are several.
        ModelNotFound: There is no variant, or not the wanted one.
    """
    if not variants:
        raise ModelNotFound(
            f"{reference} has no GGUF files.",
            hint="Look for a repository whose name ends in GGUF: others hold what has to be converted first.",
        )
    if not wanted:
        if len(variants) > 1:
            raise ManyVariants(reference, variants)
        return variants[0]
    for variant in variants:
        names = {variant.quantization, *(file.name for file in variant.files)}
        if wanted.lower() in {name.lower() for name in names}:
            return variant
    known = ", ".join(variant.quantization for variant in variants)
    raise ModelNotFound(f"{reference} has no {wanted}.", hint=f"It has {known}.")


def without_quantization(name: str) -> str:
    """A name without a quantization at its end: ``Tiny-Q4_K_M`` gives ``Tiny``."""
    found = re.fullmatch(rf"(?P<stem>.+?)[-._](?:{_QUANTIZATION.pattern})", name, re.IGNORECASE)
    return found["stem"] if found else name


def _is_model(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith(".gguf") and not name.startswith("mmproj") and "imatrix" not in name


def _projector(files: Iterable[RemoteFile]) -> RemoteFile | None:
    """The projector among files; of several, preferably one in half precision."""
    found = [file for file in files if file.name.rpartition("/")[2].lower().startswith("mmproj")]
    projectors = [file for file in found if file.name.lower().endswith(".gguf")]

    def rank(file: RemoteFile) -> int:
        kind = quantization_of(file.name)
        return _OF_PROJECTORS.index(kind) if kind in _OF_PROJECTORS else len(_OF_PROJECTORS)

    return min(projectors, key=rank, default=None)


def quantization_of(path: str) -> str:
    """The last quantization in a path (folders may be named after them too), or the file's name."""
    named = _QUANTIZATION.findall(plain_name(path))
    return named[-1].upper() if named else plain_name(path.rpartition("/")[2])
