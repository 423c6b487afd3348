"""What a source reports: symbols it was shown, and when."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from shared.events import Source
from shared.mexc.symbols import SymbolInfo


@dataclass(frozen=True, slots=True)
class Names:
    """Symbols that can be traded now. One that is absent may be listed all the same."""

    source: Source
    observed_at: datetime
    symbols: AbstractSet[str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the exchange shows at one moment, described."""

    source: Source
    observed_at: datetime
    symbols: Sequence[SymbolInfo]


Evidence = Names | Snapshot
