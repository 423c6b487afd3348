"""Principal of a request: the token behind it, and the scope it grants. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """Rights of a token; `operate` includes `view`."""

    VIEW = "view"
    OPERATE = "operate"


@dataclass(frozen=True, slots=True)
class Principal:
    """A token in use, by its value or through a browser's session."""

    name: str
    """The token's name."""
    scope: Scope
    token_id: int
    session_id: int | None = None
    """None: the token's value came with the request."""
    expires_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether *scope* is granted."""
        return self.scope is Scope.OPERATE or scope is Scope.VIEW

    @property
    def audit_name(self) -> str:
        """Name for audit rows, at most 66 characters."""
        return f"token:{self.name}"
