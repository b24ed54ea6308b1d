"""Live clusters: kubeconfig, credentials, discovery, lists in pages.

Reading is in ``source``, which is imported when a cluster is named: it needs TLS and HTTP, and scans of files do not.
"""

from seawall.sources.cluster.errors import ClusterError
from seawall.sources.cluster.options import ClusterOptions
from seawall.sources.web.patience import Patience

__all__ = ["ClusterError", "ClusterOptions", "Patience"]
