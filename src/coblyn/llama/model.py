"""A loaded model, with its vocabulary."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coblyn.errors import Cancelled, ModelUnsupported
from coblyn.llama import bindings
from coblyn.llama.handle import Handle
from coblyn.llama.library import Library
from coblyn.llama.load_error import load_error

__all__ = ["Heads", "Model"]

# llama.cpp 0.5.0, src/llama-model-loader.cpp: "- type q4_1:  211 tensors".
_TYPE_COUNT = re.compile(r"- type\s+(\w+):\s+\d+ tensors")

Advance = Callable[[float], bool]
"""Called with the loaded fraction, 0 to 1; returning False stops the load."""


_MESSAGE_END, _MESSAGE_HEADER = "<|eom|>", "<|message|>"
"""The first ends a reply (Llama 4), though files do not always say so. Where messages have headers that the second
closes (Muse), it ends one of several, of which the model thinks in the first, though a file may name it as an end."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The shape of attention.

    Attributes:
        length: Length of a head's query or key.
        count: Query heads.
        key_count: Number of key and value heads; several query heads may share one.
    """

    length: int
    count: int
    key_count: int


class Model(Handle):
    """A GGUF model. Free it with ``close`` or a ``with`` block, after the contexts that use it.

    Tokenizing may happen on any thread.

    Args:
        library: The opened bundle.
        path: The GGUF file.
        gpu_layers: Number of layers on the accelerator; negative for all.
        memory_map: Map the file instead of reading it.
        memory_lock: Lock the weights into memory.
        cpu_only: Whether to use no accelerator at all; ``gpu_layers=0`` alone would still use one for prompts.
        plain_layout: Whether to keep the weights' layout of the file instead of repacking them for the CPU.
        metadata: Values that replace those of the file, by key.
        chat_template: The same for its chat template; empty for the file's own.
        has_heads: Whether to load its prediction heads, if it has any.
        cpu_experts: Layers, from the first, whose experts stay in main memory; negative for all.
        is_measured: Whether to allocate no weights, in order to measure memory only.
        advance: Called with the progress.

    Attributes:
        log_lines: The library's log while it loaded the model.

    Raises:
        ModelUnsupported: Something in it is unknown to this engine.
        ModelError: The file cannot be loaded; the message says why.
        Cancelled: ``advance`` returned False.
    """

    def __init__(
        self,
        library: Library,
        path: Path,
        *,
        gpu_layers: int = -1,
        memory_map: bool = True,
        memory_lock: bool = False,
        cpu_only: bool = False,
        plain_layout: bool = False,
        metadata: Mapping[str, int | float | bool | str] | None = None,
        chat_template: str = "",
        cpu_experts: int = 0,
        has_heads: bool = False,
        is_measured: bool = False,
        advance: Advance | None = None,
    ) -> None:
        super().__init__(library.llama_model_free)
        self._other_template = chat_template
        self._metadata = dict(metadata or {})
        self.library = library
        self.path = path
        params = library.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.load_mode = _load_mode(memory_map=memory_map, memory_lock=memory_lock)
        params.use_extra_bufts = not plain_layout
        params.load_mtp = has_heads
        if is_measured:
            params.no_alloc, params.load_mode = True, bindings.LLAMA_LOAD_MODE_NONE
        if metadata:
            params.kv_overrides = _kv_overrides(metadata)
        if cpu_experts:
            params.tensor_buft_overrides = _experts_in_main_memory(library, cpu_experts)
        none = (ctypes.c_void_p * 1)()  # a list that ends at once
        if cpu_only:
            params.devices = none
        stopped = False

        def progress(fraction: float, _: object) -> bool:
            nonlocal stopped
            stopped = advance is not None and not advance(fraction)
            return not stopped

        params.progress_callback = bindings.llama_progress_callback(progress)
        with library.log.alone():
            self.pointer = library.llama_model_load_from_file(os.fsencode(path), params)
            self.log_lines = library.log.take_lines()
            errors = library.log.take_errors()
        if stopped:
            raise Cancelled(f"Loading {path.name} was stopped.")
        if not self.pointer:
            raise load_error(path, errors)
        self.vocab_pointer = library.llama_model_get_vocab(self.pointer)
        self.vocab_size: int = library.llama_vocab_n_tokens(self.vocab_pointer)
        self._pieces: dict[tuple[int, bool], bytes] = {}

    # Facts

    @property
    def width(self) -> int:
        """Length of a token's embedding: the number of inputs of most weight matrices."""
        return int(self.library.llama_model_n_embd(self.pointer))

    @property
    def state_width(self) -> int:
        """Length of the state behind its last layer."""
        return int(self.library.llama_model_n_embd_out(self.pointer))

    @property
    def weight_types(self) -> tuple[str, ...]:
        """Types of the tensors, such as "q4_1", as the library counted them while it loaded."""
        found = (_TYPE_COUNT.search(line) for line in self.log_lines)
        return tuple(match[1] for match in found if match)

    @property
    def description(self) -> str:
        """Architecture, size and quantization, as described by the library."""
        buffer = ctypes.create_string_buffer(256)
        self.library.llama_model_desc(self.pointer, buffer, len(buffer))
        return buffer.value.decode(errors="replace")

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return int(self.library.llama_model_size(self.pointer))

    @property
    def num_parameters(self) -> int:
        """Number of weights."""
        return int(self.library.llama_model_n_params(self.pointer))

    @property
    def num_layers(self) -> int:
        """Layers, without the output layer."""
        return int(self.library.llama_model_n_layer(self.pointer))

    @property
    def context_train(self) -> int:
        """Tokens of context that the model was trained with."""
        return int(self.library.llama_model_n_ctx_train(self.pointer))

    @property
    def heads(self) -> Heads:
        """The heads of its first layer."""
        library = self.library
        count = max(int(library.llama_model_n_head(self.pointer)), 1)
        key_count = max(int(library.llama_model_n_head_kv(self.pointer)), 1)
        length = self._number("attention.key_length") or self.width // count
        return Heads(length, count, key_count)

    def cell_size(self, cache_kind: int) -> int:
        """Approximate bytes per token in the KV cache: keys and values of all layers.

        Args:
            cache_kind: The library's number (``ggml_type``) of their type.
        """
        library, heads = self.library, self.heads
        num_values = 2 * heads.length * heads.key_count * self.num_layers
        blocks = num_values / int(library.ggml_blck_size(cache_kind))
        return max(int(blocks * int(library.ggml_type_size(cache_kind))), 1)

    @property
    def is_reranker(self) -> bool:
        """Whether it rates texts."""
        return self._number("pooling_type") == bindings.LLAMA_POOLING_TYPE_RANK

    @property
    def writes(self) -> bool:
        """Whether it generates text: its attention is causal, and it is not an embedding model."""
        is_causal = self._text(f"{self.architecture}.attention.causal") != "false"
        return is_causal and self._number("pooling_type") == 0 and self.has_decoder_only

    @property
    def is_rewindable(self) -> bool:
        """Whether a sequence can be truncated; false with a recurrent state."""
        library = self.library
        return not (
            library.llama_model_is_recurrent(self.pointer)
            or library.llama_model_is_hybrid(self.pointer)
        )

    @property
    def window_size(self) -> int:
        """Length of its sliding window in tokens; 0 if there is none."""
        return max(0, int(self.library.llama_model_n_swa(self.pointer)))

    @property
    def has_chunked_window(self) -> bool:
        """Whether the window begins at multiples of its size.

        The library does not report it, but it is so for one architecture.
        """
        return self.architecture == "llama4"

    @property
    def architecture(self) -> str:
        """The library's name of its kind, such as "llama"."""
        return self._text("general.architecture")

    @property
    def has_decoder_only(self) -> bool:
        """Whether text can be generated by decoding alone: no encoder is needed first."""
        library = self.library
        return bool(
            library.llama_model_has_decoder(self.pointer)
            and not library.llama_model_has_encoder(self.pointer)
        )

    def require_decoder(self) -> None:
        """Refuse a model that cannot generate text by decoding alone.

        Raises:
            ModelUnsupported: It needs an encoder.
        """
        if not self.has_decoder_only:
            raise ModelUnsupported(
                f"{self.path.name} needs an encoder, and cannot continue text by itself.",
                hint="Choose a model that generates text.",
            )

    @property
    def chat_template(self) -> str:
        """Jinja text of the model's chat template, or empty."""
        return self._other_template or self._template(None)

    @property
    def tool_template(self) -> str:
        """Jinja text of the chat template for conversations with tools, where the file has one of its own, or empty."""
        return self._template(b"tool_use")

    def _template(self, name: bytes | None) -> str:
        text = self.library.llama_model_chat_template(self.pointer, name)
        return text.decode(errors="replace") if text else ""

    # Vocabulary

    @property
    def adds_bos(self) -> bool:
        """Whether the tokenizer adds the BOS token."""
        return bool(self.library.llama_vocab_get_add_bos(self.vocab_pointer))

    @property
    def bos(self) -> int:
        """BOS token id, or -1."""
        return int(self.library.llama_vocab_bos(self.vocab_pointer))

    @property
    def eos(self) -> int:
        """EOS token id, or -1."""
        return int(self.library.llama_vocab_eos(self.vocab_pointer))

    @property
    def pair_tokens(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The tokens before a query, between it and a document, and after the document.

        As llama-server's rerank has it, but for the last separator of BERT, with which such models are trained.
        """
        library, vocab = self.library, self.vocab_pointer
        sep = int(library.llama_vocab_sep(vocab))
        end = self.eos if self.eos >= 0 else sep
        start = (self.bos,) if self.adds_bos and self.bos >= 0 else ()
        close = (end,) if library.llama_vocab_get_add_eos(vocab) and end >= 0 else ()
        part = (sep,) if library.llama_vocab_get_add_sep(vocab) and sep >= 0 else ()
        return start, close + part, close or part

    @property
    def vocab_type(self) -> int:
        """The library's number (``llama_vocab_type``) of the kind of vocabulary."""
        return int(self.library.llama_vocab_type(self.vocab_pointer))

    @property
    def infill_tokens(self) -> tuple[int | None, ...]:
        """What stands before a prefix, a suffix, a middle, a repository and a file; None for no such token."""
        names = ("pre", "suf", "mid", "rep", "sep")
        calls = (getattr(self.library, f"llama_vocab_fim_{name}") for name in names)
        tokens = (int(call(self.vocab_pointer)) for call in calls)
        return tuple(token if token >= 0 else None for token in tokens)

    @property
    def end_tokens(self) -> frozenset[int]:
        """All tokens that end a generation: of a text, a turn or a message."""
        is_end = self.library.llama_vocab_is_eog
        ends = {token for token in range(self.vocab_size) if is_end(self.vocab_pointer, token)}
        message_end = self._named(_MESSAGE_END)
        if self._named(_MESSAGE_HEADER):
            return frozenset(ends - message_end)
        return frozenset(ends | message_end)

    def _named(self, name: str) -> set[int]:
        """The token that a name is cut to, if that is one; of a vocabulary without its letters nothing is left."""
        tokens = self.tokenize(name, add_special=False, parse_special=True)
        return {each for each in tokens if self.piece(each, special=True) == name.encode()}

    @property
    def marks(self) -> frozenset[int]:
        """Tokens that a text is cut at wherever their text occurs, and that are text themselves."""
        attributes, kind = self.library.llama_vocab_get_attr, bindings.LLAMA_TOKEN_ATTR_USER_DEFINED
        return frozenset(
            token
            for token in range(self.vocab_size)
            if attributes(self.vocab_pointer, token) & kind
        )

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of a text.

        Args:
            text: Any text; NUL characters are kept.
            add_special: Whether to add BOS and EOS if the model wants them.
            parse_special: Whether names of special tokens in the text become these tokens.
        """
        data = text.encode("utf-8", "replace")
        capacity = len(data) + 8
        while True:
            tokens = (ctypes.c_int32 * capacity)()
            count = self.library.llama_tokenize(
                self.vocab_pointer, data, len(data), tokens, capacity, add_special, parse_special
            )
            if count >= 0:
                return tokens[:count]
            capacity = -count

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Bytes of a token, which must be in the vocabulary; empty for special ones unless ``special``."""
        key = (token, special)
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = self._read_piece(token, special=special)
        return piece

    def _number(self, key: str) -> int:
        """A number of the file's metadata, of this architecture; 0 if it is not there."""
        text = self._text(f"{self.architecture}.{key}")
        return int(text) if text.isdecimal() else 0

    def _text(self, key: str) -> str:
        # The library computes with the replaced values, and tells those of the file.
        if key in self._metadata:
            return str(self._metadata[key]).lower()
        buffer = ctypes.create_string_buffer(256)
        size = self.library.llama_model_meta_val_str(
            self.pointer, key.encode(), buffer, len(buffer)
        )
        return buffer.value.decode(errors="replace") if size >= 0 else ""

    def _read_piece(self, token: int, *, special: bool) -> bytes:
        # The library ends the process on an id that is out of range.
        assert 0 <= token < self.vocab_size, "token ids are checked before they come here"
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = self.library.llama_token_to_piece(
                self.vocab_pointer, token, buffer, size, 0, special
            )
            if count >= 0:
                return buffer.raw[:count]
            size = -count


def _kv_overrides(metadata: Mapping[str, int | float | bool | str]) -> ctypes.Array[Any]:
    """Metadata in the library's format: a list that ends with an empty key."""
    entries = (bindings.llama_model_kv_override * (len(metadata) + 1))()
    for entry, (key, value) in zip(entries, metadata.items(), strict=False):
        entry.key = key.encode()
        if isinstance(value, bool):
            entry.tag, entry.val_bool = bindings.LLAMA_KV_OVERRIDE_TYPE_BOOL, value
        elif isinstance(value, int):
            entry.tag, entry.val_i64 = bindings.LLAMA_KV_OVERRIDE_TYPE_INT, value
        elif isinstance(value, float):
            entry.tag, entry.val_f64 = bindings.LLAMA_KV_OVERRIDE_TYPE_FLOAT, value
        else:
            entry.tag, entry.val_str = bindings.LLAMA_KV_OVERRIDE_TYPE_STR, value.encode()
    return entries


def _experts_in_main_memory(library: Library, num_layers: int) -> ctypes.Array[Any]:
    """Where tensors go otherwise than their layer, as the library wants it: a list that ends with nothing.

    Args:
        library: The opened bundle.
        num_layers: Layers, from the first, that are meant; negative for all.
    """
    layers = r"\d+" if num_layers < 0 else f"({'|'.join(map(str, range(num_layers)))})"
    overrides = (bindings.llama_model_tensor_buft_override * 2)()
    overrides[0].pattern = rf"blk\.{layers}\.ffn_(up|down|gate|gate_up)_(ch|)exps".encode()
    cpu = library.ggml_backend_dev_by_type(bindings.GGML_BACKEND_DEVICE_TYPE_CPU)
    overrides[0].buft = library.ggml_backend_dev_buffer_type(cpu)
    return overrides


def _load_mode(*, memory_map: bool, memory_lock: bool) -> int:
    if memory_lock:
        return bindings.LLAMA_LOAD_MODE_MMAP_MLOCK if memory_map else bindings.LLAMA_LOAD_MODE_MLOCK
    return bindings.LLAMA_LOAD_MODE_AUTO if memory_map else bindings.LLAMA_LOAD_MODE_NONE
