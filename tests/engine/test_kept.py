"""The text of some special tokens is sent, since it is a mark for those who read a reply."""

from __future__ import annotations

import pytest

from coblyn.engine.encoded import Source, Text
from coblyn.engine.events import Delta
from coblyn.engine.fake import END, FakeRunner, FakeVocab
from coblyn.engine.local import LocalEngine
from coblyn.engine.request import Request

NAMES = {ord("#"): b"<|call|>", ord("$"): b"<|turn|>", END: b"<|end|>"}


class MarkedVocab(FakeVocab):
    """``#`` and ``$`` are special tokens."""

    def piece(self, token: int, *, special: bool = False) -> bytes:
        if token in NAMES:
            return NAMES[token] if special else b""
        return super().piece(token, special=special)


@pytest.mark.parametrize(
    ("kept", "stop", "text"),
    [
        ((), (), "abc"),
        (("<|call|>",), (), "a<|call|>bc"),
        (("<|call|>", "<|turn|>", "<|end|>"), (), "a<|call|>b<|turn|>c"),
        (("<|turn|>",), ("<|turn|>",), "ab"),
    ],
)
async def test_special_tokens_are_text_where_they_are_kept(
    kept: tuple[str, ...], stop: tuple[str, ...], text: str
) -> None:
    engine = LocalEngine(lambda: FakeRunner(script="a#b$c", vocab=MarkedVocab()))
    prompt = (await engine.encode(Source((Text("x"),)))).id
    request = Request("1", prompt, 20, kept=kept, stop=stop)
    parts = [event.text async for event in engine.generate(request) if isinstance(event, Delta)]
    await engine.close()
    assert "".join(parts) == text
