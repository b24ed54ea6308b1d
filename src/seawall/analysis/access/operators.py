"""Custom resources whose operators do for their author what he may not do himself.

Source: the operators' own documentation of what their resources make. Each entry tells what the resource gives.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Gives = Literal["pods", "rights", "secrets", "nodes", "proxies"]


class Operated(NamedTuple):
    """A custom resource: its group and plural, the operator, what it gives, and how."""

    group: str
    resource: str
    operator: str
    gives: Gives
    how: str


_TABLE: tuple[tuple[str, str, str, Gives, str], ...] = (
    ("argoproj.io", "applications applicationsets", "Argo CD", "rights", "applies manifests as its controller"),
    ("argoproj.io", "appprojects", "Argo CD", "rights", "decides what applications may deploy, and where"),
    ("argoproj.io", "workflows cronworkflows workflowtemplates clusterworkflowtemplates", "Argo Workflows", "pods",
     "starts pods of any account of the namespace"),
    ("argoproj.io", "rollouts", "Argo Rollouts", "pods", "starts pods of any account of the namespace"),
    ("argoproj.io", "sensors eventsources", "Argo Events", "pods", "starts pods and creates objects on events"),
    ("kustomize.toolkit.fluxcd.io", "kustomizations", "Flux", "rights", "applies manifests as its controller"),
    ("helm.toolkit.fluxcd.io", "helmreleases", "Flux", "rights", "installs charts as its controller"),
    ("helm.cattle.io", "helmcharts helmchartconfigs", "the Helm controller of k3s", "rights",
     "installs charts as cluster-admin"),
    ("fleet.cattle.io", "bundles gitrepos", "Fleet", "rights", "applies manifests as its agent"),
    ("pkg.crossplane.io", "providers functions configurations", "Crossplane", "rights",
     "installs programs with rights of their own"),
    ("kubernetes.crossplane.io", "objects", "Crossplane", "rights", "applies any object as the provider"),
    ("operators.coreos.com", "subscriptions clusterserviceversions catalogsources", "OLM", "rights",
     "installs operators with the cluster roles that they ask for"),
    ("olm.operatorframework.io", "clusterextensions", "OLM", "rights", "installs operators"),
    ("core.oam.dev", "applications componentdefinitions traitdefinitions", "KubeVela", "rights",
     "applies objects as its controller"),
    ("kyverno.io", "clusterpolicies policies updaterequests", "Kyverno", "rights",
     "creates and changes objects as its controller"),
    ("mutations.gatekeeper.sh", "assign assignmetadata modifyset assignimage", "Gatekeeper", "rights",
     "changes objects as they are created"),
    ("velero.io", "restores backups schedules", "Velero", "rights",
     "restores objects of its choice and runs commands in pods by hooks"),
    ("tekton.dev", "pipelineruns taskruns customruns", "Tekton", "pods", "starts pods of any account of the namespace"),
    ("triggers.tekton.dev", "eventlisteners triggertemplates", "Tekton Triggers", "pods", "starts pods on requests"),
    ("kubevirt.io", "virtualmachines virtualmachineinstances", "KubeVirt", "pods", "starts machines with any volume"),
    ("cdi.kubevirt.io", "datavolumes", "KubeVirt", "pods", "starts importer pods"),
    ("serving.knative.dev", "services configurations", "Knative", "pods",
     "starts pods of any account of the namespace"),
    ("sources.knative.dev", "containersources", "Knative", "pods", "starts pods of any account of the namespace"),
    ("sparkoperator.k8s.io", "sparkapplications scheduledsparkapplications", "the Spark operator", "pods",
     "starts pods of any account of the namespace"),
    ("ray.io", "rayclusters rayjobs rayservices", "KubeRay", "pods", "starts pods from templates"),
    ("kubeflow.org", "notebooks pytorchjobs tfjobs mpijobs xgboostjobs", "Kubeflow", "pods",
     "starts pods from templates"),
    ("trainer.kubeflow.org", "trainjobs trainingruntimes clustertrainingruntimes", "Kubeflow", "pods",
     "starts pods from templates"),
    ("batch.volcano.sh", "jobs", "Volcano", "pods", "starts pods from templates"),
    ("flink.apache.org", "flinkdeployments flinksessionjobs", "the Flink operator", "pods",
     "starts pods from templates"),
    ("apps.kruise.io", "clonesets daemonsets statefulsets sidecarsets advancedcronjobs", "OpenKruise", "pods",
     "starts pods, and puts containers into those of others"),
    ("keda.sh", "scaledjobs", "KEDA", "pods", "starts jobs from templates"),
    ("actions.github.com", "autoscalingrunnersets ephemeralrunners ephemeralrunnersets", "the runner controller",
     "pods", "starts runner pods from templates"),
    ("monitoring.coreos.com", "prometheuses alertmanagers thanosrulers prometheusagents", "the Prometheus operator",
     "pods", "starts pods with containers and volumes of one's own"),
    ("opentelemetry.io", "opentelemetrycollectors instrumentations", "the OpenTelemetry operator", "pods",
     "starts collectors, also on every node, and puts containers into pods"),
    ("grafana.integreatly.org", "grafanas", "the Grafana operator", "pods", "starts pods from templates"),
    ("logging.banzaicloud.io", "loggings", "the logging operator", "pods", "starts agents on every node"),
    ("elasticsearch.k8s.elastic.co", "elasticsearches", "ECK", "pods", "starts pods from templates"),
    ("acid.zalan.do", "postgresqls", "the Postgres operator", "pods", "starts pods with sidecars of one's own"),
    ("kafka.strimzi.io", "kafkas kafkaconnects", "Strimzi", "pods", "starts pods, with plugins built from any source"),
    ("cluster.x-k8s.io", "clusters machines machinedeployments machinesets machinepools", "Cluster API", "nodes",
     "makes machines that join the cluster"),
    ("bootstrap.cluster.x-k8s.io", "kubeadmconfigs kubeadmconfigtemplates", "Cluster API", "nodes",
     "runs commands as root on nodes that it makes"),
    ("machineconfiguration.openshift.io", "machineconfigs kubeletconfigs", "the machine config operator", "nodes",
     "writes files and units as root on nodes"),
    ("karpenter.k8s.aws", "ec2nodeclasses", "Karpenter", "nodes", "runs user data as root on nodes that it makes"),
    ("karpenter.sh", "nodepools", "Karpenter", "nodes", "makes nodes that join the cluster"),
    ("upgrade.cattle.io", "plans", "the upgrade controller", "nodes", "runs privileged pods on nodes"),
    ("tuned.openshift.io", "tuneds profiles", "the node tuning operator", "nodes", "changes kernel settings of nodes"),
    ("sriovnetwork.openshift.io", "sriovnetworknodepolicies", "the SR-IOV operator", "nodes",
     "changes devices of nodes"),
    ("nmstate.io", "nodenetworkconfigurationpolicies", "nmstate", "nodes", "changes the network of nodes"),
    ("security-profiles-operator.x-k8s.io", "seccompprofiles selinuxprofiles apparmorprofiles",
     "the security profiles operator", "nodes", "loads profiles that pods are held by on nodes"),
    ("external-secrets.io", "externalsecrets clusterexternalsecrets pushsecrets", "External Secrets", "secrets",
     "fetches any secret that the store's identity may read"),
    ("external-secrets.io", "secretstores clustersecretstores", "External Secrets", "secrets",
     "uses identities of one's choice for stores"),
    ("secrets-store.csi.x-k8s.io", "secretproviderclasses", "the secrets store driver", "secrets",
     "mounts any secret that the pod's identity may read"),
    ("secrets.hashicorp.com", "vaultstaticsecrets vaultdynamicsecrets vaultauths", "the Vault operator", "secrets",
     "fetches any secret that the role may read"),
    ("bitnami.com", "sealedsecrets", "Sealed Secrets", "secrets", "writes Secrets of its author's choice"),
    ("cert-manager.io", "certificates certificaterequests", "cert-manager", "secrets",
     "issues certificates of any name of the issuer, the cluster's CA perhaps"),
    ("cert-manager.io", "clusterissuers issuers", "cert-manager", "secrets", "signs with CA keys of its namespace"),
    ("networking.istio.io", "envoyfilters", "Istio", "proxies", "runs code in every proxy of the namespace"),
    ("extensions.istio.io", "wasmplugins", "Istio", "proxies", "runs code in every proxy of the namespace"),
    ("gateway.envoyproxy.io", "envoypatchpolicies envoyextensionpolicies envoyproxies", "Envoy Gateway", "proxies",
     "runs code in the gateway's proxies"),
    ("cilium.io", "ciliumenvoyconfigs ciliumclusterwideenvoyconfigs", "Cilium", "proxies",
     "sends traffic through proxies of one's own settings"),
    ("cilium.io", "tracingpolicies tracingpoliciesnamespaced", "Tetragon", "nodes", "kills processes on nodes"),
    ("k8s.cni.cncf.io", "network-attachment-definitions", "Multus", "nodes", "connects pods to networks of the node"),
)  # fmt: skip

#: By (group, plural).
OPERATED: dict[tuple[str, str], Operated] = {
    (group, name): Operated(group, name, operator, gives, how)
    for group, plurals, operator, gives, how in _TABLE
    for name in plurals.split()
}
