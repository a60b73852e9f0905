"""Models of a running server, over HTTP."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from coblyn.errors import CoblynError, SettingsError
from coblyn.mcp.backend import Order, TokenIds, Writer, Written

__all__ = ["RemoteBackend"]


class RemoteBackend:
    """A ``Backend`` over a server's OpenAI and KoboldAI APIs; an async context manager.

    Args:
        url: Address of the server.
        key: API key, or empty.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # No read timeout: a long answer may take any time.
        timeout = httpx.Timeout(10.0, read=None)
        self._client = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def models(self) -> list[Writer]:
        """The models of the server."""
        answer = await self._send("GET", "/v1/models")
        return [
            Writer(entry["id"], int(entry.get("context_length", 0))) for entry in answer["data"]
        ]

    async def write(self, order: Order) -> Written:
        """Let the server answer."""
        messages = [{"role": "system", "content": order.system}] if order.system else []
        body: dict[str, Any] = {
            "messages": [*messages, {"role": "user", "content": order.prompt}],
            "max_tokens": order.max_tokens,
            "stop": list(order.stop),
            "model": order.model,
        }
        if order.temperature is not None:
            body["temperature"] = order.temperature
        answer = await self._send("POST", "/v1/chat/completions", body)
        choice, usage = answer["choices"][0], answer["usage"]
        message = choice["message"]
        return Written(
            message.get("content") or "",
            message.get("reasoning_content") or "",
            choice["finish_reason"],
            answer["model"],
            usage["prompt_tokens"],
            usage["completion_tokens"],
        )

    async def tokenize(self, text: str, model: str) -> TokenIds:
        """Let the server tokenize."""
        body = {"content": text, "model": model, "add_special": False, "parse_special": False}
        ids = (await self._send("POST", "/tokenize", body))["tokens"]
        return TokenIds(len(ids), ids)

    async def _send(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = await self._client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SettingsError(
                f"No server answers at {self._url}.", hint="Start it: coblyn serve"
            ) from error
        if answer.is_success:
            return answer.json()
        raise CoblynError(_message(answer))


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server answers {answer.status_code}."
