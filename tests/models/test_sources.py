"""Hugging Face's hub and Ollama's registry, as a server on the loopback speaks their protocols."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from coblyn import paths
from coblyn.cli.search import search as search_command
from coblyn.engine.beside import find_projector
from coblyn.errors import (
    BadRequest,
    ChecksumMismatch,
    DiskFull,
    FetchError,
    ModelBroken,
    ModelNotFound,
    ModelUnsupported,
)
from coblyn.models import store
from coblyn.models.originals import fetch_original
from coblyn.models.pull import pull
from coblyn.models.sources.huggingface import Repository, repository_of
from coblyn.models.sources.offer import ManyVariants, variants_of
from coblyn.models.sources.ollama import Image, image_of
from coblyn.models.sources.search import Found, search
from coblyn.models.sources.take import RemoteFile
from coblyn.models.verify import verify
from coblyn.progress import silent
from file_server import FileServer, serve_files
from gguf_file import tiny_gguf

MODEL = tiny_gguf().data
TOKEN = "hf_a_token"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in (
        "HTTP_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "all_proxy",
        "COBLYN_OFFLINE",
        "COBLYN_PACK",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with serve_files() as files:
        monkeypatch.setenv("HF_ENDPOINT", files.url)
        monkeypatch.setenv("COBLYN_OLLAMA_REGISTRY", files.url)
        yield files


def add_repository(
    server: FileServer, files: dict[str, bytes], name: str = "maker/Model-GGUF", **how: Any
) -> None:
    """A repository: its list, and each file behind a redirect to where the bytes are, as the hub does."""
    siblings = [
        {
            "rfilename": path,
            "size": len(data),
            "lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 130},
        }
        for path, data in files.items()
    ]
    info = {"id": name, "siblings": siblings, "private": False, "tags": [], "downloads": 0}
    server.add(f"/api/models/{name}?blobs=true", json.dumps(info).encode(), **how)
    for path, data in files.items():
        place = f"/cdn/{sha256(data)}"
        server.add(place, data, etag=f'"{sha256(data)}"')
        moved = {"Location": server.url + place}
        server.add(f"/{name}/resolve/main/{path}", statuses=[302] * 9, headers=moved, **how)


class TestHuggingFace:
    def test_the_only_variant_is_taken(self, server: FileServer) -> None:
        add_repository(
            server, {"README.md": b"hi", "model-Q4_K_M.gguf": MODEL, "mmproj-model.gguf": MODEL}
        )
        pulled = pull("hf:maker/Model-GGUF")
        assert (pulled.path.name, pulled.is_new) == ("model-Q4_K_M.gguf", True)
        assert pulled.path.read_bytes() == MODEL
        assert pull("hf:maker/Model-GGUF").is_new is False
        assert sorted(path.name for path in paths.models().iterdir()) == [
            "mmproj-model.gguf",
            "model-Q4_K_M.gguf",
        ]
        assert find_projector(pulled.path) == paths.models() / "mmproj-model.gguf"

    def test_a_projector_comes_under_the_models_name(self, server: FileServer) -> None:
        files = {
            "mmproj-F32.gguf": MODEL,
            "mmproj-BF16.gguf": MODEL,
            "Tiny-VL-UD-Q4_K_XL.gguf": MODEL,
        }
        add_repository(server, files)
        other = paths.models() / "other-Q8_0.gguf"
        other.parent.mkdir(parents=True, exist_ok=True)
        other.touch()
        pulled = pull("hf:maker/Model-GGUF")
        found = find_projector(pulled.path)
        assert found
        assert found.read_bytes() == MODEL
        assert find_projector(other) is None

    @pytest.mark.parametrize("wanted", ["q8_0", "Model.Q8_0.gguf", "Q8_0"])
    def test_a_variant_is_named(self, server: FileServer, wanted: str) -> None:
        other = tiny_gguf().data + b"\0" * 32
        add_repository(server, {"Model.Q4_0.gguf": other, "Model.Q8_0.gguf": MODEL})
        assert pull(f"hf:maker/Model-GGUF:{wanted}").path.name == "Model.Q8_0.gguf"

    def test_several_variants_are_listed_with_their_sizes(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL + b"\0" * 99, "m.Q4_0.gguf": MODEL})
        with pytest.raises(ManyVariants, match=r"Q4_0 \(.*\), Q8_0") as caught:
            pull("hf:maker/Model-GGUF")
        assert [each.quantization for each in caught.value.variants] == ["Q4_0", "Q8_0"]
        assert caught.value.hint == "Name one: hf:maker/Model-GGUF:Q4_0"

    def test_what_is_not_there_is_said(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        with pytest.raises(ModelNotFound, match="no Q4_0") as caught:
            pull("hf:maker/Model-GGUF:Q4_0")
        assert caught.value.hint == "It has Q8_0."
        add_repository(server, {"model.safetensors": b"x"}, "maker/Model")
        with pytest.raises(ModelNotFound, match="no GGUF files"):
            pull("hf:maker/Model")
        with pytest.raises(
            ModelNotFound, match=f"{server.url} has nothing about maker/none"
        ) as none:
            pull("hf:maker/none")
        assert "name" in none.value.hint
        assert "HF_ENDPOINT" in none.value.hint
        with pytest.raises(ModelNotFound, match="revision 'v2'"):
            pull("hf:maker/none@v2")
        server.add("/api/models/maker/broken?blobs=true", statuses=[500] * 9)
        with pytest.raises(FetchError, match="500") as failed:
            pull("hf:maker/broken")
        assert "mozilla" not in str(failed.value)

    def test_gated_files_are_fetched_with_the_users_token_and_only_from_the_hub(
        self, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        add_repository(server, {"m.Q8_0.gguf": MODEL}, login=f"Bearer {TOKEN}")
        assert pull("hf:maker/Model-GGUF").is_new

    def test_gated_files_without_a_token_say_where_to_agree(self, server: FileServer) -> None:
        gated = {"X-Error-Code": "GatedRepo"}
        server.add("/api/models/maker/Model-GGUF?blobs=true", statuses=[403], headers=gated)
        with pytest.raises(FetchError, match="is gated") as caught:
            pull("hf:maker/Model-GGUF")
        assert "HF_TOKEN" in caught.value.hint

    def test_a_wrong_token_is_told(
        self, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_old")
        add_repository(server, {"m.Q8_0.gguf": MODEL}, login=f"Bearer {TOKEN}")
        with pytest.raises(FetchError, match="refuses maker/Model-GGUF") as caught:
            pull("hf:maker/Model-GGUF")
        assert "HF_TOKEN" in caught.value.hint

    def test_a_refused_file_says_where_to_agree(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        server.files["/maker/Model-GGUF/resolve/main/m.Q8_0.gguf"].statuses = [403] * 9
        with pytest.raises(FetchError, match="403") as caught:
            pull("hf:maker/Model-GGUF")
        assert f"{server.url}/maker/Model-GGUF" in caught.value.hint

    def test_a_short_pause_that_the_hub_wants_is_kept(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        info = server.files["/api/models/maker/Model-GGUF?blobs=true"]
        info.statuses, info.headers = [429], {"Retry-After": "0"}
        file = server.files["/maker/Model-GGUF/resolve/main/m.Q8_0.gguf"]
        file.statuses, file.headers = (
            [429, *[302] * 9],
            {
                "Retry-After": "0",
                "Location": f"{server.url}/cdn/{sha256(MODEL)}",
            },
        )
        assert pull("hf:maker/Model-GGUF").is_new

    def test_a_long_pause_is_told(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        info = server.files["/api/models/maker/Model-GGUF?blobs=true"]
        info.statuses, info.headers = [429] * 9, {"Retry-After": "3600"}
        with pytest.raises(FetchError, match="a pause of 3600 seconds"):
            pull("hf:maker/Model-GGUF")

    @pytest.mark.parametrize("cut", [0, 1, 4, 100, len(MODEL) - 1])
    def test_a_cut_anywhere_leaves_no_model_and_goes_on(
        self, server: FileServer, cut: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coblyn.fetch.download.time.sleep", lambda _: None)
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        place = server.files[f"/cdn/{sha256(MODEL)}"]
        place.cuts = [cut, *[0] * 99]
        with pytest.raises(FetchError):
            pull("hf:maker/Model-GGUF")
        assert store.installed() == ()
        place.cuts = []
        assert pull("hf:maker/Model-GGUF").path.read_bytes() == MODEL
        assert [path.name for path in paths.models().iterdir()] == ["m.Q8_0.gguf"]

    def test_two_pulls_at_once_bring_one_model(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        server.files[f"/cdn/{sha256(MODEL)}"].silence = 0.3
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(pull, "hf:maker/Model-GGUF") for _ in range(2)]
            found = {each.result().path for each in both}
        assert [path.read_bytes() for path in found] == [MODEL]
        assert verify(found.pop()).num_digests == 1

    def test_the_same_content_is_fetched_and_kept_once(self, server: FileServer) -> None:
        add_repository(server, {"One-Q8_0.gguf": MODEL})
        add_repository(server, {"Other-Q8_0.gguf": MODEL}, "maker/Other-GGUF")
        one = pull("hf:maker/Model-GGUF").path
        num_requests = len(server.requests)
        other = pull("hf:maker/Other-GGUF")
        assert other.is_new
        assert other.path.name == "Other-Q8_0.gguf"
        assert other.path.samefile(one)
        assert not [path for path, _ in server.requests[num_requests:] if "/cdn/" in path]
        one.write_bytes(MODEL[:-1] + b"x")  # what is no longer what it was is not taken for it
        other.path.unlink()
        assert pull("hf:maker/Other-GGUF").path.read_bytes() == MODEL
        assert pull("hf:maker/Model-GGUF", force=True).path.read_bytes() == MODEL

    def test_no_room_is_told_before_anything_is_fetched(
        self, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})

        class Usage:
            free = 1000

        monkeypatch.setattr("coblyn.files.shutil.disk_usage", lambda _: Usage)
        with pytest.raises(DiskFull):
            pull("hf:maker/Model-GGUF")
        assert not any(path.startswith("/cdn") for path, _ in server.requests)

    def test_split_models_come_whole(self, server: FileServer) -> None:
        parts = {f"Q4_0/m-0000{n}-of-00002.gguf": MODEL + b"\0" * n for n in (1, 2)}
        add_repository(server, parts)
        pulled = pull("hf:maker/Model-GGUF:Q4_0")
        assert pulled.path.name == "m-00001-of-00002.gguf"
        assert len(list(paths.models().iterdir())) == 2

    def test_nothing_is_kept_of_another_file_than_was_listed(self, server: FileServer) -> None:
        add_repository(server, {"m.Q8_0.gguf": MODEL})
        server.files[f"/cdn/{sha256(MODEL)}"].body = bytes(len(MODEL))
        with pytest.raises(ChecksumMismatch):
            pull("hf:maker/Model-GGUF")
        assert list(paths.models().glob("*.gguf")) == []

    def test_a_digest_is_the_hubs_to_give(self, server: FileServer) -> None:
        with pytest.raises(BadRequest, match="known already"):
            pull("hf:maker/Model-GGUF", sha256="0" * 64)


class TestOriginals:
    def test_what_a_conversion_reads_is_brought_and_no_programs(self, server: FileServer) -> None:
        weights = b"12345678"
        files = {"config.json": b"{}", "model.safetensors": weights, "modeling.py": b"evil()"}
        add_repository(server, files, "maker/Model")
        folder = fetch_original(Repository("maker/Model"), silent)
        assert folder.name == "Model"
        assert {each.name for each in folder.iterdir()} == {"config.json", "model.safetensors"}
        assert (folder / "model.safetensors").read_bytes() == weights
        server.requests.clear()
        fetch_original(Repository("maker/Model"), silent)
        assert not any(path.startswith("/cdn") for path, _ in server.requests)

    def test_a_cut_goes_on(self, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("coblyn.fetch.download.time.sleep", lambda _: None)
        weights = bytes(range(200))
        add_repository(server, {"config.json": b"{}", "model.safetensors": weights}, "maker/Model")
        server.files[f"/cdn/{sha256(weights)}"].cuts = [50, *[0] * 99]
        with pytest.raises(FetchError):
            fetch_original(Repository("maker/Model"), silent)
        server.files[f"/cdn/{sha256(weights)}"].cuts = []
        folder = fetch_original(Repository("maker/Model"), silent)
        assert (folder / "model.safetensors").read_bytes() == weights


class TestSearch:
    QUERY = (
        "/api/models?filter=gguf&search=tiny&sort=downloads&limit=5"
        "&expand=downloads&expand=likes&expand=gated&expand=lastModified&expand=gguf"
    )

    def test_what_is_found_has_what_people_choose_by(
        self, server: FileServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = [
            {
                "id": "maker/Tiny-GGUF",
                "downloads": 12,
                "likes": 3,
                "gated": "manual",
                "lastModified": "2026-01-02T03:04:05.000Z",
                "gguf": {"total": 1_200_000_000, "architecture": "llama", "context_length": 4096},
            },
            {"id": "other/Tiny", "gated": False},
        ]
        server.add(self.QUERY, json.dumps(found).encode())
        first, second = search(" tiny ", 5)
        assert first == Found(
            "maker/Tiny-GGUF",
            12,
            3,
            True,
            "2026-01-02T03:04:05+00:00",
            "llama",
            1_200_000_000,
            4096,
        )
        assert second == Found("other/Tiny", 0, 0, False, "", "", 0, 0)
        search_command("tiny", 5)
        assert "1.2B  llama" in capsys.readouterr().out

    def test_what_cannot_be_asked_is_told(self, server: FileServer) -> None:
        with pytest.raises(BadRequest, match="nothing to look for"):
            search("  ")
        with pytest.raises(BadRequest, match="1 to 100"):
            search("tiny", 0)

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (404, "does not know the query for 'tiny'"),
            (403, "refuses 'tiny'"),
            (500, "answers the query for 'tiny' with status 500"),
        ],
    )
    def test_a_refused_search_is_no_fault_of_the_network(
        self, server: FileServer, status: int, told: str
    ) -> None:
        server.add(self.QUERY, statuses=[status] * 9)
        with pytest.raises(FetchError, match=told) as caught:
            search("tiny", 5)
        assert "network" not in str(caught.value) + caught.value.hint
        assert "Agree" not in caught.value.hint

    def test_a_search_does_not_wait_for_an_hour(self, server: FileServer) -> None:
        server.add(self.QUERY, statuses=[429] * 9, headers={"Retry-After": "3600"})
        with pytest.raises(FetchError, match="a pause of 3600 seconds"):
            search("tiny", 5)


class TestModelScope:
    @pytest.fixture(autouse=True)
    def site(self, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MODELSCOPE_DOMAIN", server.url)

    def add(self, server: FileServer, files: dict[str, bytes]) -> None:
        listed = [
            {"Path": path, "Size": len(data), "Sha256": sha256(data), "Type": "blob"}
            for path, data in files.items()
        ]
        listed.append({"Path": "folder", "Type": "tree", "Size": 0})
        answer = {"Code": 200, "Data": {"Files": listed}}
        where = "/api/v1/models/maker/Model/repo/files?Revision=master&Recursive=true"
        server.add(where, json.dumps(answer).encode())
        for path, data in files.items():
            server.add(f"/models/maker/Model/resolve/master/{path}", data)

    def test_a_variant_is_pulled_and_checked(self, server: FileServer) -> None:
        self.add(server, {"m-Q8_0.gguf": MODEL, "m-Q4_0.gguf": MODEL + b"\0" * 32})
        pulled = pull("modelscope:maker/Model:q8_0")
        assert pulled.path.read_bytes() == MODEL
        with pytest.raises(ManyVariants, match="modelscope:maker/Model comes in 2"):
            pull("modelscope:maker/Model")

    def test_another_file_than_was_listed_is_not_kept(self, server: FileServer) -> None:
        self.add(server, {"m-Q8_0.gguf": MODEL})
        server.files["/models/maker/Model/resolve/master/m-Q8_0.gguf"].body = bytes(len(MODEL))
        with pytest.raises(ChecksumMismatch):
            pull("modelscope:maker/Model")
        assert store.installed() == ()

    def test_what_is_not_there_or_no_answer_is_told(self, server: FileServer) -> None:
        with pytest.raises(ModelNotFound, match="on ModelScope"):
            pull("modelscope:maker/Model")
        where = "/api/v1/models/maker/Model/repo/files?Revision=master&Recursive=true"
        server.add(where, b'{"Data": 3}')
        with pytest.raises(FetchError, match="as it should"):
            pull("https://modelscope.cn/models/maker/Model")


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("hf:a/b-GGUF", Repository("a/b-GGUF")),
        ("hf:a/b.1:Q4_K_M", Repository("a/b.1", wanted="Q4_K_M")),
        ("hf:a/b@refs/pr/1:x/y.gguf", Repository("a/b", "refs/pr/1", "x/y.gguf")),
        ("hf.co/a/b:Q8_0", Repository("a/b", wanted="Q8_0")),
        ("https://huggingface.co/a/b", Repository("a/b")),
        ("https://huggingface.co/a/b/resolve/main/x.gguf", None),
        ("hf:a", None),
        ("a/b", None),
    ],
)
def test_references_of_the_hub(reference: str, repository: Repository | None) -> None:
    assert repository_of(reference) == repository


def test_variants_are_models_that_are_whole() -> None:
    names = [
        "m-IQ2_XXS.gguf",
        "m-00001-of-00002.gguf",
        "BF16/m-00001-of-00001.gguf",
        "m.imatrix.gguf",
        "odd.gguf",
    ]
    variants = variants_of([RemoteFile("", name, size=index) for index, name in enumerate(names)])
    assert [each.quantization for each in variants] == ["IQ2_XXS", "BF16", "odd"]


def add_image(
    server: FileServer, layers: dict[str, bytes], name: str = "library/tiny", tag: str = "latest"
) -> None:
    listed = []
    for kind, data in layers.items():
        digest = f"sha256:{sha256(data)}"
        listed.append(
            {
                "mediaType": f"application/vnd.ollama.image.{kind}",
                "digest": digest,
                "size": len(data),
            }
        )
        server.add(f"/v2/{name}/blobs/{digest}", data)
    server.add(
        f"/v2/{name}/manifests/{tag}", json.dumps({"schemaVersion": 2, "layers": listed}).encode()
    )


class TestOllama:
    def test_a_model_comes_with_what_its_makers_say(self, server: FileServer) -> None:
        add_image(
            server,
            {
                "model": MODEL,
                "template": b"{{ .Prompt }}",
                "params": b'{"stop": ["<|end|>"]}',
                "system": b"Be brief.",
            },
        )
        pulled = pull("ollama:tiny")
        assert (pulled.path.name, pulled.is_new) == ("tiny-latest.gguf", True)
        beside = json.loads(pulled.path.with_suffix(".ollama.json").read_text("utf-8"))
        assert beside == {
            "template": "{{ .Prompt }}",
            "parameters": {"stop": ["<|end|>"]},
            "system": "Be brief.",
        }
        assert pull("ollama:tiny:latest").is_new is False
        assert pull("ollama:tiny", force=True).is_new is True

    def test_the_manifest_is_asked_for_as_ollama_does(self, server: FileServer) -> None:
        add_image(server, {"model": MODEL}, "maker/tiny", "8b-q4")
        assert pull("ollama:maker/tiny:8b-q4").path.name == "maker-tiny-8b-q4.gguf"
        path, headers = server.requests[0]
        assert path == "/v2/maker/tiny/manifests/8b-q4"
        assert headers["accept"] == "application/vnd.docker.distribution.manifest.v2+json"

    def test_what_cannot_be_used_is_refused_with_the_reason(self, server: FileServer) -> None:
        with pytest.raises(ModelNotFound, match="ollama:none:latest is not in"):
            pull("ollama:none")
        add_image(server, {"license": b"MIT"})
        with pytest.raises(ModelUnsupported, match="holds no GGUF model, but license"):
            pull("ollama:tiny")
        add_image(server, {"model": b"not a model at all" * 9})
        with pytest.raises(ModelBroken):
            pull("ollama:tiny")
        add_image(server, {"model": MODEL, "adapter": b"x"})
        with pytest.raises(ModelUnsupported, match="adapter"):
            pull("ollama:tiny")
        server.add("/v2/library/tiny/manifests/latest", b"<html>")
        with pytest.raises(FetchError, match="does not answer as it should"):
            pull("ollama:tiny")

    def test_a_wrong_blob_is_not_kept(self, server: FileServer) -> None:
        add_image(server, {"model": MODEL})
        server.files[f"/v2/library/tiny/blobs/sha256:{sha256(MODEL)}"].body = bytes(len(MODEL))
        with pytest.raises(ChecksumMismatch):
            pull("ollama:tiny")
        assert list(paths.models().glob("*.gguf")) == []


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("ollama:llama3", Image("library/llama3", "latest")),
        ("ollama:llama3:8b", Image("library/llama3", "8b")),
        ("ollama:maker/x.y:t-1", Image("maker/x.y", "t-1")),
        ("ollama:a/b/c", None),
        ("llama3:8b", None),
    ],
)
def test_references_of_the_registry(reference: str, image: Image | None) -> None:
    assert image_of(reference) == image


def test_nothing_is_asked_of_the_network_where_that_is_forbidden(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COBLYN_OFFLINE", "1")
    for reference in ("hf:maker/Model-GGUF", "ollama:tiny"):
        with pytest.raises(FetchError, match="the network must not be used"):
            pull(reference)
    assert server.requests == []
