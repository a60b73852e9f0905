"""What each piece was made with, and the same once more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import patient
from coblyn.native.bundle import Bundle
from ui.conftest import NewPage, lend, serving
from ui.desk import (
    PROMPT,
    button,
    editor,
    generate,
    phase,
    runs,
    text,
    wait,
    wait_until_idle,
    wait_until_saved,
    write,
)
from ui.test_surfaces import command

pytestmark = pytest.mark.slow

ASKED = "**/api/extra/generate/stream"


@pytest.fixture(scope="module")
def real_url(
    built_page: None, bundle: Bundle, starter_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server with the starter model."""
    home = tmp_path_factory.mktemp("real")
    lend(bundle, home)
    with serving(home, ["serve", str(starter_model), "--port", "0"]) as address:
        yield address


def receipts(page: Page) -> list[dict[str, Any]]:
    wait_until_saved(page)
    address, _, story = page.url.partition("/#/s/")
    state = patient.get(f"{address}/api/coblyn/stories/{story.split('/')[0]}").json()["state"]
    return list(state["pieces"].values())


def show_receipt(page: Page) -> Locator:
    command(page, "How this was written")
    panel = page.get_by_role("complementary", name="How this was written")
    expect(panel).to_be_visible()
    return panel


def write_takes(page: Page, count: int) -> None:
    button(page, "More ways to continue").click()
    button(page, f"Write {count} takes").click()
    expect(page.get_by_role("article")).to_have_count(count)
    expect(page.get_by_text("writing", exact=True)).to_have_count(0)


def test_every_generation_leaves_a_receipt(page: Page) -> None:
    asked: list[int] = []
    page.on(
        "request",
        lambda sent: (
            asked.append(sent.post_data_json["sampler_seed"])
            if "generate/stream" in sent.url
            else None
        ),
    )
    write(page, PROMPT)
    generate(page)
    button(page, "Retry").click()
    wait(page, lambda: len(asked) == 2, "the retry")
    wait_until_idle(page)
    write_takes(page, 3)
    page.keyboard.press("Enter")
    kept = receipts(page)
    assert len(kept) == 5
    assert sorted(receipt["settings"]["seed"] for receipt in kept) == sorted(asked)
    assert len(set(asked)) == 5
    assert min(asked) > 0
    for receipt in kept:
        assert receipt["model"] == "fake"
        assert receipt["stats"]["completionTokens"] > 0
        assert receipt["stats"]["seed"] == receipt["settings"]["seed"]
        assert len(receipt["digest"]) == 16


def test_an_assistants_answer_says_its_seed_although_the_server_drew_it(page: Page) -> None:
    command(page, "Mode: Assistant")
    box = page.get_by_role("textbox", name="Ask something")
    for count in (1, 2):
        box.fill("Who knocks?")
        box.press("Enter")
        wait(page, lambda: phase(page) == "idle" and len(receipts(page)) == count, "a receipt")  # noqa: B023
    first, second = (receipt["settings"]["seed"] for receipt in receipts(page))
    assert first != second
    assert min(first, second) >= 0


def test_accepted_words_of_a_suggestion_have_a_receipt(page: Page) -> None:
    write(page, PROMPT)
    page.keyboard.press("Alt+Enter")
    wait(page, lambda: phase(page) == "idle" and len(receipts(page)) == 1, "the suggestion")
    page.keyboard.press("Tab")
    wait(page, lambda: "knocks" not in text(page) != PROMPT, "a sentence of it")
    (receipt,) = receipts(page)
    assert receipt["settings"]["seed"] == receipt["stats"]["seed"] > 0
    panel = show_receipt(page)
    expect(panel).to_contain_text(str(receipt["settings"]["seed"]))
    expect(panel.get_by_role("status")).to_have_text("The same words come again.")


def test_of_a_receipt_that_kept_no_request_nothing_is_claimed(page: Page) -> None:
    write(page, PROMPT)
    written = generate(page)
    (receipt,) = receipts(page)
    piece = next(piece for _, piece in page.evaluate("() => window.__app.runs()") if piece)
    address, _, story = page.url.partition("/#/s/")
    old = {name: value for name, value in receipt.items() if name != "digest"}
    operation = {"id": "older", "unit": "older", "kind": "put", "place": f"pieces/{piece}"}
    story_address = f"{address}/api/coblyn/stories/{story.split('/')[0]}"
    base = patient.get(story_address).json()["version"]
    body = {"base": base, "operations": [operation | {"value": old}]}
    assert patient.post(f"{story_address}/operations", json=body).is_success
    page.reload()
    wait(page, lambda: text(page) == written, "the story")
    panel = show_receipt(page)
    expect(panel.get_by_role("status")).to_contain_text("It is not known")


def test_a_piece_in_the_middle_is_run_again(page: Page) -> None:
    write(page, PROMPT)
    written = generate(page)
    write(page, " And then?")
    whole = text(page)
    wait_until_saved(page)
    (receipt,) = receipts(page)
    page.reload()
    wait(page, lambda: text(page) == whole, "the story")
    panel = show_receipt(page)
    expect(panel).to_contain_text(str(receipt["settings"]["seed"]))
    expect(panel.get_by_role("status")).to_have_text("The same words come again.")
    with page.expect_request(ASKED) as asked:
        button(page, "Run again").click()
    assert asked.value.post_data_json["sampler_seed"] == receipt["settings"]["seed"]
    assert asked.value.post_data_json["prompt"] == PROMPT.rstrip()
    expect(page.get_by_text("the same words", exact=True)).to_be_visible()
    assert text(page) == whole
    button(page, "Use this take").click()
    expect(page.get_by_role("article")).to_have_count(0)
    assert text(page) == whole
    assert [is_models for _, is_models in runs(page)] == [False, True, False]
    assert written == PROMPT + whole.removeprefix(PROMPT).removesuffix(" And then?")


def test_why_other_words_would_come_is_said_before(page: Page, server_url: str) -> None:
    write(page, PROMPT)
    written = generate(page)
    editor(page).focus()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("Long ago, ")
    page.keyboard.press("Control+End")
    wait(page, lambda: text(page) == "Long ago, " + written, "the change")
    wait_until_saved(page)
    panel = show_receipt(page)
    expect(panel.get_by_role("status")).to_contain_text("the text before it")
    button(page, "Close How this was written").click()
    button(page, "Undo").click()
    wait(page, lambda: text(page) == written, "the step back")
    panel = show_receipt(page)
    expect(panel.get_by_role("status")).to_have_text("The same words come again.")
    health = patient.get(f"{server_url}/health?quiet=1").json() | {"model": "other"}
    page.route("**/health?quiet=1", lambda route: route.fulfill(json=health))
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(panel.get_by_role("status")).to_contain_text("other answers now")


def test_words_of_nobody_have_no_receipt(page: Page) -> None:
    write(page, PROMPT)
    panel = show_receipt(page)
    expect(panel).to_contain_text("No words of a model stand here.")
    expect(button(page, "Run again")).to_have_count(0)


@pytest.mark.native
def test_the_real_engine_gives_the_same_words_again(new_page: NewPage, real_url: str) -> None:
    page = new_page(real_url, viewport={"width": 1280, "height": 800})
    expect(page.get_by_role("banner")).to_contain_text(" on CPU", timeout=60_000)
    write(page, PROMPT)
    button(page, "Generate").click()
    wait(page, lambda: phase(page) == "idle" and len(text(page)) > len(PROMPT), "the piece", 120)
    panel = show_receipt(page)
    expect(panel.get_by_role("status")).to_have_text("The same words come again.")
    button(page, "Run again").click()
    expect(page.get_by_text("the same words", exact=True)).to_be_visible(timeout=120_000)
    button(page, "Done").click()
    show_receipt(page)
    button(page, "Run again with another seed").click()
    takes = page.get_by_role("article")
    expect(takes).to_have_count(2)
    expect(page.get_by_text("writing", exact=True)).to_have_count(0, timeout=120_000)
    expect(page.get_by_text("the same words", exact=True)).to_have_count(0)
