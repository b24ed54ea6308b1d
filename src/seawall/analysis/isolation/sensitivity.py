"""How much a workload matters and how far it is trusted: as given by labels, else inferred with the reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from seawall.analysis.isolation.units import Unit
from seawall.model.standing import Standing

if TYPE_CHECKING:
    from seawall.model.kube.pod import PodTemplate
    from seawall.model.resource import Resource

Level = Literal["sensitive", "untrusted", "ordinary"]
#: Our label or annotation, on a workload, its pods or its namespace.
GIVEN = "seawall.dev/sensitivity"
LEVELS: tuple[Level, ...] = ("sensitive", "untrusted", "ordinary")
#: Labels by which people class data; these values of them mean that it matters.
_CLASSES = ("data-classification", "dataclassification", "data-sensitivity", "classification", "sensitivity")
_HIGH = frozenset(("confidential", "restricted", "secret", "sensitive", "high", "critical", "pci", "pii", "phi"))
_LOW = frozenset(("public", "low"))
_REGIMES = frozenset(("pci", "pci-dss", "pcidss", "hipaa", "phi", "pii", "gdpr-sensitive", "cde", "cardholder"))
_REGIME_KEYS = frozenset(("compliance", "regulation", "data-regulation", "in-scope", "pci", "pci-dss", "hipaa"))
_TRUE = frozenset(("true", "yes", "1", "in-scope"))
#: Words of names of what holds money, keys or people's data.
_NAMES = re.compile(
    r"(?:\A|[-_./])(pci|cde|phi|pii|hipaa|cardholder|payment[a-z]*|billing|ledger|wallet|vault|kms|hsm)(?:\Z|[-_./])"
)
#: Programs that keep data, by the last part of their image's name.
_STORES = frozenset(
    [
        "arangodb", "cassandra", "clickhouse", "clickhouse-server", "cockroach", "cockroachdb", "couchbase", "couchdb",
        "cp-kafka", "dynamodb-local", "elasticsearch", "etcd", "influxdb", "kafka", "keydb", "mariadb",
        "mariadb-galera", "minio", "mongo", "mongodb", "mongodb-community-server", "mssql-server", "mysql",
        "mysql-server", "neo4j", "opensearch", "percona", "percona-server", "postgres", "postgresql",
        "postgresql-repmgr", "rabbitmq", "redis", "redis-cluster", "redis-stack", "rethinkdb", "scylla", "spilo-15",
        "spilo-16", "spilo-17", "tidb", "tikv", "timescaledb", "timescaledb-ha", "valkey", "yugabyte",
    ]
)  # fmt: skip
_SECRET_STORES = frozenset(
    [
        "authentik", "bao", "bitwarden", "conjur", "dex", "external-secrets", "infisical", "keycloak", "openbao",
        "sealed-secrets-controller", "vault", "vault-enterprise", "vaultwarden",
    ]
)  # fmt: skip
_PORTS = {
    5432: "PostgreSQL", 3306: "MySQL", 27017: "MongoDB", 6379: "Redis", 9042: "Cassandra", 9200: "Elasticsearch",
    1433: "SQL Server", 1521: "Oracle", 5984: "CouchDB", 26257: "CockroachDB", 2379: "etcd", 8200: "Vault",
}  # fmt: skip
#: Programs that run code of others: builds, jobs of CI, notebooks, functions.
_RUNNERS = re.compile(
    r"\A(actions-runner|github-runner|gha-runner.*|gitlab-runner|runner-helper|jenkins|jenkins-agent|inbound-agent|jnlp-slave|"
    r"agent-k8s|buildkite-agent|drone-runner-kube|woodpecker-agent|kaniko|kaniko-executor|buildkit|buildkitd|buildah|"
    r"docker-dind|teamcity-agent|concourse|circleci-runner|azure-pipelines-agent|"
    r"jupyter.*|.*-notebook|code-server|openvscode-server|ssh-honeypot)\Z"
)
#: From so many Secrets on, a workload matters for them alone.
_MANY_SECRETS = 5
_SYSTEM = re.compile(r"kube-(system|public|node-lease)\Z|(gke|gmp|aks|openshift|calico|tigera|cattle)-|cilium")


class Judgement(Struct, frozen=True):
    """What a workload is: ``level`` decides where it belongs. ``matters`` and ``mistrust`` are the reasons for each
    side: a web shop's front door may have both. ``given`` says that people decided, and not we."""

    level: Level
    matters: tuple[str, ...] = ()
    mistrust: tuple[str, ...] = ()
    given: bool = False

    @property
    def reason(self) -> str:
        """Why it has its level."""
        reasons = self.matters if self.level == "sensitive" else self.mistrust if self.level == "untrusted" else ()
        return "; ".join(reasons)


ORDINARY = Judgement("ordinary")


def is_system(namespace: str) -> bool:
    """Whether a namespace is Kubernetes' or a distribution's own: what runs there is for all tenants."""
    return _SYSTEM.match(namespace) is not None


class Judge:
    """Judges units. ``namespaces`` are the labels and annotations of each namespace; ``chosen`` are levels that were
    given for workloads (``ns/name[Kind]``, ``ns/name``) or whole namespaces (``ns``)."""

    def __init__(
        self, standing: Standing, namespaces: Mapping[str, Mapping[str, str]], chosen: Mapping[str, Level] | None = None
    ) -> None:
        self._standing = standing
        self._namespaces = namespaces
        self._chosen = chosen or {}
        self._exposed: Mapping[str, str] | None = None

    def judge(self, unit: Unit) -> Judgement:
        """The level of a unit, with all reasons."""
        given = self._given(unit)
        if given is not None:
            level, why = given
            matters = (why,) if level == "sensitive" else ()
            return Judgement(level, matters, (why,) if level == "untrusted" else (), given=True)
        strong, weak = tuple(dict.fromkeys(self._strong(unit))), tuple(self._weak(unit))
        told = strong + weak
        runs = tuple(_runs_code(unit))
        exposed = () if is_system(unit.namespace) else self._exposure(unit)
        if runs:
            return Judgement("untrusted", told, (*runs, *exposed))
        # Rights and many Secrets alone do not make a front door a vault: it is what attackers come through first.
        if exposed and not strong:
            return Judgement("untrusted", told, exposed)
        return Judgement("sensitive" if told and not is_system(unit.namespace) else "ordinary", told, exposed)

    def _given(self, unit: Unit) -> tuple[Level, str] | None:
        name = unit.label.rpartition("[")[0]
        for key in (unit.label, name, unit.namespace):
            if key in self._chosen:
                return self._chosen[key], f"given as {self._chosen[key]}"
        own, around = {**unit.labels, **unit.annotations}, self._namespaces.get(unit.namespace, {})
        for labels, whose in ((own, ""), (around, " of its namespace")):
            value = labels.get(GIVEN, "").lower()
            level = next((each for each in LEVELS if each == value), None)
            if level is not None:
                return level, f"label {GIVEN}={value}{whose}"
        return None

    def _exposure(self, unit: Unit) -> tuple[str, ...]:
        if self._exposed is None:
            self._exposed = self._standing.exposures()
        way = self._exposed.get(unit.label)
        return (f"reached from outside by {way}",) if way else ()

    def _strong(self, unit: Unit) -> Iterator[str]:
        """Reasons that decide by themselves."""
        own, around = {**unit.labels, **unit.annotations}, self._namespaces.get(unit.namespace, {})
        yield from _classed(own, "")
        yield from _classed(around, " of its namespace")
        for what, name in (
            ("its name", unit.label.partition("/")[2].rpartition("[")[0]),
            ("its namespace", unit.namespace),
        ):
            match = _NAMES.search(name)
            if match is not None:
                yield f"{what} says {match[1]}"
        yield from _stores(unit)

    def _weak(self, unit: Unit) -> Iterator[str]:
        """Reasons that count where nothing speaks against trust."""
        if unit.token and not unit.daemon:
            rights = self._standing.rights(unit.account)
            if rights.admin:
                yield "its token comes to every right"
            elif "" in rights.secrets:
                yield "its token reads every Secret"
        count = len({name for name, how in unit.secrets.items() if how != "to pull images"})
        if count >= _MANY_SECRETS:
            yield f"it reads {count} Secrets"


def matters(resource: Resource, template: PodTemplate) -> str:
    """Why a workload is sensitive, by what it says of itself: a level that was given, a class of its data, its name,
    the programs that it runs; empty where nothing does. Cheaper than a `Judge`, which asks for rights too."""
    own, of_pods = resource.metadata, template.metadata
    for meta in (own,) if own is of_pods else (own, of_pods):
        for told in (meta.labels, meta.annotations):
            if any(map(_classes, told)):
                if GIVEN in told:
                    return f"label {GIVEN}={told[GIVEN]}" if told[GIVEN].lower() == "sensitive" else ""
                if why := next(_classed(told, ""), ""):
                    return why
    for what, name in (("its name", resource.ref.name), ("its namespace", resource.ref.namespace or "")):
        if said := _said(name):
            return f"{what} says {said}"
    for container in template.spec.containers:
        if kept := _kept(container.image):
            return kept
    return ""


@lru_cache(maxsize=4096)
def _classes(key: str) -> bool:
    """Whether a label's or annotation's key may class a workload."""
    name = key.rpartition("/")[2].lower()
    return key == GIVEN or name in _CLASSES or name in _REGIME_KEYS


@lru_cache(maxsize=4096)
def _said(name: str) -> str:
    match = _NAMES.search(name)
    return match[1] if match is not None else ""


def _kept(image: str) -> str:
    name = _last_part(image)
    if name in _SECRET_STORES or name in _STORES:
        return f"it runs {name}, which keeps {'secrets' if name in _SECRET_STORES else 'data'}"
    return ""


def _classed(labels: Mapping[str, str], whose: str) -> Iterator[str]:
    for key, value in labels.items():
        if not _classes(key):
            continue
        name, told = key.rpartition("/")[2].lower(), value.lower()
        if (name in _CLASSES and told in _HIGH) or (
            name in _REGIME_KEYS and (told in _REGIMES or (name in _REGIMES and told in _TRUE))
        ):
            yield f"label {key}={value}{whose}"


def _last_part(image: str) -> str:
    """``postgres`` of ``docker.io/library/postgres:16@sha256:...``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()


def _stores(unit: Unit) -> Iterator[str]:
    """Programs that keep data or secrets: by their image, or by a database's port together with a volume."""
    for container in unit.spec.containers:
        name = _last_part(container.image)
        if name in _SECRET_STORES:
            yield f"it runs {name}, which keeps secrets"
        elif name in _STORES and container.command and not container.ports:
            yield f"it runs a tool of {name} on the data"
        elif name in _STORES:
            yield f"it runs {name}, which keeps data"
        elif unit.claims:
            for port in container.ports:
                if port.container_port in _PORTS:
                    yield f"it serves the port of {_PORTS[port.container_port]} from a volume"


def _runs_code(unit: Unit) -> Iterator[str]:
    for container in unit.spec.containers:
        if runs_code(container.image):
            yield f"it runs {_last_part(container.image)}, which runs code of others"


def runs_code(image: str) -> bool:
    """Whether an image is of a program that runs code of others."""
    name = _last_part(image)
    return bool(_RUNNERS.match(name)) or (name == "docker" and "dind" in image) or "/kaniko-project/" in image


TENANT_LABELS = ("capsule.clastix.io/tenant", "toolkit.fluxcd.io/tenant", "tenant", "team", "owner")
#: The tenant of what serves all.
SYSTEM = "(cluster)"


def tenant_of(unit: Unit, namespaces: Mapping[str, Mapping[str, str]], keys: Iterable[str] = ()) -> str:
    """Whose a workload is: by the labels given or the usual ones of its namespace, then its own; else the namespace."""
    for key in (*keys, *TENANT_LABELS):
        for labels in (namespaces.get(unit.namespace, {}), unit.labels):
            if labels.get(key):
                return labels[key]
    return SYSTEM if is_system(unit.namespace) else unit.namespace
