"""Coblyn: run GGUF language models at the full speed of your own machine.

The public names are listed in ``__all__`` and are loaded on first use, so that ``import coblyn`` costs
next to nothing: no numpy, no native library and no web framework is touched by it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coblyn.errors import CoblynError
    from coblyn.library import Completion, Delta, Engine
    from coblyn.service.adapters import AdapterChoice

__version__ = "0.1.0"

__all__ = ["AdapterChoice", "CoblynError", "Completion", "Delta", "Engine", "__version__"]

_HOMES = {
    "AdapterChoice": "coblyn.service.adapters",
    "CoblynError": "coblyn.errors",
    "Completion": "coblyn.library",
    "Delta": "coblyn.library",
    "Engine": "coblyn.library",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'coblyn' has no attribute {name!r}")
