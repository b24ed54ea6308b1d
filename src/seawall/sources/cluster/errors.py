"""What can go wrong between here and an API server. Messages say what, where and what to do."""

from __future__ import annotations

from seawall.sources.web import errors

#: The cluster, or a part of it, cannot be read: by its base class, so that what HTTP brings is among it.
ClusterError = errors.WebError
Transient = errors.Transient
Oversized = errors.Oversized
ApiError = errors.ApiError


class NoCredentials(ClusterError):
    """There are none any more: nothing else needs to be asked."""


GONE = 410
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 401, 403, 404, 405
