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
)
