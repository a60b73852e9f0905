"""The fields of requests that generate, of all dialects, for defaults that are set for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import AliasChoices, BaseModel

from coblyn.api.anthropic.wire import MessagesInput
from coblyn.api.constraint import BOUND
from coblyn.api.kobold.wire import GenerateInput
from coblyn.api.llama.wire import LlamaCompletionInput
from coblyn.api.openai.wire import ChatInput
from coblyn.api.parameters import KOBOLD_NUMBERS, OPENAI_NUMBERS
from coblyn.api.wishes import same_field

__all__ = ["unknown_fields"]

_BODIES: tuple[type[BaseModel], ...] = (
    GenerateInput,
    ChatInput,
    LlamaCompletionInput,
    MessagesInput,
)


def unknown_fields(names: Iterable[str]) -> list[str]:
    """The names that no dialect has a field of."""
    known = {name for body in _BODIES for name in _names(body)} | BOUND
    for numbers in (KOBOLD_NUMBERS, OPENAI_NUMBERS):
        known |= {name for each in numbers.names.values() for name in each}
    return [name for name in names if known.isdisjoint(same_field(name))]


def _names(body: type[BaseModel]) -> Iterator[str]:
    for name, field in body.model_fields.items():
        alias = field.validation_alias
        yield name
        if isinstance(alias, AliasChoices):
            yield from (each for each in alias.choices if isinstance(each, str))
        elif isinstance(alias, str):
            yield alias
