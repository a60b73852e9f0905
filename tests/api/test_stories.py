from __future__ import annotations

import asyncio
import json
import tempfile
from typing import Any

import pytest

from asgi import Client
from coblyn.api.story.lists import in_parts
from coblyn.service.stories import Stories
from coblyn.story.store.journal import Appended
from coblyn.story.store.library import Shelf
from story.files import KOBOLD, V1, V2, packed, png, text_chunk

STORIES = "/api/coblyn/stories"
LIBRARY = "/api/coblyn/library"


def typing(name: str, at: int, text: str) -> dict[str, Any]:
    changes = [{"from": at, "to": at, "insert": text}]
    return {"id": name, "kind": "edit", "branch": "main", "changes": changes}


async def create(client: Client, *operations: dict[str, Any]) -> str:
    reply = await client.post(STORIES, {"operations": list(operations)})
    assert reply.status == 200, reply.body
    return str(reply.json["id"])


async def append(client: Client, story: str, base: int, *operations: dict[str, Any]) -> Any:
    body = {"base": base, "author": "tab", "operations": list(operations)}
    return await client.post(f"{STORIES}/{story}/operations", body)


async def test_a_story_from_its_first_word_to_the_trash(client: Client) -> None:
    story = await create(client)
    reply = await append(client, story, 0, typing("a", 0, "A lamp."))
    assert (reply.status, reply.json["version"]) == (200, 1)
    title = {"id": "b", "kind": "put", "place": "title", "value": "The Lamp"}
    await append(client, story, 1, title)
    whole = (await client.get(f"{STORIES}/{story}")).json
    assert whole["state"]["branches"]["main"]["text"] == "A lamp."
    assert (whole["version"], whole["title"], whole["words"]) == (2, "The Lamp", 2)
    earlier = (await client.get(f"{STORIES}/{story}?version=0&without=lore,trash")).json
    assert earlier["state"]["branches"]["main"]["text"] == ""
    assert not {"lore", "trash"} & set(earlier["state"])
    journal = (await client.get(f"{STORIES}/{story}/operations?after=1")).json["operations"]
    assert [line["value"] for line in journal] == ["The Lamp"]
    listed = (await client.get(STORIES)).json["stories"]
    assert [(one["id"], one["preview"], one["words"]) for one in listed] == [(story, "A lamp.", 2)]
    await client.post(f"{STORIES}/{story}/trash")
    assert (await client.get(STORIES)).json["stories"] == []
    assert len((await client.get(f"{STORIES}?trash=1")).json["stories"]) == 1
    await client.post(f"{STORIES}/{story}/restore")
    assert len((await client.get(STORIES)).json["stories"]) == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" * 400])
async def test_a_number_that_no_answer_can_hold_is_refused(client: Client, number: str) -> None:
    story = await create(client)
    put = '{"id": "a", "kind": "put", "place": "settings/x", "value": [NUMBER]}'
    body = '{"base": 0, "operations": [' + put.replace("NUMBER", number) + "]}"
    reply = await client.post(f"{STORIES}/{story}/operations", body.encode())
    assert (reply.status, reply.json["error"]["code"]) == (400, "bad_request")
    assert (await client.get(f"{STORIES}/{story}")).json["version"] == 0


async def test_undo_and_redo(client: Client) -> None:
    story = await create(client)
    await append(client, story, 0, typing("a", 0, "A lamp."))
    undone = (await client.post(f"{STORIES}/{story}/undo", {"id": "u", "scope": "text/main"})).json
    assert (undone["version"], undone["operations"][0]["role"]) == (2, "undo")
    assert undone["has_more"] is False
    redone = (await client.post(f"{STORIES}/{story}/redo", {"id": "r"})).json
    assert redone["operations"][0]["changes"] == [{"from": 0, "to": 0, "insert": "A lamp."}]
    nothing = (await client.post(f"{STORIES}/{story}/redo", {"id": "r2"})).json
    assert (nothing["version"], nothing["operations"]) == (3, [])


async def test_a_story_says_which_steps_there_are(client: Client) -> None:
    story = await create(client)

    async def steps() -> tuple[bool, bool]:
        told = (await client.get(f"{STORIES}/{story}")).json["steps"]["text/main"]
        return told["can_undo"], told["can_redo"]

    assert await steps() == (False, False)
    await append(client, story, 0, {"id": "p", "kind": "put", "place": "memory", "value": "kept"})
    assert await steps() == (False, False)
    await append(client, story, 1, typing("a", 0, "A lamp."))
    assert await steps() == (True, False)
    await client.post(f"{STORIES}/{story}/undo", {"id": "u", "scope": "text/main"})
    assert await steps() == (False, True)
    await append(client, story, 3, typing("b", 0, "A rope."))
    assert await steps() == (True, False)


async def test_steps_of_any_scope_are_told(client: Client) -> None:
    story = await create(client)
    lamp = {"kind": "put", "place": "lore/lamp", "value": {"key": ["lamp"]}}
    address = f"{STORIES}/{story}/steps?scope=lore/lamp"
    assert (await client.get(address)).json == {"can_undo": False, "can_redo": False}
    await append(client, story, 0, {"id": "p", **lamp})
    assert (await client.get(address)).json == {"can_undo": True, "can_redo": False}
    await client.post(f"{STORIES}/{story}/undo", {"id": "u", "scope": "lore/lamp"})
    assert (await client.get(address)).json == {"can_undo": False, "can_redo": True}
    assert (await client.get(f"{STORIES}/none/steps?scope=lore/lamp")).status == 404


async def test_two_editors_are_merged_or_told(client: Client) -> None:
    story = await create(client, typing("start", 0, "one\ntwo"))
    await append(client, story, 1, typing("a", 3, "!"))
    merged = await append(client, story, 1, typing("b", 7, "?"))
    assert [line["id"] for line in merged.json["since"]] == ["a"]
    assert merged.json["operations"][0]["changes"][0]["from"] == 8
    told = await append(client, story, 1, typing("c", 0, "Chapter "))
    assert (told.status, told.json["error"]["code"]) == (409, "conflict")
    assert told.json["conflict"] == {"id": "c", "scope": "text/main"}
    assert [line["id"] for line in told.json["since"]] == ["a", "b"]
    assert (await client.get(f"{STORIES}/{story}")).json["version"] == 3


async def test_what_comes_after_operations_is_not_told_as_before_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await create(client, typing("start", 0, "one\ntwo"))
    append_now = Stories.append
    for newest in (2, 3):  # the second time the operation is known already

        async def append_before_another(stories: Stories, *asked: Any) -> Appended:
            monkeypatch.setattr(Stories, "append", append_now)
            appended = await append_now(stories, *asked)
            await append(client, story, newest, typing(f"later{newest}", 0, "!"))  # noqa: B023
            return appended

        monkeypatch.setattr(Stories, "append", append_before_another)
        told = (await append(client, story, 1, typing("a", 7, "?"))).json
        versions = [line["version"] for line in told["since"] + told["operations"]]
        assert (told["version"], versions) == (newest, list(range(2, newest + 1)))


async def test_other_tabs_are_told_as_it_happens(client: Client) -> None:
    story = await create(client, typing("start", 0, "one"))
    async with client.open("GET", f"{STORIES}/{story}/events?after=0") as events:
        first = await _event(events)
        assert (first[0], first[1]["version"]) == ("operations", 1)
        assert await _event(events) == ("open", {"open": 1})
        await append(client, story, 1, typing("a", 3, "!"))
        name, told = await _event(events)
        assert (name, [line["id"] for line in told["operations"]]) == ("operations", ["a"])


async def _event(events: Any) -> tuple[str, Any]:
    name, data = (await events.next()).decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_out_and_in_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    story = await create(client, typing("start", 0, "A lamp."))
    file = await client.get(f"{STORIES}/{story}/export")
    assert file.headers["content-type"] == "application/zip"
    imported = (await client.post(f"{LIBRARY}/import", file.body)).json["story"]["id"]
    assert imported != story
    copy = await client.post(STORIES, {"copy_of": story, "version": 1})
    hits = (await client.get(f"{LIBRARY}/search?q=lamp")).json["hits"]
    assert {hit["story"] for hit in hits} == {story, imported, copy.json["id"]}
    monkeypatch.setattr(tempfile, "tempdir", "/full")  # a backup is made where there is no room
    backup = await client.get(f"{LIBRARY}/backup")
    monkeypatch.undo()
    assert backup.body.startswith(b"SQLite format 3\0")
    told = (await client.post(f"{LIBRARY}/preview?name=j.sqlite", backup.body)).json
    assert (told["kind"], told["report"]["understood"]) == ("backup", [])
    assert told["report"]["notes"] == ["3 stories are here already, and left unchanged."]
    await client.post(f"{STORIES}/{story}/trash")
    assert (await client.post(f"{LIBRARY}/empty-trash")).json == {"forgotten": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{STORIES}/none", None, 404),
        ("GET", f"{STORIES}/none/events", None, 404),
        ("POST", f"{STORIES}/none/undo", {"id": "u"}, 404),
        ("POST", f"{STORIES}/none/undo", {}, 400),
        ("POST", STORIES, {"id": "no spaces"}, 400),
        ("POST", STORIES, {"operations": [{"kind": "dance"}]}, 400),
        ("POST", f"{STORIES}/none/operations", {"base": -1, "operations": []}, 400),
        ("POST", f"{STORIES}/none/operations", {"base": 0, "operations": [{"id": 3}]}, 400),
        ("POST", f"{LIBRARY}/import", b"PK no zip", 400),
        ("GET", f"{LIBRARY}/search?q=a&limit=x", None, 400),
        ("GET", f"{LIBRARY}/search?q=a&limit=501", None, 400),
        ("GET", f"{STORIES}?limit=0", None, 400),
        ("GET", f"{STORIES}?limit=1001", None, 400),
        ("GET", f"{STORIES}?offset=-1", None, 400),
        ("GET", f"{STORIES}?q=a&title=b", None, 400),
        ("GET", f"{STORIES}/none?version=-1", None, 400),
    ],
)
async def test_errors_have_a_code(
    client: Client, method: str, path: str, body: Any, status: int
) -> None:
    reply = await client.send(method, path, body)
    assert reply.status == status, reply.body
    assert reply.json["error"]["code"]
    assert reply.json["error"]["message"]
    assert (await client.get(STORIES)).json["stories"] == []


async def test_the_list_in_parts_by_title_and_by_words(client: Client) -> None:
    names = []
    for number in range(5):
        title = {"kind": "put", "place": "title", "value": f"Lamp {number}"}
        names.append(await create(client, title, typing("a", 0, f"The heron. Word{number}.")))
    whole = (await client.get(STORIES)).json
    assert [one["id"] for one in whole["stories"]] == names[::-1]
    assert whole["num_stories"] == 5
    part = (await client.get(f"{STORIES}?limit=2&offset=1")).json
    assert (part["stories"], part["num_stories"]) == (whole["stories"][1:3], 5)
    named = (await client.get(f"{STORIES}?title=LAMP%203")).json
    assert ([one["id"] for one in named["stories"]], named["num_stories"]) == ([names[3]], 1)
    await client.post(f"{STORIES}/{names[4]}/trash")
    found = (await client.get(f"{STORIES}?q=heron&limit=2&offset=2")).json
    assert (found["num_stories"], found["num_unread"]) == (4, 0)
    assert [one["id"] for one in found["stories"]] == [names[1], names[0]]
    assert found["stories"][0]["excerpt"] == "The heron. Word1."
    trash = (await client.get(f"{STORIES}?q=lamp&trash=1")).json["stories"]
    assert [(one["id"], one["excerpt"]) for one in trash] == [(names[4], "")]
    hits = (await client.get(f"{LIBRARY}/search?q=heron&limit=1&offset=3")).json
    assert ([hit["story"] for hit in hits["hits"]], hits["num_hits"]) == ([names[0]], 4)
    refused = (await client.get(f"{STORIES}?limit=0")).json["error"]
    assert (refused["message"], refused["field"]) == ("limit must be 1 to 1000.", "limit")


async def test_a_long_list_is_written_in_parts_and_others_have_their_turn_between_them() -> None:
    shelves = [Shelf(f"s{at}", f"Läm {at}", "", 0, 0, 1, None, 2, "It.") for at in range(5)]
    num_turns = 0

    async def others() -> None:
        nonlocal num_turns
        while True:
            num_turns += 1
            await asyncio.sleep(0)

    other, pieces, turns = asyncio.create_task(others()), list[bytes](), list[int]()
    async for piece in in_parts(shelves, list, {"num_stories": 7}, at_once=2):
        pieces.append(piece)
        turns.append(num_turns)
    other.cancel()
    assert turns[1:4] == sorted(set(turns[1:4]))
    told = json.loads(b"".join(pieces))
    assert told == {"num_stories": 7, "stories": [shelf.to_json() for shelf in shelves]}


async def test_lists_longer_than_a_part_are_whole(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coblyn.api.story.lists._AT_ONCE", 1)
    names = [await create(client, typing("a", 0, f"The heron {at}.")) for at in range(3)]
    whole = await client.get(STORIES)
    assert "content-length" not in whole.headers
    assert [one["id"] for one in whole.json["stories"]] == names[::-1]
    found = (await client.get(f"{STORIES}?q=heron")).json["stories"]
    assert [one["excerpt"] for one in found] == [f"The heron {at}." for at in (2, 1, 0)]


async def test_a_card_with_all_its_oddities_at_once(client: Client) -> None:
    """Texts behind the pixels, both versions, lines and no padding in base64, no name, a book that is null."""
    data = V2["data"] | {"name": "", "character_book": None}  # type: ignore[operator]
    new = {"spec": "chara_card_v3", "spec_version": "3.0", "data": data}
    lines = b"\n".join(packed(new).rstrip(b"=")[at : at + 60] for at in range(0, 4000, 60))
    picture = png(behind=text_chunk("ccv3", lines) + text_chunk("chara", packed(V1)))
    path = f"{LIBRARY}/import?name=Tomos%20of%20the%20Mine.png"
    answer = (await client.post(path, picture)).json
    story = (await client.get(f"{STORIES}/{answer['story']['id']}")).json
    (character,) = story["state"]["characters"].values()
    assert (character["card"], story["title"]) == (new, "Tomos of the Mine")
    assert character["portrait"]
    assert "The card has no name; it is called Tomos of the Mine." in answer["report"]["notes"]
    sent = (await client.post(f"{STORIES}/{answer['story']['id']}/context", {})).json
    assert "Tomos of the Mine" in "".join(sent["stops"])
    flat = (await client.post(f"{LIBRARY}/preview?name=a.json", json.dumps(V1).encode())).json
    assert flat["report"]["format"] == "character card, version 1"


async def test_entries_of_an_imported_book_mean_what_they_meant(client: Client) -> None:
    """A chance of 0 and an empty key never fire, and a key between slashes is a pattern."""
    fields: dict[str, Any] = {"content": "It knocks.", "order": 100, "disable": False}
    entries = {
        "0": {"uid": 0, "key": ["lamp"], "comment": "never", "probability": 0} | fields,
        "1": {"uid": 1, "key": ["", " "], "comment": "empty"} | fields,
        "2": {"uid": 2, "key": ["/L[ai]MP/i"], "comment": "pattern"} | fields,
    }
    story = await create(client, typing("a", 0, "A lamp, and a limp."))
    book = json.dumps({"entries": entries}).encode()
    assert (await client.post(f"{STORIES}/{story}/import?name=b.json", book)).status == 200
    for seed in range(50):
        lore = (await client.post(f"{STORIES}/{story}/context", {"seed": seed})).json["lore"]
        assert [one["name"] for one in lore["fired"]] == ["pattern"]
        why = {one["name"]: one["because"] for one in lore["silent"]}
        assert why == {"never": "roll", "empty": "no_key"}


async def test_a_large_book_is_added_to_a_story_as_one_step(client: Client) -> None:
    """Larger than what a client may append at a time."""
    entries = {
        str(n): {"uid": n, "key": [f"key{n}"], "content": f"Entry {n}."} for n in range(2500)
    }
    story = await create(client, typing("a", 0, "A lamp."))
    book = json.dumps({"entries": entries}).encode()
    answer = await client.post(f"{STORIES}/{story}/import?name=b.json", book)
    assert answer.status == 200, answer.json
    lore = (await client.get(f"{STORIES}/{story}")).json["state"]["lore"]
    assert [one["content"] for one in lore.values()] == [f"Entry {n}." for n in range(2500)]
    (place, *_) = lore
    step = {"id": "back", "scope": f"lore/{place}"}
    assert (await client.post(f"{STORIES}/{story}/undo", step)).status == 200
    assert (await client.get(f"{STORIES}/{story}")).json["state"]["lore"] == {}
    more = [{"id": f"o{n}", "kind": "put", "place": "memory", "value": ""} for n in range(2001)]
    sent = {"base": 0, "author": "me", "operations": more}
    answer = await client.post(f"{STORIES}/{story}/operations", sent)
    assert (answer.status, "2000" in str(answer.json)) == (400, True)


async def test_stories_with_one_name_are_two_and_half_a_story_is_not_lost(client: Client) -> None:
    title = {"kind": "put", "place": "title", "value": "The Lamp"}
    first = await create(client, title, typing("a", 0, "A lamp. It went out."))
    second = await create(client, title, typing("b", 0, "Another."))
    cut = {"id": "c", "unit": "c", "kind": "edit", "branch": "main"}
    cut |= {"changes": [{"from": 7, "to": 20, "insert": ""}]}
    sent = {"base": 2, "author": "me", "operations": [cut]}
    assert (await client.post(f"{STORIES}/{first}/operations", sent)).status == 200
    texts = [
        (await client.get(f"{STORIES}/{path}")).json["state"]["branches"]["main"]["text"]
        for path in (first, f"{first}?version=2", second)
    ]
    assert texts == ["A lamp.", "A lamp. It went out.", "Another."]


async def test_a_refused_file_says_why_as_a_code_too(client: Client) -> None:
    for path in (f"{LIBRARY}/import", f"{LIBRARY}/preview"):
        error = (await client.post(path, b'{"a": }')).json["error"]
        assert error["message"] == "The file is not JSON: the error is in line 1, column 7."
        what = {"code": "the_file", "values": {}}
        values = {"what": what, "line": 1, "column": 7}
        assert error["said"] == {"code": "no_json", "values": values}


async def test_what_the_model_would_read(client: Client) -> None:
    lamp = {"key": ["lamp"], "content": "It knocks."}
    story = await create(
        client,
        typing("a", 0, "A lamp.\nIt went out."),
        {"kind": "put", "place": "memory", "value": "A mine."},
        {"kind": "put", "place": "lore/lamp", "value": lamp},
        {"kind": "put", "place": "lore/off", "value": lamp | {"disable": True}},
    )
    reply = await client.post(f"{STORIES}/{story}/context", {"max_tokens": 10})
    answer = reply.json
    assert reply.status == 200, reply.body
    assert answer["prompt"] == "A mine.\nIt knocks.\nA lamp.\nIt went out."
    assert "".join(segment["text"] for segment in answer["segments"]) == answer["prompt"]
    assert [one["key"] for one in answer["lore"]["fired"]] == ["lamp"]
    assert [one["because"] for one in answer["lore"]["silent"]] == ["disabled"]
    counted = (await client.post("/api/extra/tokencount", {"prompt": answer["prompt"]})).json
    assert answer["tokens"] == counted["value"]
    earlier = (await client.post(f"{STORIES}/{story}/context", {"end": 7})).json
    assert earlier["prompt"] == "A mine.\nIt knocks.\nA lamp."
    assert (await client.post(f"{STORIES}/{story}/context", {"end": 99})).status == 400
    tried = (await client.post(f"{STORIES}/{story}/context", {"text": "The lamp."})).json
    assert tried["prompt"] == "A mine.\nIt knocks.\nThe lamp."
    tried = (await client.post(f"{STORIES}/{story}/context", {"text": "The dark."})).json
    assert [one["because"] for one in tried["lore"]["silent"]] == ["no_match", "disabled"]
    assert (await client.post(f"{STORIES}/{story}/context", {})).json["prompt"] == answer["prompt"]
    refused = await client.post(f"{STORIES}/{story}/context", {"branch": "none"})
    assert (refused.status, refused.json["error"]["field"]) == (400, "branch")


TURNS = "{{[INPUT]}}\nHow deep?\n{{[OUTPUT]}}\n"


async def test_instructions_have_their_tags(client: Client) -> None:
    tags = {"user_start": "<u>", "user_end": "</u>", "assistant_start": "<a>"}
    story = await create(
        client,
        typing("a", 0, TURNS),
        {"kind": "put", "place": "mode", "value": "instruct"},
        {"kind": "put", "place": "settings/instruct", "value": tags},
    )
    answer = (await client.post(f"{STORIES}/{story}/context", {})).json
    assert (answer["prompt"], answer["stops"]) == ("<u>How deep?</u><a>", ["<u>", "<a>"])
    remove = {"id": "r", "kind": "remove", "place": "settings/instruct"}
    assert (await append(client, story, 3, remove)).status == 200
    answer = (await client.post(f"{STORIES}/{story}/context", {})).json
    assert answer["prompt"] == "\n### Instruction:\nHow deep?\n### Response:\n"


async def test_with_an_assistant_the_models_template_is_what_is_read(client: Client) -> None:
    story = await create(
        client,
        typing("a", 0, TURNS),
        {"kind": "put", "place": "mode", "value": "assistant"},
        {"kind": "put", "place": "memory", "value": "A mine."},
    )
    answer = (await client.post(f"{STORIES}/{story}/context", {})).json
    body = {"messages": answer["messages"]}
    assert answer["prompt"] == (await client.post("/apply-template", body)).json["prompt"]
    assert "".join(segment["text"] for segment in answer["segments"]) == answer["prompt"]
    kinds = [one["kind"] for one in answer["segments"] if one["kind"] != "template"]
    assert kinds == ["memory", "story"]
    wrong = {"id": "t", "kind": "put", "place": "settings/tools", "value": [{"type": "magic"}]}
    assert (await append(client, story, 3, wrong)).status == 200
    refused = await client.post(f"{STORIES}/{story}/context", {})
    assert (refused.status, refused.json["error"]["field"]) == (400, "tools[0]")


async def test_lore_for_everybody(client: Client) -> None:
    entries = {"lamp": {"key": ["lamp"], "content": "It knocks."}, "x": {"key": ["/(/"]}}
    body = {"entries": entries, "messages": ["A lamp."], "settings": {"scan_depth": 1}}
    answer = (await client.post("/api/coblyn/lore", body)).json
    assert [(one["id"], one["back"]) for one in answer["fired"]] == [("lamp", 1)]
    assert answer["contents"] == {"lamp": "It knocks."}
    assert answer["silent"][0]["because"] == "bad_pattern"


async def test_a_card_becomes_a_chat_that_begins_with_its_greeting(client: Client) -> None:
    picture = png(behind=text_chunk("chara", packed(V2)))
    answer = (await client.post(f"{LIBRARY}/import?name=t.png", picture)).json
    story = (await client.get(f"{STORIES}/{answer['story']['id']}")).json
    state = story["state"]
    assert (story["title"], story["mode"]) == ("Tomos", "chat")
    assert state["branches"]["main"]["text"] == "Tomos: Good evening, You."
    assert state["branches"]["main"]["runs"] == [[7, ""], [18, "greeting"]]
    assert [take["text"] for take in state["takes"].values()] == ["Well."]


async def test_files_of_other_programs_come_in_with_a_report(client: Client) -> None:
    save = json.dumps(KOBOLD).encode()
    told = (await client.post(f"{LIBRARY}/preview?name=Cwm.json", save)).json
    assert (told["kind"], told["title"], told["beginning"][:8]) == ("story", "Cwm", "The lamp")
    assert (await client.get(STORIES)).json["stories"] == []
    answer = (await client.post(f"{LIBRARY}/import?name=Cwm.json", save)).json
    assert told["report"] == answer["report"]
    assert (answer["story"]["title"], answer["report"]["format"]) == ("Cwm", "KoboldAI Lite save")
    assert answer["report"]["dropped"]
    story = answer["story"]["id"]
    picture = png(behind=text_chunk("chara", packed(V2)))
    told = (await client.post(f"{LIBRARY}/preview?name=t.png", picture)).json
    assert (told["kind"], told["beginning"]) == ("parts", "Tomos: Good evening, You.")
    added = (await client.post(f"{STORIES}/{story}/import?name=t.png", picture)).json
    assert added["report"]["understood"][0]["what"] == "card of Tomos"
    state = (await client.get(f"{STORIES}/{story}")).json["state"]
    (character,) = state["characters"]
    out = await client.post(f"{STORIES}/{story}/card?which={character}", picture)
    assert (out.status, out.headers["content-type"]) == (200, "image/png")
    shown = await client.get(f"{STORIES}/{story}/portrait?which={character}")
    assert (shown.body, shown.headers["content-type"]) == (picture, "image/png")
    assert (await client.get(f"{STORIES}/{story}/portrait?which=x")).status == 404
    undone = (await client.post(f"{STORIES}/{story}/undo", {"id": "u"})).json
    assert len(undone["operations"]) == len(added["operations"])
    text = await client.get(f"{STORIES}/{story}/export?format=text")
    assert text.body.startswith(b"The lamp went out.")
    assert (await client.get(f"{STORIES}/{story}/export?format=none")).status == 400
    again = await client.post(f"{STORIES}/{story}/import", save)
    assert "as a new story" in again.json["error"]["message"]


async def test_files_and_events_have_the_types_that_the_description_says(client: Client) -> None:
    story = await create(client)
    described = (await client.get("/openapi.json")).json["paths"]

    def said(method: str, path: str) -> list[str]:
        operation = described[f"{STORIES}/{{id}}/{path}"][method]
        return list(operation["responses"]["200"]["content"])

    assert said("get", "events") == ["text/event-stream"]
    async with client.open("GET", f"{STORIES}/{story}/events?after=0") as events:
        assert await events.next()
        assert events.answer_headers["content-type"].startswith("text/event-stream")
    assert said("get", "export") == ["*/*"]  # of the format that is asked for
    assert said("get", "portrait") == ["image/*"]
    assert said("post", "card") == ["image/png"]
