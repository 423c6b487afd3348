"""State of every symbol, and the sightings that follow from each source event. No I/O and no clock in here."""

from ingest.catalogue.catalogue import Catalogue
from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.publications import ObservationResult, Sighting
from ingest.catalogue.symbol_register import SymbolRecord, SymbolState

__all__ = ["Catalogue", "ObservationResult", "Sighting", "SymbolRecord", "SymbolState", "Thresholds"]
