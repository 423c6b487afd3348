"""SQLAlchemy engine on demand: eight megabytes that services do not load."""

from typing import TYPE_CHECKING

from shared.postgres.dialling import ConnectOptions

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


class EngineOnDemand:
    """The one engine of a process, created on first use."""

    def __init__(self, options: ConnectOptions) -> None:
        self._options = options
        self._engine: AsyncEngine | None = None

    def get(self) -> "AsyncEngine":
        """Return the engine."""
        if self._engine is None:
            from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

            self._engine = create_async_engine(
                # Without an address: SQLAlchemy would parse its options itself, and does not know sslmode.
                "postgresql+asyncpg://",
                async_creator=self._options.open,
                pool_size=2,
                max_overflow=3,
                pool_timeout=2,
                pool_pre_ping=True,
            )
        return self._engine

    async def dispose(self) -> None:
        """Close its connections, where there are any."""
        if self._engine is not None:
            await self._engine.dispose()
