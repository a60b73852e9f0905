"""Opens the EAGLE-3 head that a configuration names as its draft model."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from coblyn.engine.config import EngineConfig
from coblyn.errors import SettingsError
from coblyn.llama.context import Context, ContextOptions
from coblyn.llama.heads import EagleContext
from coblyn.llama.model import Model
from coblyn.models.eagle import EagleHead, read_eagle
from coblyn.models.gguf import read_header

__all__ = ["eagle_of", "open_eagle"]


def eagle_of(config: EngineConfig) -> EagleHead | None:
    """The EAGLE-3 head that the user chose; None if it is a draft model, or nothing.

    Raises:
        SettingsError: It does not belong to the model.
        ModelError: A file cannot be read.
    """
    if not (config.draft_model and config.speculation) or config.embeds:
        return None
    head = read_eagle(Path(config.draft_model))
    if head and (problem := head.problem_with(read_header(Path(config.model)))):
        name, model = Path(config.draft_model).name, Path(config.model).name
        raise SettingsError(
            f"draft_model: the EAGLE-3 head {name} cannot guess for {model}: {problem}.",
            hint="Choose the head that was made for this model, or a small model of the same family.",
        )
    return head


def open_eagle(
    config: EngineConfig,
    eagle: EagleHead,
    other: Context,
    options: ContextOptions,
    *,
    is_measured: bool = False,
) -> EagleContext:
    """The head, loaded, in a context of its own.

    Args:
        config: The configuration.
        eagle: The head.
        other: The large model's context.
        options: Its shape.
        is_measured: Whether to load no weights, in order to measure memory only.

    Raises:
        CoblynError: It cannot be loaded.
    """
    model = other.model
    with ExitStack() as stack:
        head = stack.enter_context(
            Model(
                model.library,
                eagle.header.path,
                gpu_layers=config.gpu_layers,
                is_measured=is_measured,
            )
        )
        heads = EagleContext(head, other, options, len(eagle.layers))
        stack.pop_all()
        return heads
