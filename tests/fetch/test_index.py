from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from coblyn.errors import ChecksumMismatch, FetchError
from coblyn.fetch import pip
from coblyn.fetch.index import fetch_package_file
from coblyn.fetch.network import Network
from coblyn.fetch.pip import IndexSettings, index_settings
from file_server import FileServer, serve_files

BODY = random.Random(1).randbytes(2**20)
DIGEST = hashlib.sha256(BODY).hexdigest()
FILE = "some_thing-1.0-py3-none-any.whl"
needs_pip = pytest.mark.skipif(not pip.is_there(), reason="this environment has no pip")
QUICK = Network(timeout=2.0, tries=2, backoff=0.01)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, and pip itself is not asked for help unless a test says so."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(pip, "is_there", lambda: False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as files:
        yield files


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / FILE


def settings(*indexes: str, links: tuple[Path, ...] = ()) -> IndexSettings:
    return IndexSettings(indexes, links, QUICK)


def html_index(server: FileServer, folder: str = "/simple", **how: object) -> str:
    server.add("/files/" + FILE, BODY, **how)
    page = f'<a href="/files/{FILE}#sha256={DIGEST}">{FILE}</a> <a href="/x">other-1.0.zip</a>'
    headers = {"Content-Type": "text/html; charset=utf-8"}
    server.add(f"{folder}/some-thing/", page.encode(), headers=headers, **how)
    return server.url + folder


def json_index(server: FileServer, digest: str = DIGEST) -> str:
    file = {"filename": FILE, "url": f"../../files/{FILE}", "hashes": {"sha256": digest}}
    file["size"] = len(BODY)  # type: ignore[assignment]
    page = {"meta": {"api-version": "1.1"}, "name": "some-thing", "files": [file], "versions": []}
    headers = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    server.add("/files/" + FILE, BODY)
    server.add("/json/some-thing/", json.dumps(page).encode(), headers=headers)
    return server.url + "/json"


class TestPlaces:
    @pytest.mark.parametrize("make", [html_index, json_index])
    def test_both_kinds_of_index(self, server: FileServer, target: Path, make: object) -> None:
        index = make(server)  # type: ignore[operator]
        got = fetch_package_file(
            "Some.Thing", FILE, target, sha256=DIGEST, settings=settings(index + "/")
        )
        assert got.read_bytes() == BODY

    def test_directory_index(self, target: Path, tmp_path: Path) -> None:
        folder = tmp_path / "index" / "some-thing"
        folder.mkdir(parents=True)
        (tmp_path / FILE).write_bytes(BODY)
        (folder / "index.html").write_text(f'<a href="../../{FILE}">{FILE}</a>')
        index = (tmp_path / "index").as_uri()
        fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=settings(index))
        assert target.read_bytes() == BODY

    def test_find_links(self, target: Path, tmp_path: Path) -> None:
        (tmp_path / FILE).write_bytes(BODY)
        places = settings(links=(tmp_path / "none", tmp_path))
        fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=places)
        assert target.read_bytes() == BODY

    def test_the_next_index_when_one_fails(self, server: FileServer, target: Path) -> None:
        good, empty = html_index(server), server.url + "/none"
        places = settings(empty, good)
        fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=places)
        assert target.read_bytes() == BODY

    def test_nothing_is_asked_when_it_is_there(self, server: FileServer, target: Path) -> None:
        target.parent.mkdir()
        target.write_bytes(BODY)
        places = settings(html_index(server))
        fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=places)
        assert server.requests == []

    def test_the_login_of_the_index_serves_for_its_files(
        self, server: FileServer, target: Path
    ) -> None:
        index = html_index(server, login="Basic bWU6c2VjcmV0").replace("//", "//me:secret@")
        fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=settings(index))
        assert target.read_bytes() == BODY


class TestFailures:
    def test_says_where_it_looked(self, server: FileServer, target: Path) -> None:
        index = html_index(server)
        secret = server.url.replace("//", "//me:secret@") + "/none"
        with pytest.raises(FetchError) as caught:
            fetch_package_file(
                "some-thing", "gone-2.zip", target, sha256=DIGEST, settings=settings(index, secret)
            )
        assert f"{server.url}/simple/some-thing/" in caught.value.message
        assert f"{server.url}/none/some-thing/: it does not have" in caught.value.message
        assert "secret" not in str(caught.value)
        assert not target.exists()

    def test_another_file_of_that_name(self, server: FileServer, target: Path) -> None:
        places = settings(json_index(server, digest="0" * 64))
        with pytest.raises(ChecksumMismatch, match="0" * 64):
            fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=places)
        assert not target.exists()

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/json", b"[]"),
            ("application/json", b'{"files": 1}'),
            ("application/json", b"{"),
            ("text/html", b"\xff\xfe<html>Log in</html>"),
            ("image/png", b"\x89PNG"),
        ],
    )
    def test_pages_that_are_none(
        self, server: FileServer, target: Path, kind: str, body: bytes
    ) -> None:
        server.add("/bad/some-thing/", body, headers={"Content-Type": kind})
        with pytest.raises(FetchError, match="/bad/some-thing/"):
            fetch_package_file(
                "some-thing", FILE, target, sha256=DIGEST, settings=settings(server.url + "/bad")
            )

    def test_no_index_at_all(self, target: Path) -> None:
        with pytest.raises(FetchError, match="no index"):
            fetch_package_file("some-thing", FILE, target, sha256=DIGEST, settings=settings())

    def test_nobody_listens(self, server: FileServer, target: Path) -> None:
        server.add("/dead/some-thing/", statuses=[500])
        with pytest.raises(FetchError, match="answers 500"):
            fetch_package_file(
                "some-thing", FILE, target, sha256=DIGEST, settings=settings(server.url + "/dead")
            )


@needs_pip
class TestThroughPip:
    def test_pip_serves_where_we_can_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What only pip can reach: here, what a setting names that we were not told."""
        wheel, digest = make_wheel(tmp_path / "links")
        monkeypatch.setattr(pip, "is_there", lambda: True)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
        target = tmp_path / "downloads" / wheel.name
        places = settings((tmp_path / "empty").as_uri())
        fetch_package_file("some-thing", wheel.name, target, sha256=digest, settings=places)
        assert hashlib.sha256(target.read_bytes()).hexdigest() == digest
        assert [path.name for path in target.parent.iterdir()] == [wheel.name]
        with pytest.raises(ChecksumMismatch):
            fetch_package_file("some-thing", wheel.name, target, sha256=DIGEST, settings=places)
        assert [path.name for path in target.parent.iterdir()] == [wheel.name]

    def test_pip_fails_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pip, "is_there", lambda: True)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        places = settings((tmp_path / "empty").as_uri())
        with pytest.raises(FetchError, match="pip cannot download it either: No matching"):
            fetch_package_file("some-thing", FILE, tmp_path / "t", sha256=DIGEST, settings=places)
        assert list(tmp_path.iterdir()) == []


class TestSettings:
    def test_default(self) -> None:
        found = index_settings({}, "")
        assert found.indexes == (PYPI_SIMPLE_ENDPOINT,)
        assert found.links == ()

    def test_pip_config(self) -> None:
        config = """
            WARNING: something
            :env:.proxy='http://proxy:1'
            global.cert='/a.pem'
            global.index-url='https://one/simple'
            global.extra-index-url='https://two/simple\\nfile:///srv/simple'
            global.find-links='/wheels file:///more https://page/'
            install.index-url='https://three/simple'
            freeze.index-url='https://four/simple'
        """
        found = index_settings({}, config)
        assert found.indexes == ("https://three/simple", "https://two/simple", "file:///srv/simple")
        assert found.links == (Path("/wheels"), Path("/more"))
        assert found.network == Network(certificates="/a.pem", proxy="http://proxy:1")

    def test_environment_wins_over_files(self) -> None:
        variables = {"PIP_INDEX_URL": "https://env/simple", "PIP_CERT": "/env.pem"}
        found = index_settings(variables, "global.index-url='https://file/simple'")
        assert found.indexes == ("https://env/simple",)
        assert found.network.certificates == "/env.pem"

    @pytest.mark.parametrize("value", ["1", "true", "Yes"])
    def test_no_index(self, value: str) -> None:
        found = index_settings({"PIP_NO_INDEX": value, "PIP_FIND_LINKS": "/wheels"}, "")
        assert found.indexes == ()
        assert found.links == (Path("/wheels"),)

    @pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
    def test_uv(self, name: str) -> None:
        variables = {name: "https://uv/simple", "UV_INDEX": "mine=https://more/simple"}
        found = index_settings(variables, "")
        assert found.indexes == ("https://uv/simple", "https://more/simple")

    def test_a_path_is_an_index_too(self, tmp_path: Path) -> None:
        assert index_settings({"PIP_INDEX_URL": str(tmp_path)}, "").indexes == (tmp_path.as_uri(),)

    @needs_pip
    def test_pip_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The real pip prints what our reading expects."""
        monkeypatch.setattr(pip, "is_there", lambda: True)
        file = tmp_path / "pip.conf"
        file.write_text("[global]\nindex-url = https://one/simple\nfind-links =\n  /a\n  /b\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        monkeypatch.delenv("PIP_INDEX_URL", raising=False)
        found = index_settings({})
        assert found.indexes[0] == "https://one/simple"
        assert found.links[:2] == (Path("/a"), Path("/b"))


def make_wheel(folder: Path) -> tuple[Path, str]:
    import zipfile

    folder.mkdir()
    file = folder / FILE
    info = "some_thing-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: some-thing\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return file, hashlib.sha256(file.read_bytes()).hexdigest()
