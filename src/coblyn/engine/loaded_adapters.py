"""The adapters loaded for a model, and the set of them that its context computes with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coblyn.engine.adapter import AdapterInfo
from coblyn.engine.config import EngineConfig
from coblyn.engine.mixing import Mixing
from coblyn.engine.prompt import HASH_SIZE, Adapter
from coblyn.errors import BadRequest, SettingsError
from coblyn.llama.adapter import Lora
from coblyn.llama.context import Context
from coblyn.llama.cores import usable_cores
from coblyn.llama.model import Model
from coblyn.models.adapter import AdapterSpec, check_adapter, directions, kind_of
from coblyn.models.gguf import GgufHeader, read_header

__all__ = ["LoadedAdapters"]

_LAYERS = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An adapter of either kind: a LoRA handle, or a control vector's values for each layer from 1 on."""

    lora: Lora | None = None
    directions: NDArray[np.float32] | None = None


class LoadedAdapters:
    """The adapters of one model. The engine thread owns them.

    Args:
        model: The model they modify.
        config: Lists the adapters loaded at the start.

    Raises:
        BadRequest, SettingsError: An entry in the configuration is malformed.
        ModelError: A file is not an adapter, or one for another model.
    """

    def __init__(self, model: Model, config: EngineConfig) -> None:
        self._model = model
        self._layers = _layer_range(config.control_layers)
        self._loaded: dict[str, _Loaded] = {}
        self._infos: dict[str, AdapterInfo] = {}
        self._header: GgufHeader | None = None
        self._mixing = Mixing(model, config.threads or usable_cores())
        self._set: tuple[Adapter, ...] = ()
        self._control: tuple[Adapter, ...] = ()
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
        """Facts about each adapter, in the order in which they were added."""
        return tuple(self._infos.values())

    def add(self, text: str, *, is_on: bool = False) -> AdapterInfo:
        """Load an adapter; a file already loaded under another name is not loaded again.

        Args:
            text: ``NAME=FILE[:SCALE]``.
            is_on: Whether requests that choose no adapters use it.

        Raises:
            BadRequest: The text is malformed, or the name is in use for another file.
            ModelError: The file is not an adapter, or one for another model.
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
                hint="Give each adapter a different name.",
            )
        if digest not in self._loaded:
            self._loaded[digest] = loaded = self._load(header)
            if loaded.lora:
                self._mixing.add(digest, loaded.lora)
        return self._infos.setdefault(spec.name, info)

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return not self._loaded

    @property
    def are_mixed(self) -> bool:
        """Whether rows of one token may have different LoRA adapters in one step."""
        return self._mixing.works

    def use(self, context: Context, sets: Sequence[tuple[Adapter, ...]]) -> None:
        """Make a context compute with these sets from now on; setting what is already set costs nothing.

        Args:
            context: The context, the same in every call.
            sets: One set per row, in order, or one for all rows. Control vectors are the same in all of them.
        """
        self._use_control(context, tuple(each for each in sets[0] if each.kind == "control"))
        if self._mixing.works:
            loras = {digest: each.lora for digest, each in self._loaded.items() if each.lora}
            self._mixing.use(context, loras, sets)
        elif sets[0] != self._set:
            self._set = sets[0]
            chosen = [(self._loaded[each.digest].lora, each.scale) for each in sets[0]]
            context.set_adapters([(lora, scale) for lora, scale in chosen if lora])

    def check(self) -> None:
        """Check that a step applied each row's adapters.

        Raises:
            EngineError: Some rows may have been computed with another row's adapters.
        """
        if self._mixing.works:
            self._mixing.check()

    def _use_control(self, context: Context, wanted: tuple[Adapter, ...]) -> None:
        if wanted == self._control:
            return
        self._control = wanted
        parts = [np.float32(each.scale) * self._directions_of(each.digest) for each in wanted]
        context.set_control(np.sum(parts, axis=0) if parts else None)

    def _directions_of(self, digest: str) -> NDArray[np.float32]:
        directions = self._loaded[digest].directions
        assert directions is not None, "it is a control vector"
        return directions

    def close(self) -> None:
        """Free them."""
        self._mixing.close()
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
            f"control_layers is {text!r}, which is not a range of layers.",
            hint="Write FIRST-LAST, such as 8-24.",
        )
    return int(match[1]), int(match[2])


def _digest(path: Path, layers: tuple[int, ...]) -> str:
    """Hash of the part of a file's content that is used."""
    digest = hashlib.blake2b(repr(layers).encode(), digest_size=HASH_SIZE)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
