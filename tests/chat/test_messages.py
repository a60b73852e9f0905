from __future__ import annotations

import pytest

from coblyn.chat.messages import Message, text_of_content
from coblyn.errors import BadRequest


def test_content_is_text_or_parts() -> None:
    parts = [{"type": "text", "text": "a"}, "b", {"type": "input_text", "text": "c"}]
    assert text_of_content("a", "f") == "a"
    assert text_of_content(None, "f") == ""
    assert text_of_content(parts, "f") == "abc"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (5, "f"),
        ({"type": "text"}, "f"),
        ([5], "f[0]"),
        (["a", {"type": "image_url", "image_url": {}}], "f[1]"),
        ([{"type": "text"}], "f[0].text"),
    ],
)
def test_other_content_is_refused_by_name(content: object, field: str) -> None:
    with pytest.raises(BadRequest) as caught:
        text_of_content(content, "f")
    assert caught.value.field == field


@pytest.mark.parametrize("kind", ["image_url", "input_image", "image"])
def test_an_image_is_told_that_the_model_reads_text_only(kind: str) -> None:
    with pytest.raises(BadRequest, match=r"f\[0\] is an image, and this model reads text only"):
        text_of_content([{"type": kind}], "f")


def test_template_sees_a_name_only_if_there_is_one() -> None:
    assert Message("user", "hi").to_template() == {"role": "user", "content": "hi"}
    assert Message("user", "hi", "Gwen").to_template()["name"] == "Gwen"
