"""Which cluster to read, and how long to bear with it."""

from __future__ import annotations

from msgspec import Struct

#: How a cluster is called that knows no kubeconfig.
IN_CLUSTER = "in-cluster"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


class Patience(Struct, frozen=True):
    """How long and how much is borne with: seconds for connecting, for silence, and for a reply as a whole; bytes of
    a reply; tries; the first pause between tries, which doubles, and the longest that a server may ask for."""

    connect: float = 10.0
    silence: float = 30.0
    total: float = 180.0
    bytes: int = 256 * 1024 * 1024
    tries: int = 4
    pause: float = 0.3
    longest_pause: float = 30.0


class ClusterOptions(Struct, frozen=True):
    """Which cluster to read and as whom; nothing given means kubectl's current context.

    ``namespace`` limits the reading to one. ``as_user`` and ``as_groups`` impersonate.
    """

    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False
    namespace: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    service_account: str = SERVICE_ACCOUNT
    patience: Patience = Patience()
