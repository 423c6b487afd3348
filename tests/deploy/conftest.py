"""The manifests, rendered once."""

from collections.abc import Mapping

import pytest

from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.manifests import EXPRESS_OVERLAYS, OVERLAYS, Manifest, render, services_of


@pytest.fixture(scope="session")
def overlays() -> Mapping[str, list[Manifest]]:
    try:
        return {name: render(name) for name in (*OVERLAYS, *EXPRESS_OVERLAYS)}
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(params=(*OVERLAYS, *EXPRESS_OVERLAYS))
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def manifests(overlay: str, overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays[overlay]


@pytest.fixture
def services(overlay: str) -> set[str]:
    """The services that the manifests are to run."""
    return services_of(overlay)


@pytest.fixture
def trading(overlay: str) -> str:
    """The service of them that sends orders."""
    return "express" if overlay in EXPRESS_OVERLAYS else "executor"


@pytest.fixture
def production(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["production"]


@pytest.fixture
def local(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["local"]


@pytest.fixture
def production_express(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["production-express"]


@pytest.fixture
def local_express(overlays: Mapping[str, list[Manifest]]) -> list[Manifest]:
    return overlays["local-express"]
