"""Audit logs of API servers: JSON lines, gzip, standard input."""

from seawall.sources.audit.log import AuditLog

__all__ = ["AuditLog"]
