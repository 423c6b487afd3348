"""What is known of every symbol, and what a piece of evidence amounts to. No I/O and no clock in here."""

from ingest.catalogue.catalogue import Catalogue
from ingest.catalogue.result import ObservationResult, Sighting
from ingest.catalogue.symbol_record import SymbolRecord, SymbolState
from ingest.catalogue.plausibility.thresholds import Thresholds

__all__ = ["Catalogue", "ObservationResult", "Sighting", "SymbolRecord", "SymbolState", "Thresholds"]
