"""What the Azure command line says of AKS: ``az aks show`` (or list) and ``az aks nodepool list`` (or show).

Source: the ManagedCluster and AgentPool types of Microsoft.ContainerService. Its JSON names every setting, with null
for what is unset. The logs of the control plane stand in diagnostic settings (``az monitor diagnostic-settings list``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from seawall.sources.cloud.fields import Made, at, flag, items, known, maybe, text, texts

_CLUSTER_TYPE = "microsoft.containerservice/managedclusters"
_POOL_TYPE = "microsoft.containerservice/managedclusters/agentpools"


def read(document: dict[str, Any]) -> Iterator[Made]:
    """The cluster or node pool of a document; nothing where it is of another shape."""
    kind = text(document, "type").lower()
    if kind == _POOL_TYPE:
        parts = text(document, "id").split("/")
        lower = [part.lower() for part in parts]
        cluster = parts[lower.index("managedclusters") + 1] if "managedclusters" in lower[:-1] else ""
        name = f"{cluster}/{text(document, 'name')}" if cluster else text(document, "name")
        yield "CloudNodePool", name, pool_spec(document, cluster)
    elif is_diagnostics(document):
        yield from read_diagnostics([document])
    elif kind == _CLUSTER_TYPE or "agentPoolProfiles" in document:
        name = text(document, "name")
        yield "CloudCluster", name, cluster_spec(document)
        for _, pool in items(document, "agentPoolProfiles"):
            yield "CloudNodePool", f"{name}/{text(pool, 'name')}", pool_spec(pool, name)


def is_diagnostics(document: dict[str, Any]) -> bool:
    """Whether it is a diagnostic setting of a cluster."""
    return "logs" in document and bool(_watched(document))


def _watched(document: dict[str, Any]) -> str:
    """The cluster that a diagnostic setting is for; empty where it is for something else."""
    parts = text(document, "id").split("/")
    lower = [part.lower() for part in parts]
    if "managedclusters" not in lower[:-1] or "diagnosticsettings" not in lower:
        return ""
    return parts[lower.index("managedclusters") + 1]


def read_diagnostics(documents: Iterable[dict[str, Any]]) -> Iterator[Made]:
    """The logs that are kept of each cluster, by all of its diagnostic settings together."""
    kept: dict[str, list[str]] = {}
    for document in documents:
        logs = [log for _, log in items(document, "logs") if flag(log, "enabled")]
        kinds = [text(log, "category") or text(log, "categoryGroup") for log in logs]
        kept.setdefault(_watched(document), []).extend(kinds)
    for name, kinds in kept.items():
        yield "CloudCluster", name, {"provider": "aks", "logs": kinds}


def _addon(cluster: dict[str, Any], name: str) -> dict[str, Any] | None:
    addons = at(cluster, "addonProfiles")
    for key, value in addons.items() if isinstance(addons, dict) else ():
        if key.lower() == name.lower() and isinstance(value, dict):
            return value
    return None


def cluster_spec(cluster: dict[str, Any]) -> dict[str, Any]:
    """The settings of a cluster."""
    access = at(cluster, "apiServerAccessProfile")
    ranges = [each for each in texts(access, "authorizedIpRanges") or texts(access, "authorizedIPRanges") if each]
    private = flag(access, "enablePrivateCluster")
    security = at(cluster, "securityProfile")
    kms = at(security, "azureKeyVaultKms")
    policy = text(cluster, "networkProfile", "networkPolicy").lower()
    channel = text(cluster, "autoUpgradeProfile", "upgradeChannel").lower()
    secrets = _addon(cluster, "azureKeyvaultSecretsProvider")
    rotation = text(secrets, "config", "enableSecretRotation").lower()
    return known(
        {
            "provider": "aks",
            "version": text(cluster, "currentKubernetesVersion") or text(cluster, "kubernetesVersion"),
            "location": text(cluster, "location"),
            "autopilot": text(cluster, "sku", "name").lower() == "automatic",
            "publicEndpoint": not private,
            "privateEndpoint": private,
            "publicRanges": ranges or None,
            "secretsKey": (text(kms, "keyId") or "own key") if flag(kms, "enabled") else "",
            "monitoring": flag(_addon(cluster, "omsagent"), "enabled")
            or flag(cluster, "azureMonitorProfile", "metrics", "enabled"),
            "networkPolicy": policy not in ("", "none"),
            "workloadIdentity": flag(security, "workloadIdentity", "enabled"),
            "localAccounts": not flag(cluster, "disableLocalAccounts"),
            "rbac": maybe(cluster, "enableRbac") if "enableRbac" in cluster else maybe(cluster, "enableRBAC"),
            "identityProvider": isinstance(at(cluster, "aadProfile"), dict),
            "runCommand": not flag(access, "disableRunCommand"),
            "upgradeChannel": "" if channel in ("", "none") else channel,
            "dashboard": flag(_addon(cluster, "kubeDashboard"), "enabled"),
            "policyAddon": flag(_addon(cluster, "azurepolicy"), "enabled"),
            "threatDetection": flag(security, "defender", "securityMonitoring", "enabled"),
            "secretRotation": rotation == "true" if flag(secrets, "enabled") else None,
        }
    )


def pool_spec(pool: dict[str, Any], cluster: str) -> dict[str, Any]:
    """The settings of a node pool."""
    return {
        "provider": "aks",
        "cluster": cluster,
        "source": "node pool",
        "publicAddresses": flag(pool, "enableNodePublicIp") or flag(pool, "enableNodePublicIP"),
        "image": text(pool, "osSku") or text(pool, "osSKU"),
        "secureBoot": flag(pool, "securityProfile", "enableSecureBoot"),
        "hostEncryption": flag(pool, "enableEncryptionAtHost"),
    }
