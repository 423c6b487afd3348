"""The JSON half of the websocket: what we ask, and what the answers mean."""

from typing import Final

import msgspec

from ingest.ticker_frame import FrameError

PING: Final = '{"method":"PING"}'
PONG: Final = "PONG"


class _Answer(msgspec.Struct):
    msg: str


def subscription(channel: str) -> str:
    """Return the request for *channel*. Granted, its answer is the channel's name; anything else is a refusal.

    The answer's code does not tell: it is 0 in both cases.
    """
    return msgspec.json.encode({"method": "SUBSCRIPTION", "params": [channel]}).decode()


def message_in(text: str) -> str:
    """Return the message of a control frame; raise FrameError where there is none."""
    try:
        return msgspec.json.decode(text, type=_Answer).msg
    except msgspec.DecodeError as error:
        raise FrameError(str(error)) from error
