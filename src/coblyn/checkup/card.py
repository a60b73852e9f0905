"""A model's vocabulary, template and numbers, with the corrections beside its file applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coblyn.models.gguf import GgufHeader, Value, read_lists
from coblyn.models.overrides import Overrides, read_overrides

__all__ = ["Card", "read_card"]

NORMAL = 1
"""``LLAMA_TOKEN_TYPE_NORMAL``."""


@dataclass(frozen=True, slots=True)
class Card:
    """The input of the checks.

    Attributes:
        header: The file's header, corrections applied.
        metadata: Scalar metadata, corrections applied.
        tokens: Token texts of the vocabulary; empty if it has none.
        types: Token types, one per token, or empty.
        chat_template: Jinja text, corrections applied; empty for none.
        overrides: Existing corrections.
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
        """A description that begins with the architecture."""
        return f"{self.architecture} {self.header.name}"

    def own(self, key: str) -> Value | None:
        """A value of an architecture-specific key."""
        return self.metadata.get(f"{self.architecture}.{key}")

    def number(self, key: str) -> float:
        """The same as a number; 0 if there is none."""
        value = self.own(key)
        return value if isinstance(value, int | float) else 0

    def token_id(self, kind: str) -> int | None:
        """Id of a special token, such as "eos"; None if the file names none."""
        value = self.metadata.get(f"tokenizer.ggml.{kind}_token_id")
        return value if isinstance(value, int) else None

    def token(self, kind: str) -> str:
        """Text of a special token, or empty."""
        number = self.token_id(kind)
        return self.tokens[number] if number is not None and 0 <= number < len(self.tokens) else ""

    def find(self, text: str) -> int | None:
        """Id of the token with this text."""
        try:
            return list(self.tokens).index(text)
        except ValueError:
            return None


def read_card(path: Path) -> Card:
    """Read a file and its corrections.

    Raises:
        ModelError: The file cannot be read.
        SettingsError: The corrections cannot be read.
    """
    header, lists = read_lists(path)
    overrides = read_overrides(path)
    metadata = {**header.metadata, **overrides.metadata}
    template = overrides.chat_template or metadata.get("tokenizer.chat_template", "")
    types = lists.get("tokenizer.ggml.token_type", [])
    return Card(
        replace(header, metadata=metadata),
        metadata,
        [str(token) for token in lists.get("tokenizer.ggml.tokens", [])],
        [int(kind) for kind in types],
        template if isinstance(template, str) else "",
        overrides,
    )
