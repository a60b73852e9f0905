"""Adapter files, and how users name them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coblyn.errors import BadRequest, ModelBroken, ModelNotFound, ModelUnsupported
from coblyn.models.adapter import AdapterSpec, check_adapter, directions, kind_of
from coblyn.models.gguf import read_header
from gguf_file import F32, GgufWriter, control_of, lora_of, random_model

MODEL = random_model()
LORA = lora_of(MODEL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("poet=a.gguf", ("poet", "a.gguf", 1.0)),
        ("poet=a.gguf:0.5", ("poet", "a.gguf", 0.5)),
        ("poet=a.gguf:-1", ("poet", "a.gguf", -1.0)),
        ("dir/a.b.gguf", ("a.b", "dir/a.b.gguf", 1.0)),
        ("x=dir/x=y.gguf:2e-1", ("x", "dir/x=y.gguf", 0.2)),
        ("p=C:\\x\\a.gguf", ("p", "C:\\x\\a.gguf", 1.0)),
        ("p=a.gguf:inf", ("p", "a.gguf:inf", 1.0)),
        ("p=3:4", ("p", "3", 4.0)),
    ],
)
def test_how_adapters_are_named(text: str, expected: tuple[str, str, float]) -> None:
    spec = AdapterSpec.of(text)
    assert (spec.name, str(spec.path), spec.scale) == expected
    assert AdapterSpec.of(str(spec)) == spec


@pytest.mark.parametrize(
    "text", ["", "name=", "a+b=x.gguf", "a b=x.gguf", "a:b=x.gguf", "dir/x=y.gguf"]
)
def test_what_names_no_adapter(text: str) -> None:
    with pytest.raises(BadRequest, match="names no adapter"):
        AdapterSpec.of(text)


def test_both_kinds_are_known_by_their_files(tmp_path: Path) -> None:
    model = read_header(MODEL.write(tmp_path / "model.gguf"))
    assert kind_of(model) is None
    assert kind_of(check_adapter(LORA.write(tmp_path / "lora.gguf"), model)) == "lora"
    written = control_of(MODEL, [1, 2])
    control = check_adapter(written.write(tmp_path / "control.gguf"), model)
    assert kind_of(control) == "control"
    found = directions(control)
    assert list(found) == [1, 2]
    assert found[2].tolist() == np.frombuffer(written.tensors[1][3], "<f4").tolist()


def _changed(keys: dict[str, object]) -> GgufWriter:
    return GgufWriter({**LORA.metadata, **keys}, LORA.tensors)


DIRECTION = ("direction.1", (64,), F32, bytes(256))
CONTROL = {"general.architecture": "controlvector"}


@pytest.mark.parametrize(
    ("writer", "error", "words"),
    [
        (
            _changed({"general.architecture": "qwen3"}),
            ModelUnsupported,
            "'qwen3', and model.gguf is one of 'llama'",
        ),
        (
            lora_of(random_model(layers=4)),
            ModelUnsupported,
            r"changes blk.3\S+, which model.gguf does not have",
        ),
        (MODEL, ModelUnsupported, "is a model of the architecture 'llama', and no adapter"),
        (
            GgufWriter({**CONTROL, "controlvector.model_hint": "phi3"}, [DIRECTION]),
            ModelUnsupported,
            "'phi3'",
        ),
        (
            GgufWriter(CONTROL, [("direction.1", (32,), F32, bytes(128))]),
            ModelUnsupported,
            "has 32 numbers",
        ),
        (
            GgufWriter(CONTROL, [("direction.0", (64,), F32, bytes(256))]),
            ModelBroken,
            "not a direction of a layer",
        ),
        (GgufWriter(CONTROL), ModelBroken, "is empty"),
    ],
)
def test_what_does_not_fit_a_model(
    writer: GgufWriter, error: type[Exception], words: str, tmp_path: Path
) -> None:
    model = read_header(MODEL.write(tmp_path / "model.gguf"))
    with pytest.raises(error, match=words):
        check_adapter(writer.write(tmp_path / "other.gguf"), model)


def test_an_adapter_that_is_not_there(tmp_path: Path) -> None:
    model = read_header(MODEL.write(tmp_path / "model.gguf"))
    with pytest.raises(ModelNotFound):
        check_adapter(tmp_path / "no.gguf", model)
