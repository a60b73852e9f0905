"""Prompts are made once, where the vocabulary is, and are known by their ids for a while."""

from __future__ import annotations

from typing import Any

import pytest

from coblyn.engine import encoder as encoder_module
from coblyn.engine.content import Content
from coblyn.engine.encoded import Source, Text
from coblyn.engine.encoder import Encoder
from coblyn.engine.fake import BOS, FakeVocab
from coblyn.engine.prompt import BLOCK, HASH_SIZE, pack_ids, unpack_ids
from coblyn.engine.request import Request
from coblyn.errors import BadRequest, PromptForgotten


def make_encoder(capacity: int = 256) -> Encoder:
    return Encoder(FakeVocab(), "<bos>", capacity=capacity)


def test_a_prompt_is_known_by_its_id() -> None:
    encoder = make_encoder()
    encoded = encoder.encode(Source((Text("abc"),)))
    assert (encoded.num_tokens, encoded.num_cut, encoded.ids) == (4, 0, None)
    request = encoder.look_up(Request("r", encoded.id, 5))
    assert request.prompt.ids.tolist() == [BOS, *b"abc"]


def test_what_is_only_counted_is_taken_as_it_is_and_not_kept() -> None:
    source = Source((Text("<end>", False, False),), is_prompt=False, wants_ids=True)
    encoded = make_encoder().encode(source)
    assert encoded.id == ""
    assert encoded.ids == pack_ids(b"<end>")


def test_texts_are_tokenized_each_in_its_own_way() -> None:
    texts = (Text("<end>"), Text("<end>", False, False))
    encoded = make_encoder().encode(Source(texts, wants_ids=True))
    assert unpack_ids(encoded.ids or b"").tolist() == [BOS, 257, *b"<end>"]


def test_what_has_no_room_is_cut_below_the_memory() -> None:
    source = Source((Text("x" * 30),), (Text("memory"),), room=20, wants_ids=True)
    encoded = make_encoder().encode(source)
    ids = unpack_ids(encoded.ids or b"").tolist()
    assert ids == [BOS, *b"memory", *b"x" * 12]
    assert encoded.num_cut == 18


def test_text_without_a_start_loses_nothing_else() -> None:
    texts = (Text("x" * 30, add_special=False),)
    for memory, begin in (((), []), ((Text("m"),), [BOS, ord("m")])):
        encoded = make_encoder().encode(Source(texts, memory, room=40, wants_ids=True))
        assert unpack_ids(encoded.ids or b"").tolist() == [*begin, *b"x" * 30]


def test_hashes_name_whole_blocks_and_all_before_them() -> None:
    encoder = make_encoder()
    long, longer, other = (
        encoder.encode(Source((Text(text),)))
        for text in ("a" * 2 * BLOCK, "a" * 3 * BLOCK, "b" + "a" * 3 * BLOCK)
    )
    assert len(long.hashes) == 2 * HASH_SIZE
    assert longer.hashes.startswith(long.hashes)
    assert long.hashes[HASH_SIZE:] != other.hashes[HASH_SIZE : 2 * HASH_SIZE]
    assert b"".join(Content.of(encoder.find(long.id)).hashes()) == long.hashes


def test_the_oldest_prompts_are_forgotten() -> None:
    encoder = make_encoder(capacity=2)
    first, second, third = (encoder.encode(Source((Text(text),))).id for text in "abc")
    assert encoder.find(second).cells == encoder.find(third).cells == 2
    with pytest.raises(PromptForgotten):
        encoder.find(first)
    with pytest.raises(PromptForgotten):
        make_encoder().find(second)


def test_long_prompts_leave_room_for_the_newest_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "MAX_TOKENS_KEPT", 10)
    encoder = make_encoder()
    first, second = (encoder.encode(Source((Text(text * 20),))).id for text in "ab")
    assert encoder.find(second).cells == 21
    with pytest.raises(PromptForgotten):
        encoder.find(first)


@pytest.mark.parametrize("ids", [[2**31], [-(2**31) - 1], [1.5], ["a"]])
def test_what_is_no_token_id_is_refused(ids: list[Any]) -> None:
    with pytest.raises(BadRequest, match="integers from 0"):
        pack_ids(ids)
