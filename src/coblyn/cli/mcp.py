"""``coblyn mcp``.

Coblyn's MCP tools over standard input and output, for programs that start such servers themselves.
"""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["mcp"]


def mcp(
    url: Annotated[
        str, typer.Option(help="Address of a running server. Default: that of the settings.")
    ] = "",
    key: Annotated[
        str, typer.Option(help="API key, for a server that requires one.", envvar="COBLYN_API_KEY")
    ] = "",
) -> None:
    """Offer a running server's models, and the doctor, as MCP tools over standard input and output."""
    import asyncio

    from coblyn.cli.connect import own_url

    asyncio.run(_serve(url or own_url(), key))


async def _serve(url: str, key: str) -> None:
    from coblyn.mcp.remote import RemoteBackend
    from coblyn.mcp.tools import make_server

    async with RemoteBackend(url, key) as backend:
        await make_server(backend).run_stdio_async()
