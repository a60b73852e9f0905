from __future__ import annotations

from coblyn.chat.messages import Message
from coblyn.chat.turns import shortened


def test_turns_leave_oldest_first_and_one_stays() -> None:
    roles = ("system", "system", "user", "assistant", "tool", "user", "assistant", "user")
    talk = tuple(Message(role, str(index)) for index, role in enumerate(roles))
    texts = ["".join(each.content for each in messages) for messages in shortened(talk)]
    assert texts == ["01234567", "01567", "017"]


def test_what_has_one_turn_stays_whole() -> None:
    for roles in (("user",), ("system",), ("assistant", "assistant"), ("system", "user")):
        talk = tuple(Message(role, "x") for role in roles)
        assert shortened(talk) == [talk]
