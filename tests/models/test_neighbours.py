"""Models of other programs are found where they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coblyn.errors import ModelError, ModelNotFound, ModelUnsupported
from coblyn.models import store
from coblyn.models.check import check_model
from coblyn.models.neighbours import find_all
from gguf_file import F32, GgufWriter, tiny_gguf

MODEL = tiny_gguf()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COBLYN_HOME", str(tmp_path / "coblyn"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def add_to_hub(home: Path, revision: str, name: str) -> Path:
    repository = home / ".cache/huggingface/hub/models--maker--Model-GGUF"
    blob = MODEL.write(repository / "blobs" / f"{revision}-{name}")
    link = repository / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(blob)
    return link


def add_to_ollama(home: Path, name: str, tag: str) -> Path:
    root = home / ".ollama/models"
    blob = MODEL.write(root / "blobs" / f"sha256-{name}{tag}")
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:none"},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{name}{tag}"},
    ]
    manifest = root / "manifests/registry.ollama.ai/library" / name / tag
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers}))
    return blob


def test_each_program_keeps_them_its_own_way(home: Path) -> None:
    hub = add_to_hub(home, "abc", "Model-Q4_K_M.gguf")
    blob = add_to_ollama(home, "tiny", "8b")
    studio = MODEL.write(home / ".lmstudio/models/maker/Other-GGUF/Other-Q8_0.gguf")
    cached = MODEL.write(home / ".cache/llama.cpp/maker_Third_Third-F16.gguf")
    MODEL.write(home / ".lmstudio/models/maker/Other-GGUF/mmproj-Other.gguf")
    found = {each.name: each.path for each in find_all()}
    assert found == {
        "hf:maker/Model-GGUF:Q4_K_M": hub,
        "llama.cpp:maker_Third_Third-F16": cached,
        "lmstudio:maker/Other-GGUF:Q8_0": studio,
        "ollama:tiny:8b": blob,
    }


def test_they_are_found_by_name_and_never_removed(home: Path) -> None:
    blob = add_to_ollama(home, "tiny", "latest")
    assert store.find("ollama:tiny") == store.find("Ollama:Tiny:latest") == blob
    with pytest.raises(ModelNotFound):
        store.find("ollama:tin")
    with pytest.raises(ModelError, match="belongs to Ollama"):
        store.remove("ollama:tiny")
    assert blob.is_file()
    assert store.newest() is None, "what was not asked for is not taken"


def test_the_main_branch_counts(home: Path) -> None:
    add_to_hub(home, "old", "Model-Q4_0.gguf")
    new = add_to_hub(home, "new", "Model-Q4_0.gguf")
    refs = home / ".cache/huggingface/hub/models--maker--Model-GGUF/refs"
    refs.mkdir()
    (refs / "main").write_text("new")
    assert [each.path for each in find_all()] == [new]


def test_what_is_damaged_is_passed_over(home: Path) -> None:
    add_to_ollama(home, "tiny", "8b").unlink()
    root = home / ".ollama/models/manifests/registry.ollama.ai/library"
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"layers": [3]}')):
        (root / name).mkdir()
        (root / name / "latest").write_text(text)
    assert find_all() == ()


def test_a_blob_of_ollamas_own_engine_is_refused_with_the_reason(home: Path) -> None:
    keys = {"general.architecture": "gemma3"}
    tensors = [
        ("token_embd.weight", (1,), F32, b"1234"),
        ("v.blk.0.attn_q.weight", (1,), F32, b"1234"),
    ]
    path = GgufWriter(keys, tensors).write(home / "sha256-abc")
    with pytest.raises(ModelUnsupported, match="made for Ollama's own engine"):
        check_model(path)
