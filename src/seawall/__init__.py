"""Seawall: one system for the security of a Kubernetes estate."""

__version__ = "0.1.0"
