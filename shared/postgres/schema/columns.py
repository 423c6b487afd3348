"""Metadata and columns shared by all tables."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, func

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TIME = DateTime(timezone=True)


def id_column() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def created_at() -> Column[object]:
    return Column("created_at", TIME, nullable=False, server_default=func.now())
