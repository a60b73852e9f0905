"""Models in Ollama's registry: ``ollama:NAME[:TAG]``.

The registry speaks the protocol of container images (OCI Distribution Specification 1.1, "Pulling manifests"): a
manifest names layers by their digests; the layer of type ``application/vnd.ollama.image.model`` is a GGUF file.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coblyn.errors import FetchError, ModelNotFound, ModelUnsupported
from coblyn.fetch.download import fetch
from coblyn.fetch.network import Network, explain, open_client
from coblyn.fetch.offline import require_network
from coblyn.models.sources.take import RemoteFile
from coblyn.progress import Report

__all__ = ["Image", "Manifest", "image_of", "read_manifest", "read_texts"]

_REGISTRY = "https://registry.ollama.ai"
_MODEL = "application/vnd.ollama.image.model"
_PROJECTOR = "application/vnd.ollama.image.projector"
_ADAPTER = "application/vnd.ollama.image.adapter"
_TEXTS = {
    "application/vnd.ollama.image.template": "template",
    "application/vnd.ollama.image.system": "system",
    "application/vnd.ollama.image.params": "parameters",
    "application/vnd.ollama.image.license": "license",
}
_ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"
_REFERENCE = re.compile(
    r"ollama:(?://)?(?P<name>(?:[\w.-]+/)?[\w.-]+)(?::(?P<tag>[\w.-]+))?", re.ASCII
)
_MAX_MANIFEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Image:
    """A parsed reference.

    Attributes:
        name: ``NAMESPACE/NAME``; Ollama's models are in ``library``.
        tag: Such as ``8b-q4_K_M``.
    """

    name: str
    tag: str

    def __str__(self) -> str:
        return f"ollama:{self.name.removeprefix('library/')}:{self.tag}"

    @property
    def stem(self) -> str:
        """Its name in the local store."""
        return f"{self.name.removeprefix('library/').replace('/', '-')}-{self.tag}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of an image in the registry.

    Attributes:
        model: The GGUF file.
        texts: Address of each accompanying text, by kind: template, system, parameters, license.
        projector: Its projector, if there is one.
    """

    model: RemoteFile
    texts: dict[str, RemoteFile]
    projector: RemoteFile | None = None


def image_of(reference: str) -> Image | None:
    """The image that a reference names, or None if it names none."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    name = match["name"] if "/" in match["name"] else f"library/{match['name']}"
    return Image(name, match["tag"] or "latest")


def read_manifest(image: Image, network: Network | None = None) -> Manifest:
    """Read an image's manifest from the registry.

    Raises:
        ModelNotFound: There is no such image.
        ModelUnsupported: It contains no GGUF model.
        FetchError: The registry cannot be reached, or its answer is malformed.
    """
    registry = os.environ.get("COBLYN_OLLAMA_REGISTRY", _REGISTRY).rstrip("/")
    document = _fetch_manifest(image, f"{registry}/v2/{image.name}/manifests/{image.tag}", network)
    layers = document.get("layers")
    if not isinstance(layers, list):
        raise FetchError(f"Ollama's registry does not answer as it should about {image}.")
    found = {str(layer.get("mediaType")): layer for layer in layers if isinstance(layer, dict)}
    if _MODEL not in found:
        kinds = ", ".join(sorted(kind.rpartition(".")[2] for kind in found)) or "nothing"
        raise ModelUnsupported(
            f"{image} holds no GGUF model, but {kinds}.",
            hint="Models of Ollama's own engine in other formats cannot be used.",
        )
    if _ADAPTER in found:
        raise ModelUnsupported(
            f"{image} is an adapter over another model, which is not supported yet."
        )

    def file(kind: str, name: str) -> RemoteFile:
        digest = str(found[kind].get("digest", ""))
        size = found[kind].get("size")
        return RemoteFile(
            f"{registry}/v2/{image.name}/blobs/{digest}",
            name,
            size=size if isinstance(size, int) else None,
            sha256=digest.removeprefix("sha256:"),
        )

    return Manifest(
        model=file(_MODEL, f"{image.stem}.gguf"),
        texts={what: file(kind, what) for kind, what in _TEXTS.items() if kind in found},
        projector=file(_PROJECTOR, f"mmproj-{image.stem}.gguf") if _PROJECTOR in found else None,
    )


def read_texts(manifest: Manifest, folder: Path, report: Report) -> dict[str, Any]:
    """Download a model's accompanying texts: template, system prompt, license; parameters as an object.

    Args:
        manifest: The model's manifest.
        folder: Folder for temporary files.
        report: Called with the progress in bytes.

    Raises:
        DiskFull, FetchError: One of them cannot be downloaded.
    """
    texts: dict[str, Any] = {}
    for what, file in manifest.texts.items():
        path = folder / f"{manifest.model.name}.{what}"
        fetch(file.url, path, sha256=file.sha256, size=file.size, report=report, what=what)
        try:
            text = path.read_text("utf-8", "replace")
        finally:
            path.unlink()
        texts[what] = _parameters(text) if what == "parameters" else text
    return texts


def _parameters(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _fetch_manifest(image: Image, url: str, network: Network | None) -> dict[str, Any]:
    import httpx

    require_network(url)
    try:
        with open_client(network or Network(), url) as client:
            response = client.get(url, headers={"Accept": _ACCEPT})
    except httpx.HTTPError as problem:
        raise explain(problem, url) from problem
    if response.status_code == 404:
        raise ModelNotFound(
            f"{image} is not in Ollama's registry.",
            hint="Its names and tags are at https://ollama.com/search",
        )
    if response.status_code != 200:
        raise FetchError(f"Ollama's registry answers {response.status_code} about {image}.")
    try:
        document = json.loads(response.content[:_MAX_MANIFEST])
    except ValueError as error:
        raise FetchError(
            f"Ollama's registry does not answer as it should about {image}."
        ) from error
    return document if isinstance(document, dict) else {}
