"""What a model's file says of its vocabulary, its template and its numbers, with what is set right beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coblyn.models.gguf import GgufHeader, Value, read_lists
from coblyn.models.overrides import Overrides, read_overrides

__all__ = ["Card", "read_card"]

NORMAL = 1
"""``LLAMA_TOKEN_TYPE_NORMAL``."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the checks look at.

    Attributes:
        header: Of the file.
        metadata: Its single values, as they count.
        tokens: Texts of the vocabulary; empty if it has none.
        types: Their types, one a token, or none at all.
        chat_template: Jinja text, as it counts; empty for none.
        overrides: What is set right already.
    """

    header: GgufHeader
    metadata: Mapping[str, Value]
    tokens: Sequence[str]
    types: Sequence[int]
    chat_template: str
    overrides: Overrides

    @property
    def architecture(self) -> str:
        """Such as ``llama``."""
        return self.header.architecture

    @property
    def description(self) -> str:
        """Words that begin with the architecture."""
        return f"{self.architecture} {self.header.name}"

    def own(self, key: str) -> Value | None:
        """A value of the architecture's own keys."""
        return self.metadata.get(f"{self.architecture}.{key}")

    def number(self, key: str) -> float:
        """The same as a number; 0 where there is none."""
        value = self.own(key)
        return value if isinstance(value, int | float) else 0

    def token_id(self, kind: str) -> int | None:
        """Id of a special token, such as "eos"; None where the file names none."""
        value = self.metadata.get(f"tokenizer.ggml.{kind}_token_id")
        return value if isinstance(value, int) else None

    def token(self, kind: str) -> str:
        """Text of a special token, or empty."""
        number = self.token_id(kind)
        return self.tokens[number] if number is not None and 0 <= number < len(self.tokens) else ""

    def find(self, text: str) -> int | None:
        """Id of a token of that text."""
        try:
            return list(self.tokens).index(text)
        except ValueError:
            return None


def read_card(path: Path) -> Card:
    """Read a file, and what is beside it.

    Raises:
        ModelError: The file cannot be read.
        SettingsError: What is beside it cannot be.
    """
    header, lists = read_lists(path)
    overrides = read_overrides(path)
    metadata = {**header.metadata, **overrides.metadata}
    template = overrides.chat_template or metadata.get("tokenizer.chat_template", "")
    types = lists.get("tokenizer.ggml.token_type", [])
    return Card(
        header,
        metadata,
        [str(token) for token in lists.get("tokenizer.ggml.tokens", [])],
        [int(kind) for kind in types],
        template if isinstance(template, str) else "",
        overrides,
    )
