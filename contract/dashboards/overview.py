"""Overview: processes, detection, and the flow of events."""

from typing import Final

from contract.dashboards.board import Board, Panel, Query, quantile, show

CERTIFICATES: Final = (
    "sniper_api_certificate_expiry_timestamp_seconds or sniper_server_certificate_expiry_timestamp_seconds"
)

BOARD: Final = Board(
    "sniper-overview",
    "Sniper: Overview",
    [
        [
            show("Processes up", 'sum(up{job="sniper"})', kind="number"),
            show("Processes ready", "sum(sniper_ready)", kind="number"),
            show("Alerts firing", 'count(ALERTS{alertstate="firing"}) or vector(0)', kind="number"),
            show("Anything halted", "max(sniper_executor_halted)", kind="number", about="1 where anything is halted."),
            show("Canary's age", "min(sniper_persister_canary_age_seconds)", kind="number", unit="s"),
            show("Since the last new listing", "min(sniper_ingest_last_listing_age_seconds)", kind="number", unit="s"),
            show("Version", "count by (version) (sniper_build_info)", "version", kind="number"),
        ],
        [
            show("Listings by the source that was first", "sum by (source) (sniper_dedup_listings_total)", "source"),
            show("Duplicates by source", "sum by (source) (sniper_dedup_duplicates_total)", "source"),
            show(
                "Raw events by source and result",
                "sum by (source, result) (sniper_ingest_raw_events_total)",
                "source",
                "result",
            ),
        ],
        [
            show("Age of each source's data", "min by (feed) (sniper_ingest_data_age_seconds)", "feed", unit="s"),
            show("Answers not believed", "sum by (feed) (sniper_ingest_quarantined_reads_total)", "feed"),
            Panel(
                "Weight left of the exchange's limits",
                [
                    Query("sniper_ingest_rest_weight_left", name="ingest"),
                    Query("sniper_executor_rate_weight_left", ("pool",), "executor"),
                ],
            ),
        ],
        [
            Panel(
                "Clocks",
                [
                    Query("sniper_executor_clock_offset_seconds", name="exchange ahead of executor"),
                    Query("sniper_ingest_clock_ahead_seconds", name="ingest ahead of exchange"),
                    Query("sniper_executor_clock_uncertainty_seconds", name="uncertainty"),
                ],
                unit="s",
            ),
            quantile("Loop lag, 99 of 100", "sniper_loop_lag_seconds_bucket", "service", of=0.99),
            Panel(
                "Until it ends",
                [
                    Query("sniper_executor_api_key_expiry_timestamp_seconds - time()", name="API key"),
                    Query(f"min({CERTIFICATES}) - time()", name="first certificate"),
                ],
                unit="s",
                about="Where SNIPER_MEXC_API_KEY_CREATED is set, and where API, broker or database have a certificate.",
            ),
        ],
        [
            show("Memory", 'process_resident_memory_bytes{job="sniper"}', "service", unit="bytes"),
            show("CPU", 'rate(process_cpu_seconds_total{job="sniper"}[$__rate_interval])', "service"),
            show("Streams of the API", "sum(sniper_api_streams)"),
        ],
    ],
)
