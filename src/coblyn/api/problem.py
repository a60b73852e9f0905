"""An error before it gets the shape of a dialect."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coblyn.errors import BadRequest, Busy, CoblynError, FileRefused, LimitReached, PromptTooLong
from coblyn.story.phrases import Phrase

__all__ = ["Problem"]

SECONDS_UNTIL_RETRY = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """An error to send.

    Attributes:
        status: HTTP status.
        code: Short name for programs.
        message: Sentences for users: what is wrong and what to do.
        field: The invalid part of the request, or empty.
        headers: Additional headers of the answer.
        details: Numbers for programs, by llama-server's names.
        said: The message for clients that have words of their own.
    """

    status: int
    code: str
    message: str
    field: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    details: tuple[tuple[str, int], ...] = ()
    said: Phrase | None = None

    @classmethod
    def of(cls, error: CoblynError) -> Problem:
        """Convert an exception to a problem."""
        message = f"{error.message} {error.hint}" if error.hint else error.message
        field = error.field if isinstance(error, BadRequest) else ""
        headers: tuple[tuple[str, str], ...] = ()
        if isinstance(error, Busy):
            headers = (("retry-after", str(SECONDS_UNTIL_RETRY)),)
        if isinstance(error, LimitReached):
            headers = (("retry-after", str(max(1, math.ceil(error.retry_after)))),)
        if error.status in (408, 413):
            headers = (("connection", "close"),)
        said = error.said if isinstance(error, FileRefused) else None
        return cls(
            error.status,
            error.code,
            message,
            field,
            headers,
            _details(error),
            said if isinstance(said, Phrase) else None,
        )


def _details(error: CoblynError) -> tuple[tuple[str, int], ...]:
    if not isinstance(error, PromptTooLong):
        return ()
    numbers = (("n_prompt_tokens", error.num_prompt), ("n_ctx", error.context))
    return tuple((name, number) for name, number in numbers if number)
