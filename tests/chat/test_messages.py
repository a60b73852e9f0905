from __future__ import annotations

from coblyn.chat.messages import Message


def test_template_sees_a_name_only_if_there_is_one() -> None:
    assert Message("user", "hi").to_template() == {"role": "user", "content": "hi"}
    assert Message("user", "hi", "Gwen").to_template()["name"] == "Gwen"
