"""Grafana's dashboards as code: data, which `make contract` writes as JSON."""

from collections.abc import Mapping
from typing import Final

from contract.dashboards import broker, latency, overview, trading
from contract.dashboards.board import Board, render

BOARDS: Final = (overview.BOARD, latency.BOARD, trading.BOARD, broker.BOARD)


def files() -> Mapping[str, str]:
    """Return the text of each dashboard by its path in the tree."""
    return {f"deploy/grafana/dashboards/{board.uid}.json": render(board) for board in BOARDS}


__all__ = ["BOARDS", "Board", "files"]
