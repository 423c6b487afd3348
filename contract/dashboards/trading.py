"""Trading: decisions, exposure, unknown orders, and halts.

Each process shows what the one database holds, so that a sum over several would double it.
"""

from typing import Final

from contract.dashboards.board import Board, Panel, Query, show

BOARD: Final = Board(
    "sniper-trading",
    "Sniper: Trading",
    [
        [
            show(
                "Decisions by outcome and reason",
                "sum by (outcome, reason) (sniper_executor_decisions_total)",
                "outcome",
                "reason",
            ),
            show(
                "Orders by state",
                "sum by (mode, side, state) (sniper_executor_orders_total)",
                "mode",
                "side",
                "state",
            ),
            show("Result of the day", "sniper_executor_day_result_usdt", "mode", about="Realised, in USDT; UTC."),
        ],
        [
            show("At stake", "max by (mode, state) (sniper_executor_exposure_usdt)", "mode", "state"),
            show("Limits", "sniper_executor_limit_usdt", "limit"),
            show("Share of the limit", "sniper:exposure:ratio", "mode", unit="percentunit"),
        ],
        [
            show("Positions", "max by (mode, state) (sniper_executor_positions)", "mode", "state"),
            show("Positions that nobody watches", "sum(sniper_executor_unsupervised_positions)"),
            show("Oldest look at a position", "max(sniper_executor_exit_look_age_seconds)", unit="s"),
        ],
        [
            show("Open orders", "max by (mode, state) (sniper_executor_open_orders)", "mode", "state"),
            show("Oldest order in doubt", "sniper_executor_unknown_order_age_seconds", "mode", unit="s"),
            Panel(
                "Failures in a row",
                [
                    Query("sniper_executor_failures_in_row", ("mode",)),
                    Query("sniper_executor_failures_limit", name="halts at"),
                ],
            ),
        ],
        [
            show("Halted", "sniper_executor_halted", "scope"),
            show("Gates of live trading", "sniper_executor_gate_open", "gate", about="1 where one is open."),
            show("Alarms", "sniper_executor_alarms or vector(0)", "source"),
        ],
        [
            Panel(
                "Trades on their way out",
                [
                    Query("sniper_executor_outbox_trades", name="count"),
                    Query("sniper_executor_outbox_held_trades", name="held until their listing is announced"),
                    Query("sniper_executor_outbox_age_seconds", name="oldest, seconds"),
                ],
            ),
            show("Requests waiting for the limits", "sniper_executor_rate_waiting"),
            show("Weight used of the limits", "sniper_executor_rate_weight_used", "pool"),
        ],
    ],
)
