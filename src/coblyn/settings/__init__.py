"""All settings for running a model, by precedence: defaults < settings file < environment < flags.

Between the environment and the flags come those of single models (``own.py``).

The file is ``coblyn.toml`` in the user's configuration directory, or the one that ``--config`` names. A setting
``max_running`` is ``COBLYN_MAX_RUNNING`` in the environment and ``--max-running`` on the command line.

This module defines the settings, not their use.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from msgspec import Meta

from coblyn import paths
from coblyn.errors import SettingsError
from coblyn.files import read_text
from coblyn.keys.key import ApiKey
from coblyn.settings.engine import CacheType, EngineSettings, Knob
from coblyn.settings.rule import Rule, rules

__all__ = ["PREFIX", "CacheType", "EngineSettings", "Knob", "Rule", "Settings", "rules"]

PREFIX = "COBLYN_"


_LISTS = frozenset({"give_up", "listen", "origins", "adapters", "control_vectors"})
"""Settings that hold several values, separated by commas in the environment."""

# Variables with the prefix that are read elsewhere, and are not settings.
_OTHER_VARIABLES = frozenset(
    {
        "COBLYN_API_KEY",
        "COBLYN_CHROMIUM",
        "COBLYN_CLIENT_KEY",
        "COBLYN_HOME",
        "COBLYN_MODEL_FOLDERS",
        "COBLYN_OFFLINE",
        "COBLYN_OLLAMA_REGISTRY",
        "COBLYN_PACK",
        "COBLYN_SKIP_UI",
        "COBLYN_YES",
    }
)


_MAX_INT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(EngineSettings):
    """All settings: those of the engine and those of the server."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 for any.")] = 5001
    listen: Annotated[
        tuple[str, ...],
        Meta(
            description="Further addresses to listen on: HOST, HOST:PORT, [IPV6]:PORT or unix:PATH. A UNIX socket "
            "belongs to its owner, who needs no key."
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
            description="Seconds for which a model loaded on request stays loaded while it is not used.",
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
        Meta(
            ge=0, le=65535, description="Additional port on which to answer as Ollama; 0 for none."
        ),
    ] = 0
    origins: Annotated[
        tuple[str, ...], Meta(description="Web origins that may call the API from a browser.")
    ] = ()
    keys: Annotated[
        tuple[ApiKey, ...],
        Meta(description="API keys, as `coblyn key add NAME` writes them; only hashes are kept."),
    ] = ()
    require_key: Annotated[
        bool,
        Meta(
            description="Require a key from programs on this machine too; those on other machines always need one."
        ),
    ] = False
    strict_models: Annotated[
        bool | None,
        Meta(
            description="Refuse requests that name a model other than the one that is loaded; omit it to refuse them "
            "in Ollama's API only."
        ),
    ] = None
    log_format: Annotated[
        Literal["text", "json"],
        Meta(
            description="How the log is written: text, or a JSON object per line, with every request and generation."
        ),
    ] = "text"
    log_texts: Annotated[
        bool,
        Meta(
            description="Write prompts and answers to the log as well; otherwise it contains none."
        ),
    ] = False
    max_body: Annotated[
        int,
        Meta(ge=1024, le=_MAX_INT, description="Maximum size of a request's body, in bytes."),
    ] = 32 << 20
    body_seconds: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600,
            description="Seconds within which more of a body must arrive; all of it below 1 KiB/s.",
        ),
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
            description="Seconds for which a client may leave an answer unread before its connection is closed.",
        ),
    ] = 120.0
    keep_alive_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds after which a silent stream sends a sign of life, for proxies; 0 for never.",
        ),
    ] = 10.0
    drain_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="Seconds that running requests have to finish when the server is told to stop.",
        ),
    ] = 3.0
    slot_save_path: Annotated[
        str,
        Meta(
            description="Directory in which llama-server's clients save and restore the states of texts; "
            "empty for none."
        ),
    ] = ""
    data_slots: Annotated[
        bool, Meta(description="Keep the stories that KoboldAI Lite saves on the server.")
    ] = False
    multiplayer: Annotated[
        bool, Meta(description="Share one story among the KoboldAI Lite pages that ask for it.")
    ] = False
    preload_story: Annotated[
        str,
        Meta(
            description="Story that KoboldAI Lite opens at the start: a file, or the story itself as JSON."
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
    fetch_media: Annotated[
        bool,
        Meta(
            description="Fetch images and sounds that requests name by their addresses, from the public web only."
        ),
    ] = False
    admin_dir: Annotated[
        str,
        Meta(
            description="Directory of models (.gguf) and KoboldCPP's settings (.kcpps) that may be loaded at run time, "
            "by keys of the scope admin and programs of this machine."
        ),
    ] = ""
    mcp_file: Annotated[
        str,
        Meta(
            description="File of tool servers (MCP) whose tools models may call, as Claude Desktop and KoboldCPP have "
            "it: their programs run as this server's user."
        ),
    ] = ""
    tool_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds that a call to such a tool may take.")
    ] = 60.0
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
            description="Number of tokens generated for a client that continues text and asks for no number.",
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
        bool, Meta(description="`generation_defaults` also override what requests contain.")
    ] = False

    @classmethod
    def load(
        cls,
        file: Path | None = None,
        flags: Mapping[str, Any] | None = None,
        *,
        others: tuple[str, Mapping[str, Any]] = ("", {}),
    ) -> Self:
        """Merge all sources.

        Args:
            file: The settings file; None for the user's default file, which may be absent.
            flags: Values from the command line; None for options not given.
            others: Another program's settings, by the name of their file; only flags take precedence over them.

        Raises:
            SettingsError: A source has an unknown name or an invalid value; the message names the source.
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
        return cls(**merged, chosen=frozenset(merged), flags=frozenset(sources[-1][1]))


def _read(settings: type[Settings], origin: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The validated values of a source."""
    known = {rule.name: rule for rule in rules(settings)}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(known)}."
            raise SettingsError(f"{origin} sets {name}, which is not a setting.", hint=hint)
        try:
            read[name] = known[name].read(value)
        except ValueError as error:
            raise SettingsError(
                f"{origin} sets {name} to {known[name].shown(value)}: {error}.",
                hint=known[name].hint,
            ) from error
    return read


def _read_file(file: Path | None) -> dict[str, Any]:
    path = file or paths.config()
    try:
        return tomllib.loads(read_text(path))
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
