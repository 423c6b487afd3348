"""Updates of Telegram's Bot API, decoded one by one."""

from collections.abc import Sequence

import msgspec
import structlog

from shared.errors import in_a_line

log = structlog.get_logger(__name__)


class _Numbered(msgspec.Struct):
    update_id: int


class _User(msgspec.Struct):
    id: int


class _Chat(msgspec.Struct):
    id: int


class _Message(msgspec.Struct):
    chat: _Chat
    date: int
    text: str = ""
    sender: _User | None = msgspec.field(default=None, name="from")


class Update(msgspec.Struct):
    update_id: int
    message: _Message | None = None


class _Answer(msgspec.Struct):
    ok: bool
    result: list[msgspec.Raw] = []


def read_updates(body: bytes) -> tuple[Sequence[Update], int]:
    """Return the readable updates, and the offset after all of them; raise MsgspecError for another answer."""
    raw = msgspec.json.decode(body, type=_Answer).result
    offset = max([0, *(msgspec.json.decode(each, type=_Numbered).update_id + 1 for each in raw)])
    updates = []
    for each in raw:
        try:
            updates.append(msgspec.json.decode(each, type=Update))
        except msgspec.MsgspecError as error:
            log.info("an update of Telegram's cannot be read", reason=in_a_line(error))
    return updates, offset
