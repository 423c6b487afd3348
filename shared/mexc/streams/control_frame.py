"""JSON control frames of the websocket: requests, and the meaning of answers."""

from collections.abc import Iterable
from typing import Final

import msgspec

PING: Final = '{"method":"PING"}'
PONG: Final = "PONG"
SUBSCRIPTION_ID: Final = 1
UNSUBSCRIPTION_ID: Final = 2


class FrameError(Exception):
    """The frame is not one that was subscribed to."""


class Answer(msgspec.Struct, frozen=True):
    """Answer to a request. Its code is 0 for a refusal and a grant alike."""

    msg: str
    id: int | str | None = 0

    def grants(self) -> frozenset[str]:
        """Return the channels granted, if this is a grant: its message holds their names alone."""
        return frozenset(self.msg.split(","))

    def refuses(self) -> frozenset[str]:
        """Return the channels that a refusal names in brackets, if any."""
        return frozenset(self.msg.partition("[")[2].partition("]")[0].split(","))


def subscription(channels: Iterable[str]) -> str:
    return _request("SUBSCRIPTION", channels, SUBSCRIPTION_ID)


def unsubscription(channels: Iterable[str]) -> str:
    return _request("UNSUBSCRIPTION", channels, UNSUBSCRIPTION_ID)


def answer_in(text: str) -> Answer:
    """Return the answer in a control frame; raise FrameError where it has none."""
    try:
        return msgspec.json.decode(text, type=Answer)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise FrameError(str(error)) from error


def _request(method: str, channels: Iterable[str], request_id: int) -> str:
    return msgspec.json.encode({"method": method, "params": sorted(channels), "id": request_id}).decode()
