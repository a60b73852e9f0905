"""Chooses the model of a verb, named or not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from coblyn.models.catalogue import Entry

__all__ = ["missing_model", "offer", "resolve_model", "said_yes"]

_TRUE = {"1", "true", "yes", "on"}


def resolve_model(reference: str | None, *, yes: bool = False, any_kind: bool = False) -> Path:
    """The validated model file to load.

    Without a reference it is the newest model. A missing model that can be downloaded, and the starter model if
    there is none at all, are offered for download.

    Args:
        reference: A path, a name, an alias, the beginning of a name, or None.
        yes: Whether to download without asking; ``COBLYN_YES=1`` means the same.
        any_kind: Whether embedding models and rerankers are allowed too.

    Raises:
        ModelError: There is no such model, or it cannot be loaded.
        FetchError, DiskFull: It could not be downloaded.
    """
    from coblyn.models.check import check_model, require_writer
    from coblyn.models.names import file_of
    from coblyn.models.overrides import corrected

    entry = missing_model(reference)
    if entry is not None:
        path = offer(entry, yes=yes)
    elif reference is not None:
        path = file_of(reference) or _found_or_pulled(reference, yes=yes)
    else:
        path = _newest()
    header = check_model(path)
    if not any_kind:
        require_writer(corrected(header))
    return header.path


def _newest() -> Path:
    from coblyn.errors import ModelNotFound
    from coblyn.models import store

    path = store.newest()
    if path is None:  # it was removed a moment ago
        raise ModelNotFound("There is no model to work with.", hint="Get one: coblyn pull smollm2")
    return path


def missing_model(reference: str | None) -> Entry | None:
    """The model of the catalogue that `resolve_model` would download for this reference; None if there is none."""
    from coblyn.models import store
    from coblyn.models.catalogue import STARTER, lookup

    if reference is None:
        return None if store.newest() else STARTER
    entry = lookup(reference)
    return entry if entry is not None and not store.path_of(entry.name).is_file() else None


def said_yes(*, yes: bool) -> bool:
    """Whether questions are answered with yes, by flag or by ``COBLYN_YES``."""
    return yes or os.environ.get("COBLYN_YES", "").lower() in _TRUE


def offer(entry: Entry, *, yes: bool = False) -> Path:
    """Download a model of the catalogue, after asking if this is interactive.

    Raises:
        ModelNotFound: The answer was no, or this is not interactive.
    """
    from coblyn.files import human_size

    if entry.notice:
        print(entry.notice, file=sys.stderr)
    size = human_size(entry.download_size)
    return _pulled(entry.alias, entry.name, f" ({size}, {entry.license})", yes=yes)


def _found_or_pulled(reference: str, *, yes: bool) -> Path:
    """The file of a model, downloaded if the reference says where from."""
    from coblyn.models import store

    try:
        return store.find(reference)
    except store.NotPulled:
        return _pulled(reference, reference, "", yes=yes)


def _pulled(reference: str, name: str, facts: str, *, yes: bool) -> Path:
    from coblyn.cli.bar import bar
    from coblyn.errors import ModelNotFound
    from coblyn.models.pull import pull

    command = f"coblyn pull {reference}"
    if not said_yes(yes=yes):
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise ModelNotFound(
                f"The model {reference} is not here yet, and nobody can be asked.",
                hint=f"Get it: {command}\nOr agree beforehand: --yes, or COBLYN_YES=1.",
            )
        if not _ask(name, facts):
            raise ModelNotFound("There is no model to work with.", hint=f"Get one: {command}")
    with bar() as report:
        return pull(reference, report=report).path


def _ask(name: str, facts: str) -> bool:
    question = f"The model {name} is not here yet. Get it{facts}? [Y/n] "
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    return answer != "" and answer.strip().lower() in ("", "y", "yes")
