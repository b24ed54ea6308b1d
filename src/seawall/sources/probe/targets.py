"""What is asked of which port: only GETs, and nothing that changes anything."""

from __future__ import annotations

from msgspec import Struct

#: Asked of an API server. A list of one object tells whether the whole could be read; the answer is not kept.
_API = (
    "/version",
    "/healthz",
    "/livez",
    "/readyz",
    "/api",
    "/apis",
    "/openapi/v2",
    "/metrics",
    "/debug/pprof/",
    "/logs/",
    "/api/v1/namespaces?limit=1",
    "/api/v1/nodes?limit=1",
    "/api/v1/pods?limit=1",
    "/api/v1/secrets?limit=1",
)
#: The pod of this name exists nowhere: a kubelet that lets everyone in says so, any other refuses before it looks.
_EXEC = "/exec/default/seawall-probe-absent/absent?command=true&output=1"
_KUBELET = ("/healthz", "/pods", "/runningpods/", "/metrics", "/stats/summary", "/configz", "/logs/", "/debug/pprof/")
_COMPONENT = ("/healthz", "/metrics", "/configz", "/debug/pprof/")

#: What is asked of a program, by the role that it plays.
PATHS: dict[str, tuple[str, ...]] = {
    "kube-apiserver": _API,
    "insecure-api": _API,
    "kubelet": (*_KUBELET, _EXEC),
    "kubelet-read-only": _KUBELET,
    "etcd": ("/version", "/health", "/metrics"),
    "etcd-peer": ("/version", "/members"),
    "kube-controller-manager": _COMPONENT,
    "kube-scheduler": _COMPONENT,
    "kube-proxy": (*_COMPONENT, "/proxyMode"),
    "cadvisor": ("/metrics", "/api/v1.3/machine"),
    "docker": ("/_ping", "/version"),
    "container-runtime": ("/healthz", "/metrics"),
    "dashboard": ("/", "/metrics"),
    "metrics": ("/metrics", "/debug/pprof/"),
    "other": ("/", "/version", "/metrics", "/debug/pprof/"),
}
#: The usual ports of a node.
NODE_PORTS: dict[int, str] = {
    2375: "docker",
    2376: "docker",
    2379: "etcd",
    2380: "etcd-peer",
    2381: "metrics",
    4194: "cadvisor",
    8080: "insecure-api",
    9100: "metrics",
    10010: "container-runtime",
    10248: "kubelet-read-only",
    10249: "kube-proxy",
    10250: "kubelet",
    10251: "kube-scheduler",
    10252: "kube-controller-manager",
    10255: "kubelet-read-only",
    10256: "kube-proxy",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
}
#: Ports of an API server's own host that old ones answered at without asking who is there.
API_PORTS: dict[int, str] = {8001: "insecure-api", 8080: "insecure-api"}


class Target(Struct, frozen=True, order=True):
    """A port to look at and the program that is expected there."""

    host: str
    port: int
    role: str

    @property
    def address(self) -> str:
        """As in an address, with brackets around IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
