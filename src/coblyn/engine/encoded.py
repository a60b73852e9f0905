"""What an engine makes a prompt from, and the facts it reports about the prompt."""

from __future__ import annotations

from dataclasses import dataclass, field

from coblyn.engine.prompt import Adapter

__all__ = ["Encoded", "PromptId", "Source", "Text"]

PromptId = str
"""What stands for a prompt outside the engine, for as long as the engine keeps it."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text to tokenize.

    Attributes:
        text: Any text.
        add_special: Whether BOS and EOS are added where the model wants them.
        parse_special: Whether the names of special tokens in it become these tokens.
        media: Digest of an image or a sound in place of the text; empty for none.
    """

    text: str = field(repr=False)
    add_special: bool = True
    parse_special: bool = True
    media: bytes = b""


@dataclass(frozen=True, slots=True)
class Source:
    """The parts of a prompt.

    Attributes:
        texts: Tokenized separately and concatenated.
        memory: Comes before them, and is kept when they are cut.
        ids: Packed token ids, which come before all texts unchanged.
        room: Maximum number of tokens of the prompt; the oldest text is left out beyond it. None for no limit.
        is_prompt: Whether it is kept for ``generate``; then BOS is at its start at most once, and it is not empty. If
            not, tokens are only counted, as the texts have them.
        wants_ids: Whether the answer includes the token ids.
        adapters: The adapters that it is computed with (``adapter_set``).
    """

    texts: tuple[Text, ...] = ()
    memory: tuple[Text, ...] = ()
    ids: bytes = field(default=b"", repr=False)
    room: int | None = None
    is_prompt: bool = True
    wants_ids: bool = False
    adapters: tuple[Adapter, ...] = ()

    @property
    def num_characters(self) -> int:
        """Number of characters of all its texts."""
        return sum(len(text.text) for text in (*self.memory, *self.texts))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt that an engine has encoded.

    Attributes:
        id: Requests refer to it by this; empty if it was only counted.
        num_tokens: Its length in tokens.
        num_cut: Number of tokens left out for lack of room.
        hashes: Hashes of its whole blocks, concatenated (``coblyn.engine.prompt``).
        ids: Its packed token ids, if they were asked for.
    """

    id: PromptId
    num_tokens: int
    num_cut: int = 0
    hashes: bytes = field(default=b"", repr=False)
    ids: bytes | None = field(default=None, repr=False)
