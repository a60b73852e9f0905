"""A draft model: a small model that guesses the next tokens of a larger one, on a separate context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.engine.plan import DraftWish
from coblyn.errors import SettingsError
from coblyn.llama.context import Batch, Context, ContextOptions
from coblyn.llama.model import Model
from coblyn.llama.sampler import Draw, Sampler, SamplerOptions
from coblyn.llama.stage import Stage, StageKind
from coblyn.llama.steps import Steps
from coblyn.models.heads import MAX_UNKNOWN_TOKENS, kind_of_other_heads

__all__ = ["DraftModel", "draft_model_of"]

_NO_LIMIT = 3600.0

_GREEDY = SamplerOptions(seed=0, stages=(Stage(StageKind.TEMPERATURE, (0.0, 0.0, 1.0, 0.0, 1.0)),))


@dataclass(slots=True)
class _Text:
    """A sequence of the draft model's context: its tokens, and its sampler."""

    sequence: int
    sampler: Sampler
    held: list[int] = field(default_factory=list)


class DraftModel:
    """Continues texts greedily. Free it with ``close`` before the bundle.

    Args:
        model: The large model.
        path: The small model's file.
        options: Shape of the large model's context.
        gpu_layers: Number of layers on the accelerator; negative for all.

    Raises:
        SettingsError: Its vocabulary differs, or its memory cannot be truncated.
        CoblynError: It cannot be loaded.
    """

    def __init__(
        self, model: Model, path: Path, options: ContextOptions, *, gpu_layers: int = -1
    ) -> None:
        with ExitStack() as stack:
            self._model = stack.enter_context(Model(model.library, path, gpu_layers=gpu_layers))
            _require_rewindable(self._model)
            _require_same_vocabulary(model, self._model)
            self._context = stack.enter_context(Context(self._model, options))
            self._stack = stack.pop_all()
        self._batch = Batch(options.max_batch)
        self._steps = Steps(self._context, self._batch, options.max_sequences)
        self._free = list(range(options.max_sequences))
        self._texts: dict[str, _Text] = {}
        self._max_length = self._context.length
        self._num_known = model.vocab_size

    def draft(self, wishes: Sequence[DraftWish]) -> Mapping[str, tuple[int, ...]]:
        """Guess tokens. A text that is not read yet is read one batch per call, and gets no guess until then.

        Raises:
            EngineError: A step failed.
        """
        ready: list[tuple[DraftWish, _Text]] = []
        room = self._batch.capacity
        for wish in wishes:
            text = self._text_of(wish)
            if text is None or len(wish.tokens) + wish.num_wanted > self._max_length:
                continue
            room -= self._read(text, wish, room)
            if len(wish.tokens) - len(text.held) == 1:
                ready.append((wish, text))
        ready = ready[: self._batch.capacity]
        return self._go_on(ready) if ready else {}

    def forget(self, request_id: str) -> None:
        """Free a finished request's sequence; an unknown id is not an error."""
        text = self._texts.pop(request_id, None)
        if text is not None:
            self._cut(text, 0)
            text.sampler.close()
            self._free.append(text.sequence)

    def close(self) -> None:
        """Free everything."""
        for request_id in tuple(self._texts):
            self.forget(request_id)
        self._stack.close()

    def _text_of(self, wish: DraftWish) -> _Text | None:
        if wish.request_id not in self._texts:
            if not self._free:
                return None
            sampler = Sampler(self._model.library, _GREEDY, self._model.vocab_size, ())
            self._texts[wish.request_id] = _Text(self._free.pop(), sampler)
        return self._texts[wish.request_id]

    def _read(self, text: _Text, wish: DraftWish, room: int) -> int:
        """Compute the new part of a text, up to its last token. Gives the number of tokens computed."""
        self._cut(text, _num_common(text.held, wish.tokens))
        start = len(text.held)
        new = wish.tokens[start : min(len(wish.tokens) - 1, start + room)]
        if any(not 0 <= token < self._model.vocab_size for token in new):
            return 0  # media, or a token that only the large model has
        if new:
            self._batch.fill(0, new, start, text.sequence, output=True)
            self._context.decode(self._batch, len(new))
            text.held += new
        return len(new)

    def _go_on(self, ready: Sequence[tuple[DraftWish, _Text]]) -> Mapping[str, tuple[int, ...]]:
        draws = []
        for place, (wish, text) in enumerate(ready):
            start, last = len(text.held), wish.tokens[-1]
            self._batch.put(place, last, start, text.sequence, output=True)
            draws.append(
                Draw(text.sampler, text.sequence, start + 1, place, max_drawn=wish.num_wanted)
            )
            text.held.append(last)
        found = {}
        drawn = self._steps.run(len(ready), draws, max_seconds=_NO_LIMIT)
        for (wish, text), tokens in zip(ready, drawn, strict=True):
            ids = [each.token for each in tokens]
            # The last one is drawn and not computed.
            text.held += ids[:-1]
            found[wish.request_id] = tuple(takewhile(self._is_known, ids))
        return found

    def _is_known(self, token: int) -> bool:
        """Whether the large model has this token; its vocabulary may be smaller."""
        return 0 <= token < self._num_known

    def _cut(self, text: _Text, length: int) -> None:
        if length < len(text.held):
            self._context.remove(text.sequence, length)
            del text.held[length:]


def _num_common(held: Sequence[int], tokens: Sequence[int]) -> int:
    """Number of equal tokens at the start of both, without the last one of the text, which is computed again."""
    limit = min(len(held), len(tokens) - 1)
    if list(held[:limit]) == list(tokens[:limit]):
        return limit
    return next(place for place in range(limit) if held[place] != tokens[place])


def _require_rewindable(draft: Model) -> None:
    if not draft.is_rewindable:
        raise SettingsError(
            f"draft_model: {draft.path.name} is recurrent, so wrong guesses cannot be removed from it."
        )


def _require_same_vocabulary(model: Model, draft: Model) -> None:
    """Refuse what guesses other tokens than the model has.

    Raises:
        SettingsError: The vocabularies differ by more than some tokens at their ends.
    """
    name = draft.path.name
    common = min(model.vocab_size, draft.vocab_size)
    differ = max(model.vocab_size, draft.vocab_size) - common > MAX_UNKNOWN_TOKENS or any(
        model.piece(token, special=True) != draft.piece(token, special=True)
        for token in range(common)
    )
    if differ:
        raise SettingsError(
            f"draft_model: {name} has a different vocabulary from {model.path.name}.",
            hint="Choose a smaller model of the same family.",
        )


def _require_model(path: Path) -> None:
    if kind := kind_of_other_heads(path):
        raise SettingsError(
            f"draft_model: {path.name} is not a model of its own but heads of another one ({kind}), which Coblyn "
            "does not run.",
            hint="Choose a small model of the same family, or a file with prediction heads (MTP).",
        )


def draft_model_of(
    config: EngineConfig, model: Model, options: ContextOptions
) -> DraftModel | None:
    """The draft model that the user chose; None if there is none. Heads (EAGLE-3) are not one.

    Raises:
        SettingsError: It cannot guess for this model.
        CoblynError: It cannot be loaded.
    """
    if not (config.draft_model and config.speculation):
        return None
    path = Path(config.draft_model)
    _require_model(path)
    # It holds running requests only, no idle ones.
    shape = replace(options, max_sequences=config.max_running, is_unified=False)
    return DraftModel(model, path, shape, gpu_layers=config.gpu_layers)
