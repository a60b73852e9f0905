"""LoRA adapters of a loaded model."""

from __future__ import annotations

import os
from pathlib import Path

from coblyn.errors import ModelBroken
from coblyn.llama.handle import Handle
from coblyn.llama.model import Model

__all__ = ["Lora"]


class Lora(Handle):
    """A LoRA adapter, whose weights are on the same devices as those it modifies. Free it before its model.

    Only the thread that computes with the model may make or free one.

    Args:
        model: The model it modifies.
        path: Its file.

    Raises:
        ModelBroken: It cannot be loaded; the message says why.
    """

    def __init__(self, model: Model, path: Path) -> None:
        super().__init__(model.library.llama_adapter_lora_free)
        library = model.library
        with library.log.alone():
            self.pointer = library.llama_adapter_lora_init(model.pointer, os.fsencode(path))
            errors = library.log.take_errors()
        if not self.pointer:
            reason = errors[-1].rpartition("adapter: ")[2] if errors else "no reason was given"
            raise ModelBroken(f"The adapter {path} cannot be loaded: {reason}.")
