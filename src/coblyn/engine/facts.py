"""Facts about a loaded model."""

from __future__ import annotations

from coblyn.engine.config import EngineConfig
from coblyn.engine.infill import InfillTokens
from coblyn.engine.interface import ModelInfo
from coblyn.engine.media import Kind
from coblyn.llama import devices
from coblyn.llama.context import Context
from coblyn.llama.model import Model
from coblyn.llama.placement import read_placement
from coblyn.llama.projector import Projector
from coblyn.models.overrides import read_overrides

__all__ = ["model_info"]


def model_info(
    config: EngineConfig,
    model: Model,
    context: Context,
    accelerator: str,
    projector: Projector | None = None,
) -> ModelInfo:
    """Facts about a model in a context; ``accelerator`` is the instruction set of the kernels if they are in use."""
    placement = read_placement(
        [*model.log_lines, *context.log_lines],
        devices.devices(model.library),
        gpu_layers=config.gpu_layers,
        num_layers=model.num_layers,
        cpu_features=devices.cpu_features(model.library),
    )
    return ModelInfo(
        name=model.path.stem,
        description=model.description,
        path=str(model.path),
        size=model.size,
        num_parameters=model.num_parameters,
        vocab_size=model.vocab_size,
        context_train=model.context_train,
        context=min(config.context or context.length, context.length),
        max_running=config.max_running,
        devices=tuple(device.name for device in placement.devices),
        accelerator=devices.describe(placement, accelerator),
        chat_template=model.chat_template,
        tool_template="" if config.chat_template else model.tool_template,
        bos=_text(model, model.bos),
        eos=_text(model, model.eos),
        adds_bos=model.adds_bos,
        is_rewindable=model.is_rewindable,
        bundle=config.bundle,
        placement=placement,
        infill=_infill(model),
        width=model.width,
        vocab_type=model.vocab_type,
        writes=model.writes,
        ranks=model.is_reranker,
        pair=model.pair_tokens,
        overrides=read_overrides(model.path).names,
        media=_media(projector),
        sample_rate=projector.sample_rate if projector else 0,
    )


def _media(projector: Projector | None) -> tuple[Kind, ...]:
    kinds: list[Kind] = ["image"] if projector and projector.sees else []
    return (*kinds, "sound") if projector and projector.hears else tuple(kinds)


def _infill(model: Model) -> InfillTokens | None:
    prefix, suffix, middle, repository, file = model.infill_tokens
    if prefix is None or suffix is None or middle is None:
        return None
    return InfillTokens(prefix, suffix, middle, repository, file)


def _text(model: Model, token: int) -> str:
    return model.piece(token, special=True).decode(errors="replace") if token >= 0 else ""
