"""What is known of every symbol, and what a piece of evidence amounts to. No I/O and no clock in here."""

from ingest.catalogue.catalogue import Catalogue
from ingest.catalogue.findings import Findings, Sighting
from ingest.catalogue.known import Known, State
from ingest.catalogue.rules import Rules

__all__ = ["Catalogue", "Findings", "Known", "Rules", "Sighting", "State"]
