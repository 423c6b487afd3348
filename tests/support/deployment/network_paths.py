"""Paths between pods by port, as all NetworkPolicies of the manifests allow together."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tests.support.deployment.manifests import Manifest, kinds, pods

NAME: Final = "kubernetes.io/metadata.name"
NEVER_MEANT: Final = 22
Path = tuple[str, str, int]
"""Whence, whither, and the port."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A pod, or an address outside of the cluster."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    address: str = ""


def peers(manifests: Sequence[Manifest]) -> list[Peer]:
    """Return each pod of the manifests."""
    return [Peer(name, namespace, labels) for name, namespace, labels in _placed(manifests)]


def _placed(manifests: Sequence[Manifest]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for manifest in manifests:
        for name, labels, _ in pods([manifest]):
            yield name, manifest["metadata"]["namespace"], labels


def paths(manifests: Sequence[Manifest], everybody: Iterable[Peer]) -> set[Path]:
    """Return every path from or to a namespace of ours that one end's rules let out and the other's let in."""
    everybody, network = list(everybody), _Network(manifests)
    return {
        (source.name, target.name, port)
        for source in everybody
        for target in everybody
        for port in network.ports
        if source != target
        and {source.namespace, target.namespace} & network.namespaces
        and network.lets(source, target, port, "Egress", "to")
        and network.lets(target, source, port, "Ingress", "from")
    }


class _Network:
    def __init__(self, manifests: Sequence[Manifest]) -> None:
        self._policies = kinds(manifests, "NetworkPolicy")
        self._namespaces = {
            each["metadata"]["name"]: each["metadata"]["labels"] for each in kinds(manifests, "Namespace")
        }
        self.namespaces = set(self._namespaces)
        rules = [rule for each in self._policies for way in ("egress", "ingress") for rule in each["spec"].get(way, [])]
        self.ports = {port["port"] for rule in rules for port in rule["ports"]} | {NEVER_MEANT}

    def lets(self, whose: Peer, other: Peer, port: int, kind: str, side: str) -> bool:
        """Return whether the policies of one end, in one direction, let the other end through."""
        own = [each for each in self._policies if self._is_for(each, whose, kind)]
        rules = [rule for each in own for rule in each["spec"].get(kind.lower(), [])]
        fitting = [rule for rule in rules if port in {each["port"] for each in rule["ports"]}]
        return not own or any(
            side not in rule or any(self._means(each, other, whose.namespace) for each in rule[side])
            for rule in fitting
        )

    def _is_for(self, policy: Manifest, peer: Peer, kind: str) -> bool:
        spec = policy["spec"]
        is_there = policy["metadata"]["namespace"] == peer.namespace and not peer.address
        return is_there and kind in spec["policyTypes"] and selects(spec["podSelector"], peer.labels)

    def _means(self, entry: Mapping[str, Any], peer: Peer, home: str) -> bool:
        if "ipBlock" in entry:
            return _is_within(entry["ipBlock"], peer.address)
        spaces = entry.get("namespaceSelector")
        is_there = peer.namespace == home if spaces is None else selects(spaces, self._labels_of(peer.namespace))
        return not peer.address and is_there and selects(entry.get("podSelector", {}), peer.labels)

    def _labels_of(self, namespace: str) -> Mapping[str, str]:
        return {**self._namespaces.get(namespace, {}), NAME: namespace}


def _is_within(block: Mapping[str, Any], address: str) -> bool:
    if not address:
        return False
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(each) for each in block.get("except", [])
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether a selector matches *labels*."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    assert {each["operator"] for each in selector.get("matchExpressions", [])} <= {"In"}
    exact = all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())
    return exact and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
