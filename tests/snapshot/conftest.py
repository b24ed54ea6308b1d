"""Snapshots are taken of the same server as live scans are tested with."""

from tests.cluster.conftest import kubeconfig, recorded, recording, server

__all__ = ["kubeconfig", "recorded", "recording", "server"]
