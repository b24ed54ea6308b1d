"""The Secrets Store CSI driver: what it fetches, how, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.resource import namespace_of
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.pod import PodTemplate, Volume
    from seawall.model.kube.secretstores import SecretProviderClass
    from seawall.model.resource import Inventory
    from seawall.model.rule import Context

_DRIVER = "secrets-store.csi.k8s.io"
_CONCEPTS = "https://secrets-store-csi-driver.sigs.k8s.io/concepts"
_SYNC = "https://secrets-store-csi-driver.sigs.k8s.io/topics/sync-as-kubernetes-secret"
_VAULT = "https://developer.hashicorp.com/vault/docs/platform/k8s/csi/configurations"


@rule(
    "csi-secret-synced",
    title="Secret of a CSI store copied into the cluster",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="SecretProviderClass",
    why="The copy lies in etcd and its backups, and everyone who may read Secrets in the namespace has it, which the "
    "mounted file would have spared.",
    remediation="Remove secretObjects, and let the program read the mounted file.",
    controls="mitre-attack:T1552.007 nsa-cisa:secrets",
    references=(_SYNC,),
    default=False,
)
def csi_secret_synced(view: SecretProviderClass, ctx: Context) -> Hits:
    for i, each in numbered(view.spec.secret_objects):
        yield Hit(f"a copy is made in the Secret {str(each.get('secretName', ''))!r}", ("spec", "secretObjects", i))


@rule(
    "csi-provider-credential",
    title="Credential in clear in a SecretProviderClass",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SecretProviderClass",
    why="Everyone who can read the manifest, or the object in the cluster, has the credential and what it opens.",
    remediation="Let the provider know the pod by its service account; replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_CONCEPTS,),
    notes="Told by the parameter's name; placeholders, paths, addresses, switches and numbers pass.",
)
def csi_provider_credential(view: SecretProviderClass, ctx: Context) -> Hits:
    for key, value in view.spec.parameters.items():
        if isinstance(value, str) and looks_like_credential(key, value):
            path = ("spec", "parameters", key)
            yield Hit(f"the parameter {key!r} is a credential", path, confidence=Confidence.MEDIUM, secret=True)


@rule(
    "csi-provider-unverified",
    title="Store of secrets that the CSI driver does not verify",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="SecretProviderClass",
    why="Whoever is on the way stands for the store: he gets the pod's token, and decides which values the program is "
    "given.",
    remediation="Remove vaultSkipTLSVerify, name the authority in vaultCACertPath, and write vaultAddress with https.",
    controls="mitre-attack:T1557 nsa-cisa:secrets",
    references=(_VAULT,),
)
def csi_provider_unverified(view: SecretProviderClass, ctx: Context) -> Hits:
    parameters = view.spec.parameters
    if str(parameters.get("vaultSkipTLSVerify", "")).lower() == "true":
        yield Hit("the server's certificate is not verified", "spec.parameters.vaultSkipTLSVerify")
    address = parameters.get("vaultAddress")
    if isinstance(address, str) and address.lower().startswith("http://"):
        yield Hit(f"secrets are fetched from {address}", "spec.parameters.vaultAddress")


@rule(
    "csi-class-without-provider",
    title="SecretProviderClass that names no provider",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="SecretProviderClass",
    why="Pods that mount it do not start; the usual way out in a hurry is the credential in a plain Secret.",
    remediation="Name the provider: vault, aws, azure, gcp, ...",
    references=(_CONCEPTS,),
)
def csi_class_without_provider(view: SecretProviderClass, ctx: Context) -> Hits:
    if not view.spec.provider:
        yield Hit("no provider is named", "spec.provider")


def _has_volumes(pod: PodTemplate) -> object:
    return any(volume.csi is not None for volume in pod.spec.volumes)


def _of_driver(volume: Volume) -> bool:
    return volume.csi is not None and volume.csi.driver == _DRIVER


@rule(
    "csi-static-credential",
    title="CSI store of secrets reached by a lasting credential",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="pod",
    why="The credential lies in a Secret and does not expire: who reads it once has everything that it opens, from "
    "anywhere.",
    remediation="Let the provider know the pod by its service account, and drop nodePublishSecretRef.",
    controls="mitre-attack:T1552 nsa-cisa:secrets",
    references=(_CONCEPTS,),
    when=_has_volumes,
)
def csi_static_credential(pod: PodTemplate, ctx: Context) -> Hits:
    for i, volume in numbered(pod.spec.volumes):
        if _of_driver(volume) and volume.csi is not None and volume.csi.node_publish_secret_ref:
            message = f"the volume {volume.name!r} is fetched with a credential from a Secret"
            yield Hit(message, ("spec", "volumes", i, "csi", "nodePublishSecretRef"))


@rule(
    "csi-class-missing",
    title="SecretProviderClass that does not exist",
    severity=Severity.LOW,
    scope=Scope.SECRET,
    on="inventory",
    why="The pod waits for a class of that name: who may make one decides which values the program is given.",
    remediation="Make the SecretProviderClass, or correct the name.",
    references=(_CONCEPTS,),
    notes="Judged where others of the namespace are known.",
)
def csi_class_missing(inventory: Inventory, ctx: Context) -> Hits:
    known = {namespace_of(each) for each in inventory.of_kind("SecretProviderClass")}
    if not known:
        return
    for workload in inventory.workloads():
        pod: Any = workload.template()
        if pod is None or namespace_of(workload) not in known or inventory.owner_of(workload) is not None:
            continue
        base = (workload.kind.template if workload.kind else None) or ()
        for i, volume in numbered(pod.spec.volumes):
            name = volume.csi.volume_attributes.get("secretProviderClass") if _of_driver(volume) else None
            if not isinstance(name, str) or not name:
                continue
            if inventory.get("SecretProviderClass", workload.ref.namespace, name) is None:
                path = (*base, "spec", "volumes", i, "csi", "volumeAttributes", "secretProviderClass")
                message = f"there is no SecretProviderClass {name!r} in the namespace"
                yield Hit(message, path, resource=workload, confidence=Confidence.MEDIUM)
