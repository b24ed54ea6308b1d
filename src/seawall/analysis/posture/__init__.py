"""Posture: rules over configuration."""

#: The modules under ``rules`` that define rules, in the order in which they run.
RULE_MODULES = (
    "pss_baseline",
    "pss_restricted",
    "workloads",
    "images",
    "cluster_objects",
    "network",
    "rbac",
    "apiserver_login",
    "apiserver_admission",
    "apiserver_transport",
    "apiserver_records",
    "controllers",
    "etcd",
    "kubelet_access",
    "kubelet_node",
    "kubeconfig",
    "manifests",
)
