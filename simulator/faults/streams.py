"""Faults of the websocket."""

from simulator.faults.kind import WEBSOCKET, FaultKind

ROWS = (
    FaultKind("ws_refuse_connection", "The websocket handshake is answered with 403.", endpoint=WEBSOCKET),
    FaultKind(
        "ws_refuse_subscription", "A subscription is answered with MEXC's code 0 and `Blocked!`.", endpoint=WEBSOCKET
    ),
    FaultKind("ws_disconnect", "Every open websocket is reset now.", endpoint=WEBSOCKET),
    FaultKind(
        "ws_silence",
        "Websockets stay open, and nothing comes from them, not even an answer to PING.",
        endpoint=WEBSOCKET,
        count=None,
    ),
    FaultKind("ws_garbage_frame", "Before the next push comes a frame that is not protobuf.", endpoint=WEBSOCKET),
    FaultKind(
        "ws_giant_frame",
        "Before the next push comes a frame of `size_bytes`.",
        endpoint=WEBSOCKET,
        options=("size_bytes",),
    ),
    FaultKind(
        "ws_listen_keys_expire",
        "Every listenKey is void now: its connections fall silent, and it is refused from then on.",
        endpoint=WEBSOCKET,
    ),
    FaultKind(
        "ws_private_silence",
        "The private stream pushes nothing; control frames are answered.",
        endpoint=WEBSOCKET,
        count=None,
    ),
    FaultKind("ws_private_gap", "A push of the private stream is swallowed.", endpoint=WEBSOCKET),
    FaultKind("ws_private_duplicate", "A push of the private stream comes twice.", endpoint=WEBSOCKET),
    FaultKind("ws_private_reorder", "A push of the private stream comes after the next one.", endpoint=WEBSOCKET),
    FaultKind(
        "ws_private_lie",
        "A push of the private stream says ten times as much, and of an order that it is filled.",
        endpoint=WEBSOCKET,
    ),
)
