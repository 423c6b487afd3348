"""Events on the exchange. All times are seconds of the played day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class List:
    """A symbol is listed: shown in *listed_in*, said to open in *opens_in*, and open *late_by* after that."""

    symbol: str
    listed_in: float = 0
    opens_in: float = 0
    late_by: float = 0
    api: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """Its opening is moved."""

    symbol: str
    opens_in: float


@dataclass(frozen=True, slots=True)
class Delist:
    symbol: str


@dataclass(frozen=True, slots=True)
class Pause:
    symbol: str


@dataclass(frozen=True, slots=True)
class Resume:
    symbol: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Every websocket is cut."""


@dataclass(frozen=True, slots=True)
class Misread:
    """The next exchangeInfo cannot be true."""

    fault: str
    option: str = ""
    value: float = 0


Action = List | Move | Delist | Pause | Resume | Disconnect | Misread


@dataclass(frozen=True, slots=True)
class Step:
    at: float
    action: Action


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that happens, in order, and when the day ends."""

    steps: tuple[Step, ...]
    seconds: float
