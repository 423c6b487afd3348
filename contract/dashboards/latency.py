"""Latency of each stage from sighting to order, by source where there are several."""

from typing import Final

from contract.dashboards.board import Board, heat, quantile

_STAGE: Final = "sniper_executor_order_stage_seconds_bucket"
_LAG: Final = "sniper_dedup_detection_lag_seconds_bucket"
_PUBLISH: Final = "sniper_ingest_publish_seconds_bucket"

BOARD: Final = Board(
    "sniper-latency",
    "Sniper: Latency",
    [
        [
            heat("Seen to published, websocket", _PUBLISH, '{source="mexc_websocket"}'),
            heat("Seen to published, REST", _PUBLISH, '{source="mexc_rest_api"}'),
        ],
        [
            heat("Seen to dedup, websocket", _LAG, '{source="mexc_websocket"}'),
            heat("Seen to dedup, REST", _LAG, '{source="mexc_rest_api"}'),
        ],
        [
            heat("Decided to committed", _STAGE, '{stage="committed"}'),
            heat("Decided to sent", _STAGE, '{stage="sent"}'),
        ],
        [
            heat("Decided to acknowledged", _STAGE, '{stage="acknowledged"}'),
            heat("Decided to filled", _STAGE, '{stage="filled"}'),
        ],
        [
            quantile("Order stages, 95 of 100", _STAGE, "stage"),
            quantile("Lead of the first source, median", "sniper_dedup_lead_seconds_bucket", "first", "second", of=0.5),
            quantile("Canary, 95 of 100", "sniper_persister_canary_stage_seconds_bucket", "stage"),
        ],
        [
            quantile("Ticker frames decoded, 99 of 100", "sniper_ingest_decode_seconds_bucket", "step", of=0.99),
            quantile("Handlers, 95 of 100", "sniper_bus_handler_seconds_bucket", "queue"),
            quantile("API, 95 of 100", "sniper_api_request_seconds_bucket", "route"),
        ],
    ],
)
