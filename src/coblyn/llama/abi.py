"""Checks that the bindings and the library agree on every struct and constant.

Layouts move between releases of llama.cpp without any symbol or version changing, and a wrong one
corrupts memory silently. So the bundle's shim reports its compiler's layouts as a text, and this module builds the same
text from the bindings. It has one line per group: its name, then ``name=value`` pairs; a struct has each field as
``name=offset+size`` and then its ``sizeof``, all in bytes.

It uses no library handle: it compares texts and structs passed to it.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from coblyn.errors import AbiMismatch
from coblyn.llama import bindings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CONTEXT_DEFAULTS", "MODEL_DEFAULTS", "check", "check_defaults", "layout"]

_HINT = "The engine was built from another llama.cpp than the bindings: run `coblyn build --force`."

_SCALARS: Mapping[str, type[Any]] = {
    "bool": ctypes.c_bool,
    "int": ctypes.c_int,
    "enum": ctypes.c_int,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "size_t": ctypes.c_size_t,
    "pointer": ctypes.c_void_p,
    "function": ctypes.CFUNCTYPE(None),
}

MODEL_DEFAULTS: Mapping[str, int | float] = {
    "n_gpu_layers": -1,
    "split_mode": bindings.LLAMA_SPLIT_MODE_LAYER,
    "load_mode": bindings.LLAMA_LOAD_MODE_AUTO,
    "lazy_mode": bindings.LLAMA_LAZY_MODE_AUTO,
    "use_extra_bufts": True,
}
"""Expected result of ``llama_model_default_params``; all other fields are 0 or null."""

CONTEXT_DEFAULTS: Mapping[str, int | float] = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "n_outputs_max_per_seq": 1,
    "n_threads": bindings.GGML_DEFAULT_N_THREADS,
    "n_threads_batch": bindings.GGML_DEFAULT_N_THREADS,
    "rope_scaling_type": bindings.LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED,
    "pooling_type": bindings.LLAMA_POOLING_TYPE_UNSPECIFIED,
    "attention_type": bindings.LLAMA_ATTENTION_TYPE_UNSPECIFIED,
    "flash_attn_type": bindings.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "yarn_ext_factor": -1.0,
    "yarn_attn_factor": -1.0,
    "yarn_beta_fast": -1.0,
    "yarn_beta_slow": -1.0,
    "defrag_thold": -1.0,
    "type_k": bindings.GGML_TYPE_F16,
    "type_v": bindings.GGML_TYPE_F16,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
}
"""Expected result of ``llama_context_default_params``; all other fields are 0 or null."""


def layout() -> str:
    """The bindings' structs and constants in the form of the shim's ``coblyn_abi()``."""
    constants = {name: value for name, value in vars(bindings).items() if isinstance(value, int)}
    groups: list[tuple[str, Mapping[str, object]]] = [
        ("scalars", {name: ctypes.sizeof(kind) for name, kind in _SCALARS.items()}),
        ("constants", constants),
    ]
    groups += [(struct.__name__, dict(_places(struct))) for struct in bindings.STRUCTS]
    return "".join(f"{name} {_pairs(values)}\n" for name, values in groups)


def _places(struct: type[ctypes.Structure]) -> Iterator[tuple[str, str]]:
    for name in _names(struct):
        # ctypes places the members of an unnamed union into the struct that holds it.
        place = getattr(struct, name)
        yield name, f"{place.offset}+{place.size}"
    yield "sizeof", str(ctypes.sizeof(struct))


def _names(struct: Any) -> Iterator[str]:
    unnamed = getattr(struct, "_anonymous_", ())
    for name, kind in struct._fields_:
        if name in unnamed:
            yield from _names(kind)
        else:
            yield name


def _pairs(values: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())


def _parse(text: str) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        group, _, rest = line.partition(" ")
        pairs = (pair.partition("=") for pair in rest.split())
        groups[group] = {name: value for name, _, value in pairs}
    return groups


def check(text: str) -> None:
    """Compare what the shim's ``coblyn_abi()`` reported with the bindings.

    Raises:
        AbiMismatch: They differ; names the first group and item that do, and both values.
    """
    expected, found = _parse(layout()), _parse(text)
    for group, items in expected.items():
        theirs = found.get(group, {})
        for name in [*items, *sorted(theirs.keys() - items.keys())]:
            ours, other = items.get(name, "nothing"), theirs.get(name, "nothing")
            if ours != other:
                raise AbiMismatch(
                    f"{group}.{name} is {other} in the engine, but {ours} in the bindings.",
                    hint=_HINT,
                )
    if extra := sorted(found.keys() - expected.keys()):
        raise AbiMismatch(f"The engine has {extra[0]}, which the bindings do not know.", hint=_HINT)


def check_defaults(
    model: bindings.llama_model_params, context: bindings.llama_context_params
) -> None:
    """Compare the library's default parameters with those of the pinned release.

    A moved value reveals a change that does not affect the layout, for instance a new meaning of an old field.

    Args:
        model: What ``llama_model_default_params()`` returned.
        context: What ``llama_context_default_params()`` returned.

    Raises:
        AbiMismatch: Names the first struct and field that differ, and both values.
    """
    for struct, defaults in ((model, MODEL_DEFAULTS), (context, CONTEXT_DEFAULTS)):
        for name, _ in struct._fields_:
            found = getattr(struct, name)
            if not isinstance(found, int | float):
                found = 0 if not found else "a pointer"
            if found != defaults.get(name, 0):
                raise AbiMismatch(
                    f"The engine's default of {type(struct).__name__}.{name} is {found}, "
                    f"but {defaults.get(name, 0)} was expected.",
                    hint=_HINT,
                )
