"""Text completions: the request's body, its conversion to commands, and the choices of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from coblyn.api.dialect import Dialect
from coblyn.api.ids import TextsOrIds
from coblyn.api.logprobs import Offsets, completion_form
from coblyn.api.openai.echo import Echo
from coblyn.api.openai.wire import Numbers, SamplingInput, max_tokens_of
from coblyn.errors import BadRequest
from coblyn.service.command import (
    AnyPrompt,
    GenerateCommand,
    InfillPrompt,
    TextPrompt,
    TokenPrompt,
)
from coblyn.service.hub import Record

__all__ = ["CompletionInput", "best", "choices"]


class CompletionInput(SamplingInput):
    """Body of ``/v1/completions``."""

    prompt: TextsOrIds = Field(description="A text or a list of token ids, or a list of these.")
    memory: str | None = Field(None, description="Comes before a text and is never cut off.")
    logprobs: int | None = Field(None, description="Number of alternatives per token, 0 to 20.")
    echo: bool | None = None
    suffix: str | None = Field(None, description="The text after the generated text.")
    best_of: int | None = Field(
        None,
        ge=1,
        description="Number of completions to generate, of which the n most likely are returned.",
    )

    @property
    def num_written(self) -> int:
        """Number of completions generated per prompt."""
        return self.best_of or self.num_choices

    @property
    def num_commands(self) -> int:
        """Number of completions of all prompts."""
        return len(self.prompts) * self.num_written

    @property
    def shown_logprobs(self) -> int | None:
        """Number of alternatives per token in the answer; None for no log-probabilities."""
        return self.num_probs if self.logprobs is None else self.logprobs

    @property
    def only_echoes(self) -> bool:
        """Whether only the prompt is echoed and nothing is generated."""
        return bool(self.echo) and self.max_tokens == 0 and self.foreign_length is None

    @property
    def prompts(self) -> list[AnyPrompt]:
        """All prompts.

        Raises:
            BadRequest: There is none.
        """
        if isinstance(self.prompt, str):
            return [self._prompt(self.prompt)]
        if not self.prompt:
            raise BadRequest("prompt is an empty list.", field="prompt")
        if isinstance(self.prompt[0], int):
            return [self._prompt(self.prompt)]
        return [self._prompt(prompt) for prompt in self.prompt]

    def to_commands(self, numbers: Numbers, default_max_tokens: int) -> list[GenerateCommand]:
        """One command for each completion of each prompt.

        Args:
            numbers: The sampling parameters of the body that are numbers.
            default_max_tokens: Default maximum number of tokens.

        Raises:
            BadRequest: A value is invalid or not supported.
        """
        self._check()
        wanted = 1 if self.only_echoes else self.max_tokens
        max_tokens = max_tokens_of(self.foreign_length, wanted, self.n_predict, default_max_tokens)
        # The best of several are found by their log-probabilities.
        logprobs = 0 if self._picks and self.shown_logprobs is None else self.shown_logprobs
        return [
            command
            for prompt in self.prompts
            for command in self.commands(
                prompt, numbers, max_tokens=max_tokens, logprobs=logprobs, count=self.num_written
            )
        ]

    @property
    def _picks(self) -> bool:
        return self.num_written > self.num_choices

    def _check(self) -> None:
        if self.echo and self.suffix and self.shown_logprobs is not None:
            message = "echo together with logprobs is not supported with a suffix."
            raise BadRequest(message, field="echo")
        if self.num_written < self.num_choices:
            raise BadRequest("best_of must be at least n.", field="best_of")
        if self._picks and self.stream:
            raise BadRequest(
                "best_of cannot be streamed: the best is known only at the end.", field="best_of"
            )

    def _prompt(self, prompt: Any) -> AnyPrompt:
        if self.suffix:
            return self._gap(prompt, self.suffix)
        if isinstance(prompt, str):
            return TextPrompt(prompt, self.memory or "")
        if self.memory:
            raise BadRequest("memory works with texts only, not with token ids.", field="memory")
        return TokenPrompt(tuple(prompt))

    def _gap(self, prompt: Any, suffix: str) -> AnyPrompt:
        if not isinstance(prompt, str):
            raise BadRequest("suffix works with texts only, not with token ids.", field="suffix")
        return InfillPrompt((self.memory or "") + prompt, suffix)


def best(records: Sequence[Record], num_written: int, num_choices: int) -> list[Record]:
    """The most likely completions of each prompt, best first, by the mean log-probability of their tokens.

    Args:
        records: ``num_written`` of each prompt, one prompt after the other.
        num_written: Number of completions per prompt.
        num_choices: Number of completions to keep; if all, in their original order.
    """
    if num_written == num_choices:
        return list(records)
    groups = (records[i : i + num_written] for i in range(0, len(records), num_written))
    return [
        record
        for group in groups
        for record in sorted(group, key=_likelihood, reverse=True)[:num_choices]
    ]


def choices(
    dialect: Dialect, wanted: CompletionInput, records: Sequence[Record], echoes: Sequence[Echo]
) -> list[dict[str, Any]]:
    """The choices of an answer.

    Args:
        dialect: OpenAI's.
        wanted: The request's body.
        records: All completions, prompt by prompt.
        echoes: The echo of each.
    """
    shown = best(records, wanted.num_written, wanted.num_choices)
    of_prompt = echoes[:: wanted.num_written]
    return [
        _choice(dialect, wanted, index, record, of_prompt[index // wanted.num_choices])
        for index, record in enumerate(shown)
    ]


def _choice(
    dialect: Dialect, wanted: CompletionInput, index: int, record: Record, echo: Echo
) -> dict[str, Any]:
    has_logprobs = wanted.shown_logprobs is not None
    text, tokens = ("", []) if wanted.only_echoes else (record.text, record.tokens)
    offsets = Offsets(0 if echo.tokens else len(echo.text))
    all_tokens = [*echo.tokens, *tokens]
    return {
        "text": echo.text + text,
        "index": index,
        "logprobs": completion_form(all_tokens, offsets) if has_logprobs else None,
        "finish_reason": "length" if wanted.only_echoes else dialect.reason(record.finish),
    }


def _likelihood(record: Record) -> float:
    logprobs = [token.logprob or 0.0 for token in record.tokens]
    return sum(logprobs) / len(logprobs) if logprobs else float("-inf")
