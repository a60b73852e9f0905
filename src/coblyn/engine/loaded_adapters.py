"""The adapters that a model has in memory, and the set of them that a context computes with."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.config import EngineConfig
from coblyn.engine.prompt import HASH_SIZE, Adapter
from coblyn.errors import BadRequest, SettingsError
from coblyn.llama.adapter import Lora
from coblyn.llama.context import Context
from coblyn.llama.model import Model
from coblyn.models.adapter import AdapterSpec, check_adapter, directions, kind_of
from coblyn.models.gguf import GgufHeader, read_header

__all__ = ["LoadedAdapters"]

_LAYERS = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An adapter of either kind: ``lora``, or what is added for each layer from 1 on."""

    lora: Lora | None = None
    directions: NDArray[np.float32] | None = None


class LoadedAdapters:
    """The adapters of one model. The engine thread owns them.

    Args:
        model: What they change.
        config: Which there are from the start.

    Raises:
        BadRequest, SettingsError: The configuration names one in a way that means nothing.
        ModelError: A file is no adapter, or one for another model.
    """

    def __init__(self, model: Model, config: EngineConfig) -> None:
        self._model = model
        self._layers = _layer_range(config.control_layers)
        self._loaded: dict[str, _Loaded] = {}
        self._infos: dict[str, AdapterInfo] = {}
        self._header: GgufHeader | None = None
        self._set: tuple[Adapter, ...] = ()
        try:
            for text in config.adapters:
                self.add(text, is_on=config.adapters_on)
            for text in config.control_vectors:
                self.add(text, is_on=True)
            for text in config.added_adapters:
                self.add(text)
        except BaseException:
            self.close()
            raise

    @property
    def infos(self) -> tuple[AdapterInfo, ...]:
        """What is told of each, in the order in which they came."""
        return tuple(self._infos.values())

    def add(self, text: str, *, is_on: bool = False) -> AdapterInfo:
        """Load an adapter; a file that is loaded under another name is not loaded again.

        Args:
            text: ``NAME=FILE[:SCALE]``.
            is_on: Whether requests use it that choose none.

        Raises:
            BadRequest: The text means nothing, or the name stands for another file.
            ModelError: The file is no adapter, or one for another model.
        """
        spec = AdapterSpec.of(text)
        header = check_adapter(spec.path, self._of_model)
        kind = kind_of(header) or "lora"
        digest = _digest(spec.path, self._layers if kind == "control" else ())
        info = AdapterInfo(spec.name, str(spec.path.absolute()), digest, spec.scale, kind, is_on)
        known = self._infos.get(spec.name)
        if known is not None and known.digest != digest:
            raise BadRequest(
                f"There are two adapters {spec.name!r}.",
                field="adapter",
                hint="Give each a name of its own.",
            )
        if digest not in self._loaded:
            self._loaded[digest] = self._load(header)
        return self._infos.setdefault(spec.name, info)

    def use(self, context: Context, wanted: tuple[Adapter, ...]) -> None:
        """Have a context compute with a set from now on; the one that it has costs nothing."""
        if wanted == self._set:
            return
        chosen = [(self._loaded[adapter.digest], adapter.scale) for adapter in wanted]
        context.set_adapters([(each.lora, scale) for each, scale in chosen if each.lora])
        controls = [
            (each.directions, scale) for each, scale in chosen if each.directions is not None
        ]
        if controls or any(self._loaded[adapter.digest].lora is None for adapter in self._set):
            parts = [np.float32(scale) * rows for rows, scale in controls]
            context.set_control(np.sum(parts, axis=0) if parts else None)
        self._set = wanted

    def close(self) -> None:
        """Free them."""
        for loaded in self._loaded.values():
            if loaded.lora:
                loaded.lora.close()
        self._loaded.clear()

    @property
    def _of_model(self) -> GgufHeader:
        if self._header is None:
            self._header = read_header(self._model.path)
        return self._header

    def _load(self, header: GgufHeader) -> _Loaded:
        if kind_of(header) == "lora":
            return _Loaded(lora=Lora(self._model, header.path))
        return _Loaded(directions=self._directions(header))

    def _directions(self, header: GgufHeader) -> NDArray[np.float32]:
        rows = np.zeros((self._model.num_layers - 1, self._model.width), np.float32)
        first, last = self._layers
        for layer, row in directions(header).items():
            if first <= layer <= min(last, len(rows)):
                rows[layer - 1] = row
        return rows


def _layer_range(text: str) -> tuple[int, int]:
    if not text:
        return 1, 2**31
    match = _LAYERS.fullmatch(text.replace(" ", ""))
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise SettingsError(
            f"control_layers is {text!r}, which is no range of layers.",
            hint="Write FIRST-LAST, such as 8-24.",
        )
    return int(match[1]), int(match[2])


def _digest(path: Path, layers: tuple[int, ...]) -> str:
    """A name of a file's content, as far as it is used."""
    digest = hashlib.blake2b(repr(layers).encode(), digest_size=HASH_SIZE)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
