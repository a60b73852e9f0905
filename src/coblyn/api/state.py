"""The user's options for the APIs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.api.wishes import Wishes
from coblyn.keys.key import ApiKey
from coblyn.mcp.server_file import ToolServer
from coblyn.mcp.tool_servers import ToolLimits
from coblyn.proof.machine import UNKNOWN, Machine

__all__ = ["ApiOptions"]


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """The user's options for the APIs.

    Attributes:
        origins: Origins of web pages elsewhere that may use this server, such as
            ``https://lite.example.org``; ``*`` allows all. This server's page is always allowed, and so are programs
            that are not web pages.
        keep_seconds: Seconds for which idle models loaded on demand are kept.
        sleep_seconds: The same for the model loaded at the start; 0 keeps it forever.
        ollama_port: Port on which ``/`` answers as Ollama; 0 for none.
        keys: Gives the currently valid API keys.
        requires_key: Whether programs on this machine need a key too; remote ones always do.
        logs_texts: Whether to log prompts and answers.
        max_body: Maximum size of a body in bytes.
        body_seconds: Maximum time for the next part of a body to arrive, and for all of one slower than 1 KiB/s.
        keep_alive: Seconds of silence after which a stream sends a comment; 0 for never.
        default_max_tokens: Default maximum number of tokens for text completions.
        max_completion: Maximum number of tokens of any completion; 0 for no limit.
        is_strict: Whether to refuse unknown model names even if there is only one model; None in Ollama's API only.
        state_dir: Directory in which clients save states; None to disable.
        data_slots: The file of saved stories; None to disable.
        has_multiplayer: Whether pages can share a story.
        preload_story: The initial story of KoboldAI Lite, as JSON; empty for none.
        web_search: Address of the search engine for pages; empty for none.
        tool_servers: MCP servers whose tools models may call.
        tool_limits: Limits of such calls.
        fetch_media: Whether to fetch images and sounds that requests name by address.
        lite: File of KoboldAI Lite's page; None for none.
        wishes: Presets and defaults of generation parameters.
        machine: Facts about the machine, for the verdict in ``/health``.
        web: Directory of the built page; None for the one in the package.
        journal: The file of the stories' journal; None for the user's.
    """

    origins: tuple[str, ...] = ()
    keep_seconds: float = 300.0
    sleep_seconds: float = 0.0
    ollama_port: int = 0
    keys: Callable[[], tuple[ApiKey, ...]] = tuple
    requires_key: bool = False
    logs_texts: bool = False
    max_body: int = 32 << 20
    body_seconds: float = 30.0
    keep_alive: float = 10.0
    default_max_tokens: int = 2048
    max_completion: int = 0
    is_strict: bool | None = None
    state_dir: Path | None = None
    data_slots: Path | None = None
    has_multiplayer: bool = False
    preload_story: str = ""
    web_search: str = ""
    tool_servers: tuple[ToolServer, ...] = ()
    tool_limits: ToolLimits = field(default_factory=ToolLimits)
    fetch_media: bool = False
    lite: Path | None = None
    wishes: Wishes = field(default_factory=Wishes)
    machine: Machine = UNKNOWN
    web: Path | None = None
    journal: Path | None = None
