"""Models on Hugging Face's hub: ``hf:OWNER/REPO[:QUANTIZATION|FILE]``, gated ones with the user's token."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coblyn.errors import FetchError, ModelNotFound
from coblyn.fetch.offline import require_network
from coblyn.models.sources.offer import Variant, choose, variants_of
from coblyn.models.sources.take import RemoteFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Repository", "find_variant", "list_files", "list_variants", "repository_of"]

_REFERENCE = re.compile(
    r"(?:hf:(?://)?|(?:https?://)?(?:hf\.co|huggingface\.co)/)"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?(?::(?P<wanted>[^:]+))?/?",
    re.ASCII,
)


_HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Repository:
    """What a reference names.

    Attributes:
        name: ``OWNER/REPO``.
        revision: Branch, tag or commit; empty for the main branch.
        wanted: Quantization or file; empty if none is named.
    """

    name: str
    revision: str = ""
    wanted: str = ""

    def __str__(self) -> str:
        return f"hf:{self.name}" + (f"@{self.revision}" if self.revision else "")


def repository_of(reference: str) -> Repository | None:
    """The repository that a reference names, or None if it names none.

    ``hf:OWNER/REPO``, ``hf.co/OWNER/REPO`` and the address of its page, each with ``@REVISION`` and
    ``:QUANTIZATION`` or ``:FILE`` if wished.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    return Repository(match["name"], match["revision"] or "", match["wanted"] or "")


def find_variant(repository: Repository) -> Variant:
    """The variant that a reference means.

    Raises:
        ManyVariants: It names none, and there are several.
        ModelNotFound: There is no such repository, or not this variant of it.
        FetchError: The hub cannot be asked, or wants a token.
    """
    return choose(str(repository), list_variants(repository), repository.wanted)


def list_variants(repository: Repository) -> tuple[Variant, ...]:
    """All variants of a repository, the smallest first.

    Raises:
        ModelNotFound, FetchError: As ``find_variant`` says.
    """
    return variants_of(list_files(repository))


def list_files(repository: Repository) -> tuple[RemoteFile, ...]:
    """All files of a repository, named by their paths in it.

    Raises:
        ModelNotFound, FetchError: As ``find_variant`` says.
    """
    require_network(str(repository))
    # The hub's client takes a quarter of a second to import.
    from huggingface_hub import HfApi, get_token, hf_hub_url

    token = get_token()
    endpoint = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    api = HfApi(endpoint, library_name="coblyn")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return tuple(
        RemoteFile(
            hf_hub_url(
                repository.name,
                each.rfilename,
                revision=repository.revision or None,
                endpoint=endpoint,
            ),
            each.rfilename,
            size=each.size,
            sha256=each.lfs.sha256 if each.lfs else "",
            headers=headers,
        )
        for each in _files(api, repository)
    )


def _files(api: HfApi, repository: Repository) -> list[Any]:
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = repository.name
    try:
        info = api.model_info(name, revision=repository.revision or None, files_metadata=True)
    except GatedRepoError as error:
        raise FetchError(
            f"{name} is gated: its makers want you to agree to their terms first.",
            hint=f"Agree at {api.endpoint}/{name}, then set HF_TOKEN or run `hf auth login`.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelNotFound(f"{name} has no revision {repository.revision!r}.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(
            f"There is no repository {name} on Hugging Face, or it is private.",
            hint="Check its name; for a private one set HF_TOKEN.",
        ) from error
    except Exception as error:  # the border of a library, which raises what its transports raise
        raise FetchError(
            f"Hugging Face cannot be asked about {name}: {error}.",
            hint="Check the network; HF_ENDPOINT names another address of the hub.",
        ) from error
    return list(info.siblings or ())
