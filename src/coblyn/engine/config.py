"""How an engine is set up: what crosses into its process when it starts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

from coblyn.errors import SettingsError

if TYPE_CHECKING:
    from coblyn.settings import Settings

__all__ = ["EngineConfig"]

MAX_SEQUENCES = 256
"""``LLAMA_MAX_SEQ`` of the pinned llama.cpp."""

_SPARE = 1
"""A sequence that a context may need for itself."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """One model in one context.

    Attributes:
        model: Path of the GGUF file; empty for the scripted fake engine.
        library: Directory of the bundle's libraries.
        bundle: Name of the bundle.
        context: Tokens of context; 0 takes the model's own, at most ``max_context``.
        max_context: Upper bound of the context that is chosen when ``context`` is 0.
        batch: Most tokens of a step while only prompts are read.
        busy_batch: Most tokens of a step while something decodes.
        threads: Threads that compute; 0 takes the physical cores that the process may use.
        gpu_layers: Layers on the accelerator; a negative number means all.
        flash_attention: True, False, or None to let the library decide.
        cache_type: Type of the KV cache: "f16", "bf16", "q8_0", "q5_1" or "q4_0".
        shared_cells: All requests share the cells of one context, True, or each has as many of its own, False;
            None decides by the machine.
        kernels: Let Coblyn's own matrix products help the CPU. There is one CPU in a process: while several engines
            are, that of the first holds for all.
        memory_map: Map the model file instead of reading it.
        memory_lock: Lock the model into memory.
        max_running: Requests in the batch at a time.
        max_waiting: Requests that may wait for a place.
        cache_memory: Megabytes of main memory that keep what earlier requests computed; 0 for none.
        hang_seconds: For how long the process may give no answer before it is killed and started again.
        step_seconds: For how long one step may run, and a load show no progress, before the same happens.
        num_idle: Further sequences that keep what finished requests computed.
    """

    model: str
    library: str = ""
    bundle: str = ""
    context: int = 0
    max_context: int = 8192
    batch: int = 512
    busy_batch: int = 128
    threads: int = 0
    gpu_layers: int = -1
    flash_attention: bool | None = None
    cache_type: str = "f16"
    shared_cells: bool | None = None
    kernels: bool = True
    memory_map: bool = True
    memory_lock: bool = False
    max_running: int = 8
    max_waiting: int = 64
    cache_memory: int = 2048
    hang_seconds: float = 15.0
    step_seconds: float = 1800.0
    num_idle: int = 8

    def __post_init__(self) -> None:
        """Refuse what the library would abort on, and fit to ``max_running`` what depends on it.

        The batch has room for a token of every sequence; a busy one for a token of each request, and one to read.

        Raises:
            SettingsError: A number is out of range.
        """
        _between("context", self.context, 0, 2**31 - 1)
        _between("batch", self.batch, 1, 2**16)
        _between("busy_batch", self.busy_batch, 1, 2**16)
        _between("threads", self.threads, 0, 512)
        _between("max_running", self.max_running, 1, MAX_SEQUENCES - _SPARE - 1)
        _between("num_idle", self.num_idle, 1, MAX_SEQUENCES)
        _between("max_waiting", self.max_waiting, 0, 100_000)
        _between("cache_memory", self.cache_memory, 0, 2**31 - 1)
        self._fit("num_idle", 1, MAX_SEQUENCES - _SPARE - self.max_running)
        self._fit("batch", self.max_sequences + _SPARE, 2**16)
        self._fit("busy_batch", self.max_running + 1, self.batch)

    def _fit(self, name: str, low: int, high: int) -> None:
        object.__setattr__(self, name, min(max(getattr(self, name), low), high))

    @classmethod
    def from_settings(cls, settings: Settings, *, model: Path, library: Path, bundle: str) -> Self:
        """Set an engine up for a model file on a bundle, as the user chose."""
        known = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in settings if name in known}
        return cls(str(model), str(library), bundle, **chosen)

    @property
    def max_sequences(self) -> int:
        """Sequences of the context: running ones and idle ones."""
        return self.max_running + self.num_idle


def _between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} is {value}; it must be between {low} and {high}.")
