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
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_type_hints

import msgspec
from msgspec import Meta

from coblyn import paths
from coblyn.errors import SettingsError
from coblyn.keys.key import ApiKey

__all__ = ["PREFIX", "CacheType", "EngineSettings", "Rule", "Settings", "rules"]

PREFIX = "COBLYN_"

_WORDS = {
    **dict.fromkeys(("yes", "y", "on", "t"), True),
    **dict.fromkeys(("no", "n", "off", "f"), False),
}

_LISTS = frozenset({"listen", "origins", "adapters", "control_vectors"})
"""Settings that hold several values, separated by commas in the environment."""

# Variables with the prefix that are read elsewhere, and are no settings.
_OTHER_VARIABLES = frozenset(
    {
        "COBLYN_API_KEY",
        "COBLYN_CHROMIUM",
        "COBLYN_HOME",
        "COBLYN_OFFLINE",
        "COBLYN_PACK",
        "COBLYN_SKIP_UI",
        "COBLYN_YES",
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a setting may be.

    Attributes:
        name: Its name.
        kind: Its type, with the range.
        default: Its value where nobody chose one.
        meaning: What it does, in a sentence.
    """

    name: str
    kind: Any
    default: Any
    meaning: str

    @property
    def hint(self) -> str:
        """The meaning, for error messages."""
        return f"{self.name}: {self.meaning}" if self.meaning else ""

    def read(self, value: Any) -> Any:
        """A value from outside as what it means: text from the environment is read as the type wants it.

        Raises:
            ValueError: It means nothing here; the text says why.
        """
        try:
            return msgspec.convert(_plain(value), self.kind, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(str(error).partition(" - at ")[0].replace("`", "")) from error

    def problem(self, value: Any) -> str:
        """Why a value cannot be, or nothing."""
        try:
            msgspec.convert(value, self.kind)
        except msgspec.ValidationError as error:
            return str(error).partition(" - at ")[0].replace("`", "")
        return ""


CacheType = Literal["f16", "bf16", "q8_0", "q5_1", "q4_0"]

_MAX_INT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """What a user may choose about an engine. Each field has a default that works, a range, and a meaning."""

    context: Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_INT,
            description="Tokens of context; 0 for the model's own, at most 8192.",
        ),
    ] = 0
    batch: Annotated[int, Meta(ge=32, le=2**16, description="Maximum tokens per step.")] = 512
    busy_batch: Annotated[
        int,
        Meta(ge=16, le=2**16, description="Maximum tokens per step while any request is decoding."),
    ] = 128
    threads: Annotated[
        int, Meta(ge=0, le=512, description="Threads; 0 for all cores that may be used.")
    ] = 0
    gpu_layers: Annotated[
        int, Meta(description="Layers on the accelerator; a negative number for all.")
    ] = -1
    flash_attention: Annotated[
        bool | None, Meta(description="Flash attention; leave it out to let the engine decide.")
    ] = None
    cache_type: Annotated[CacheType, Meta(description="Type of the KV cache.")] = "f16"
    shared_cells: Annotated[
        bool | None,
        Meta(
            description="Whether all requests share the cells of one context, which saves memory, or "
            "each has its own, which is faster on a CPU; leave it out to decide by the machine."
        ),
    ] = None
    cache_memory: Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_INT,
            description="Megabytes of memory that keep what earlier requests computed.",
        ),
    ] = 2048
    speculation: Annotated[
        bool,
        Meta(
            description="Guess tokens ahead from what was said before, where that is measured to be faster. "
            "Requests with a seed go without, so that they are repeatable."
        ),
    ] = True
    draft_model: Annotated[
        str,
        Meta(
            description="A small model of the same family, by name or path, that guesses tokens ahead for the "
            "large one; empty for none."
        ),
    ] = ""
    adapters: Annotated[
        tuple[str, ...],
        Meta(
            description="LoRA adapters and control vectors for the model: NAME=FILE or NAME=FILE:SCALE each. "
            "Requests use one by naming the model MODEL+NAME."
        ),
    ] = ()
    adapters_on: Annotated[
        bool, Meta(description="Requests that choose no adapters use all of `adapters`.")
    ] = False
    control_vectors: Annotated[
        tuple[str, ...],
        Meta(
            description="Control vectors that requests use which choose no adapters: FILE, FILE:SCALE or "
            "NAME=FILE:SCALE each."
        ),
    ] = ()
    control_layers: Annotated[
        str,
        Meta(
            description="Layers that control vectors work on, FIRST-LAST, counted from 1; empty for all."
        ),
    ] = ""
    projector: Annotated[
        str,
        Meta(
            description="File that lets the model take images or sounds (mmproj); auto for the one in the model's "
            "folder, if there is one, empty for none."
        ),
    ] = "auto"
    image_tokens: Annotated[
        int,
        Meta(
            ge=0,
            le=2**16,
            description="Maximum tokens per image, where its size decides; 0 for the model's own limit.",
        ),
    ] = 0
    media_memory: Annotated[
        int,
        Meta(
            ge=1,
            le=_MAX_INT,
            description="Megabytes that keep prepared images and sounds, and as many for encoded ones.",
        ),
    ] = 512
    kernels: Annotated[
        bool,
        Meta(
            description="Let Coblyn's own matrix products help the CPU where they are faster. There is one "
            "CPU in a process: while several engines are, that of the first holds for all."
        ),
    ] = True
    memory_map: Annotated[bool, Meta(description="Map the model file instead of reading it.")] = (
        True
    )
    memory_lock: Annotated[bool, Meta(description="Lock the model into memory.")] = False
    max_running: Annotated[
        int, Meta(ge=1, le=128, description="Requests generated concurrently.")
    ] = 8
    max_waiting: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Requests that may wait; more are told to come back."),
    ] = 64
    hang_seconds: Annotated[
        float,
        Meta(
            ge=2,
            le=3600,
            description="Seconds for which the engine may give no answer before it is started again.",
        ),
    ] = 15.0
    step_seconds: Annotated[
        float,
        Meta(
            ge=1,
            le=86400,
            description="Seconds that one step of the engine may take, or a load without progress, "
            "before the engine is started again.",
        ),
    ] = 1800.0
    constraint_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="Seconds that a constraint may take to be read, or for what it allows at one token, "
            "before its request ends.",
        ),
    ] = 5.0

    def __post_init__(self) -> None:
        """Hold every value to its range.

        Raises:
            SettingsError: One is out of it, or has a wrong type.
        """
        for rule in rules(type(self)):
            problem = rule.problem(getattr(self, rule.name))
            if problem:
                raise SettingsError(
                    f"{rule.name} is {getattr(self, rule.name)!r}: {problem}.", hint=rule.hint
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EngineSettings):
    """What a user may choose: about the engine, and about the server."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 for any.")] = 5001
    listen: Annotated[
        tuple[str, ...],
        Meta(
            description="Where else to listen: HOST, HOST:PORT, [IPV6]:PORT or unix:PATH. A UNIX socket is its "
            "owner's, who needs no key."
        ),
    ] = ()
    tls_cert: Annotated[
        str, Meta(description="File of the certificate and its chain (PEM): HTTPS instead of HTTP.")
    ] = ""
    tls_key: Annotated[
        str,
        Meta(description="File of the certificate's private key; left out where both are in one."),
    ] = ""
    on_demand: Annotated[
        bool,
        Meta(description="Load models that requests name, if they are here, beside the first."),
    ] = True
    keep_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds for which a model stays that a request named and nobody uses.",
        ),
    ] = 300.0
    sleep_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds without a request after which the first model is unloaded until the next one; "
            "0 keeps it.",
        ),
    ] = 0.0
    ollama_port: Annotated[
        int,
        Meta(ge=0, le=65535, description="Port to listen on as well, as Ollama; 0 for none."),
    ] = 0
    origins: Annotated[
        tuple[str, ...], Meta(description="Web origins that may call the API from a browser.")
    ] = ()
    keys: Annotated[
        tuple[ApiKey, ...],
        Meta(description="API keys, as `coblyn key add` writes them; only hashes are kept."),
    ] = ()
    require_key: Annotated[
        bool,
        Meta(
            description="Ask programs of this machine for a key too; those of other machines need one always."
        ),
    ] = False
    strict_models: Annotated[
        bool,
        Meta(description="Refuse requests that name another model than the one that is loaded."),
    ] = False
    log_format: Annotated[
        Literal["text", "json"],
        Meta(
            description="How the log is written: text, or a JSON object per line, with every request and generation."
        ),
    ] = "text"
    log_texts: Annotated[
        bool,
        Meta(description="Write prompts and answers to the log, too; it holds none otherwise."),
    ] = False
    max_body: Annotated[
        int,
        Meta(ge=1024, le=_MAX_INT, description="Largest body of a request, in bytes."),
    ] = 32 << 20
    body_seconds: Annotated[
        float,
        Meta(ge=0.1, le=3600, description="Seconds within which more of a body must arrive."),
    ] = 30.0
    header_seconds: Annotated[
        float,
        Meta(ge=0.1, le=3600, description="Seconds within which a request's headers must arrive."),
    ] = 20.0
    write_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=86400,
            description="Seconds that a client may leave an answer unread before its connection is closed.",
        ),
    ] = 120.0
    keep_alive_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds after which a stream that has nothing to send yet says so, for proxies; 0 for never.",
        ),
    ] = 10.0
    drain_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds that requests may take to end when the server is told to stop.",
        ),
    ] = 3.0
    data_slots: Annotated[
        bool, Meta(description="Keep stories that KoboldAI Lite saves on the server.")
    ] = False
    multiplayer: Annotated[
        bool, Meta(description="Share one story among the KoboldAI Lite pages that ask for it.")
    ] = False
    preload_story: Annotated[
        str,
        Meta(
            description="File of a story that KoboldAI Lite begins with, or the story itself, as JSON."
        ),
    ] = ""
    web_search: Annotated[
        bool,
        Meta(
            description="Let KoboldAI Lite search the web through this server: queries go to a search engine, and the "
            "pages that it names are read."
        ),
    ] = False
    web_search_address: Annotated[
        str,
        Meta(description="The search engine: DuckDuckGo's page without scripts, or one like it."),
    ] = "https://html.duckduckgo.com/html/"
    admin_dir: Annotated[
        str,
        Meta(
            description="Directory of models (.gguf) and KoboldCPP's settings (.kcpps) that may be loaded at run time, "
            "by keys of the scope admin and programs of this machine."
        ),
    ] = ""
    lite: Annotated[
        str,
        Meta(
            description="Serve KoboldAI Lite under /lite: its file, its address, or `fetch` for the release that was "
            "tried with this version."
        ),
    ] = ""
    preset: Annotated[
        str, Meta(description="Preset of requests that name none; `coblyn presets` lists them.")
    ] = ""
    generation_defaults: Annotated[
        dict[str, Any],
        Meta(description="Fields of requests that do not have them, by KoboldCPP's names."),
    ] = field(default_factory=dict)
    default_max_tokens: Annotated[
        int,
        Meta(
            ge=1,
            le=_MAX_INT,
            description="Tokens that a client gets which continues text and names no number.",
        ),
    ] = 2048
    max_completion: Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_INT,
            description="Maximum number of tokens of any completion; 0 for no limit.",
        ),
    ] = 0
    defaults_win: Annotated[
        bool, Meta(description="`generation_defaults` replace what requests have, too.")
    ] = False

    @classmethod
    def load(
        cls,
        file: Path | None = None,
        flags: Mapping[str, Any] | None = None,
        *,
        others: tuple[str, Mapping[str, Any]] = ("", {}),
    ) -> Self:
        """Put the sources together.

        Args:
            file: The settings file; None for the user's own, which may be absent.
            flags: What the command line gave; None values are those that it did not give.
            others: What another program's settings say, after the name of their file; only flags go before it.

        Raises:
            SettingsError: A source holds an unknown name or a wrong value; the message names the source.
        """
        sources = [
            (str(file or paths.config()), _read_file(file)),
            ("the environment", _read_environment(os.environ)),
            others,
            ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
        ]
        merged: dict[str, Any] = {}
        for origin, values in sources:
            merged |= _read(cls, origin, values)
        return cls(**merged)


def rules(settings: type[EngineSettings]) -> tuple[Rule, ...]:
    """The rule of each setting that a class has."""
    kinds = get_type_hints(settings, include_extras=True)
    return tuple(
        Rule(each.name, kinds[each.name], _default(each), _meaning(kinds[each.name]))
        for each in fields(settings)
    )


def _default(each: Field[Any]) -> Any:
    return each.default if each.default_factory is MISSING else each.default_factory()


def _meaning(kind: Any) -> str:
    metas = (item for item in get_args(kind) if isinstance(item, Meta))
    return next((meta.description or "" for meta in metas), "")


def _read(settings: type[Settings], origin: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a source, checked."""
    known = {rule.name: rule for rule in rules(settings)}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
            raise SettingsError(f"{origin} sets {name}, which is no setting.", hint=hint)
        try:
            read[name] = known[name].read(value)
        except ValueError as error:
            raise SettingsError(
                f"{origin} sets {name} to {value!r}: {error}.", hint=known[name].hint
            ) from error
    return read


def _plain(value: Any) -> Any:
    """A word for yes or no as the value that it means; no setting takes such a word for something else."""
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value


def _read_file(file: Path | None) -> dict[str, Any]:
    path = file or paths.config()
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return {}
        raise SettingsError(f"The settings file {path} is not there.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if variable.startswith(PREFIX) and variable not in _OTHER_VARIABLES:
            name = variable.removeprefix(PREFIX).lower()
            values[name] = text.split(",") if name in _LISTS else text
    return values
