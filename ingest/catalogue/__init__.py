"""What is known of every symbol, and what a piece of evidence amounts to. No I/O and no clock in here."""

from ingest.catalogue.catalogue import Catalogue
from ingest.catalogue.result import Findings, Sighting
from ingest.catalogue.symbol_record import Known, State
from ingest.catalogue.thresholds import Rules

__all__ = ["Catalogue", "Findings", "Known", "Rules", "Sighting", "State"]
