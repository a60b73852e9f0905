"""The server that programs are connected to."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from coblyn.errors import BadRequest, NotFound, SettingsError

__all__ = ["NO_KEY", "Target", "ask"]

NO_KEY = "none"
"""Placeholder key for programs that require one, for a server that does not."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server and one of its models.

    Attributes:
        url: Its address, without a trailing slash.
        model: Name of the model.
        context: Context size in tokens; 0 if unknown.
        key: API key, or empty.
        is_reached: Whether the server answered; otherwise the model is as named by the user.
    """

    url: str
    model: str
    context: int = 0
    key: str = field(default="", repr=False)
    is_reached: bool = True

    @property
    def openai(self) -> str:
        """Address of the OpenAI API."""
        return f"{self.url}/v1"

    @property
    def some_key(self) -> str:
        """The key, or a placeholder for programs that require one."""
        return self.key or NO_KEY


def ask(url: str, key: str, model: str) -> Target:
    """Query a server; if it is not running yet and a model is named, use the user's values.

    Args:
        url: Its address.
        key: API key, or empty.
        model: The requested model; the server's first if empty.

    Raises:
        BadRequest: It is not an address of a server.
        NotFound: It does not have that model.
        SettingsError: It cannot be reached and no model is named, or it requires another key.
    """
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = url.rstrip("/").removesuffix("/v1")
    try:
        answer = httpx.get(f"{url}/v1/models", headers=headers, timeout=10)
        answer.raise_for_status()
        found = {
            entry["id"]: int(entry.get("context_length", 0)) for entry in answer.json()["data"]
        }
    except httpx.HTTPStatusError as error:
        hint = "Give its key with --key." if error.response.status_code == 401 else ""
        raise SettingsError(f"{url} answers {error.response.status_code}.", hint=hint) from error
    except httpx.ConnectError as error:
        if model:
            return Target(url, model, key=key, is_reached=False)
        raise _unreachable(url) from error
    except httpx.RequestError as error:
        raise _unreachable(url) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadRequest(f"{url} is not an address: {error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{url} does not answer like a model server.") from error
    if not found or (model and model not in found):
        has = f"It has {', '.join(found)}." if found else "It has none."
        raise NotFound(f"{url} has no model {model}.".replace("  ", " "), hint=has)
    name = model or next(iter(found))
    return Target(url, name, found[name], key)


def _unreachable(url: str) -> SettingsError:
    return SettingsError(
        f"No server answers at {url}.",
        hint="Start it (coblyn serve), name another address with --url, or name with --model what it will serve.",
    )
