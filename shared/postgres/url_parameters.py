"""Parameters of a PostgreSQL URL: supported, without effect here, or refused with the reason."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CONNECT_SECONDS_MAX: Final = 60
UNDERSTOOD: Final = frozenset(
    [
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "database",
        "passfile",
        "service",
        "sslmode",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslpassword",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "sslnegotiation",
        "target_session_attrs",
        "krbsrvname",
        "gsslib",
        "options",
        "application_name",
        "connect_timeout",
    ]
)
VALUES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
        "target_session_attrs": frozenset(
            {"any", "primary", "standby", "read-write", "read-only", "prefer-standby"},
        ),
        "sslnegotiation": frozenset({"postgres", "direct"}),
        "gsslib": frozenset({"gssapi", "sspi"}),
    }
)
"""Allowed values of parameters with few."""
HARMLESS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "channel_binding": frozenset({"prefer", "disable"}),
        "client_encoding": frozenset({"utf8", "utf-8", "unicode", "auto"}),
        "gssdelegation": frozenset({"0"}),
        "gssencmode": frozenset({"prefer", "disable"}),
        "load_balance_hosts": frozenset({"disable"}),
        "pgbouncer": frozenset({"false"}),
        "replication": frozenset({"0", "false", "no", "off"}),
        "schema": frozenset({"public"}),
        "sslcertmode": frozenset({"allow"}),
        "sslcompression": frozenset({"0"}),
        "sslsni": frozenset({"1"}),
    }
)
"""Values without effect."""

_LEAVE: Final = "the driver cannot do it; leave it out"
ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "channel_binding": "the driver binds no channels; leave it out, and have the server prove itself by "
        "sslmode=verify-full",
        "client_encoding": "the driver speaks UTF-8; leave it out",
        "connection_limit": "set SNIPER_DATABASE_POOL_SIZE and leave it out",
        "currentSchema": "set the role's search_path and leave it out",
        "hostaddr": "write the address as the host",
        "pgbouncer": "a pooler in transaction mode cannot be used; name the server itself, or a pooler in session "
        "mode, and leave it out",
        "pool_size": "set SNIPER_DATABASE_POOL_SIZE and leave it out",
        "pool_timeout": "a connection is waited for as long as a statement; leave it out",
        "schema": "set the role's search_path and leave it out",
        "socket_timeout": "set SNIPER_DATABASE_STATEMENT_TIMEOUT_SECONDS and leave it out",
        "statement_cache_size": "statements are prepared here; leave it out",
        "prepared_statement_cache_size": "statements are prepared here; leave it out",
        "prepareThreshold": "statements are prepared here; leave it out",
    }
    | dict.fromkeys(
        [
            "gssdelegation",
            "gssencmode",
            "keepalives",
            "keepalives_count",
            "keepalives_idle",
            "keepalives_interval",
            "load_balance_hosts",
            "max_protocol_version",
            "min_protocol_version",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_issuer",
            "oauth_scope",
            "replication",
            "require_auth",
            "requirepeer",
            "requiressl",
            "scram_client_key",
            "scram_server_key",
            "servicefile",
            "sslaccept",
            "sslcertmode",
            "sslcompression",
            "sslcrldir",
            "sslidentity",
            "sslkeylogfile",
            "sslsni",
            "tcp_user_timeout",
        ],
        _LEAVE,
    )
)
"""Remedies for other parameters of libpq, poolers and other drivers."""
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,40}")


def supported_parameters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the supported parameters; raise ValueError naming the first that is not."""
    understood: dict[str, str] = {}
    for name, value in _translated(query).items():
        if name == "fallback_application_name":
            continue  # A name is always set.
        if name in UNDERSTOOD:
            _check(name, value)
            understood[name] = value
        elif value.lower() not in HARMLESS.get(name, frozenset()):
            raise ValueError(_refusal(name, secretive=not {"password", "sslpassword"}.isdisjoint(query)))
    return understood


def _translated(query: Mapping[str, str]) -> dict[str, str]:
    """Return *query* with the encryption parameter of JDBC and SQLAlchemy as libpq's."""
    translated = dict(query)
    if "ssl" in translated:
        mode = translated.pop("ssl")
        translated.setdefault("sslmode", {"true": "require", "false": "disable"}.get(mode, mode))
    return translated


def _check(name: str, value: str) -> None:
    known = VALUES.get(name)
    if known is not None and value not in known:
        raise ValueError(f"{name} must be one of {', '.join(sorted(known))}")
    if name == "connect_timeout" and not (value.isascii() and value.isdigit() and int(value) <= CONNECT_SECONDS_MAX):
        raise ValueError(f"connect_timeout must be a number of seconds, {CONNECT_SECONDS_MAX} at most")
    if name == "sslrootcert" and value == "system":
        raise ValueError("sslrootcert=system is not supported: name the file with the system's certificates")


def _refusal(name: str, *, secretive: bool) -> str:
    if name in ADVICE:
        with_this = " with this value" if name in HARMLESS else ""
        return f"the parameter {name} is not supported{with_this}: {ADVICE[name]}"
    # Otherwise a password cut in two by a & would be shown.
    shown = f" {name}" if _WORD.fullmatch(name) and not secretive else ""
    return f"libpq knows no parameter{shown}: settings of the server are written options=-c NAME=VALUE"
