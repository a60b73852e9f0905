"""Everything that a user may choose for running a model: defaults < settings file < environment < flags.

The file is ``coblyn.toml`` in the user's configuration directory, or the one that ``--config`` names. A setting
``max_running`` is ``COBLYN_MAX_RUNNING`` in the environment and ``--max-running`` on the command line.

This module owns the choices, not where they are used.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coblyn import paths
from coblyn.errors import SettingsError

__all__ = ["PREFIX", "CacheType", "Settings"]

PREFIX = "COBLYN_"

# Variables with the prefix that are read elsewhere, and are no settings.
_OTHER_VARIABLES = frozenset(
    {
        "COBLYN_CHROMIUM",
        "COBLYN_HOME",
        "COBLYN_OFFLINE",
        "COBLYN_PACK",
        "COBLYN_SKIP_UI",
        "COBLYN_YES",
    }
)

CacheType = Literal["f16", "bf16", "q8_0", "q5_1", "q4_0"]


class Settings(BaseModel):
    """What a user may choose. Every field has a default that works."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 for any.")] = 5001
    origins: Annotated[
        tuple[str, ...], Field(description="Web origins that may call the API from a browser.")
    ] = ()
    context: Annotated[
        int, Field(ge=0, description="Tokens of context; 0 for the model's own, at most 8192.")
    ] = 0
    batch: Annotated[int, Field(ge=32, le=65536, description="Most tokens of a step.")] = 512
    busy_batch: Annotated[
        int, Field(ge=16, description="Most tokens of a step while some text is being written.")
    ] = 128
    threads: Annotated[
        int, Field(ge=0, le=512, description="Threads; 0 for all cores that may be used.")
    ] = 0
    gpu_layers: Annotated[
        int, Field(description="Layers on the accelerator; a negative number for all.")
    ] = -1
    flash_attention: Annotated[
        bool | None, Field(description="Flash attention; leave it out to let the engine decide.")
    ] = None
    cache_type: Annotated[CacheType, Field(description="Type of the KV cache.")] = "f16"
    shared_cells: Annotated[
        bool | None,
        Field(
            description="Whether all requests share the cells of one context, which saves memory, or "
            "each has its own, which is faster on a CPU; leave it out to decide by the machine."
        ),
    ] = None
    cache_memory: Annotated[
        int,
        Field(ge=0, description="Megabytes of memory that keep what earlier requests computed."),
    ] = 2048
    kernels: Annotated[
        bool,
        Field(description="Let Coblyn's own matrix products help the CPU where they are faster."),
    ] = True
    memory_map: Annotated[bool, Field(description="Map the model file instead of reading it.")] = (
        True
    )
    memory_lock: Annotated[bool, Field(description="Lock the model into memory.")] = False
    max_running: Annotated[
        int, Field(ge=1, le=128, description="Requests that are written at the same time.")
    ] = 8
    max_waiting: Annotated[
        int,
        Field(ge=0, le=100_000, description="Requests that may wait; more are told to come back."),
    ] = 64
    strict_models: Annotated[
        bool,
        Field(description="Refuse requests that name another model than the one that is loaded."),
    ] = False
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="Seconds that requests may take to end when the server is told to stop.",
        ),
    ] = 3.0
    hang_seconds: Annotated[
        float,
        Field(
            ge=2,
            le=3600,
            description="Seconds for which the engine may give no answer before it is started again.",
        ),
    ] = 15.0
    step_seconds: Annotated[
        float,
        Field(
            ge=10,
            le=86400,
            description="Seconds that one step of the engine may take, or a load without progress, "
            "before the engine is started again.",
        ),
    ] = 1800.0

    @classmethod
    def load(cls, file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Self:
        """Put the sources together.

        Args:
            file: The settings file; None for the user's own, which may be absent.
            flags: What the command line gave; None values are those that it did not give.

        Raises:
            SettingsError: A source holds an unknown name or a wrong value; the message names the source.
        """
        sources = [
            (str(file or paths.config()), _read_file(file)),
            ("the environment", _read_environment(os.environ)),
            ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
        ]
        merged: dict[str, Any] = {}
        for origin, values in sources:
            _check(cls, origin, values)
            merged |= values
        return cls(**merged)


def _check(model: type[Settings], origin: str, values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in model.model_fields:
            near = difflib.get_close_matches(name, model.model_fields, n=1)
            hint = (
                f"Did you mean {near[0]}?"
                if near
                else f"Known are: {', '.join(model.model_fields)}."
            )
            raise SettingsError(f"{origin} sets {name}, which is no setting.", hint=hint)
    try:
        model(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"{origin} sets {name} to {first['input']!r}: {first['msg']}.",
            hint=f"{name}: {model.model_fields[str(first['loc'][0])].description}",
        ) from error


def _read_file(file: Path | None) -> dict[str, Any]:
    path = file or paths.config()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return {}
        raise SettingsError(f"The settings file {path} is not there.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} can not be read: {error}.") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if variable.startswith(PREFIX) and variable not in _OTHER_VARIABLES:
            name = variable.removeprefix(PREFIX).lower()
            values[name] = text.split(",") if name == "origins" else text
    return values
