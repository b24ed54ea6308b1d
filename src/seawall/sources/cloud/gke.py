"""What gcloud says of GKE: ``gcloud container clusters describe --format json`` (or list) and ``node-pools``.

Source: the Cluster and NodePool messages of Google's container API, v1. Its JSON leaves out what is off or unset.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.sources.cloud.fields import Made, at, flag, items, known, maybe, text, texts

_EVERY = "0.0.0.0/0"


def read(document: dict[str, Any]) -> Iterator[Made]:
    """The cluster or node pool of a document; nothing where it is of another shape."""
    if "currentMasterVersion" in document or ("masterAuth" in document and "nodePools" in document):
        name = text(document, "name")
        yield "CloudCluster", name, cluster_spec(document)
        for _, pool in items(document, "nodePools"):
            yield "CloudNodePool", f"{name}/{text(pool, 'name')}", pool_spec(pool, document)
    elif _is_pool(document):
        link = text(document, "selfLink").split("/")
        cluster = link[link.index("clusters") + 1] if "clusters" in link[:-1] else ""
        name = f"{cluster}/{text(document, 'name')}" if cluster else text(document, "name")
        yield "CloudNodePool", name, pool_spec(document, {"name": cluster})


def _is_pool(document: dict[str, Any]) -> bool:
    config = at(document, "config")
    return isinstance(config, dict) and "machineType" in config and ("management" in document or "version" in document)


def cluster_spec(cluster: dict[str, Any]) -> dict[str, Any]:
    """The settings of a cluster."""
    addons = at(cluster, "addonsConfig")
    channel = text(cluster, "releaseChannel", "channel")
    provider = text(cluster, "networkConfig", "datapathProvider")
    login = at(cluster, "masterAuth")
    mode = text(cluster, "binaryAuthorization", "evaluationMode")
    posture = text(cluster, "securityPostureConfig", "mode")
    return {
        "provider": "gke",
        "version": text(cluster, "currentMasterVersion"),
        "location": text(cluster, "location"),
        "autopilot": flag(cluster, "autopilot", "enabled"),
        **_endpoint(cluster),
        "secretsKey": text(cluster, "databaseEncryption", "keyName") if _encrypted(cluster) else "",
        "logs": _components(cluster, "logging"),
        "monitoring": bool(_components(cluster, "monitoring")),
        "networkPolicy": flag(cluster, "networkPolicy", "enabled") or provider == "ADVANCED_DATAPATH",
        "workloadIdentity": bool(text(cluster, "workloadIdentityConfig", "workloadPool")),
        "privateNodes": flag(cluster, "privateClusterConfig", "enablePrivateNodes")
        or flag(cluster, "networkConfig", "defaultEnablePrivateNodes"),
        "legacyAbac": flag(cluster, "legacyAbac", "enabled"),
        "basicLogin": bool(text(login, "username") or text(login, "password")),
        "clientCertificate": flag(login, "clientCertificateConfig", "issueClientCertificate")
        or bool(text(login, "clientCertificate")),
        "identityProvider": flag(cluster, "authenticatorGroupsConfig", "enabled"),
        "upgradeChannel": "" if channel in ("", "UNSPECIFIED") else channel,
        "dashboard": maybe(addons, "kubernetesDashboard", "disabled") is False,
        "alpha": flag(cluster, "enableKubernetesAlpha"),
        "shieldedNodes": flag(cluster, "shieldedNodes", "enabled"),
        "imagePolicy": mode not in ("", "DISABLED", "EVALUATION_MODE_UNSPECIFIED")
        or flag(cluster, "binaryAuthorization", "enabled"),
        "flowLogs": flag(cluster, "networkConfig", "enableIntraNodeVisibility"),
        "ownPodAddresses": flag(cluster, "ipAllocationPolicy", "useIpAliases"),
        "threatDetection": posture not in ("", "DISABLED", "MODE_UNSPECIFIED"),
    }


def _endpoint(cluster: dict[str, Any]) -> dict[str, Any]:
    ends = at(cluster, "controlPlaneEndpointsConfig", "ipEndpointsConfig")
    networks = at(ends, "authorizedNetworksConfig")
    if not isinstance(networks, dict):
        networks = at(cluster, "masterAuthorizedNetworksConfig")
    private = flag(cluster, "privateClusterConfig", "enablePrivateEndpoint")
    public = not private
    if isinstance(ends, dict):
        public = ends.get("enabled") is not False and ends.get("enablePublicEndpoint") is not False and not private
    ranges = [text(block, "cidrBlock") for _, block in items(networks, "cidrBlocks")]
    # Addresses of anyone's machines in Google's cloud are let in besides.
    ranges += ["every address of Google Cloud"] * flag(networks, "gcpPublicCidrsAccessEnabled")
    found: dict[str, Any] = {"publicEndpoint": public, "privateEndpoint": private or not public}
    if flag(networks, "enabled"):
        found["publicRanges"] = ranges
    dns = flag(cluster, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "allowExternalTraffic")
    return {**found, "publicEndpoint": True, "publicRanges": [_EVERY]} if dns and not public else found


def _encrypted(cluster: dict[str, Any]) -> bool:
    return text(cluster, "databaseEncryption", "state") in ("ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED")


def _components(cluster: dict[str, Any], kind: str) -> list[str]:
    """The components whose logs or metrics are kept; old clusters tell a service alone."""
    if text(cluster, f"{kind}Service") in ("none", ""):
        service: list[str] = []
    else:
        service = ["SYSTEM_COMPONENTS"]
    config = at(cluster, f"{kind}Config", "componentConfig")
    return texts(config, "enableComponents") if isinstance(config, dict) else service


def pool_spec(pool: dict[str, Any], cluster: dict[str, Any]) -> dict[str, Any]:
    """The settings of a node pool."""
    config = at(pool, "config")
    mode = text(config, "workloadMetadataConfig", "mode")
    legacy = at(config, "metadata", "disable-legacy-endpoints") in ("false", False)
    private = maybe(pool, "networkConfig", "enablePrivateNodes")
    if private is None and "currentMasterVersion" in cluster:
        private = cluster_spec(cluster)["privateNodes"]
    return known(
        {
            "provider": "gke",
            "cluster": text(cluster, "name"),
            "source": "node pool",
            "metadataV1": legacy,
            "metadataOpen": mode not in ("GKE_METADATA", "GKE_METADATA_SERVER", "SECURE"),
            "publicAddresses": None if private is None else not private,
            "autoUpgrade": flag(pool, "management", "autoUpgrade"),
            "autoRepair": flag(pool, "management", "autoRepair"),
            "image": text(config, "imageType"),
            "account": text(config, "serviceAccount") or "default",
            "scopes": texts(config, "oauthScopes"),
            "secureBoot": flag(config, "shieldedInstanceConfig", "enableSecureBoot"),
            "integrity": flag(config, "shieldedInstanceConfig", "enableIntegrityMonitoring"),
        }
    )
