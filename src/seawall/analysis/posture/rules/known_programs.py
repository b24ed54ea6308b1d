"""Programs that are known for what they give away: Helm 2's Tiller, dashboards, git-sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.analysis.posture.picks import has_known_image
from seawall.analysis.posture.rules.images import parse_reference
from seawall.model.finding import Confidence, Severity
from seawall.model.kube.base import numbered
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.network import Service
    from seawall.model.kube.pod import Container, PodTemplate
    from seawall.model.rule import Context

_TILLER = "https://helm.sh/docs/faq/changes_since_helm2/#removal-of-tiller"
_DASHBOARD = "https://kubernetes.io/docs/tasks/access-application-cluster/web-ui-dashboard/"
_GIT_SYNC = "https://github.com/kubernetes/git-sync"
_DASHBOARD_IMAGES = ("kubernetes-dashboard", "kubernetesui/dashboard")
_TILLER_PORT = 44134


def _is_tiller(image: str) -> bool:
    return "tiller" in image and "tiller" in parse_reference(image).repository


@rule(
    "tiller-deployed",
    title="Tiller of Helm 2 deployed",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Tiller has mostly been given cluster-admin and asks nobody for a login: any pod that reaches it owns the "
    "cluster. It has had no fixes since 2020.",
    remediation="Move the releases to Helm 3 or 4, and delete Tiller.",
    controls="mitre-attack:T1610",
    aliases="KSV-0102 CKV_K8S_34 kyverno:disallow-helm-tiller",
    references=(_TILLER,),
    notes="Told by the image, by names, and with low confidence by the labels that Helm 2 gives it.",
)
def tiller_deployed(pod: PodTemplate, ctx: Context) -> Hits:
    for field, i, c in pod.spec.all_containers():
        if _is_tiller(c.image):
            yield Hit(f"container {c.name!r} runs Tiller", f"spec.{field}[{i}].image")
            return
    labels = pod.metadata.labels
    if (
        ctx.resource.ref.name.startswith("tiller")
        or pod.metadata.name.startswith("tiller")
        or labels.get("name") == "tiller"
        or labels.get("app") == "tiller"
    ):
        yield Hit("the pod is Tiller by its name", "metadata")
    elif labels.get("app") == "helm":
        yield Hit("the pod has the label that Helm 2 gives Tiller", "metadata.labels.app", confidence=Confidence.LOW)


@rule(
    "tiller-open",
    title="Tiller takes requests from other pods",
    severity=Severity.CRITICAL,
    scope=Scope.WORKLOAD,
    on="container",
    why="Tiller asks nobody for a login: whoever reaches its port deploys what he likes with its rights, mostly "
    "cluster-admin.",
    remediation="Move to Helm 3 or 4; until then start Tiller with --listen=localhost:44134.",
    controls="mitre-attack:T1610",
    aliases="CKV_K8S_45",
    references=(_TILLER,),
    when=has_known_image,
)
def tiller_open(c: Container, ctx: Context) -> Hits:
    if not _is_tiller(c.image):
        return
    words = (*c.command, *c.args)
    if not any("--listen" in word and ("localhost" in word or "127.0.0.1" in word) for word in words):
        yield Hit("Tiller answers on every address of the pod", "args")


@rule(
    "tiller-service",
    title="Service of Helm 2's Tiller",
    severity=Severity.HIGH,
    scope=Scope.SERVICE,
    on="Service",
    why="The Service leads every pod of the cluster to Tiller, which asks nobody for a login and has mostly been given "
    "cluster-admin.",
    remediation="Move to Helm 3 or 4, and delete the Service.",
    controls="mitre-attack:T1610",
    aliases="CKV_K8S_44",
    references=(_TILLER,),
)
def tiller_service(service: Service, ctx: Context) -> Hits:
    labels = (service.metadata.labels, service.spec.selector)
    named = service.metadata.name.startswith("tiller") or any(each.get("name") == "tiller" for each in labels)
    if named or any(port.port == _TILLER_PORT for port in service.spec.ports):
        yield Hit("the service leads to Tiller", "metadata.name")


@rule(
    "dashboard-deployed",
    title="Kubernetes Dashboard deployed",
    severity=Severity.LOW,
    scope=Scope.WORKLOAD,
    on="pod",
    why="Dashboards that were open to the internet, or whose account had cluster-admin, have let attackers into many "
    "clusters; the project was retired and gets no more fixes.",
    remediation="Remove it, or keep it reachable only by kubectl port-forward and give its account no rights.",
    controls="mitre-attack:T1133",
    aliases="CKV_K8S_33 C-0014",
    references=(_DASHBOARD,),
)
def dashboard_deployed(pod: PodTemplate, ctx: Context) -> Hits:
    for field, i, c in pod.spec.all_containers():
        if "dashboard" in c.image and any(name in c.image for name in _DASHBOARD_IMAGES):
            yield Hit(f"container {c.name!r} runs the Kubernetes Dashboard", f"spec.{field}[{i}].image")
            return
    for key in ("app", "k8s-app"):
        if pod.metadata.labels.get(key) == "kubernetes-dashboard":
            yield Hit("the pod is the Kubernetes Dashboard by its label", ("metadata", "labels", key))


@rule(
    "git-sync-command",
    title="git-sync made to run another program",
    severity=Severity.HIGH,
    scope=Scope.WORKLOAD,
    on="container",
    why="git-sync runs what the setting names in place of git: whoever may set it, or put a file at the path, runs "
    "code where nobody looks for it.",
    remediation="Remove GITSYNC_GIT and --git; keep the program that the image has.",
    controls="mitre-attack:T1059",
    aliases="CKV_K8S_159",
    references=(_GIT_SYNC,),
    notes="Settings for commands after each sync (GITSYNC_EXECHOOK_COMMAND) are there for that and pass.",
)
def git_sync_command(c: Container, ctx: Context) -> Hits:
    if "git-sync" not in c.image:
        return
    for i, variable in numbered(c.env):
        if variable.name in ("GITSYNC_GIT", "GIT_SYNC_GIT"):
            yield Hit(f"container {c.name!r} runs {variable.value!r} in place of git", f"env[{i}]")
    for field, words in (("command", c.command), ("args", c.args)):
        for i, word in numbered(words):
            if word.lstrip("-") == "git" or word.lstrip("-").startswith("git="):
                yield Hit(f"container {c.name!r} is given {word}", f"{field}[{i}]")
