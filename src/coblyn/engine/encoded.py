"""What an engine is asked to make a prompt of, and what it says of the prompt."""

from __future__ import annotations

from dataclasses import dataclass, field

from coblyn.engine.prompt import Adapter

__all__ = ["Encoded", "Source", "Text"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text to tokenize.

    Attributes:
        text: Any text.
        add_special: Put BOS and EOS around it where the model wants them.
        parse_special: Read the names of special tokens in it as these tokens.
        media: Digest of an image or a sound that stands in place of the text; empty for none.
    """

    text: str = field(repr=False)
    add_special: bool = True
    parse_special: bool = True
    media: bytes = b""


@dataclass(frozen=True, slots=True)
class Source:
    """What a prompt is made of.

    Attributes:
        texts: Tokenized apart, and put one after the other.
        memory: Stands before them, and stays when they are cut.
        ids: Packed token ids, which stand before all texts as they are.
        room: Tokens that the prompt may have: the oldest text beyond is left out. None leaves out nothing.
        is_prompt: It is kept for ``generate``; so BOS stands at its start once at most, and it is not empty. If not,
            tokens are counted as the texts have them.
        wants_ids: The answer carries the token ids.
        adapters: With which adapters it is read (``adapter_set``).
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
        """Characters of all its texts."""
        return sum(len(text.text) for text in (*self.memory, *self.texts))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt that an engine has.

    Attributes:
        id: By which a request refers to it; empty if it was only counted.
        num_tokens: Its length.
        num_cut: Tokens that had no room.
        hashes: Of its whole blocks, one after the other (``coblyn.engine.prompt``).
        ids: Its packed token ids, if they were asked for.
    """

    id: str
    num_tokens: int
    num_cut: int = 0
    hashes: bytes = field(default=b"", repr=False)
    ids: bytes | None = field(default=None, repr=False)
