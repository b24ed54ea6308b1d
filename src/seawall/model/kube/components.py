"""Configuration objects of the control plane and of nodes. Source: the Kubernetes configuration API references."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class KubeletX509(View, frozen=True):
    """Client certificates."""

    client_ca_file: str = field(default="", name="clientCAFile")


class Switch(View, frozen=True):
    """Something that is on or off; None where nothing is said."""

    enabled: bool | None = None


class KubeletAuthentication(View, frozen=True):
    """How the kubelet tells who asks."""

    x509: KubeletX509 = KubeletX509()
    webhook: Switch = Switch()
    anonymous: Switch = Switch()


class KubeletAuthorization(View, frozen=True):
    """How the kubelet decides what is allowed."""

    mode: str = ""


class KubeletConfiguration(KubeObject, frozen=True):
    """Settings of the kubelet; None where nothing is said."""

    authentication: KubeletAuthentication = KubeletAuthentication()
    authorization: KubeletAuthorization = KubeletAuthorization()
    read_only_port: int | None = None
    protect_kernel_defaults: bool | None = None
    make_iptables_util_chains: bool | None = field(default=None, name="makeIPTablesUtilChains")
    event_record_qps: int | None = field(default=None, name="eventRecordQPS")
    tls_cert_file: str = ""
    tls_private_key_file: str = ""
    tls_cipher_suites: tuple[str, ...] = ()
    tls_min_version: str = ""
    rotate_certificates: bool | None = None
    server_tls_bootstrap: bool | None = field(default=None, name="serverTLSBootstrap")
    feature_gates: dict[str, bool] = {}
    pod_pids_limit: int | None = None
    seccomp_default: bool | None = None
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    static_pod_url: str = field(default="", name="staticPodURL")


class KubeProxyConfiguration(KubeObject, frozen=True):
    """Settings of kube-proxy."""

    metrics_bind_address: str = ""
    enable_profiling: bool | None = None


class KubeSchedulerConfiguration(KubeObject, frozen=True):
    """Settings of the scheduler."""

    enable_profiling: bool | None = None


class EncryptionResources(View, frozen=True):
    """Which resources are encrypted by which providers; the first provider writes."""

    resources: tuple[str, ...] = ()
    providers: tuple[dict[str, Any], ...] = ()


class EncryptionConfiguration(KubeObject, frozen=True):
    """How the API server encrypts what it stores."""

    resources: tuple[EncryptionResources, ...] = ()


class AdmissionPlugin(View, frozen=True):
    """A plugin that has settings."""

    name: str = ""
    path: str = ""
    configuration: dict[str, Any] | None = None


class AdmissionConfiguration(KubeObject, frozen=True):
    """Settings of admission plugins."""

    plugins: tuple[AdmissionPlugin, ...] = ()


class AnonymousAuthentication(View, frozen=True):
    """Whether requests without a credential are taken, and for which paths (none named: all)."""

    enabled: bool = False
    conditions: tuple[dict[str, Any], ...] = ()


class AuthenticationConfiguration(KubeObject, frozen=True):
    """How the API server tells who asks."""

    jwt: tuple[dict[str, Any], ...] = ()
    anonymous: AnonymousAuthentication | None = None


class Authorizer(View, frozen=True):
    """One of the authorizers that are asked in turn."""

    type: str = ""
    name: str = ""
    webhook: dict[str, Any] = {}


class AuthorizationConfiguration(KubeObject, frozen=True):
    """How the API server decides what is allowed."""

    authorizers: tuple[Authorizer, ...] = ()


class AuditResources(View, frozen=True):
    """Resources of an API group; none named means all of the group."""

    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class AuditRule(View, frozen=True):
    """Which requests are logged at which level; an empty list means all."""

    level: str = ""
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[AuditResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = field(default=(), name="nonResourceURLs")
    omit_stages: tuple[str, ...] = ()


class AuditPolicy(KubeObject, frozen=True):
    """What the API server logs; the first rule that matches a request decides."""

    rules: tuple[AuditRule, ...] = ()
    omit_stages: tuple[str, ...] = ()


#: kubeadm's extra flags: a map up to v1beta3, a list of ``name`` and ``value`` since v1beta4.
ExtraArgs = dict[str, Any] | tuple[dict[str, Any], ...]


class KubeadmComponent(View, frozen=True):
    """A program that kubeadm starts."""

    extra_args: ExtraArgs | None = None


class KubeadmEtcd(View, frozen=True):
    """etcd as a pod of kubeadm's, or one that is run elsewhere."""

    local: KubeadmComponent | None = None
    external: dict[str, Any] | None = None


class KubeadmNode(View, frozen=True):
    """A node that joins or starts the cluster."""

    kubelet_extra_args: ExtraArgs | None = None


class BootstrapToken(View, frozen=True):
    """A token by which nodes join; without a ``ttl`` it is good for a day, with 0 for ever."""

    token: str = ""
    ttl: str | None = None


class BootstrapDiscovery(View, frozen=True):
    """How a joining node finds the API server and knows it for the right one."""

    token: str = ""
    unsafe_skip_ca_verification: bool = field(default=False, name="unsafeSkipCAVerification")


class Discovery(View, frozen=True):
    """As BootstrapDiscovery, or by a file."""

    bootstrap_token: BootstrapDiscovery | None = None


class KubeadmConfiguration(KubeObject, frozen=True):
    """A ClusterConfiguration, InitConfiguration or JoinConfiguration."""

    kubernetes_version: str = ""
    api_server: KubeadmComponent = KubeadmComponent()
    controller_manager: KubeadmComponent = KubeadmComponent()
    scheduler: KubeadmComponent = KubeadmComponent()
    etcd: KubeadmEtcd = KubeadmEtcd()
    node_registration: KubeadmNode = KubeadmNode()
    bootstrap_tokens: tuple[BootstrapToken, ...] = ()
    discovery: Discovery = Discovery()


class KubeconfigCluster(View, frozen=True, rename="kebab"):
    """How an API server is reached."""

    server: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""


class PluginVariable(View, frozen=True):
    """A variable that a plugin is given."""

    name: str = ""
    value: str = ""


class ExecPlugin(View, frozen=True):
    """A program that is run to get a credential."""

    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[PluginVariable, ...] = ()


class KubeconfigUser(View, frozen=True, rename="kebab"):
    """A credential."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = field(default="", name="tokenFile")
    username: str = ""
    password: str = ""
    exec: ExecPlugin | None = None
    auth_provider: dict[str, Any] | None = None


class NamedCluster(View, frozen=True):
    """A cluster by its name in the file."""

    name: str = ""
    cluster: KubeconfigCluster = KubeconfigCluster()


class NamedUser(View, frozen=True):
    """A user by its name in the file."""

    name: str = ""
    user: KubeconfigUser = KubeconfigUser()


class KubeconfigContext(View, frozen=True):
    """A cluster and a user under one name."""

    cluster: str = ""
    user: str = ""


class NamedContext(View, frozen=True):
    """A context by its name in the file."""

    name: str = ""
    context: KubeconfigContext = KubeconfigContext()


class Kubeconfig(KubeObject, frozen=True):
    """A file by which clients reach API servers."""

    clusters: tuple[NamedCluster, ...] = ()
    users: tuple[NamedUser, ...] = ()
    contexts: tuple[NamedContext, ...] = ()


class IdRange(View, frozen=True):
    """User or group ids."""

    min: int = 0
    max: int = 0


class IdStrategy(View, frozen=True):
    """Which ids a PodSecurityPolicy takes."""

    rule: str = ""
    ranges: tuple[IdRange, ...] = ()


class PodSecurityPolicySpec(View, frozen=True):
    """What a PodSecurityPolicy lets pods have."""

    privileged: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    host_ipc: bool = field(default=False, name="hostIPC")
    host_network: bool = False
    allow_privilege_escalation: bool | None = None
    allowed_capabilities: tuple[str, ...] = ()
    required_drop_capabilities: tuple[str, ...] = ()
    run_as_user: IdStrategy = IdStrategy()


class PodSecurityPolicy(KubeObject, frozen=True):
    """A PodSecurityPolicy, which Kubernetes 1.25 removed."""

    spec: PodSecurityPolicySpec = PodSecurityPolicySpec()


class ConstraintSpec(View, frozen=True):
    """What a Gatekeeper constraint is given."""

    parameters: dict[str, Any] = {}


class Constraint(KubeObject, frozen=True):
    """A constraint of Gatekeeper's library."""

    spec: ConstraintSpec = ConstraintSpec()
