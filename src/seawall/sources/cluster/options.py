"""Which cluster to read, and how long to bear with it."""

from __future__ import annotations

from msgspec import Struct

from seawall.sources.web.patience import Patience

#: How a cluster is called that knows no kubeconfig.
IN_CLUSTER = "in-cluster"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


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
