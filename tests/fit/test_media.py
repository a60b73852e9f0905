"""What a projector adds to the memory that a model takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.fit.adapters import adapters_size
from coblyn.fit.estimate import estimate
from coblyn.fit.need import MAIN
from coblyn.models.gguf import read_header
from media_models import write_media_model


def test_its_weights_and_what_is_kept_of_images_are_counted(tmp_path: Path) -> None:
    model, projector = write_media_model(tmp_path, "llava")
    config = EngineConfig(str(model), context=512, media_memory=16)
    with_it, without = (
        estimate(each, [read_header(model)]).on(MAIN)
        for each in (config, replace(config, projector=""))
    )
    assert with_it.weights - without.weights == projector.stat().st_size
    assert with_it.kept - without.kept == 2 * 16 * 2**20


def test_adapters_take_what_their_files_have(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(bytes(1000))
    (tmp_path / "b.gguf").write_bytes(bytes(500))
    config = EngineConfig(
        "model.gguf",
        adapters=(f"a={tmp_path / 'a.gguf'}:0.5", str(tmp_path / "gone.gguf")),
        control_vectors=(str(tmp_path / "b.gguf"),),
    )
    assert adapters_size(config) == 1500
