"""Request to set free balances of the account."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Funding(BaseModel):
    """Free balances by asset; assets not named stay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    balances: dict[str, Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]]
