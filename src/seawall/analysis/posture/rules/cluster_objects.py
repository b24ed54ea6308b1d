"""Namespaces, accounts, secrets, configuration and storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.secret_values import TOKEN_TYPE, encrypted_by_sops, plain_values
from seawall.model.credential_names import looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import ConfigMap, Namespace, Secret, ServiceAccount
    from seawall.model.kube.storage import PersistentVolume, StorageClass
    from seawall.model.paths import Path
    from seawall.model.rule import Context

_ADMISSION = "https://kubernetes.io/docs/concepts/security/pod-security-admission/"
_ACCOUNTS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/"
_SECRETS = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"

ENFORCE_LABEL = "pod-security.kubernetes.io/enforce"
_ENFORCE_PATH: Path = ("metadata", "labels", ENFORCE_LABEL)
#: Namespaces that the cluster makes for itself.
_OWN_NAMESPACES = frozenset(("kube-system", "kube-public", "kube-node-lease"))
_EBS = frozenset(("ebs.csi.aws.com", "kubernetes.io/aws-ebs"))


@rule(
    "namespace-pod-security-label",
    title="Namespace without a Pod Security level",
    severity=Severity.LOW,
    scope=Scope.NAMESPACE,
    on="Namespace",
    why="Unless the cluster has another default, such a namespace takes every pod: whoever may create pods there may "
    "create privileged ones and own the node.",
    remediation=f"Label the namespace with {ENFORCE_LABEL}: restricted, or baseline.",
    controls="cis:5.2.1 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="C-0192 kyverno:add-psa-namespace-reporting",
    references=(_ADMISSION,),
    since="1.23",
    notes="kube-system, kube-public and kube-node-lease are left out.",
)
def namespace_pod_security_label(namespace: Namespace, ctx: Context) -> Hits:
    if ENFORCE_LABEL not in namespace.metadata.labels and namespace.metadata.name not in _OWN_NAMESPACES:
        yield Hit("the namespace enforces no Pod Security level", _ENFORCE_PATH)


@rule(
    "namespace-privileged-level",
    title="Namespace admits privileged pods",
    severity=Severity.MEDIUM,
    scope=Scope.NAMESPACE,
    on="Namespace",
    why="The privileged level forbids nothing: whoever may create pods in the namespace can own the node.",
    remediation=f"Set the label {ENFORCE_LABEL} to restricted, or baseline.",
    controls="cis:5.2.1 mitre-attack:T1611 nsa-cisa:pod-security",
    aliases="kyverno:deny-privileged-profile",
    references=(_ADMISSION,),
    since="1.23",
    notes="kube-system, kube-public and kube-node-lease are left out.",
)
def namespace_privileged_level(namespace: Namespace, ctx: Context) -> Hits:
    level = namespace.metadata.labels.get(ENFORCE_LABEL)
    if level == "privileged" and namespace.metadata.name not in _OWN_NAMESPACES:
        yield Hit("the namespace admits every pod, privileged ones too", _ENFORCE_PATH)


@rule(
    "service-account-automount",
    title="Service account hands its token to every pod",
    severity=Severity.LOW,
    scope=Scope.SERVICE_ACCOUNT,
    on="ServiceAccount",
    why="Every pod of this account that does not object is given a token, and so is an attacker in it.",
    remediation="Set automountServiceAccountToken: false, and true in the pods that talk to the API server.",
    controls="cis:5.1.6 mitre-attack:T1528 nsa-cisa:service-account-token",
    aliases="KSV-0036 C-0034 C-0190 kyverno:restrict-sa-automount-sa-token",
    references=(_ACCOUNTS,),
    default=False,
)
def service_account_automount(account: ServiceAccount, ctx: Context) -> Hits:
    if account.automount_service_account_token is not False:
        yield Hit("pods of this service account are given its token", "automountServiceAccountToken")


@rule(
    "secret-in-manifest",
    title="Secret with its values in the manifest",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Secret",
    why="Base64 hides nothing: everyone who can read the file or its history has the values.",
    remediation="Keep the values in an external store (`seawall secrets externalize` writes the objects) or encrypt "
    "the manifest, and replace the ones written here.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_SECRETS,),
    notes="Placeholders, certificates without a key, settings of Argo CD's repositories and values that SOPS encrypted "
    "pass. Tokens of service accounts have a rule of their own, service-account-token-secret.",
    manifests_only=True,
)
def secret_in_manifest(secret: Secret, ctx: Context) -> Hits:
    if secret.type == TOKEN_TYPE or encrypted_by_sops(ctx.resource.raw):
        return
    for value in plain_values(ctx.resource.raw):
        yield Hit("the secret's values stand in the manifest", value.path, secret=True)
        return


@rule(
    "service-account-token-secret",
    title="Service account token that never expires",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="Secret",
    why="The token in such a Secret is valid until the Secret is deleted: who reads it once has the account for good.",
    remediation="Delete the Secret, and use projected tokens or kubectl create token, which expire.",
    controls="mitre-attack:T1528",
    aliases="kyverno:deny-secret-service-account-token-type",
    references=(_ACCOUNTS,),
)
def service_account_token_secret(secret: Secret, ctx: Context) -> Hits:
    if secret.type == TOKEN_TYPE:
        yield Hit("the secret holds a service account token without an expiry", "type")


@rule(
    "config-map-credential",
    title="Credential in a ConfigMap",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="ConfigMap",
    why="ConfigMaps are not encrypted at rest, and far more people and programs may read them than Secrets.",
    remediation="Move the value into a Secret or an external store, and replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    aliases="KSV-0109 C-0012",
    references=(_SECRETS,),
    notes="Told by the key; values that are paths, addresses, switches, numbers or placeholders pass.",
)
def config_map_credential(config: ConfigMap, ctx: Context) -> Hits:
    for key, value in config.data.items():
        if looks_like_credential(key, value):
            message = f"the key {key!r} looks like a credential"
            yield Hit(message, ("data", key), confidence=Confidence.MEDIUM, secret=True)


@rule(
    "host-path-persistent-volume",
    title="Volume on a path of the node",
    severity=Severity.MEDIUM,
    scope=Scope.STORAGE,
    on="PersistentVolume",
    why="A pod gets the node's files by claiming the volume, where no Pod Security level sees it: levels judge a pod's "
    "own volumes.",
    remediation="Use a volume of a CSI driver, or a local volume with a node affinity.",
    controls="mitre-attack:T1611",
    aliases="kyverno:limit-hostpath-type-pv",
    references=("https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",),
)
def host_path_persistent_volume(volume: PersistentVolume, ctx: Context) -> Hits:
    if volume.spec.host_path is not None:
        yield Hit(f"the volume is {volume.spec.host_path.path!r} of the node", "spec.hostPath")


@rule(
    "storage-class-unencrypted",
    title="Storage class makes unencrypted volumes",
    severity=Severity.LOW,
    scope=Scope.STORAGE,
    on="StorageClass",
    why="Whoever gets hold of a disk or a snapshot of it, for example by a careless share, reads all data on it.",
    remediation='Set the parameter encrypted to "true".',
    controls="mitre-attack:T1005",
    aliases="C-0264",
    references=("https://kubernetes.io/docs/concepts/storage/storage-classes/#aws-ebs",),
    notes="Judged for Amazon EBS, which encrypts only if told to or if the account's default says so.",
)
def storage_class_unencrypted(storage: StorageClass, ctx: Context) -> Hits:
    if storage.provisioner in _EBS and storage.parameters.get("encrypted", "").lower() != "true":
        yield Hit(f"volumes of {storage.provisioner} are made without encryption", "parameters.encrypted")
