"""Models on ModelScope, for users without access to Hugging Face: ``modelscope:OWNER/REPO[:QUANTIZATION|FILE]``."""

from __future__ import annotations

import json
import os
import re
from typing import Any
from urllib.parse import quote

from coblyn.errors import FetchError, ModelNotFound
from coblyn.fetch.network import Network, explain, open_client
from coblyn.fetch.offline import require_network
from coblyn.models.sources.huggingface import Repository
from coblyn.models.sources.offer import Variant, choose, variants_of
from coblyn.models.sources.take import RemoteFile

__all__ = ["find_variant", "repository_of"]

_SITE = "https://modelscope.cn"
_MAIN = "master"
_MAX_ANSWER = 1 << 24
_REFERENCE = re.compile(
    r"(?:modelscope:(?://)?|(?:https?://)?(?:www\.)?modelscope\.cn/models/)"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?(?::(?P<wanted>[^:]+))?/?",
    re.ASCII,
)


def repository_of(reference: str) -> Repository | None:
    """The repository that a reference names, or None if it names none: ``modelscope:OWNER/REPO`` or its page."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    return Repository(
        match["name"], match["revision"] or "", match["wanted"] or "", place="modelscope"
    )


def find_variant(repository: Repository, network: Network | None = None) -> Variant:
    """The variant that a reference means.

    Raises:
        ManyVariants: It names no variant, and there are several.
        ModelNotFound: There is no such repository or variant.
        FetchError: The site cannot be reached, or its answer is malformed.
    """
    files = _files(repository, network or Network())
    return choose(str(repository), variants_of(files), repository.wanted)


def _files(repository: Repository, network: Network) -> list[RemoteFile]:
    site = os.environ.get("MODELSCOPE_DOMAIN", _SITE).rstrip("/")
    site = site if "://" in site else f"https://{site}"
    revision = repository.revision or _MAIN
    url = (
        f"{site}/api/v1/models/{repository.name}/repo/files"
        f"?Revision={quote(revision, safe='')}&Recursive=true"
    )
    listed = _ask(repository, url, network)
    return [
        RemoteFile(
            f"{site}/models/{repository.name}/resolve/{quote(revision, safe='')}/{quote(each['Path'])}",
            each["Path"],
            size=each["Size"] if isinstance(each.get("Size"), int) else None,
            sha256=str(each.get("Sha256") or ""),
            login_hint="Private and gated models of ModelScope are not supported.",
        )
        for each in listed
        if isinstance(each, dict)
        and each.get("Type") != "tree"
        and isinstance(each.get("Path"), str)
    ]


def _ask(repository: Repository, url: str, network: Network) -> list[Any]:
    import httpx

    require_network(str(repository))
    try:
        with open_client(network, url) as client:
            response = client.get(url)
    except httpx.HTTPError as problem:
        raise explain(problem, url) from problem
    if response.status_code == 404:
        raise ModelNotFound(f"There is no {repository} on ModelScope, or it is private.")
    if response.status_code != 200:
        raise FetchError(f"ModelScope answers {response.status_code} about {repository}.")
    try:
        files = json.loads(response.content[:_MAX_ANSWER])["Data"]["Files"]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError(f"ModelScope does not answer as it should about {repository}.") from error
    return files if isinstance(files, list) else []
