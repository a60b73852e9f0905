"""The page of the APIs, as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from asgi import Client
from coblyn.api.app import DIALECTS
from coblyn.api.docs.sheet import render
from coblyn.api.openapi import describe


class Tags(HTMLParser):
    """What a page consists of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tried: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if name := given.get("id"):
            self.ids.append(name)
        if path := given.get("data-path"):
            self.tried.append((str(given["data-method"]), path))
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


async def test_every_route_can_be_tried_and_nothing_is_inline(client: Client) -> None:
    answer = await client.get("/docs")
    page = Tags(answer.body.decode())
    paths = (await client.get("/openapi.json")).json["paths"]
    assert page.tried
    assert sorted(page.tried) == sorted(
        (method.upper(), path) for path, methods in paths.items() for method in methods
    )
    assert len(page.ids) == len(set(page.ids))
    assert page.inline == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_fields_are_shown_with_type_default_and_meaning() -> None:
    page = render(describe(DIALECTS))
    assert "<tr><td><code>end</code><td>integer or null<td>" in page
    assert "<td>integer<td><code>256</code>" in page
    assert "<code>messages</code> <i>required</i>" in page
    assert "<code>/api/extra/generate/check</code> shows" in page


def test_text_is_never_markup() -> None:
    operation = {
        "tags": ["a"],
        "summary": "<b>",
        "description": "``<i>`` & <script>",
        "operationId": "get",
    }
    description = {
        "info": {"version": "1", "description": "x"},
        "paths": {"/a": {"get": operation}},
        "components": {"schemas": {}},
    }
    page = render(description)
    assert "<span>&lt;b&gt;</span>" in page
    assert "<code>&lt;i&gt;</code> &amp; &lt;script&gt;" in page
