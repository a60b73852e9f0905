"""The environment of an engine process, without variables of the user's shell that would affect the library."""

from __future__ import annotations

import os
from collections.abc import Mapping

from coblyn.llama.openmp import waiting

__all__ = ["changes", "engine_environment"]

_KEPT = frozenset({"GGML_VK_VISIBLE_DEVICES", "GGML_METAL_DEVICES"})
"""Variables that choose devices, which the user may set."""

_SECRETS = frozenset({"COBLYN_API_KEY"})

# Large blocks in huge pages: clearing a gigabyte of KV memory then takes a fifth of the time (glibc only).
_TUNABLES = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")


def changes(environ: Mapping[str, str] = os.environ) -> dict[str, str | None]:
    """Changes to this process's environment: a value sets a variable, None removes it."""
    removed = {
        name: None
        for name in environ
        if name in _SECRETS or (name.startswith(("GGML_", "LLAMA_")) and name not in _KEPT)
    }
    name, value = _TUNABLES
    tunables = {name: environ.get(name, value)}
    return {
        **removed,
        **tunables,
        **waiting(environ),
        "GGML_NO_BACKTRACE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def engine_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The complete environment of such a process."""
    changed = {**environ, **changes(environ)}
    return {name: value for name, value in changed.items() if value is not None}
