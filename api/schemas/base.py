"""Base of all answers: Decimal as strings, times as ISO 8601 in UTC."""

from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

T = TypeVar("T")


Amount = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str)]
"""Written with all digits; `str()` would write a small amount as 1E-8."""


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(Answer, Generic[T]):
    """Part of a list, newest first."""

    items: list[T]
    limit: int
    offset: int
    count: int
    """Items on this page; a total would cost a table scan."""
    has_more: bool
    next: str | None
    """The cursor of the next page; None at the end."""
