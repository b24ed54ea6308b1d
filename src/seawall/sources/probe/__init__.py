"""Looking at one's own cluster from outside: endpoints asked without any credentials, within bounds."""

from seawall.sources.probe.run import ProbeOptions, probe, probe_one
from seawall.sources.probe.targets import API_PORTS, NODE_PORTS, PATHS, Target

__all__ = ["API_PORTS", "NODE_PORTS", "PATHS", "ProbeOptions", "Target", "probe", "probe_one"]
