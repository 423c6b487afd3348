"""The manifests, rendered once."""

from collections.abc import Mapping

import pytest

from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.manifests import OVERLAYS, Manifest, render


@pytest.fixture(scope="session")
def overlays() -> Mapping[str, list[Manifest]]:
    try:
        return {name: render(name) for name in OVERLAYS}
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays[request.param]


@pytest.fixture
def production(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["production"]


@pytest.fixture
def local(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["local"]
