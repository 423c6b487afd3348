"""The part of each operator's resources that we use, closed: what is misspelt has no place in it.

Sources: the documentation of the RabbitMQ Cluster Operator, CloudNativePG, External Secrets, the Prometheus Operator
and KEDA.
"""

from typing import Any, Final

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string", "minLength": 1}
COUNT: Final[Schema] = {"type": "integer", "minimum": 1}
SIZE: Final[Schema] = {"type": "string", "pattern": "^[0-9]+[MG]i$"}
PINNED: Final[Schema] = {"type": "string", "pattern": r"^[a-z0-9./-]+:[0-9]+[.][0-9]+[a-z0-9.-]*$"}
"""An image with a version that names more than the major."""
LABELS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}


def closed(*optional: str, **properties: Schema) -> Schema:
    """Return the schema of an object that has exactly these, but may lack what is *optional*."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def several(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _resource(version: str, spec: Schema) -> Schema:
    metadata = closed("annotations", name=TEXT, namespace=TEXT, annotations=LABELS)
    return closed(apiVersion={"const": version}, kind=TEXT, metadata=metadata, spec=spec)


def either(*schemas: Schema) -> Schema:
    return {"oneOf": list(schemas)}


_AMOUNTS: Final = closed(cpu=TEXT, memory=SIZE)
_KEY: Final = closed(name=TEXT, key=TEXT)
_NAMED: Final = closed(name=TEXT)
_APART: Final = closed(
    podAntiAffinity=closed(
        requiredDuringSchedulingIgnoredDuringExecution=several(
            closed(topologyKey=TEXT, labelSelector=closed(matchLabels=LABELS))
        )
    )
)
_ITEMS: Final = several(closed(key=TEXT, path=TEXT))
_MOUNTED: Final = closed(
    containers=several(
        closed(
            name={"const": "rabbitmq"},
            volumeMounts=several(closed(name=TEXT, mountPath=TEXT, readOnly={"const": True})),
        )
    ),
    volumes=several(closed(name=TEXT, secret=closed(secretName=TEXT, items=_ITEMS))),
)
_ROLE: Final = either(
    closed(name=TEXT, ensure={"const": "present"}, login={"const": True}, passwordSecret=_NAMED),
    closed(name=TEXT, ensure={"const": "present"}, login={"const": False}),
)
_TEMPLATE: Final = closed(
    *("type", "mergePolicy", "data", "metadata"),
    type={"enum": ["kubernetes.io/basic-auth", "kubernetes.io/tls"]},
    mergePolicy={"const": "Merge"},
    data=LABELS,
    metadata=closed(labels=LABELS),
)
_TOLD: Final = closed(summary=TEXT, runbook_url=TEXT)
_SPAN: Final = {"type": "string", "pattern": "^[0-9]+(s|m|h)$"}
_RULE: Final = either(
    closed("labels", record=TEXT, expr=TEXT, labels=LABELS),
    closed(
        alert=TEXT,
        expr=TEXT,
        labels=closed(severity={"enum": ["critical", "warning"]}),
        annotations=_TOLD,
        **{"for": _SPAN},
    ),
)

SCHEMAS: Final[dict[str, Schema]] = {
    "RabbitmqCluster": _resource(
        "rabbitmq.com/v1beta1",
        closed(
            replicas={"type": "integer", "minimum": 3},
            image=PINNED,
            tls=closed(secretName=TEXT),
            persistence=closed(storage=SIZE),
            resources=closed(requests=_AMOUNTS, limits=_AMOUNTS),
            affinity=_APART,
            rabbitmq=closed(additionalConfig=TEXT),
            override=closed(statefulSet=closed(spec=closed(template=closed(spec=_MOUNTED)))),
        ),
    ),
    "Cluster": _resource(
        "postgresql.cnpg.io/v1",
        closed(
            instances={"type": "integer", "minimum": 3},
            postgresql=closed(
                synchronous=closed(
                    method={"enum": ["any", "first"]}, number=COUNT, dataDurability={"enum": ["required", "preferred"]}
                )
            ),
            imageName=PINNED,
            storage=closed(size=SIZE),
            resources=closed(requests=_AMOUNTS, limits=_AMOUNTS),
            certificates=closed(serverTLSSecret=TEXT, serverCASecret=TEXT),
            inheritedMetadata=closed(labels=LABELS),
            bootstrap=closed(initdb=closed(database=TEXT, owner=TEXT, encoding={"const": "UTF8"}, secret=_NAMED)),
            managed=closed(roles=several(_ROLE)),
            backup=closed(
                retentionPolicy={"type": "string", "pattern": "^[0-9]+[dwm]$"},
                barmanObjectStore=closed(
                    destinationPath={"type": "string", "pattern": "^s3://"},
                    s3Credentials=closed(accessKeyId=_KEY, secretAccessKey=_KEY),
                ),
            ),
        ),
    ),
    "ScheduledBackup": _resource(
        "postgresql.cnpg.io/v1",
        closed(
            schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},
            backupOwnerReference={"enum": ["none", "self", "cluster"]},
            cluster=closed(name=TEXT),
        ),
    ),
    "ExternalSecret": _resource(
        "external-secrets.io/v1",
        closed(
            refreshInterval=TEXT,
            secretStoreRef=closed(kind={"enum": ["SecretStore", "ClusterSecretStore"]}, name=TEXT),
            target=closed("template", name=TEXT, template=_TEMPLATE),
            data=several(closed(secretKey=TEXT, remoteRef=closed(key=TEXT, property=TEXT))),
        ),
    ),
    "PodMonitor": _resource(
        "monitoring.coreos.com/v1",
        closed(
            "jobLabel",
            jobLabel=TEXT,
            selector=closed(matchLabels=LABELS),
            podMetricsEndpoints=several(
                closed(
                    *("path", "params", "relabelings"),
                    port=TEXT,
                    interval=_SPAN,
                    path=TEXT,
                    params={"type": "object", "additionalProperties": several(TEXT)},
                    relabelings=several(closed(sourceLabels=several(TEXT), targetLabel=TEXT)),
                )
            ),
        ),
    ),
    "PrometheusRule": _resource(
        "monitoring.coreos.com/v1", closed(groups=several(closed(name=TEXT, rules=several(_RULE))))
    ),
    "ScaledObject": _resource(
        "keda.sh/v1alpha1",
        closed(
            scaleTargetRef=closed(name=TEXT),
            minReplicaCount=COUNT,
            maxReplicaCount=COUNT,
            triggers=several(
                closed(
                    type={"const": "rabbitmq"},
                    metadata=closed(
                        protocol={"const": "amqp"},
                        queueName=TEXT,
                        mode={"enum": ["QueueLength", "MessageRate"]},
                        value={"type": "string", "pattern": "^[0-9]+$"},
                    ),
                    authenticationRef=closed(name=TEXT),
                )
            ),
        ),
    ),
    "TriggerAuthentication": _resource(
        "keda.sh/v1alpha1", closed(secretTargetRef=several(closed(parameter=TEXT, name=TEXT, key=TEXT)))
    ),
}
