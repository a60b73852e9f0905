"""What the model gets in the round after its calls."""

from __future__ import annotations

from coblyn.chat.messages import Message
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.tool_rounds import _continued


def test_a_reply_that_was_begun_is_whole_in_the_next_round() -> None:
    begun = Message("assistant", "Let me ", reasoning="I have to ")
    command = GenerateCommand(ChatPrompt((begun,), continues_last=True))
    prompt = _continued(command, Message("assistant", "look.", reasoning="ask."), []).prompt
    assert isinstance(prompt, ChatPrompt)
    [message] = prompt.messages
    assert (message.reasoning, message.content) == ("I have to ask.", "Let me look.")
    assert not prompt.continues_last
