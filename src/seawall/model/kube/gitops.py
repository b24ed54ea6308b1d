"""Argo CD and Flux: what is applied to the cluster, from where, and with whose rights."""

from __future__ import annotations

from typing import Any

from msgspec import field

from seawall.model.kube.base import KubeObject, View


class ArgoSource(View, frozen=True):
    """A repository of manifests or charts."""

    repo_url: str = field(default="", name="repoURL")
    target_revision: str = ""
    chart: str = ""


class ArgoAutomated(View, frozen=True):
    """Syncing without a person."""

    prune: bool = False
    self_heal: bool = False


class ArgoSyncPolicy(View, frozen=True):
    """When changes are applied."""

    automated: ArgoAutomated | None = None


class ArgoApplicationSpec(View, frozen=True):
    """What is applied, where to, under which project."""

    project: str = ""
    source: ArgoSource | None = None
    sources: tuple[ArgoSource, ...] = ()
    destination: dict[str, Any] = {}
    sync_policy: ArgoSyncPolicy = ArgoSyncPolicy()


class ArgoApplication(KubeObject, frozen=True):
    """An application of Argo CD."""

    spec: ArgoApplicationSpec = ArgoApplicationSpec()


class ArgoTemplate(View, frozen=True):
    """The application that a set makes."""

    spec: ArgoApplicationSpec = ArgoApplicationSpec()


class ArgoApplicationSetSpec(View, frozen=True):
    """Generators and the template that they fill."""

    generators: tuple[dict[str, Any], ...] = ()
    template: ArgoTemplate = ArgoTemplate()


class ArgoApplicationSet(KubeObject, frozen=True):
    """A set of applications of Argo CD."""

    spec: ArgoApplicationSetSpec = ArgoApplicationSetSpec()


class ArgoDestination(View, frozen=True):
    """A cluster and namespace that a project may apply to."""

    server: str = ""
    name: str = ""
    namespace: str = ""


class GroupKind(View, frozen=True):
    """A kind of objects."""

    group: str = ""
    kind: str = ""


class ArgoProjectSpec(View, frozen=True):
    """The bounds of a project's applications."""

    source_repos: tuple[str, ...] = ()
    destinations: tuple[ArgoDestination, ...] = ()
    cluster_resource_whitelist: tuple[GroupKind, ...] = ()
    signature_keys: tuple[dict[str, Any], ...] = ()


class ArgoProject(KubeObject, frozen=True):
    """A project of Argo CD."""

    spec: ArgoProjectSpec = ArgoProjectSpec()


class FluxSourceSpec(View, frozen=True):
    """Where a source is fetched from, and how it is verified."""

    url: str = ""
    endpoint: str = ""
    insecure: bool = False
    verify: dict[str, Any] | None = None
    type: str = ""


class FluxSource(KubeObject, frozen=True):
    """A GitRepository, HelmRepository, OCIRepository or Bucket of Flux."""

    spec: FluxSourceSpec = FluxSourceSpec()


class FluxApplySpec(View, frozen=True):
    """What is applied and with which service account, and how its SOPS files are decrypted."""

    service_account_name: str = ""
    source_ref: dict[str, Any] = {}
    prune: bool = False
    path: str = ""
    decryption: dict[str, Any] | None = None
    kube_config: dict[str, Any] | None = None


class FluxApply(KubeObject, frozen=True):
    """A Kustomization or HelmRelease of Flux."""

    spec: FluxApplySpec = FluxApplySpec()
