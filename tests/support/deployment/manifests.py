"""The Kubernetes manifests of deploy/, as kustomize renders them."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

from cli.composing.services import EXPRESS, EXPRESS_PARTS, NAMES
from tests.support.data.custom_kinds import SCHEMAS
from tests.support.deployment.deployments import DEPLOY
from tests.support.deployment.kubectl import find_kubectl

OVERLAYS: Final = ("local", "production")
EXPRESS_OVERLAYS: Final = ("local-express", "production-express")
"""The same with the component that has the express way take the place of ingest and the executor."""
_EXPRESS_COMPONENTS: Final = {
    "local": ("components: [../../components/pod]", "components: [../../components/pod, ../../components/express]"),
    "production": ("components: []", "components: [../../components/express-production]"),
}
BASIC_AUTH: Final = ("username", "password")
TLS: Final = ("tls.crt", "tls.key")
NAMING: Final = frozenset(
    {"secretKeyRef", "accessKeyId", "secretAccessKey", "secretTargetRef", "certificates", "secret", "passwordSecret"}
)
Manifest = Mapping[str, Any]
Key = tuple[str, str, str]
"""A namespace, a secret in it, and a key of that."""


def render(overlay: str | Path) -> list[Manifest]:
    """Return what `kubectl apply --kustomize` would send of one of ours, or of a folder; raise KubectlMissingError."""
    if overlay in EXPRESS_OVERLAYS:
        return _render_express(str(overlay).removesuffix("-express"))
    path = DEPLOY / "kubernetes" / "overlays" / overlay
    shown = subprocess.run([find_kubectl(), "kustomize", str(path)], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    return list(yaml.load_all(shown.stdout, Loader=yaml.CSafeLoader))


def _render_express(overlay: str) -> list[Manifest]:
    """Name the component as an operator does, in a copy."""
    with tempfile.TemporaryDirectory() as directory:
        copied = Path(directory) / "kubernetes"
        shutil.copytree(DEPLOY / "kubernetes", copied)
        file = copied / "overlays" / overlay / "kustomization.yaml"
        plain, chosen = _EXPRESS_COMPONENTS[overlay]
        text = file.read_text(encoding="utf-8")
        assert plain in text
        file.write_text(text.replace(plain, chosen), encoding="utf-8")
        return render(file.parent)


def services_of(overlay: str) -> set[str]:
    """Return the services that an overlay is to run."""
    return set(NAMES) - set(EXPRESS_PARTS) | {EXPRESS} if overlay in EXPRESS_OVERLAYS else set(NAMES)


def kinds(manifests: Sequence[Manifest], *kind: str) -> list[Manifest]:
    return [each for each in manifests if each["kind"] in kind]


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Mapping[str, str], Mapping[str, Any]]]:
    """Yield name, labels and specification of every pod."""
    for each in kinds(manifests, "Deployment", "StatefulSet", "Job", "CronJob"):
        template = each["spec"].get("jobTemplate", each)["spec"]["template"]
        yield each["metadata"]["name"], template["metadata"]["labels"], template["spec"]


def ours(manifests: list[Manifest]) -> dict[str, Mapping[str, Any]]:
    """Return the specification of each pod that runs our image."""
    return {name: spec for name, labels, spec in pods(manifests) if labels.get("app.kubernetes.io/name") == "sniper"}


def named(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    [found] = [each for each in kinds(manifests, kind) if each["metadata"]["name"] == name]
    return found


def validate(manifest: Manifest) -> None:
    """Raise for a field that its kind does not have, and for an unknown kind."""
    if manifest["kind"] in SCHEMAS:
        jsonschema.validate(manifest, SCHEMAS[manifest["kind"]])
    else:
        kubernetes_validate.validate(dict(manifest), kubernetes_validate.latest_version(), strict=True)


def secret_keys(manifests: Sequence[Manifest]) -> set[Key]:
    """Return each key of a secret that the manifests make, or fetch."""
    made = {(_home(each), each["metadata"]["name"], key) for each in kinds(manifests, "Secret") for key in each["data"]}
    fetched = {
        (_home(each), each["spec"]["target"]["name"], entry["secretKey"])
        for each in kinds(manifests, "ExternalSecret")
        for entry in each["spec"]["data"]
    }
    templated = {
        (_home(each), each["spec"]["target"]["name"], key)
        for each in kinds(manifests, "ExternalSecret")
        for key in each["spec"]["target"].get("template", {}).get("data", {})
    }
    return made | fetched | templated


def referred_to(manifests: Sequence[Manifest]) -> set[Key]:
    """Return each key of a secret that the manifests refer to and cannot do without."""
    return {(_home(each), name, key) for each in manifests for name, key in secret_references(each)}


def secret_references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (secret, key) of every reference to one, wherever it is."""
    if isinstance(node, list):
        for each in node:
            yield from secret_references(each)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        yield from _named(name, value) if _names_secrets(name, value) else secret_references(value)


def _names_secrets(name: str, value: Any) -> bool:
    return name in NAMING or (name == "tls" and isinstance(value, dict))


def _named(name: str, value: Any) -> Iterator[tuple[str, str]]:
    match name:
        case "secretTargetRef":
            yield from ((each["name"], each["key"]) for each in value)
        case "tls":
            yield from ((value["secretName"], key) for key in TLS)
        case "certificates":
            yield from ((value["serverTLSSecret"], key) for key in TLS)
            yield value["serverCASecret"], "ca.crt"
        case "secret" | "passwordSecret":
            yield from _keys_of(value)
        case _:
            yield value["name"], value["key"]


def _keys_of(reference: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those of a volume, unless they are optional, or of who signs in."""
    if reference.get("optional"):
        return
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
