"""Answers on a connection: how many writes they take."""

from __future__ import annotations

import asyncio

from coblyn.api.joined import JoinedTransport

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Connection(asyncio.Transport):
    """Notes each call of the system that a connection would make."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self._is_closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.calls.append(data)

    def close(self) -> None:
        self._is_closed = True

    def is_closing(self) -> bool:
        return self._is_closed


def joined() -> tuple[Connection, JoinedTransport]:
    connection = Connection()
    return connection, JoinedTransport(connection, asyncio.get_running_loop())


async def test_an_answer_that_is_there_is_one_write() -> None:
    connection, answer = joined()
    answer.write(HEAD)
    answer.write(BODY)
    await asyncio.sleep(0)
    assert connection.calls == [HEAD + BODY]


async def test_a_head_does_not_wait_for_a_body_that_is_not_there() -> None:
    connection, answer = joined()
    answer.write(HEAD)
    await asyncio.sleep(0)
    assert connection.calls == [HEAD]
    answer.write(BODY)
    answer.write(BODY)
    assert connection.calls == [HEAD, BODY, BODY]


async def test_a_head_is_sent_before_a_connection_is_closed() -> None:
    connection, answer = joined()
    answer.write(HEAD)
    answer.close()
    await asyncio.sleep(0)
    assert connection.calls == [HEAD]
    assert answer.is_closing()


async def test_leave_to_send_a_body_is_given_at_once() -> None:
    connection, answer = joined()
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    answer.write(interim)
    assert connection.calls == [interim]
    answer.write(HEAD)
    answer.write(BODY)
    assert connection.calls == [interim, HEAD + BODY]


async def test_nothing_is_written_to_a_connection_that_is_lost() -> None:
    connection, answer = joined()
    answer.write(HEAD)
    answer.write(BODY)
    connection.close()
    answer.write(BODY)
    assert connection.calls == [HEAD + BODY]
