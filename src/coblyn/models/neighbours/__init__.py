"""Models in the stores of other programs: used in place, and never changed.

One module per program; ``find_all`` queries all of them.
"""

from __future__ import annotations

from coblyn.models.neighbours import huggingface, llama_cpp, lm_studio, ollama
from coblyn.models.neighbours.neighbour import Neighbour

__all__ = ["Neighbour", "find_all"]


def find_all() -> tuple[Neighbour, ...]:
    """All models of other programs on this machine, by name. Unreadable entries are skipped."""
    found = [
        *huggingface.find(),
        *llama_cpp.find(),
        *lm_studio.find(),
        *ollama.find(),
    ]
    by_path = {each.path.resolve(): each for each in reversed(found)}
    return tuple(sorted(by_path.values(), key=lambda each: each.name.lower()))
