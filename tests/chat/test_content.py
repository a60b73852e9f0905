"""Contents of messages: text, images and sounds, and what is refused by name."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from coblyn.chat.attachment import (
    Attachment,
    attached,
    read_address,
    read_base64,
    read_file,
    split_marks,
    unmarked,
)
from coblyn.chat.content import read_content
from coblyn.chat.messages import read_messages
from coblyn.errors import BadRequest

PNG = base64.b64encode(b"\x89PNG picture").decode()
DATA = f"data:image/png;base64,{PNG}"


def test_content_is_text_or_parts() -> None:
    parts = [{"type": "text", "text": "a"}, "b", {"type": "input_text", "text": "c"}]
    assert read_content("a", "f") == ("a", ())
    assert read_content(None, "f") == ("", ())
    assert read_content(parts, "f") == ("abc", ())


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (5, "f"),
        ({"type": "text"}, "f"),
        ([5], "f[0]"),
        ([{"type": "text"}], "f[0].text"),
        ([{"type": ["text"]}], "f[0]"),
        (["a", {"type": "image_url", "image_url": {}}], "f[1].image_url.url"),
        ([{"type": "image_url"}], "f[0]"),
        ([{"type": "image_url", "image_url": 5}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "data:image/png,abc"}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "data:image/png;base64,"}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "data:image/png;base64,%%%"}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "file:///etc/passwd"}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "ftp://host/a.png"}], "f[0].image_url"),
        ([{"type": "image_url", "image_url": "/etc/passwd"}], "f[0].image_url"),
        ([{"type": "input_image", "file_id": "file-1"}], "f[0].file_id"),
        ([{"type": "input_audio"}], "f[0].input_audio"),
        ([{"type": "input_audio", "input_audio": {"data": 5}}], "f[0].input_audio.data"),
    ],
)
def test_other_content_is_refused_by_name(content: object, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_content(content, "f")
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": DATA, "detail": "low"}}, "image"),
        ({"type": "image_url", "image_url": DATA}, "image"),
        ({"type": "input_image", "image_url": DATA}, "image"),
        ({"type": "image", "url": DATA}, "image"),
        ({"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}, "sound"),
        ({"type": "audio_url", "audio_url": {"url": f"DATA:audio/wav;base64,{PNG}"}}, "sound"),
    ],
)
def test_a_mark_stands_where_the_part_stood(part: dict[str, Any], kind: str) -> None:
    text, (found,) = read_content(["see ", part, " here"], "f")
    assert (found.kind, found.data) == (kind, b"\x89PNG picture")
    assert split_marks(text) == ["see ", found.mark, " here"]
    assert unmarked(text) == "see <__media__> here"


def test_addresses_of_the_web_are_kept_for_later() -> None:
    found = read_address({"url": "HTTPS://x/y.png"}, "f", "image")
    assert (found.data, found.url) == (b"", "HTTPS://x/y.png")


@pytest.mark.parametrize(
    "text", ["AAE", "AAE=", "A\nAE =", "data:;base64,AAE=", "data:a/b;x=y;base64,AAE="]
)
def test_base64_is_read_in_the_forms_that_clients_send(text: str) -> None:
    assert read_base64(text, "f", "image").data == b"\0\1"


@pytest.mark.parametrize("text", [None, 5, "", "=", "data:image/png;base64,", "a", "a*b", "é"])
def test_what_is_no_base64_is_refused(text: object) -> None:
    with pytest.raises(BadRequest, match="f "):
        read_base64(text, "f", "image")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"RIFF....WAVEfmt ", "sound"),
        (b"RIFF....WEBPVP8 ", "image"),
        (b"ID3\x04 mp3", "sound"),
        (b"\xff\xfb\x90 mp3", "sound"),
        (b"\xff\xd8\xff\xe0 jpeg", "image"),
        (b"fLaC....", "sound"),
        (b"OggS....", "sound"),
        (b"\x89PNG....", "image"),
        (b"x", "image"),
    ],
)
def test_sounds_are_told_from_images(data: bytes, kind: str) -> None:
    assert read_file(base64.b64encode(data).decode(), "f").kind == kind


def test_nobody_can_write_a_mark() -> None:
    one, other = (Attachment("image", "f", b"x") for _ in range(2))
    assert one.mark != other.mark
    assert one.mark.isalnum()
    assert split_marks(attached((one, other), "text"))[1::2] == [one.mark, other.mark]
    assert split_marks("<__media__> media0123456789abcdefx0123456789abcdefx") == [
        "<__media__> media0123456789abcdefx0123456789abcdefx"
    ]


def test_messages_carry_what_their_marks_stand_for() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": DATA}]
    said, plain = read_messages(
        [{"role": "user", "content": content}, {"role": "user", "content": "b"}]
    )
    assert (len(said.media), plain.media) == (1, ())
    assert said.media[0].mark in said.content
    assert said.media[0].field == "messages[0].content[1].image_url"
