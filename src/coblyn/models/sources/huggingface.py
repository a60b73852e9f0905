"""Models on Hugging Face's hub: ``hf:OWNER/REPO[:QUANTIZATION|FILE]``, gated ones with the user's token."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coblyn.models.sources.hub import open_hub
from coblyn.models.sources.offer import Variant, choose, variants_of
from coblyn.models.sources.take import RemoteFile

__all__ = ["Repository", "find_variant", "list_files", "list_variants", "repository_of"]

_REFERENCE = re.compile(
    r"(?:hf:(?://)?|(?:https?://)?(?:hf\.co|huggingface\.co)/)"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?(?::(?P<wanted>[^:]+))?/?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A parsed reference.

    Attributes:
        name: ``OWNER/REPO``.
        revision: Branch, tag or commit; empty for the main branch.
        wanted: Quantization or file; empty if none is named.
        place: Prefix of references to this source.
    """

    name: str
    revision: str = ""
    wanted: str = ""
    place: str = "hf"

    def __str__(self) -> str:
        return f"{self.place}:{self.name}" + (f"@{self.revision}" if self.revision else "")


def repository_of(reference: str) -> Repository | None:
    """The repository that a reference names, or None if it names none.

    ``hf:OWNER/REPO``, ``hf.co/OWNER/REPO`` and the address of its page, each optionally with ``@REVISION`` and
    ``:QUANTIZATION`` or ``:FILE``.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    return Repository(match["name"], match["revision"] or "", match["wanted"] or "")


def find_variant(repository: Repository) -> Variant:
    """The variant that a reference means.

    Raises:
        ManyVariants: It names no variant, and there are several.
        ModelNotFound: There is no such repository or variant.
        FetchError: The hub cannot be reached, or requires a token.
    """
    return choose(str(repository), list_variants(repository), repository.wanted)


def list_variants(repository: Repository) -> tuple[Variant, ...]:
    """All variants of a repository, the smallest first.

    Raises:
        ModelNotFound, FetchError: See ``find_variant``.
    """
    return variants_of(list_files(repository))


def list_files(repository: Repository) -> tuple[RemoteFile, ...]:
    """All files of a repository, named by their paths in it.

    Raises:
        ModelNotFound, FetchError: See ``find_variant``.
    """
    hub = open_hub(str(repository))
    from huggingface_hub import hf_hub_url

    name, revision = repository.name, repository.revision
    info = hub.ask(
        name,
        lambda api: api.model_info(name, revision=revision or None, files_metadata=True),
        revision,
    )
    return tuple(
        RemoteFile(
            hf_hub_url(name, each.rfilename, revision=revision or None, endpoint=hub.endpoint),
            each.rfilename,
            size=each.size,
            sha256=each.lfs.sha256 if each.lfs else "",
            headers=hub.headers,
            login_hint=hub.login_hint(name),
        )
        for each in info.siblings or ()
    )
