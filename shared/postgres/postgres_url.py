"""PostgreSQL URL in its parts. SQLAlchemy's class would bring eleven megabytes of its package into each service."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """Its representation shows neither the password nor the parameters, among which one may stand."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def with_parameters(self, parameters: Mapping[str, str]) -> "PostgresUrl":
        """Return the same with these parameters, in place of those of the same names."""
        return replace(self, query={**self.query, **parameters})

    def without_parameters(self, names: Collection[str]) -> "PostgresUrl":
        """Return the same without the parameters of these names."""
        return replace(self, query={name: value for name, value in self.query.items() if name not in names})

    def render(self) -> str:
        """Return the URL as PostgreSQL's own tools and asyncpg read it, with its password."""
        user = "" if self.username is None else _encoded(self.username)
        secret = "" if self.password is None else f":{_encoded(self.password)}"
        host = f"[{self.host}]" if ":" in (self.host or "") else self.host or ""
        port = "" if self.port is None else f":{self.port}"
        path = "" if self.database is None else f"/{_encoded(self.database)}"
        parameters = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(self.query.items()))
        authority = f"{user}{secret}@{host}{port}" if user or secret else f"{host}{port}"
        return f"postgresql://{authority}{path}" + (f"?{parameters}" if parameters else "")


def _encoded(text: str) -> str:
    return quote(text, safe="")
