"""GitOps: where Argo CD and Flux take what they apply from, and with whose rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seawall.model.finding import Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.gitops import (
        ArgoApplication,
        ArgoApplicationSet,
        ArgoProject,
        ArgoSource,
        FluxApply,
        FluxSource,
    )
    from seawall.model.rule import Context

_ARGO_PROJECTS = "https://argo-cd.readthedocs.io/en/stable/user-guide/projects/"
_ARGO_SECURITY = "https://argo-cd.readthedocs.io/en/stable/operator-manual/security/"
_ARGO_SETS = "https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Security/"
_ARGO_SYNC = "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/"
_FLUX_SOURCES = "https://fluxcd.io/flux/components/source/"
_FLUX_SECURITY = "https://fluxcd.io/flux/security/best-practices/"
_SOURCES = "GitRepository HelmRepository OCIRepository Bucket"


@rule(
    "gitops-plain-http",
    title="Manifests fetched in clear",
    severity=Severity.HIGH,
    scope=Scope.GITOPS,
    on=f"ArgoApplication {_SOURCES}",
    why="Whoever is on the way changes what is applied to the cluster, and so owns it.",
    remediation="Use https or ssh, and verify the server.",
    controls="mitre-attack:T1557 mitre-attack:T1195.002",
    references=(_ARGO_SECURITY, _FLUX_SOURCES),
    notes="Medium where only the verification of the server is switched off (insecure).",
)
def gitops_plain_http(view: Any, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "ArgoApplication":
        for path, source in _argo_sources(view):
            if _is_plain(source.repo_url):
                yield Hit(f"manifests are fetched from {source.repo_url}", f"{path}.repoURL")
        return
    spec = view.spec
    if _is_plain(spec.url):
        yield Hit(f"manifests are fetched from {spec.url}", "spec.url")
    elif spec.insecure:
        yield Hit("the server is not verified, or spoken to in clear", "spec.insecure", severity=Severity.MEDIUM)


def _is_plain(url: str) -> bool:
    lower = url.lower()
    inside = ".svc.cluster.local" in lower or ".svc/" in lower or lower.endswith(".svc")
    return lower.startswith(("http://", "git://")) and not inside


def _argo_sources(application: ArgoApplication) -> Iterator[tuple[str, ArgoSource]]:
    if application.spec.source is not None:
        yield "spec.source", application.spec.source
    for i, source in numbered(application.spec.sources):
        yield f"spec.sources[{i}]", source


@rule(
    "argocd-moving-revision",
    title="Application that follows whatever comes next",
    severity=Severity.INFO,
    scope=Scope.GITOPS,
    on="ArgoApplication",
    why="Each commit of the branch, or each new chart, is applied unseen: who may push there may change the cluster.",
    remediation="Set targetRevision to a tag, a commit or a chart's exact version where changes must be reviewed.",
    controls="mitre-attack:T1195.002",
    aliases="kyverno:application-field-validation",
    references=("https://argo-cd.readthedocs.io/en/stable/user-guide/tracking_strategies/",),
    default=False,
    notes="Judged for HEAD, no revision, and ranges of a chart's versions.",
)
def argocd_moving_revision(application: ArgoApplication, ctx: Context) -> Hits:
    for path, source in _argo_sources(application):
        revision = source.target_revision
        if revision in ("", "HEAD", "*") or (source.chart and revision.startswith((">", "^", "~"))):
            yield Hit(f"{source.repo_url} is followed at {revision or 'HEAD'}", f"{path}.targetRevision")


@rule(
    "argocd-default-project",
    title="Application of the default project",
    severity=Severity.LOW,
    scope=Scope.GITOPS,
    on="ArgoApplication",
    why="The default project permits every source, cluster and kind unless someone has narrowed it: who may edit the "
    "application applies anything anywhere.",
    remediation="Make an AppProject with the sources and destinations of the application, and name it.",
    controls="mitre-attack:T1078",
    aliases="kyverno:application-prevent-default-project",
    references=(f"{_ARGO_PROJECTS}#the-default-project",),
)
def argocd_default_project(application: ArgoApplication, ctx: Context) -> Hits:
    if application.spec.project in ("", "default"):
        yield Hit("the application belongs to the default project", "spec.project")


@rule(
    "argocd-project-any-source",
    title="Project that takes manifests from anywhere",
    severity=Severity.MEDIUM,
    scope=Scope.GITOPS,
    on="ArgoProject",
    why="Whoever may edit an application of the project points it at a repository of their own.",
    remediation="List the repositories in sourceRepos.",
    controls="mitre-attack:T1195.002",
    references=(_ARGO_PROJECTS,),
)
def argocd_project_any_source(project: ArgoProject, ctx: Context) -> Hits:
    for i, source in numbered(project.spec.source_repos):
        if source in ("*", "**", "https://*", "https://**"):
            yield Hit(f"the project takes manifests from {source}", f"spec.sourceRepos[{i}]")


@rule(
    "argocd-project-any-destination",
    title="Project that applies to every namespace",
    severity=Severity.MEDIUM,
    scope=Scope.GITOPS,
    on="ArgoProject",
    why="Its applications reach Argo CD's own namespace and kube-system: who may edit one takes the cluster over.",
    remediation="List the namespaces in destinations.",
    controls="mitre-attack:T1078",
    references=(_ARGO_PROJECTS,),
)
def argocd_project_any_destination(project: ArgoProject, ctx: Context) -> Hits:
    for i, destination in numbered(project.spec.destinations):
        if destination.namespace == "*":
            where = destination.server or destination.name or "no cluster"
            yield Hit(f"the project applies to every namespace of {where}", f"spec.destinations[{i}].namespace")


@rule(
    "argocd-project-cluster-objects",
    title="Project that applies objects of the whole cluster",
    severity=Severity.MEDIUM,
    scope=Scope.GITOPS,
    on="ArgoProject",
    why="ClusterRoles, webhooks and nodes are among them: who may edit an application gives itself every right.",
    remediation="List the kinds that are needed in clusterResourceWhitelist, or leave it empty.",
    controls="mitre-attack:T1098.006",
    aliases="kyverno:appproject-clusterresourceblacklist",
    references=(_ARGO_PROJECTS,),
)
def argocd_project_cluster_objects(project: ArgoProject, ctx: Context) -> Hits:
    for i, each in numbered(project.spec.cluster_resource_whitelist):
        if each.kind == "*" and each.group in ("*", "rbac.authorization.k8s.io", ""):
            yield Hit(f"the project applies {each.group or 'core'}/{each.kind}", f"spec.clusterResourceWhitelist[{i}]")


@rule(
    "argocd-project-unsigned",
    title="Project that applies commits without a signature",
    severity=Severity.INFO,
    scope=Scope.GITOPS,
    on="ArgoProject",
    why="Who gets into the Git server, or has a developer's password, changes the cluster.",
    remediation="List the keys of those who may commit in signatureKeys.",
    controls="mitre-attack:T1195.002",
    references=("https://argo-cd.readthedocs.io/en/stable/user-guide/gpg-verification/",),
    default=False,
)
def argocd_project_unsigned(project: ArgoProject, ctx: Context) -> Hits:
    if not project.spec.signature_keys:
        yield Hit("commits need no signature", "spec.signatureKeys")


@rule(
    "argocd-templated-project",
    title="Project of applications is filled in from a repository",
    severity=Severity.HIGH,
    scope=Scope.GITOPS,
    on="ArgoApplicationSet",
    why="What the generator reads decides on the project: who may commit there, or open a pull request, picks one with "
    "more rights.",
    remediation="Write the project of the template as a fixed name.",
    controls="mitre-attack:T1078 mitre-attack:T1195.002",
    aliases="kyverno:applicationset-name-matches-project",
    references=(_ARGO_SETS,),
    notes="Judged for generators that read Git repositories, pull requests or plugins; lists and clusters are the "
    "administrators'.",
)
def argocd_templated_project(applications: ArgoApplicationSet, ctx: Context) -> Hits:
    outside = ("git", "scmProvider", "pullRequest", "plugin", "matrix", "merge")
    if "{{" in applications.spec.template.spec.project:
        found = [name for generator in applications.spec.generators for name in outside if name in generator]
        if found:
            message = f"the project is filled in by the generator {found[0]}"
            yield Hit(message, "spec.template.spec.project")


@rule(
    "gitops-auto-prune",
    title="Objects are deleted when their manifests are",
    severity=Severity.INFO,
    scope=Scope.GITOPS,
    on="ArgoApplication FluxKustomization",
    why="An emptied repository, by a mistake or an attacker, empties the cluster, volumes with their data included.",
    remediation="Keep data from it (Prune=false, or kustomize.toolkit.fluxcd.io/prune: disabled), and protect the "
    "branch.",
    controls="mitre-attack:T1485",
    references=(_ARGO_SYNC, "https://fluxcd.io/flux/components/kustomize/kustomizations/#prune"),
    default=False,
)
def gitops_auto_prune(view: Any, ctx: Context) -> Hits:
    if ctx.resource.kind.name == "FluxKustomization":
        if view.spec.prune:
            yield Hit("objects are deleted with their manifests", "spec.prune")
        return
    automated = view.spec.sync_policy.automated
    if automated is not None and automated.prune:
        yield Hit("objects are deleted with their manifests", "spec.syncPolicy.automated.prune")


@rule(
    "flux-source-unverified",
    title="Source that is applied without a signature",
    severity=Severity.LOW,
    scope=Scope.GITOPS,
    on="GitRepository OCIRepository",
    why="Who gets into the Git server or the registry, or has a developer's password, changes the cluster.",
    remediation="Set spec.verify with the keys, or the identities, of those who may sign.",
    controls="mitre-attack:T1195.002",
    aliases="kyverno:verify-flux-sources kyverno:verify-git-repositories",
    references=(f"{_FLUX_SOURCES}gitrepositories/#verification", _FLUX_SECURITY),
    default=False,
)
def flux_source_unverified(source: FluxSource, ctx: Context) -> Hits:
    if source.spec.verify is None:
        yield Hit("what is fetched needs no signature", "spec.verify")


@rule(
    "flux-controller-rights",
    title="Manifests applied with Flux's own rights",
    severity=Severity.LOW,
    scope=Scope.GITOPS,
    on="FluxKustomization HelmRelease",
    why="Flux is usually cluster-admin: who may commit to the source, or edit this object, may do anything in the "
    "cluster.",
    remediation="Name a service account with the rights that are needed in serviceAccountName, and start the "
    "controllers with --default-service-account.",
    controls="mitre-attack:T1098.006",
    references=(_FLUX_SECURITY, "https://fluxcd.io/flux/installation/configuration/multitenancy/"),
    default=False,
    notes="Objects of flux-system, and such as apply to another cluster, are left out.",
)
def flux_controller_rights(apply: FluxApply, ctx: Context) -> Hits:
    spec = apply.spec
    if not spec.service_account_name and spec.kube_config is None and ctx.resource.ref.namespace != "flux-system":
        yield Hit("what is applied has the rights of Flux itself", "spec.serviceAccountName")


@rule(
    "flux-foreign-source",
    title="Source of another namespace applied",
    severity=Severity.LOW,
    scope=Scope.GITOPS,
    on="FluxKustomization HelmRelease",
    why="Who may edit the source in the other namespace decides on what is applied here, with this namespace's rights.",
    remediation="Keep source and use in one namespace, and start the controllers with --no-cross-namespace-refs.",
    controls="mitre-attack:T1199",
    references=(_FLUX_SECURITY,),
    default=False,
    notes="Sources of flux-system are the administrators' and pass.",
)
def flux_foreign_source(apply: FluxApply, ctx: Context) -> Hits:
    namespace = apply.spec.source_ref.get("namespace")
    if namespace and namespace not in (ctx.resource.ref.namespace, "flux-system"):
        yield Hit(f"the source is of the namespace {namespace}", "spec.sourceRef.namespace")
