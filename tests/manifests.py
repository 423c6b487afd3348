"""The Kubernetes manifests of deploy/, as kustomize renders them."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from tests.deployments import DEPLOY
from tests.kubectl import find_kubectl

OVERLAYS: Final = ("local", "production")
Manifest = Mapping[str, Any]


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


def secret_keys(manifests: Sequence[Manifest]) -> set[tuple[str, str]]:
    """Return (secret, key) of each that the manifests make, or fetch."""
    made = {(each["metadata"]["name"], key) for each in kinds(manifests, "Secret") for key in each["data"]}
    fetched = {
        (each["spec"]["target"]["name"], entry["secretKey"])
        for each in kinds(manifests, "ExternalSecret")
        for entry in each["spec"]["data"]
    }
    return made | fetched


def secret_references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (secret, key) of every reference to one, wherever it is."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"secretKeyRef", "accessKeyId", "secretAccessKey"}:
                yield value["name"], value["key"]
            elif name == "secretTargetRef":
                yield from ((each["name"], each["key"]) for each in value)
            else:
                yield from secret_references(value)
    elif isinstance(node, list):
        for each in node:
            yield from secret_references(each)


def reached_by(manifests: Sequence[Manifest], policy: str) -> set[str]:
    """Return the pods, among ours, that the egress or ingress *policy* is for."""
    [found] = [each for each in kinds(manifests, "NetworkPolicy") if each["metadata"]["name"] == policy]
    return {name for name, labels, _ in pods(manifests) if _selects(found["spec"]["podSelector"], labels)}


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    exact = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return exact and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
