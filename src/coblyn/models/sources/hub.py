"""Access to Hugging Face's hub: its client, the user's token, and its errors."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from coblyn.errors import FetchError, ModelNotFound
from coblyn.fetch.offline import require_network

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Hub", "open_hub"]

T = TypeVar("T")

_HUB = "https://huggingface.co"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_TRIES = 3
_PATIENCE = 60.0
"""Maximum seconds to wait when the hub limits the rate of requests."""


class Hub:
    """The hub with the user's access.

    Attributes:
        api: Its client.
        endpoint: Its address.
        headers: Authorization headers for files.
    """

    def __init__(self, api: HfApi, endpoint: str, token: str | None) -> None:
        self.api = api
        self.endpoint = endpoint
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def login_hint(self, name: str) -> str:
        """What to do if access to a repository's file, or a query, is refused."""
        if not _REPOSITORY.fullmatch(name):
            return "Set HF_TOKEN, or run `hf auth login`."
        return f"Agree at {self.endpoint}/{name}, then set HF_TOKEN or run `hf auth login`."

    def ask(self, name: str, question: Callable[[HfApi], T], revision: str = "") -> T:
        """Send a query, and repeat it once if the hub asks for a pause of at most a minute.

        Args:
            name: The repository, or the subject of the query.
            question: Sends the query.
            revision: Revision of the repository.

        Raises:
            ModelNotFound: There is no such repository or revision.
            FetchError: The hub cannot be reached, requires a token, or asks for a longer pause.
        """
        for _ in range(_TRIES):
            try:
                return question(self.api)
            except Exception as error:  # the library raises whatever its transports raise
                pause = _pause(error)
                if not 0 < pause <= _PATIENCE:
                    raise self._explained(error, name, revision) from error
                time.sleep(pause)
        raise FetchError(
            f"Hugging Face limits the rate of requests, now for {name}.",
            hint="Try again later; with a token (HF_TOKEN) it allows more.",
        )

    def _explained(self, error: Exception, name: str, revision: str) -> FetchError | ModelNotFound:
        from huggingface_hub.errors import (
            GatedRepoError,
            HFValidationError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        if isinstance(error, GatedRepoError):
            return FetchError(
                f"{name} is gated: its makers want you to agree to their terms first.",
                hint=self.login_hint(name),
            )
        if isinstance(error, RevisionNotFoundError):
            return ModelNotFound(f"{name} has no revision {revision!r}.")
        if isinstance(error, RepositoryNotFoundError | HFValidationError):
            return ModelNotFound(
                f"There is no repository {name} on Hugging Face, or it is private.",
                hint="Check its name; for a private one set HF_TOKEN.",
            )
        status = _status(error)
        if status == 404 and _REPOSITORY.fullmatch(name):
            return ModelNotFound(
                f"{self.endpoint} has nothing about {name}"
                + (f" at the revision {revision!r}." if revision else "."),
                hint="Check its name; if HF_ENDPOINT is set, check that address too.",
            )
        if status == 404:
            return FetchError(
                f"{self.endpoint} does not know the query for {name}.",
                hint="If HF_ENDPOINT is set, check that it is the address of a hub.",
            )
        if status in (401, 403):
            return FetchError(
                f"The hub refuses {name}: it wants another login, or agreement to its terms.",
                hint=self.login_hint(name),
            )
        if pause := _pause(error):
            return FetchError(
                f"Hugging Face wants a pause of {pause:.0f} seconds.",
                hint="Try again then; with a token (HF_TOKEN) it allows more.",
            )
        if status:
            return FetchError(
                f"{self.endpoint} answers the query for {name} with status {status}.",
                hint="Try again later.",
            )
        return FetchError(
            f"Hugging Face cannot be asked about {name}: {_first_line(error)}.",
            hint="Check the network; HF_ENDPOINT names another address of the hub.",
        )


def open_hub(what: str) -> Hub:
    """The hub configured in the user's environment.

    Args:
        what: The subject of the query, for the error when the network must not be used.

    Raises:
        FetchError: The network must not be used.
    """
    require_network(what)
    # Importing the hub's client takes a quarter of a second.
    from huggingface_hub import HfApi, get_token

    endpoint = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    return Hub(HfApi(endpoint, library_name="coblyn"), endpoint, get_token())


def _status(error: Exception) -> int:
    """The status of the answer; 0 if there was none."""
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _first_line(error: Exception) -> str:
    """What went wrong, without the advice to read about the status of an answer."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _pause(error: Exception) -> float:
    """Seconds to wait after a "too many requests" answer; 0 for other answers."""
    response: Any = getattr(error, "response", None)
    if _status(error) != 429:
        return 0.0
    after = response.headers.get("Retry-After", "")
    reset = re.search(r"\bt=(\d+)", response.headers.get("RateLimit", ""))
    seconds = float(after) if after.isdecimal() else float(reset[1]) if reset else 1.0
    return max(seconds, 0.1)
