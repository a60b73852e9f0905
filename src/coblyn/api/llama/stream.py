"""Chunks of llama-server's streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from coblyn.api.dialect import Dialect
from coblyn.api.llama.shape import final, picked, probabilities
from coblyn.api.llama.wire import GenerationInput
from coblyn.api.stream import Chunks, compact
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.engine.interface import ModelInfo
from coblyn.service.command import GenerateCommand
from coblyn.service.hub import Record

__all__ = ["Asked", "LlamaChunks"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The request.

    Attributes:
        wanted: Its body.
        commands: One command per completion.
        prompts: The prompt's text for each.
        info: The model.
    """

    wanted: GenerationInput
    commands: Sequence[GenerateCommand]
    prompts: Sequence[str]
    info: ModelInfo

    def end(self, index: int, record: Record, finish: Finish) -> dict[str, Any]:
        """The final fields of a completion, without its text."""
        command, prompt = self.commands[index], self.prompts[index]
        if self.wanted.only_reads:  # the engine generates at least one token, which is not shown
            finish = msgspec.structs.replace(finish, stats=replace(finish.stats, num_generated=0))
        return final(index, record, finish, command, self.info, prompt)

    def whole(self, index: int, record: Record) -> dict[str, Any]:
        """A completion as a complete answer."""
        assert record.finish is not None, "it has ended"
        tokens = [token.token for token in record.tokens] if self.wanted.return_tokens else []
        is_hidden = self.wanted.only_reads
        answer = {
            "content": "" if is_hidden else record.text,
            "tokens": [] if is_hidden else tokens,
            **self.end(index, record, record.finish),
        }
        if self.wanted.num_probs and not is_hidden:
            answer["completion_probabilities"] = probabilities(
                record.tokens, after=self.commands[index].sampling.logprobs_after
            )
        return picked(answer, self.wanted.response_fields)


class LlamaChunks(Chunks):
    """Chunks of text; the last chunk of a completion has its statistics.

    Args:
        dialect: llama-server's.
        asked: The request.
    """

    def __init__(self, dialect: Dialect, asked: Asked) -> None:
        super().__init__(dialect)
        self._asked = asked

    def progress(self, prefill: Prefill) -> bytes:
        """Progress of the prompt, if requested; otherwise a comment."""
        if not prefill.cached < prefill.processed < prefill.total:
            return b""
        if not self._asked.wanted.return_progress:
            return self.framing.comment(b"prefill %d/%d" % (prefill.processed, prefill.total))
        progress = {
            "total": prefill.total,
            "cache": prefill.cached,
            "processed": prefill.processed,
        }
        return self._chunk(0, "", [], {"prompt_progress": progress})

    def text(self, index: int, delta: Delta) -> bytes:
        """New text and its tokens."""
        if self._asked.wanted.only_reads or not (delta.text or delta.tokens):
            return b""
        more: dict[str, Any] = {}
        if self._asked.wanted.num_probs:
            more["completion_probabilities"] = probabilities(
                delta.tokens, after=self._asked.commands[index].sampling.logprobs_after
            )
        return self._chunk(index, delta.text, [token.token for token in delta.tokens], more)

    def end(self, index: int, finish: Finish, record: Record) -> bytes:
        """The statistics, without text."""
        answer = {"content": "", "tokens": [], **self._asked.end(index, record, finish)}
        return self.framing.frame(compact(picked(answer, self._asked.wanted.response_fields)))

    def _chunk(self, index: int, text: str, tokens: list[int], more: dict[str, Any]) -> bytes:
        chunk = {"index": index, "content": text, "tokens": tokens, "stop": False, **more}
        return self.framing.frame(compact(chunk))
