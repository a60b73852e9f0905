"""Formats a story's turns for the model: with tags for instructions, with the model's template for an assistant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from coblyn.chat.attachment import unmarked
from coblyn.chat.client import shared_renderers
from coblyn.chat.messages import Tool, read_messages, read_tools
from coblyn.chat.placeholders import Tags, read_tags
from coblyn.chat.tags import tags_of
from coblyn.mcp.tool_servers import ToolServers
from coblyn.service.command import ChatPrompt
from coblyn.service.models import LoadedModel
from coblyn.story.context import Context
from coblyn.story.markup import Markup, tagged, woven
from coblyn.story.state import State

__all__ = ["as_sent"]


async def as_sent(
    model: LoadedModel,
    state: State,
    context: Context,
    count: Callable[[str], int],
    servers: ToolServers | None = None,
) -> Context:
    """A context as the model gets it; plain text for stories, adventures and chats.

    Args:
        model: Provides the template.
        state: The story. Its setting ``instruct`` has the instruction tags if they are not the model's, and ``tools``
            the tools that an assistant may call; ``tool_servers`` the servers whose tools it may call.
        context: The story's segments.
        count: Counts the tokens of a text; called on a thread.
        servers: The tool servers. Those that have not been asked for their tools yet are left out.

    Raises:
        BadRequest: The template refuses the messages, or the tools are invalid.
    """
    mode = state.single("mode")
    if mode == "instruct":
        markup = await _markup(model, state)
        segments = await asyncio.to_thread(tagged, context.segments, markup, count)
        return replace(context, segments=segments, stops=markup.stops)
    if mode == "assistant" and context.messages:
        rendered = unmarked(await model.prompts.text(_conversation(state, context, servers)))
        segments = await asyncio.to_thread(woven, rendered, context.parts, count)
        return replace(context, segments=segments)
    return context


async def _markup(model: LoadedModel, state: State) -> Markup:
    tags = read_tags(state.places.get("settings/instruct"))
    if tags is None:
        info, run = model.engine.info, shared_renderers().run
        tags = await asyncio.to_thread(tags_of, info.chat_template, info.bos, info.eos, run)
    values = asdict(tags or Tags())
    return Markup(**{name: values[name] for name in Markup.__dataclass_fields__})


def _conversation(state: State, context: Context, servers: ToolServers | None) -> ChatPrompt:
    messages = read_messages([message.to_json() for message in context.messages])
    last = messages[-1]
    return ChatPrompt(
        messages,
        continues_last=last.role == "assistant" and not last.tool_calls,
        tools=read_tools(state.places.get("settings/tools"), hosted=_hosted(state, servers)),
    )


def _hosted(state: State, servers: ToolServers | None) -> list[Tool]:
    """The tools of the story's tool servers."""
    names = state.places.get("settings/tool_servers")
    if servers is None or not isinstance(names, Mapping):
        return []
    found = [tool for name in names for tool in servers.known(name)]
    return [Tool(tool.full_name, tool.description, tool.parameters) for tool in found]
