"""Tables of access to the API: tokens, browser sessions, and sign-in links."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, String, Table, func

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata


def _public_id() -> Column[str]:
    """Return the public part of a credential, by which its row is found."""
    return Column("public_id", String(16), nullable=False, unique=True)


def _digest() -> Column[bytes]:
    """Return SHA-256 of the whole credential, which is stored nowhere itself."""
    return Column("digest", LargeBinary, nullable=False)


def _token() -> Column[int]:
    """Return the owning token. Tokens are never deleted; without its row the join is empty, and nothing is allowed."""
    return Column("token_id", BigInteger, nullable=False)


# A revoked token stays, so that the name in an audit row can be traced.
api_tokens = Table(
    "api_tokens",
    metadata,
    id_column(),
    # Both null: no credential of its own, only sign-in links.
    Column("public_id", String(16), unique=True),
    Column("digest", LargeBinary),
    Column("name", String(60), nullable=False),
    Column("scope", String(7), nullable=False),
    Column("created_by", String(80), nullable=False),
    created_at(),
    Column("expires_at", TIME),
    Column("last_used_at", TIME),
    Column("revoked_at", TIME),
    Column("revoked_by", String(80)),
    CheckConstraint("scope IN ('view', 'operate')", name="scope_known"),
    CheckConstraint("(public_id IS NULL) = (digest IS NULL)", name="value_whole"),
    CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked_by_someone"),
)
Index("ix_api_tokens_name", api_tokens.c.name, unique=True, postgresql_where=api_tokens.c.revoked_at.is_(None))

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    _public_id(),
    _digest(),
    _token(),
    created_at(),
    Column("last_used_at", TIME, nullable=False, server_default=func.now()),
    Column("ended_at", TIME),
    CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    id_column(),
    _public_id(),
    _digest(),
    _token(),
    created_at(),
    Column("expires_at", TIME, nullable=False),
    Column("used_at", TIME),
    CheckConstraint("length(digest) = 32", name="digest_is_sha256"),
)
