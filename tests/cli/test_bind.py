"""Where a server listens: what users write, and what is refused."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from coblyn.cli.bind import Place, address_of, listening, places
from coblyn.errors import PortInUse, SettingsError

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("localhost", Place("localhost", 5001)),
        ("127.0.0.1:80", Place("127.0.0.1", 80)),
        ("::1", Place("::1", 5001)),
        ("[::1]", Place("::1", 5001)),
        ("[::1]:80", Place("::1", 80)),
    ],
)
def test_what_users_write(text: str, place: Place) -> None:
    assert places("127.0.0.1", 5001, [text]) == [Place("127.0.0.1", 5001), place]


@pytest.mark.parametrize(
    "text", ["", ":80", "[::1", "[::1]80", "a:b", "a:-1", "a:70000", "[]:80", "a:²"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SettingsError, match="not an address"):
        places("127.0.0.1", 5001, [text])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_this_machine_only_with_a_key(host: str) -> None:
    with (
        pytest.raises(SettingsError, match=r"no API key[^\n]*\n.*coblyn key add"),
        listening([Place("127.0.0.1"), Place(host)], has_keys=False),
    ):
        pass


def test_several_at_once() -> None:
    where = [Place("127.0.0.1"), Place("127.0.0.1")]
    with listening(where, has_keys=False) as listeners:
        addresses = [address_of(*pair, "http") for pair in zip(listeners, where, strict=True)]
        assert len(set(addresses)) == 2
        assert all(address.startswith("http://127.0.0.1:") for address in addresses)
        port = listeners[0].getsockname()[1]
        listeners[0].listen()
        with (
            pytest.raises(PortInUse, match=f"127.0.0.1:{port} cannot"),
            listening([Place("127.0.0.1", port)], has_keys=False),
        ):
            pass


@POSIX
def test_a_socket_file_that_was_left_over_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    (where,) = places("x", 1, [f"unix:{path}"])[1:]
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with listening([where], has_keys=False) as (listener,):
        listener.listen()
        with pytest.raises(PortInUse, match="Another program"), listening([where], has_keys=False):
            pass
        assert path.exists()
    assert not path.exists()


@POSIX
def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("mine")
    with pytest.raises(PortInUse), listening([Place(str(path), is_unix=True)], has_keys=False):
        pass
    assert path.read_text() == "mine"
