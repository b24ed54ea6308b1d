"""Managed clusters and their node pools, in one form for all providers.

A field that is None was not told: rules about it say nothing. Sources decide what a provider's silence means.
"""

from __future__ import annotations

from seawall.model.kube.base import KubeObject, View


class CloudClusterSpec(View, frozen=True):
    """The settings of a managed cluster. ``provider`` is ``eks``, ``gke`` or ``aks``.

    ``publicRanges`` are the ranges that may reach a public endpoint, None where every address may. ``secretsKey`` is
    the key of one's own that encrypts Secrets, empty where there is none. ``logs`` are the logs of the control plane
    that are kept, by the provider's names. ``upgradeChannel`` is empty where versions are chosen by hand.
    """

    provider: str = ""
    version: str = ""
    location: str = ""
    autopilot: bool = False
    public_endpoint: bool | None = None
    private_endpoint: bool | None = None
    public_ranges: tuple[str, ...] | None = None
    secrets_key: str | None = None
    logs: tuple[str, ...] | None = None
    monitoring: bool | None = None
    network_policy: bool | None = None
    workload_identity: bool | None = None
    private_nodes: bool | None = None
    legacy_abac: bool | None = None
    basic_login: bool | None = None
    client_certificate: bool | None = None
    local_accounts: bool | None = None
    rbac: bool | None = None
    identity_provider: bool | None = None
    run_command: bool | None = None
    upgrade_channel: str | None = None
    extended_support: bool | None = None
    dashboard: bool | None = None
    alpha: bool | None = None
    shielded_nodes: bool | None = None
    image_policy: bool | None = None
    policy_addon: bool | None = None
    flow_logs: bool | None = None
    own_pod_addresses: bool | None = None
    threat_detection: bool | None = None
    secret_rotation: bool | None = None


class CloudCluster(KubeObject, frozen=True):
    """A managed cluster."""

    spec: CloudClusterSpec = CloudClusterSpec()


class CloudNodePoolSpec(View, frozen=True):
    """The settings of a group of nodes, of the template that they are made from, or of one machine.

    ``hopLimit`` is how far answers of the metadata service travel: 1 is the machine itself, 2 its containers.
    ``metadataOpen`` says that pods may ask the service as the node does. ``account`` is the identity of the nodes.
    """

    provider: str = ""
    cluster: str = ""
    source: str = ""
    metadata_v1: bool | None = None
    hop_limit: int | None = None
    metadata_open: bool | None = None
    public_addresses: bool | None = None
    auto_upgrade: bool | None = None
    auto_repair: bool | None = None
    image: str = ""
    account: str | None = None
    scopes: tuple[str, ...] = ()
    secure_boot: bool | None = None
    integrity: bool | None = None
    disk_encrypted: bool | None = None
    host_encryption: bool | None = None
    ssh_open: bool | None = None


class CloudNodePool(KubeObject, frozen=True):
    """A group of nodes."""

    spec: CloudNodePoolSpec = CloudNodePoolSpec()
