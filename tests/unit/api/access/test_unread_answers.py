"""Answers that are not read: a connection is ended once nothing of one was taken for too long."""

import asyncio
from unittest.mock import Mock

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from api.access.middleware import connection
from api.access.middleware.connection import LimitedConnection
from tests.waiting import eventually


@pytest.fixture
def transport() -> Mock:
    transport = Mock(spec=asyncio.Transport)
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = None
    transport.get_write_buffer_size.return_value = 100_000
    return transport


async def connected(transport: Mock) -> LimitedConnection:
    config = Config(lambda: None, http=LimitedConnection, lifespan="off")
    config.load()
    made = LimitedConnection(config, ServerState(), {})
    made.connection_made(transport)
    return made


async def test_a_connection_whose_answer_is_not_read_is_aborted(
    transport: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_SECONDS_MAX", 0.01)
    stalled = await connected(transport)

    stalled.pause_writing()

    await eventually(lambda: transport.abort.called)


async def test_a_connection_that_reads_on_is_kept_however_slowly(
    transport: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_SECONDS_MAX", 0.01)
    left, looked_at = 500_000, list[int]()

    def size() -> int:
        nonlocal left
        left = max(left - 100_000, 100_000)
        looked_at.append(left)
        assert not transport.abort.called
        return left

    transport.get_write_buffer_size.side_effect = size
    slow = await connected(transport)

    slow.pause_writing()
    await eventually(lambda: transport.abort.called)

    assert looked_at == [400_000, 300_000, 200_000, 100_000, 100_000]


async def test_a_slow_reader_is_let_live_and_begins_anew_with_each_part(transport: Mock) -> None:
    slow = await connected(transport)

    slow.pause_writing()
    waiting = slow.unread
    slow.resume_writing()
    slow.pause_writing()

    assert waiting is not None
    assert waiting.cancelled()
    assert slow.unread is not None
    assert not slow.unread.cancelled()
    slow.connection_lost(None)
    assert slow.unread is None
    assert not transport.abort.called


async def test_a_connection_that_is_closed_with_an_answer_unread_has_no_more_time_for_it(transport: Mock) -> None:
    stalled = await connected(transport)

    stalled.pause_writing()
    transport.is_closing.return_value = True
    stalled.resume_writing()

    assert stalled.unread is not None
    assert not stalled.unread.cancelled()
    stalled.connection_lost(None)
