"""Searching with a search engine and pages of our own, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest

from asgi import Client
from coblyn.api.app import create_app
from coblyn.api.state import ApiOptions
from coblyn.errors import FetchError
from coblyn.web_search.excerpt import best_excerpt
from coblyn.web_search.html import Result, read_results, text_of
from coblyn.web_search.places import Pages, is_public
from coblyn.web_search.search import WebSearch
from factories import SteppedEngine
from file_server import FileServer, serve_files

HTML = {"Content-Type": "text/html; charset=utf-8"}
RESULT = '<h2><a class="result__a" href="{}">The <b>mine</b> of {}</a></h2><a class="result__snippet">About {}.</a>'


def results(*links: str) -> bytes:
    shown = "".join(RESULT.format(link, i, i) for i, link in enumerate(links))
    return f"<html><body>{shown}</body></html>".encode()


def engine_of(server: FileServer, *links: str) -> str:
    """A search engine that knows one query."""
    server.add("/search?q=kobolds", results(*links), headers=HTML)
    return server.url + "/search"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        yield client


def pages_of(server: FileServer, client: httpx.AsyncClient) -> Pages:
    """A reader that may read this server too."""
    port = urlsplit(server.url).port or 0
    return Pages(client, is_open=lambda _: True, ports=frozenset({port}))


def test_results_are_read_and_advertisements_are_not() -> None:
    wrapped = f"//duckduckgo.com/l/?uddg={quote('https://a.example/x?y=1', safe='')}&rut=1"
    page = results(
        wrapped, "https://duckduckgo.com/y.js?ad_provider=z", "javascript:no", "http://[", "/own"
    )
    found = read_results(page.decode(), "https://engine.example/html/")
    assert found == [
        Result("The mine of 0", "https://a.example/x?y=1", "About 0."),
        Result("The mine of 4", "https://engine.example/own", "About 4."),
    ]


def test_the_text_of_a_page_is_what_a_reader_sees() -> None:
    page = "<nav>Menu<p>More</nav><h1>Deep&nbsp;&amp; dark</h1><script>let a = '<p>'</script>One<br>two <b>th</b>ree"
    assert text_of(page) == "Deep & dark One two three"
    assert text_of("<p>never <i>closed") == "never closed"
    assert text_of("</nav></p><<<") is not None


def test_an_excerpt_is_where_most_words_of_the_query_stand() -> None:
    text = "mine " + "x " * 1000 + "the old silver mine of the kobolds " + "y " * 1000
    excerpt = best_excerpt(text, "silver kobolds mine")
    assert "silver mine of the kobolds" in excerpt
    assert len(excerpt) <= 1000
    assert best_excerpt("short", "a") == "short"
    assert best_excerpt("nothing of it", "silver") == "nothing of it"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "100.64.0.1",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "ff02::1",
        "::",
    ],
)
def test_an_address_of_another_network_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_an_address_of_the_web_is_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


async def test_pages_are_read_by_their_number(
    server: FileServer, client: httpx.AsyncClient
) -> None:
    address = server.add("/page", b"<p>Hello", headers=HTML)
    assert (
        await pages_of(server, client).read(address.replace("127.0.0.1", "localhost")) == "<p>Hello"
    )
    _, headers = server.requests[-1]
    assert headers["host"].startswith("localhost:")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/x",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://1.1.1.1:22/",
        "file:///etc/passwd",
        "ftp://a.example/",
        "http://",
        "http://[",
        "http://0x7f.1/",
        "http://2130706433/",
    ],
)
async def test_what_is_not_of_the_public_web_is_refused(
    url: str, client: httpx.AsyncClient
) -> None:
    with pytest.raises(FetchError):
        await Pages(client).read(url)


async def test_a_page_may_lead_elsewhere_but_not_into_another_network(
    server: FileServer, client: httpx.AsyncClient
) -> None:
    server.add("/end", b"The end", headers=HTML)
    first = server.add("/first", statuses=[302], headers={"Location": "/end"})
    assert await pages_of(server, client).read(first) == "The end"
    inward = server.add("/inward", statuses=[302], headers={"Location": "http://127.0.0.1:1/"})
    with pytest.raises(FetchError):
        await pages_of(server, client).read(inward)


async def test_what_is_no_page_or_fails_is_refused(
    server: FileServer, client: httpx.AsyncClient
) -> None:
    image = server.add("/image", b"\x89PNG", headers={"Content-Type": "image/png"})
    broken = server.add("/broken", statuses=[500])
    for address in (image, broken, server.url + "/none"):
        with pytest.raises(FetchError):
            await pages_of(server, client).read(address)


async def test_a_search_brings_three_pages_with_what_they_say(
    server: FileServer, client: httpx.AsyncClient
) -> None:
    links = [server.add(f"/{i}", f"<p>Kobolds dig at {i}".encode(), headers=HTML) for i in range(4)]
    links.insert(1, server.url + "/gone")
    search = WebSearch(engine_of(server, *links), pages_of(server, client))
    found = await search.search("  kobolds\n ")
    assert [page.content for page in found] == ["Kobolds dig at 0", "About 1.", "Kobolds dig at 1"]
    num_asked = len(server.requests)
    assert await search.search("kobolds") == found
    assert len(server.requests) == num_asked
    assert await search.search(" ") == []
    await search.close()


async def test_without_a_search_engine_nothing_is_found(server: FileServer) -> None:
    search = WebSearch(server.url + "/none")
    assert await search.search("kobolds") == []
    await search.close()
    closed = WebSearch("http://127.0.0.1:9/")
    assert await closed.search("kobolds") == []
    await closed.close()


async def test_kobolds_clients_search_where_the_user_allowed_it(server: FileServer) -> None:
    inward = server.add("/secret", b"<p>Kobolds' secret", headers=HTML)
    engine = engine_of(server, inward)
    allowed = Client(create_app(SteppedEngine(), ApiOptions(web_search=engine)))
    assert (await allowed.get("/api/extra/version")).json["websearch"] is True
    answer = (await allowed.post("/api/extra/websearch", {"q": "kobolds"})).json
    # The page is of this machine's network, and was not read.
    page = {"title": "The mine of 0", "url": inward, "desc": "About 0.", "content": "About 0."}
    assert answer == [page]
    assert [path for path, _ in server.requests] == ["/search?q=kobolds"]
    refused = Client(create_app(SteppedEngine()))
    assert (await refused.get("/api/extra/version")).json["websearch"] is False
    assert (await refused.post("/api/extra/websearch", {"q": "kobolds"})).json == []
    await asyncio.sleep(0)
