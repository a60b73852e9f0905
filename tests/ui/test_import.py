"""Files on their way in and out: dropped, looked at, brought in, and saved in other programs' forms."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import patient
from story.files import KOBOLD, V2, chunk, packed, png, text_chunk, zipped
from ui.desk import button, editor, open_panel, text, wait, wait_until_saved, write
from ui.test_access import assert_accessible

pytestmark = pytest.mark.slow

DROP = """(element, files) => {
  const dataTransfer = new DataTransfer();
  for (const [name, data] of files)
    dataTransfer.items.add(new File([Uint8Array.from(atob(data), (char) => char.charCodeAt(0))], name));
  const how = { dataTransfer, bubbles: true, cancelable: true, composed: true };
  for (const kind of ["dragover", "drop"]) element.dispatchEvent(new DragEvent(kind, how));
}"""


def drop(element: Locator, **files: bytes) -> None:
    named = [
        (name.replace("_", "."), base64.b64encode(data).decode()) for name, data in files.items()
    ]
    element.evaluate(DROP, named)


def bomb() -> bytes:
    data = bytearray(zipped(card_json=b"{}"))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 0x7FFFFFFF)
    return bytes(data)


def stories(page: Page) -> list[str]:
    address = page.url.split("/#")[0]
    listed = patient.get(f"{address}/api/coblyn/stories").json()["stories"]
    return [one["title"] for one in listed]


def test_files_are_looked_at_before_anything_is_made_of_them(page: Page) -> None:
    page.expected = ["400"]  # type: ignore[attr-defined]
    write(page, "A lamp.")
    wait_until_saved(page)
    before = stories(page)
    picture = png(behind=text_chunk("chara", packed(V2)))
    drop(editor(page), Cwm_json=json.dumps(KOBOLD).encode(), Tomos_png=picture, bomb_charx=bomb())
    sheet = page.get_by_role("main", name="Import")
    save = sheet.get_by_role("article", name="Cwm.json")
    expect(save).to_contain_text("KoboldAI Lite save")
    expect(save.get_by_role("listitem").filter(has_text="my_api_key")).to_contain_text("left out")
    expect(save.get_by_role("listitem").filter(has_text="completed_imgs_meta")).to_contain_text(
        "kept, not used"
    )
    expect(sheet.get_by_role("article", name="bomb.charx").get_by_role("alert")).to_contain_text(
        "is not unpacked"
    )
    assert_accessible(page)
    assert (text(page), stories(page)) == ("A lamp.", before)
    # A card can be added to the story that is open, as one step of undo.
    card = sheet.get_by_role("article", name="Tomos.png")
    card.get_by_role("button", name="Add to").click()
    expect(card).to_contain_text("Imported.")
    open_panel(page, "Characters")
    portrait = page.get_by_role("img", name="Portrait of Tomos")
    expect(portrait).to_be_visible()
    assert portrait.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    page.keyboard.press("Escape")
    save.get_by_role("button", name="Import as a new story").click()
    expect(save).to_contain_text("Imported.")
    assert stories(page)[0] == "Cwm"
    # What is pasted is a file as well.
    sheet.get_by_text("Paste a text", exact=True).click()
    sheet.get_by_label("The text").fill("Rain fell.\n\nThe rungs were wet.")
    button(page, "Look at it").click()
    pasted = sheet.get_by_role("article", name="pasted.txt")
    expect(pasted).to_contain_text("Rain fell.")
    button(page, "Leave it").click()
    expect(pasted).to_have_count(0)
    save.get_by_role("button", name="Open it").click()
    wait(page, lambda: text(page).startswith("The lamp went out."), "the save's text")


def test_hostile_files_earn_a_sentence_each_and_the_page_goes_on(page: Page) -> None:
    page.expected = ["400"]  # type: ignore[attr-defined]
    write(page, "A lamp.")
    wait_until_saved(page)
    before, picture = stories(page), png(behind=text_chunk("chara", packed(V2)))
    hostile = {
        "bomb_charx": zipped(card_json=b" " * (70 << 20) + b"{}"),
        "crowd_charx": zipped(**{f"f{number}": b"" for number in range(10_001)}),
        "book_json": b'{"entries": [' + b'{"uid": 0},' * 20_001 + b"{}]}",
        "deep_json": b"[" * 200_000,
        "empty_json": b"",
        "cut_png": picture[:50],
        "length_png": picture.replace(b"\0\0\0\x0dIHDR", b"\xff\xff\xff\xffIHDR"),
        "inflated_png": png(behind=chunk(b"zTXt", b"chara\0\0" + zlib.compress(b" " * (70 << 20)))),
    }
    drop(editor(page), **hostile)
    sheet = page.get_by_role("main", name="Import")
    for name in hostile:
        said = sheet.get_by_role("article", name=name.replace("_", ".")).get_by_role("alert")
        expect(said).to_contain_text(".")
        assert len(said.inner_text()) < 300
    assert (text(page), stories(page)) == ("A lamp.", before)
    page.keyboard.press("Escape")
    write(page, " It burned.")
    wait_until_saved(page)
    assert text(page) == "A lamp. It burned."


def test_a_story_goes_out_in_other_forms_and_all_of_them_in_one(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Title").fill("The kite")
    write(page, "A kite hung over the pit.")
    wait_until_saved(page)
    button(page, "Library").click()
    row = page.get_by_role("listitem").filter(has_text="The kite")
    row.get_by_role("button", name="Export The kite").click()
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="KoboldAI Lite save").click()
    saved = json.loads(download.value.path().read_bytes())
    assert saved["prompt"] + "".join(saved["actions"]) == "A kite hung over the pit."
    with page.expect_download() as download:
        page.get_by_role("link", name="Back up all").click()
    backup = tmp_path / "journal.sqlite"
    download.value.save_as(backup)
    page.get_by_label("Import", exact=True).set_input_files(backup)
    item = page.get_by_role("article", name="journal.sqlite")
    expect(item).to_contain_text("here already, and left unchanged")
    # By name, also without the library.
    button(page, "Back to the desk").click()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Export: Plain text")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.path().read_text() == "A kite hung over the pit."


def test_an_export_by_the_palette_has_what_was_typed_a_moment_ago(page: Page) -> None:
    write(page, "A kite.")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Commands").fill("Export: Plain text")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.path().read_text() == "A kite."
