"""Encodes texts to prompts, which are kept and known by ids: each is tokenized once, in the engine's process.

Any thread may call.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast

from coblyn.engine.content import Content
from coblyn.engine.encoded import Encoded, PromptId, Source, Text
from coblyn.engine.interface import Runner, Vocab
from coblyn.engine.media import MediaReader, NoMedia
from coblyn.engine.mosaic import Mosaic
from coblyn.engine.prompt import PLAIN, Namespace, Prompt, pack_ids, unpack_ids
from coblyn.engine.request import Request
from coblyn.engine.trim import trim_below_memory, trim_front
from coblyn.errors import BadRequest, PromptForgotten

__all__ = ["LONG_TEXT", "Encoder"]

LONG_TEXT = 20_000
"""Number of characters above which tokenizing takes more than a few milliseconds."""

MAX_TOKENS_KEPT = 2**22
"""Maximum number of tokens of all kept prompts together; the newest prompt is always kept."""


class Encoder:
    """Makes prompts and keeps the most recent ones.

    Args:
        vocab: The tokenizer.
        bos: Text of the BOS token, or empty.
        namespace: The namespace of all its prompts, without their adapters.
        media: Looks up the images and sounds in them.
        capacity: Maximum number of prompts that are kept.
    """

    def __init__(
        self,
        vocab: Vocab,
        bos: str,
        namespace: Namespace = PLAIN,
        media: MediaReader | None = None,
        *,
        capacity: int = 256,
    ) -> None:
        self._vocab = vocab
        self._bos = bos
        self._namespace = namespace
        self._media = media or NoMedia()
        self._capacity = capacity
        self._kept: OrderedDict[PromptId, Prompt] = OrderedDict()
        self._num_kept = 0
        self._lock = threading.Lock()
        # A random part, so that ids of an earlier process are never mistaken for ids of this one.
        self._name = secrets.token_hex(8)
        self._count = 0
        self._start: list[int] | None = None

    @classmethod
    def of(cls, runner: Runner) -> Self:
        """An encoder for the model of a runner."""
        return cls(runner.vocab, runner.info.bos, runner.namespace, runner.media)

    def encode(self, source: Source) -> Encoded:
        """Make a prompt.

        Raises:
            BadRequest: It is empty, and the model has no BOS token.
            PromptForgotten: An image or a sound in it is no longer kept.
        """
        mosaic = Mosaic()
        cells, num_cut = self._fitted(source, mosaic)
        packed = pack_ids(cell for cell in cells if cell >= 0) if source.wants_ids else None
        if not source.is_prompt:
            return Encoded("", len(cells), num_cut, ids=packed)
        namespace = replace(self._namespace, adapters=source.adapters)
        prompt = Prompt(mosaic.spans(cells), namespace)
        hashes = b"".join(Content.of(prompt).hashes())
        return Encoded(self._keep(prompt), len(cells), num_cut, hashes, packed)

    def find(self, prompt_id: PromptId) -> Prompt:
        """A kept prompt.

        Raises:
            PromptForgotten: It is no longer kept, or was made by another process.
        """
        with self._lock:
            prompt = self._kept.get(prompt_id)
            if prompt is None:
                raise PromptForgotten(
                    "The engine no longer has this prompt.", hint="Send it again."
                )
            self._kept.move_to_end(prompt_id)
            return prompt

    def look_up(self, request: Request[PromptId]) -> Request[Prompt]:
        """A request with its prompts in place of their ids; one that is not guided has no negative prompt.

        Raises:
            PromptForgotten: One is no longer kept, or another process made it.
        """
        away = request.negative if request.sampling.is_guided else None
        prompts = {
            "prompt": self.find(request.prompt),
            "negative": self.find(away) if away else None,
        }
        found: Request[Prompt] = replace(cast("Any", request), **prompts)
        return found

    def _keep(self, prompt: Prompt) -> PromptId:
        with self._lock:
            self._count += 1
            name = f"{self._name}-{self._count}"
            self._kept[name] = prompt
            self._num_kept += prompt.cells
            while len(self._kept) > 1 and self._is_full:
                _, oldest = self._kept.popitem(last=False)
                self._num_kept -= oldest.cells
        return name

    @property
    def _is_full(self) -> bool:
        return len(self._kept) > self._capacity or self._num_kept > MAX_TOKENS_KEPT

    def _fitted(self, source: Source, mosaic: Mosaic) -> tuple[Sequence[int], int]:
        """The cells that fit, and the number of those that do not."""
        texts = self._cells(source.texts, source, mosaic)
        memory = self._cells(source.memory, source, mosaic)
        if source.ids or not source.is_prompt:
            return [*unpack_ids(source.ids), *memory, *texts], 0
        if not (texts or memory):
            return self._bare_start(), 0
        start = self._starts()
        begins = texts[: len(start)] == start
        room = sys.maxsize if source.room is None else source.room
        if not source.memory:
            kept = mosaic.whole(trim_front(texts, start if begins else [], room))
            return kept, len(texts) - len(kept)
        below = texts[len(start) :] if begins else texts
        kept = mosaic.whole(trim_below_memory(memory, below, start, room))
        return kept, len(memory) + len(below) - len(kept)

    def _cells(self, texts: Sequence[Text], source: Source, mosaic: Mosaic) -> list[int]:
        ids = [cell for text in texts for cell in self._cells_of(text, mosaic)]
        if source.is_prompt and texts and texts[0].add_special:
            # Templates and clients may write the BOS token too; it must not occur twice.
            start = self._starts()
            if start and ids[: 2 * len(start)] == [*start, *start]:
                del ids[: len(start)]
        return ids

    def _cells_of(self, text: Text, mosaic: Mosaic) -> list[int]:
        if not text.media:
            return self._tokenize(text)
        spans = self._media.spans(text.media)
        if spans is None:
            raise PromptForgotten(
                "The engine no longer has this image or sound.", hint="Send it again."
            )
        return mosaic.lay(spans)

    def _tokenize(self, text: Text) -> list[int]:
        return self._vocab.tokenize(
            text.text, add_special=text.add_special, parse_special=text.parse_special
        )

    def _starts(self) -> list[int]:
        """The ids that every prompt of this model starts with: the BOS token, or nothing."""
        if self._start is None:
            self._start = self._tokenize(Text(""))
        return self._start

    def _bare_start(self) -> list[int]:
        """The ids of an empty prompt: the BOS token, even for models whose prompts do not start with it."""
        ids = self._starts() or self._tokenize(Text(self._bos, add_special=False))
        if not ids:
            raise BadRequest("The prompt is empty.", field="prompt", hint="Send some text.")
        return ids
