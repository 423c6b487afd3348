"""A listing that is about to open."""

import pytest

from ingest.catalogue import Catalogue
from tests.support.data.evidence import OLD, after_first_start, opening, snapshot, stored


@pytest.fixture
def listed() -> Catalogue:
    """ABCUSDT was listed and published, and opens in an hour."""
    catalogue = after_first_start()
    stored(catalogue, catalogue.observe(snapshot(*OLD, opening(3600))).sightings)
    return catalogue
