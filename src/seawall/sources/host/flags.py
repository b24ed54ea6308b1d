"""Flags of a command line, read as the program's own library reads them.

Kubernetes' programs use pflag: ``--name=value``, ``--name value``, a switch never takes the next word
(``--anonymous-auth false`` switches it *on*), ``-v2`` and ``-v 2`` are ``--v=2``, underscores are dashes, ``--`` ends
them. etcd and dockerd differ in their short forms alone.
"""

from __future__ import annotations

from collections.abc import Sequence

Flags = dict[str, tuple[str, ...]]

#: Switches by program; the rest take a value.
_SWITCHES = {
    "": "help version logtostderr alsologtostderr one-output skip-headers skip-log-headers profiling "
    "contention-profiling",
    "kube-apiserver": "allow-privileged anonymous-auth enable-aggregator-routing enable-bootstrap-token-auth "
    "enable-garbage-collector enable-logs-handler enable-priority-and-fairness "
    "service-account-lookup service-account-extend-token-expiration watch-cache "
    "aggregator-reject-forwarding-redirect audit-log-compress audit-log-truncate-enabled "
    "audit-webhook-truncate-enabled permit-port-sharing permit-address-sharing "
    "encryption-provider-config-automatic-reload unsupported-kube-api-over-localhost "
    "allow-metric-labels-manifest kubelet-https insecure-allow-any-token",
    "kube-controller-manager": "use-service-account-credentials leader-elect allocate-node-cidrs "
    "configure-cloud-routes enable-dynamic-provisioning enable-garbage-collector "
    "enable-hostpath-provisioner authentication-skip-lookup "
    "authentication-tolerate-lookup-failure permit-port-sharing "
    "permit-address-sharing requestheader-strict",
    "kube-scheduler": "leader-elect authentication-skip-lookup authentication-tolerate-lookup-failure "
    "permit-port-sharing permit-address-sharing",
    "kubelet": "anonymous-auth authentication-token-webhook cgroups-per-qos cpu-cfs-quota "
    "enable-controller-attach-detach enable-debugging-handlers enable-load-reader enable-server "
    "exit-on-lock-contention fail-cgroupv1 fail-swap-on kernel-memcg-notification "
    "keep-terminated-pod-volumes local-storage-capacity-isolation make-iptables-util-chains "
    "protect-kernel-defaults register-node register-schedulable rotate-certificates "
    "rotate-server-certificates runonce seccomp-default serialize-image-pulls allow-privileged "
    "containerized enable-custom-metrics",
    "kube-proxy": "bind-address-hard-fail cleanup cleanup-ipvs enable-profiling init-only ipvs-strict-arp "
    "masquerade-all iptables-localhost-nodeports",
    "etcd": "auto-tls peer-auto-tls client-cert-auth peer-client-cert-auth force-new-cluster "
    "strict-reconfig-check debug enable-pprof enable-v2 pre-vote unsafe-no-fsync "
    "experimental-initial-corrupt-check initial-election-tick-advance socket-reuse-port "
    "socket-reuse-address peer-skip-client-san-verification",
    "dockerd": "debug experimental icc ip-forward ip-masq iptables ip6tables ipv6 live-restore "
    "no-new-privileges raw-logs selinux-enabled tls tlsverify userland-proxy validate init "
    "rootless shutdown",
    "containerd": "",
    "crio": "enable-metrics selinux read-only stream-enable-tls global-auth no-pivot log-journald",
}
#: Short forms.
_SHORT = {
    "kube-apiserver": {"v": "v", "h": "help"},
    "dockerd": {
        **{"H": "host", "D": "debug", "l": "log-level", "s": "storage-driver", "G": "group", "b": "bridge"},
        **{"p": "pidfile", "g": "graph", "v": "version"},
    },
    "containerd": {"c": "config", "a": "address", "l": "log-level", "v": "version"},
    "crio": {"c": "config", "d": "config-dir", "r": "root"},
}
_GO_FLAG = frozenset(("etcd",))
_KEEPS_UNDERSCORES = frozenset(("dockerd", "etcd", "containerd", "crio"))


def parse_flags(words: Sequence[str], program: str) -> Flags:
    """Flags by name without dashes, each with its values in order; ``words`` are those after the program's name."""
    switches = frozenset(f"{_SWITCHES['']} {_SWITCHES.get(program, '')}".split())
    short = _SHORT.get(program, _SHORT["kube-apiserver"])
    found: dict[str, list[str]] = {}
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--":
            break
        if len(word) < 2 or not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("--") and program not in _GO_FLAG and word[1] in short:
            name, value = short[word[1]], word[2:].removeprefix("=")
            equals = value
        name = name if program in _KEEPS_UNDERSCORES else name.replace("_", "-")
        if not equals:
            following = words[index] if index < len(words) else None
            if name in switches or following is None or (following.startswith("-") and len(following) > 1):
                value = "true"
            else:
                value = following
                index += 1
        if name:
            found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}
