"""Observed connections from files: Seawall's own form, Hubble, Calico, Istio access logs, CSV."""

from seawall.sources.flows.read import FORMATS, FlowFile

__all__ = ["FORMATS", "FlowFile"]
