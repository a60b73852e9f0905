"""Routes for the context that a model would get for a story, and for lore."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.body import validated
from coblyn.api.call import Call
from coblyn.api.route import Routes
from coblyn.api.story.wire import ContextBody, LoreBody
from coblyn.service.context import ContextQuery, StoryContext
from coblyn.story.book import read_timers
from coblyn.story.lore.entry import read_entry
from coblyn.story.lore.scene import Scene, read_settings

__all__ = ["routes"]

routes = Routes(scope="admin")


@routes.post("/api/coblyn/stories/{id}/context", "Context of a story", ContextBody)
async def context(call: Call) -> Response:
    """The prompt of the next generation, part by part, with real token counts; generates nothing.

    ``segments`` together are ``prompt``. Text before ``dropped`` is not sent. ``lore`` has a verdict for each entry.
    To generate, send ``prompt`` with the stop texts ``stops``; with an assistant send ``messages``, of which ``prompt``
    is the rendered form. Afterwards, store ``lore.timers`` in the setting ``lore.timers``.
    """
    body = validated(ContextBody, await call.json())
    name = str(call.request.path_params["id"])
    version, state = await call.services.stories.state(name, body.version)
    query = ContextQuery(
        body.branch,
        body.max_context,
        body.max_tokens,
        body.seed,
        body.trigger,
        body.timers,
        body.end,
        body.text,
    )
    async with call.services.models.acquire(body.model) as model:
        answer = await call.wait(call.services.contexts.of(model, state, query))
        return JSONResponse({"version": version, "model": model.name} | _told(answer))


@routes.post("/api/coblyn/lore", "Which lore fires", LoreBody, scope="generate")
async def lore(call: Call) -> Response:
    """A verdict for each entry, given some messages.

    Lore for programs without a story here, and for trying lore out.
    """
    body = validated(LoreBody, await call.json())
    entries = [read_entry(name, value) for name, value in body.entries.items()]
    async with call.services.models.acquire(body.model) as model:
        scene = Scene(
            tuple(reversed(body.messages)),
            character=body.character,
            trigger=body.trigger,
            timers=read_timers(body.timers),
            seed=body.seed,
            context=body.max_context or model.engine.info.context,
        )
        work = call.services.contexts.lore(model, entries, scene, read_settings(body.settings))
        answer = await call.wait(work)
    contents = {one.entry.id: one.content for one in answer.fired}
    return JSONResponse(answer.to_json() | {"contents": contents})


def _told(answer: StoryContext) -> dict[str, Any]:
    return {
        "prompt": answer.context.prompt,
        "tokens": answer.tokens,
        "max_prompt": answer.max_prompt,
        "room": answer.context.room,
        "dropped": answer.context.dropped,
        "stops": list(answer.context.stops),
        "messages": [message.to_json() for message in answer.context.messages],
        "segments": [segment.to_json() for segment in answer.context.segments],
        "lore": answer.lore.to_json(),
    }
