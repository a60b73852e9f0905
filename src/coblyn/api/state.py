"""What a user may choose about the APIs."""

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
    """What a user may choose about the APIs.

    Attributes:
        origins: Origins of web pages elsewhere that may use this server, such as
            ``https://lite.example.org``; ``*`` allows all. This server's own page always may, and
            programs are not web pages.
        keep_seconds: How long a model stays that was loaded because a request named it, and is not used.
        sleep_seconds: The same for the model of the start; 0 keeps it forever.
        ollama_port: Port at which ``/`` says that Ollama is running; 0 for none.
        keys: Gives the API keys that are known now.
        requires_key: Programs of this machine need a key too; those of others need one always.
        logs_texts: Prompts and answers stand in the log.
        max_body: The largest body that is read, in bytes.
        body_seconds: How long the next part of a body may take to arrive.
        keep_alive: Seconds after which a stream that has nothing to send says so; 0 for never.
        default_max_tokens: Tokens to generate when a client that continues text names no number.
        max_completion: Maximum number of tokens of any completion; 0 for no limit.
        is_strict: Refuse requests that name another model even where there is one only.
        state_dir: Where clients save what was computed for texts; None for nowhere.
        data_slots: The file of saved stories; None keeps none.
        has_multiplayer: Share a story among the pages that ask for it.
        preload_story: A story, as JSON, that KoboldAI Lite begins with; empty for none.
        web_search: Address of the search engine that pages may ask through this server; empty for none.
        tool_servers: Programs whose tools models may call.
        tool_limits: What such a call may take.
        fetch_media: Fetch images and sounds that requests name by their addresses.
        lite: File of KoboldAI Lite's page; None serves none.
        wishes: Presets and defaults of generation parameters.
        machine: What the machine has, for the verdict on what the model runs on.
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
    is_strict: bool = False
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
