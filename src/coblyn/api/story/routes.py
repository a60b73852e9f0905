"""Routes of stories and of their library."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from starlette.responses import JSONResponse, Response

from coblyn.api.body import read_bytes, validated
from coblyn.api.call import Call
from coblyn.api.problem import Problem
from coblyn.api.route import Routes
from coblyn.api.story.events import story_events
from coblyn.api.story.lists import found_list, whole_list
from coblyn.api.story.wire import AppendBody, CreateBody, StepBody
from coblyn.api.stream import StreamResponse
from coblyn.errors import BadRequest
from coblyn.service.stories import Stories
from coblyn.story.cards.asset import media_type
from coblyn.story.cards.file import card_png
from coblyn.story.interchange.books import card_json
from coblyn.story.interchange.files import export_file
from coblyn.story.interchange.pictures import portrait
from coblyn.story.merge import Conflict
from coblyn.story.operation import read_operation, require_id
from coblyn.story.record import read_proposed
from coblyn.story.store.journal import MAX_BEHIND, Appended
from coblyn.story.store.rows import StoryDamaged

__all__ = ["routes"]

routes = Routes(scope="admin")

_STORIES = "/api/coblyn/stories"
_STORY = _STORIES + "/{id}"
_LIBRARY = "/api/coblyn/library"

_MAX_STORIES = 1000
"""Of a list, in one answer with a limit."""

_TYPING = {"base": 0, "author": "tab-1", "operations": [
    {"id": "op-1", "kind": "edit", "branch": "main", "changes": [{"from": 0, "to": 0, "insert": "A lamp."}]}
]}  # fmt: skip


@routes.get(_STORIES, "All stories")
async def stories(call: Call) -> Response:
    """Most recently changed first. ``?trash=1`` lists those in the trash.

    ``?limit=N`` (1 to 1000) and ``?offset=N`` give a part of the list, of which ``num_stories`` is the length.
    ``?title=`` lists stories with that in their titles. ``?q=`` lists those with a passage that holds all its words,
    each with its ``excerpt``; ``num_unread`` changed stories were not searched yet: ask again.
    """
    is_trash, asked = _flag(call, "trash"), call.request.query_params
    limit, offset = _bounded(call, "limit", _MAX_STORIES, -1), _number(call, "offset") or 0
    part: dict[str, Any] = {"is_trash": is_trash, "limit": limit, "offset": offset}
    words, title = asked.get("q", ""), asked.get("title", "")
    if not words.strip():
        return await whole_list(call.services.stories, title, **part)
    if title:
        raise BadRequest("A list is by q or by title, not by both.", field="title")
    return await found_list(call.services.stories, words, **part)


@routes.post(_STORIES, "A new story", CreateBody)
async def create(call: Call) -> Response:
    """Empty, with some operations, or (``copy_of``) with the state of another story at some version."""
    body = validated(CreateBody, await call.json())
    if body.copy_of:
        shelf = await call.services.stories.copy(body.copy_of, body.version)
    else:
        operations = [read_operation(value) for value in body.operations]
        shelf = await call.services.stories.create(operations, body.id)
    return JSONResponse(shelf.to_json())


@routes.get(_STORY, "A story")
async def story(call: Call) -> Response:
    """Its state at the newest version, or at ``?version=N``. ``?without=pieces,takes`` leaves out what is not needed.

    ``steps`` has for the text of each branch (``text/BRANCH``) whether there is something to undo and to redo now.
    If a story cannot be read, the error names the last readable version (``readable``); it is never answered as empty.
    """
    name, wanted = _story(call), _number(call, "version")
    shelf = await call.services.stories.get(name)
    try:
        version, state = await call.services.stories.state(name, wanted)
    except StoryDamaged as error:
        body = call.dialect.error_body(Problem.of(error))
        return JSONResponse({**body, "readable": error.version - 1}, error.status)
    left_out = call.request.query_params.get("without", "").split(",")
    content = {key: value for key, value in state.to_json().items() if key not in left_out}
    scopes = [f"text/{branch}" for branch in state.texts]
    steps = await call.services.stories.steps(name, scopes)
    told = {scope: asdict(of_scope) for scope, of_scope in steps.items()}
    return JSONResponse({**shelf.to_json(), "version": version, "state": content, "steps": told})


@routes.post(_STORY + "/operations", "Append operations", AppendBody, _TYPING)
async def append(call: Call) -> Response:
    """All of them or none, written to disk before the answer. Operations with known ids are skipped.

    ``base`` is the version that they were made on. Operations of others since then are in ``since``; if both changed
    the same paragraph or place, the answer is 409 with ``conflict``, and nothing was done.
    """
    name, body = _story(call), validated(AppendBody, await call.json())
    proposed = [read_proposed(value) for value in body.operations]
    try:
        appended = await call.services.stories.append(name, body.base, body.author, proposed)
    except Conflict as error:
        conflict = {"id": proposed[error.index].id, "scope": error.scope}
        answer = call.dialect.error_body(Problem.of(error)) | {"conflict": conflict}
        since = await _since(call.services.stories, name, body.base, MAX_BEHIND)
        return JSONResponse(answer | since, 409)
    # What others append from now on is told in terms of the text behind these operations, so it is not among them.
    before = appended.version - len(appended.records)
    since = await _since(call.services.stories, name, body.base, max(before - body.base, 0))
    return JSONResponse(since | _told(appended))


@routes.get(_STORY + "/operations", "Journal of a story")
async def operations(call: Call) -> Response:
    """The journal after ``?after=N``, oldest first, at most ``?limit=M`` entries (1000, up to 10000)."""
    name, after = _story(call), _number(call, "after") or 0
    limit = _bounded(call, "limit", 10_000, 1000)
    records = await call.services.stories.records(name, after, limit)
    return JSONResponse({"operations": [record.to_json() for record in records]})


@routes.get(_STORY + "/steps", "Steps back and forth")
async def steps(call: Call) -> Response:
    """Whether there are steps to undo (``can_undo``) and redo (``can_redo``) in a ``?scope=``, such as ``lore/ID``."""
    scope = call.request.query_params.get("scope", "")
    found = await call.services.stories.steps(_story(call), [scope])
    return JSONResponse(asdict(found[scope]))


@routes.post(_STORY + "/undo", "Undo the last step", StepBody, {"id": "undo-1"})
async def undo(call: Call) -> Response:
    """In a scope, or of all. The answer has the operations that undid it, none if nothing is left, and ``has_more``."""
    body = validated(StepBody, await call.json())
    require_id(body.id, "id")
    done = await call.services.stories.undo(_story(call), body.scope, body.author, body.id)
    return JSONResponse(_told(done) | {"has_more": done.has_more})


@routes.post(_STORY + "/redo", "Redo the last undone step", StepBody, {"id": "redo-1"})
async def redo(call: Call) -> Response:
    """In a scope, or of all, unless there was a new step there since. Its answer is that of an undo."""
    body = validated(StepBody, await call.json())
    require_id(body.id, "id")
    done = await call.services.stories.redo(_story(call), body.scope, body.author, body.id)
    return JSONResponse(_told(done) | {"has_more": done.has_more})


@routes.get(_STORY + "/events", "Watch a story", answer="text/event-stream")
async def events(call: Call) -> Response:
    """Server-sent events from ``?after=N`` on.

    ``operations`` come as they are appended, and ``open`` has the number of watchers of the story, this one included.
    """
    name, after = _story(call), _number(call, "after") or 0
    await call.services.stories.get(name)  # an error before the stream begins

    def is_ending() -> bool:
        return call.model.engine.status().state in ("stopping", "stopped")

    frames = story_events(call.services.stories, name, after, is_ending)
    return StreamResponse(frames, (), "text/event-stream")


@routes.get(_STORY + "/export", "A story as a file", answer="*/*")
async def export(call: Call) -> Response:
    """With its whole journal: a zip archive of JSON lines, which import reads.

    ``?format=`` text, markdown, kobold, tavern, novelai, lorebook, novelai-lorebook, aidungeon, card, card-png or
    charx gives a file of another program, of ``?branch=`` and, for a book or a card, of ``?which=`` its id.
    """
    name, asked = _story(call), call.request.query_params
    if kind := asked.get("format", ""):
        _, state = await call.services.stories.state(name, _number(call, "version"))
        branch, which = asked.get("branch", ""), asked.get("which", "")
        file = await asyncio.to_thread(export_file, state, kind, branch, which)
        return _attached(file.data, name + file.suffix, file.media_type)
    data = await call.services.stories.export(name)
    return _attached(data, f"{name}.zip", "application/zip")


@routes.post(_STORY + "/card", "A card in a picture", answer="image/png", takes="image/png")
async def card(call: Call) -> Response:
    """The body is a PNG; the answer is the same picture with the card of the character ``?which=`` in it."""
    picture = await read_bytes(call.request, call.options)
    _, state = await call.services.stories.state(_story(call))
    raw = card_json(state, call.request.query_params.get("which", ""))
    return _attached(await asyncio.to_thread(card_png, picture, raw), "card.png", "image/png")


@routes.get(_STORY + "/portrait", "The picture of a character", answer="image/*")
async def character_portrait(call: Call) -> Response:
    """Of the character ``?which=``: the main icon of its card, or the picture that the card came in."""
    _, state = await call.services.stories.state(_story(call))
    picture = portrait(state, call.request.query_params.get("which", "")).data
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-cache"}
    return Response(picture, headers=headers, media_type=media_type(picture))


@routes.post(_STORY + "/import", "Cards and lore from a file", takes="application/octet-stream")
async def import_into(call: Call) -> Response:
    """The body is the file, and ``?name=`` its name. The import is one undo step."""
    name, asked = _story(call), call.request.query_params
    data = await read_bytes(call.request, call.options)
    appended, report = await call.services.stories.import_into(
        name, data, asked.get("name", ""), asked.get("author", "")[:100]
    )
    return JSONResponse(_told(appended) | {"report": report.to_json()})


@routes.post(_STORY + "/trash", "Move a story to the trash")
async def trash(call: Call) -> Response:
    """It stays there until the trash is emptied."""
    return JSONResponse((await call.services.stories.trash(_story(call))).to_json())


@routes.post(_STORY + "/restore", "Restore a story from the trash")
async def restore(call: Call) -> Response:
    """Restores it unchanged."""
    shelf = await call.services.stories.trash(_story(call), is_out=True)
    return JSONResponse(shelf.to_json())


@routes.get(_LIBRARY + "/search", "Search all stories")
async def search(call: Call) -> Response:
    """Places with all words of ``?q=``; words also match parts of longer ones.

    ``?limit=N`` (50, at most 500) and ``?offset=N`` give a part of them; ``num_hits`` counts all.
    """
    query, limit = call.request.query_params.get("q", ""), _bounded(call, "limit", 500, 50)
    found = await call.services.stories.search(query, limit, _number(call, "offset") or 0)
    return JSONResponse({"hits": [hit.to_json() for hit in found.hits], "num_hits": found.num_hits})


@routes.post(_LIBRARY + "/import", "A story from a file", takes="application/octet-stream")
async def import_story(call: Call) -> Response:
    """The body is the file, and ``?name=`` its name. It becomes a new story.

    Files of Coblyn, KoboldAI Lite, SillyTavern, NovelAI, AI Dungeon and Agnaistic, cards of all versions, text and
    Markdown. ``report`` says what was used, what was kept, and what was lost. A backup brings ``stories``: all that are
    not here; ``story`` is the last of them, or null.
    """
    data = await read_bytes(call.request, call.options)
    name = call.request.query_params.get("name", "")[:200]
    shelves, report = await call.services.stories.import_file(data, name)
    stories = [shelf.to_json() for shelf in shelves]
    last = stories[-1] if stories else None
    return JSONResponse({"story": last, "stories": stories, "report": report.to_json()})


@routes.post(_LIBRARY + "/preview", "What an import would bring", takes="application/octet-stream")
async def preview_import(call: Call) -> Response:
    """The body is the file, ``?name=`` what it is called. Nothing is made of it.

    ``kind`` is story, parts (cards and lore, which can also be added to a story) or backup; ``report`` is what an
    import would say.
    """
    data = await read_bytes(call.request, call.options)
    name = call.request.query_params.get("name", "")[:200]
    return JSONResponse((await call.services.stories.preview(data, name)).to_json())


@routes.post(_LIBRARY + "/empty-trash", "Empty the trash")
async def empty_trash(call: Call) -> Response:
    """Permanently: this is the only request that deletes stories."""
    return JSONResponse({"forgotten": await call.services.stories.empty_trash()})


@routes.get(_LIBRARY + "/backup", "All stories as a file", answer="application/vnd.sqlite3")
async def backup(call: Call) -> Response:
    """A consistent copy of the SQLite file."""
    return _attached(
        await call.services.stories.backup(), "journal.sqlite", "application/vnd.sqlite3"
    )


def _attached(data: bytes, name: str, media_type: str) -> Response:
    """A file download."""
    safe = "".join(
        char if char.isascii() and char.isalnum() else "-" for char in name.rsplit(".", 1)[0]
    )
    suffix = name[len(name.rsplit(".", 1)[0]) :]
    headers = {"content-disposition": f'attachment; filename="{safe}{suffix}"'}
    return Response(data, headers=headers, media_type=media_type)


def _story(call: Call) -> str:
    return str(call.request.path_params["id"])


def _told(appended: Appended) -> dict[str, Any]:
    lines = [record.to_json() for record in appended.records]
    return {"version": appended.version, "operations": lines}


async def _since(stories: Stories, story: str, base: int, count: int) -> dict[str, Any]:
    """So many operations after a version."""
    records = await stories.records(story, base, count)
    return {"since": [record.to_json() for record in records]}


def _flag(call: Call, name: str) -> bool:
    return call.request.query_params.get(name, "") in ("1", "true")


def _number(call: Call, name: str) -> int | None:
    text = call.request.query_params.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadRequest(f"{name} must be a whole number.", field=name)
    return int(text)


def _bounded(call: Call, name: str, most: int, default: int) -> int:
    value = _number(call, name)
    if value is not None and not 1 <= value <= most:
        raise BadRequest(f"{name} must be 1 to {most}.", field=name)
    return default if value is None else value
