"""The Kubernetes manifests of deploy/, as kustomize renders them."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from tests.support.deployment.deployments import DEPLOY
from tests.support.deployment.kubectl import find_kubectl

OVERLAYS: Final = ("local", "production")
BASIC_AUTH: Final = ("username", "password")
Manifest = Mapping[str, Any]
Key = tuple[str, str, str]
"""A namespace, a secret in it, and a key of that."""


def render(overlay: str) -> list[Manifest]:
    """Return what `kubectl apply --kustomize` would send; raise KubectlMissingError."""
    path = DEPLOY / "kubernetes" / "overlays" / overlay
    shown = subprocess.run([find_kubectl(), "kustomize", str(path)], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    return list(yaml.safe_load_all(shown.stdout))


def kinds(manifests: Sequence[Manifest], *kind: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kind]


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Mapping[str, str], Mapping[str, Any]]]:
    """Yield name, labels and specification of every pod."""
    for each in kinds(manifests, "Deployment", "StatefulSet", "Job"):
        template = each["spec"]["template"]
        yield each["metadata"]["name"], template["metadata"]["labels"], template["spec"]


def secret_keys(manifests: Sequence[Manifest]) -> set[Key]:
    """Return each key of a secret that the manifests make, or fetch."""
    made = {(_home(each), each["metadata"]["name"], key) for each in kinds(manifests, "Secret") for key in each["data"]}
    fetched = {
        (_home(each), each["spec"]["target"]["name"], entry["secretKey"])
        for each in kinds(manifests, "ExternalSecret")
        for entry in each["spec"]["data"]
    }
    return made | fetched


def referred_to(manifests: Sequence[Manifest]) -> set[Key]:
    """Return each key of a secret that the manifests refer to."""
    return {(_home(each), name, key) for each in manifests for name, key in secret_references(each)}


def secret_references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (secret, key) of every reference to one, wherever it is."""
    if isinstance(node, list):
        for each in node:
            yield from secret_references(each)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in {"secretKeyRef", "accessKeyId", "secretAccessKey"}:
            yield value["name"], value["key"]
        elif name == "secretTargetRef":
            yield from ((each["name"], each["key"]) for each in value)
        elif name in {"secret", "passwordSecret"}:
            yield from _keys_of(value)
        else:
            yield from secret_references(value)


def _keys_of(reference: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those of a volume, or of who signs in."""
    name = reference.get("secretName") or reference["name"]
    for key in [each["key"] for each in reference["items"]] if "items" in reference else BASIC_AUTH:
        yield name, key


def mounted_secrets(spec: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the secret and the key of each file that a pod of ours is given, by the file's name."""
    [volume] = [each["projected"] for each in spec["volumes"] if each["name"] == "secrets"]
    return {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["sources"]
        for item in source["secret"]["items"]
    }


def _home(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace", ""))
