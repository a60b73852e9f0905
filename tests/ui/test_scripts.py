"""Files of other programs with a script in every field: nothing of it runs, and it is shown as text."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

import patient
from ui.conftest import NewPage
from ui.desk import open_panel, text, wait

pytestmark = pytest.mark.slow

HOSTILE = (
    "<script>window.__ran = 1</script><img src=x onerror='window.__ran = 1'>"
    "<a href='javascript:window.__ran = 1'>a</a>![a](javascript:window.__ran=1)"
    "<iframe src='data:text/html,<script>parent.__ran = 1</script>'></iframe>"
    "<svg onload='window.__ran = 1'></svg>"
)
NAMED = (
    "name",
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "character_version",
)
ENTRY = {"keys": [HOSTILE], "content": HOSTILE, "comment": HOSTILE, "name": HOSTILE}
BOOK = {"name": HOSTILE, "entries": [ENTRY | {"enabled": True, "insertion_order": 1}]}
CARD = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": dict.fromkeys(NAMED, HOSTILE)
    | {"tags": [HOSTILE], "alternate_greetings": [HOSTILE], "character_book": BOOK},
}
WORLD = {"entries": {"0": {"uid": 0, "key": [HOSTILE], "content": HOSTILE, "comment": HOSTILE}}}
SAVE = {
    "gamestarted": True,
    "prompt": HOSTILE,
    "memory": HOSTILE,
    "authorsnote": HOSTILE,
    "anotetemplate": "[<|>]",
    "actions": [HOSTILE],
    "worldinfo": [{"key": HOSTILE, "content": HOSTILE, "comment": HOSTILE}],
    "savedsettings": {"chatname": HOSTILE, "chatopponent": HOSTILE, "opmode": 3},
}
TURN = {"name": HOSTILE, "is_user": False, "mes": HOSTILE, "send_date": HOSTILE}
CHAT = [{"user_name": HOSTILE, "character_name": HOSTILE}, TURN, TURN | {"is_user": True}]
FILES = {
    "card.json": json.dumps(CARD),
    "world.json": json.dumps(WORLD),
    "save.json": json.dumps(SAVE),
    "chat.jsonl": "\n".join(map(json.dumps, CHAT)),
}


def look_around(page: Page) -> None:
    for name in ("Story", "Lore", "Characters", "Context"):
        open_panel(page, name)
        for row in page.locator("#panel .body [aria-expanded=false]").all()[:3]:
            row.click()
    page.keyboard.press("Escape")
    for name in ("Branches", "Library"):
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Commands").fill(name)
        page.keyboard.press("Enter")
        expect(page.locator("main.sheet")).to_be_visible()
        page.keyboard.press("Escape")


@pytest.mark.parametrize("name", FILES)
def test_scripts_in_every_field_are_text(new_page: NewPage, server_url: str, name: str) -> None:
    """The page's fixture fails for any violation of the policy."""
    where = f"{server_url}/api/coblyn/library/import"
    answer = patient.post(where, params={"name": name}, content=FILES[name].encode())
    assert answer.status_code in {200, 201}, answer.text
    story = answer.json()["story"]["id"] if "story" in answer.json() else answer.json()["id"]
    title = {"kind": "put", "place": "title", "value": HOSTILE, "id": "title", "unit": "title"}
    version = patient.get(f"{server_url}/api/coblyn/stories/{story}").json()["version"]
    changes = {"base": version, "author": "test", "operations": [title]}
    patient.post(f"{server_url}/api/coblyn/stories/{story}/operations", json=changes)
    page = new_page(f"{server_url}/#/s/{story}", viewport={"width": 1280, "height": 800})
    shown = HOSTILE.split(">", 1)[0]
    if name != "world.json":
        wait(page, lambda: shown in text(page), "the text")
    look_around(page)
    assert page.evaluate("() => window.__ran") is None
    assert page.locator("iframe, img[src=x], a[href^=javascript]").count() == 0
