"""Original models for conversion: safetensors and accompanying files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from coblyn import paths
from coblyn.errors import BadRequest, FetchError
from coblyn.fetch.download import fetch
from coblyn.files import disk_errors, require_space
from coblyn.models.sources.huggingface import Repository, list_files
from coblyn.models.sources.take import RemoteFile
from coblyn.progress import Report

__all__ = ["fetch_original", "needed_files"]

_WANTED = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "*.tiktoken")
"""Files needed for a conversion. Programs (``*.py``) and pickles, which can contain programs, are not downloaded."""


def fetch_original(repository: Repository, report: Report) -> Path:
    """Download the files of a repository needed for a conversion, except those already here.

    Returns:
        The directory, named after the repository.

    Raises:
        BadRequest: It has nothing to convert.
        ModelNotFound, FetchError: See ``list_files``.
        DiskFull, ChecksumMismatch: A file cannot be downloaded.
    """
    files = needed_files(str(repository), list_files(repository))
    owner, _, name = repository.name.partition("/")
    revision = "@" + (repository.revision or "main").replace("/", "-")
    folder = paths.downloads() / "originals" / owner / revision / name
    with disk_errors(folder, what=f"Fetching {repository}", error=FetchError):
        folder.mkdir(parents=True, exist_ok=True)
        missing = sum(file.size or 0 for file in files if not (folder / file.name).is_file())
        require_space(folder, missing, what=f"Fetching {repository}")
    for file in files:
        fetch(
            file.url,
            folder / file.name,
            sha256=file.sha256,
            size=file.size,
            report=report,
            what=file.name,
            headers=file.headers,
        )
    return folder


def needed_files(reference: str, files: Iterable[RemoteFile]) -> Sequence[RemoteFile]:
    """The files needed for a conversion: at the top of the repository, with each tensor once.

    Raises:
        BadRequest: There are no safetensors.
    """
    all_files = list(files)
    names = {file.name for file in all_files}
    wanted = [
        file
        for file in all_files
        if "/" not in file.name and any(fnmatch(file.name, each) for each in _WANTED)
    ]
    # Some makers publish the same weights again in another format.
    if "config.json" in names and any(_is_weights(file.name, "model") for file in wanted):
        wanted = [file for file in wanted if not _is_weights(file.name, "consolidated")]
    if not any(file.name.endswith(".safetensors") for file in wanted):
        has_gguf = any(name.endswith(".gguf") for name in names)
        hint = f"coblyn pull {reference}" if has_gguf else "Only safetensors are converted."
        raise BadRequest(f"{reference} has no safetensors.", field="source", hint=hint)
    return wanted


def _is_weights(name: str, beginning: str) -> bool:
    return name.startswith(beginning) and name.endswith(".safetensors")
