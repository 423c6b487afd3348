"""Names in use that vulture cannot see; it reads this file, and nothing runs it.

tests/unit/tools/test_unused.py refuses a name that vulture does not find without it.
"""

from typing import Any

used: Any = None

# uvicorn's server and connections call and read these.
used.capture_signals
used.disconnected
used.send_400_response
used.server_state
used.should_exit

# http.server calls and reads these.
used.daemon_threads
used.address_family
used.do_HEAD
used.do_POST
used.log_message
used.protocol_version

# pydantic-settings calls it, and names its arguments.
used.settings_customise_sources
used.env_settings

# pydantic's generator of schemas calls these.
used.field_title_should_be_set
used.nullable_schema

# PyYAML calls it.
used.ignore_aliases

# Apprise reads these.
used.socket_connect_timeout
used.socket_read_timeout

# asyncio calls it on a protocol.
used.eof_received

# protobuf serialises it.
used.eventType

# Alembic reads these in each migration.
used.branch_labels
used.depends_on
used.down_revision

# A Protocol's method; vulture takes those with positional-only arguments for functions.
used.__call__

# Imported for quoted types.
used.PoolConnectionProxy
used.TextIO

# Members of enumerations made from their values: arguments of commands, and a part of a channel's name.
used.API
used.DEDUP
used.EXECUTOR
used.INGEST
used.MEXC
used.BASH
used.FISH
used.ZSH

# Required of messages that are read.
used.ok
used.specversion

# Fields of REST answers, events and the configuration, read from their JSON.
used.acknowledged_at
used.acknowledged_by
used.bound_by
used.change_pct
used.changed_at
used.latency_ms
used.p95_ms
used.paid
used.realised_usdt
used.spent_usdt
used.total_usdt
used.unrealised_usdt
used.waited_for
used.won

# Tests compare it with the documented figures of the scenarios, and with prices.
used.BOUNDS
