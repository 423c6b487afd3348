"""Broker & Database: metrics of the services about both, and RabbitMQ's own."""

from typing import Final

from contract.dashboards.board import Board, Panel, Query, quantile, show

BOARD: Final = Board(
    "sniper-broker",
    "Sniper: Broker & Database",
    [
        [
            Panel(
                "Published and confirmed",
                [
                    Query("sum by (exchange) (sniper_bus_publishes_total)", ("exchange",), "published"),
                    Query("sum by (exchange) (sniper_bus_confirms_total)", ("exchange",), "confirmed"),
                ],
            ),
            show("Returned: no queue took them", "sum(sniper_bus_returns_total) or vector(0)"),
            quantile("Publish to confirm, 95 of 100", "sniper_bus_publish_seconds_bucket", "exchange"),
        ],
        [
            show("Delivered", "sum by (queue) (sniper_bus_deliveries_total)", "queue"),
            show("Delivered again", "sum by (queue) (sniper_bus_redeliveries_total)", "queue"),
            show("Dead letters", "sum by (queue) (sniper_bus_dead_letters_total)", "queue"),
        ],
        [
            show("Held in the services", "sum by (queue) (sniper_bus_in_process)", "queue"),
            show("Oldest held in a service", "max by (queue) (sniper_bus_oldest_message_seconds)", "queue", unit="s"),
            show("Waiting in RabbitMQ", "sum by (queue) (rabbitmq_detailed_queue_messages)", "queue"),
        ],
        [
            show("Consumers", "sum by (queue) (rabbitmq_detailed_queue_consumers)", "queue"),
            show("Connections of RabbitMQ", "sum(rabbitmq_connections)"),
            Panel(
                "RabbitMQ's memory and disk",
                [
                    Query("sum(rabbitmq_process_resident_memory_bytes)", name="memory"),
                    Query("min(rabbitmq_disk_space_available_bytes)", name="disk left"),
                ],
                unit="bytes",
            ),
        ],
        [
            show("Rows written", "sum by (table) (sniper_persister_rows_total)", "table"),
            show("Events that changed nothing", "sum by (table) (sniper_persister_duplicates_total)", "table"),
            show("Commits fail", "max by (table) (sniper_persister_database_away)", "table", about="1 while they do."),
        ],
        [
            quantile("Event to row, 95 of 100", "sniper_persister_lag_seconds_bucket", "table"),
            quantile("One commit, 95 of 100", "sniper_persister_flush_seconds_bucket", "table"),
            quantile("Events in one commit, 95 of 100", "sniper_persister_batch_rows_bucket", "table", unit="short"),
        ],
    ],
)
