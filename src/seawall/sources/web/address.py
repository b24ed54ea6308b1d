"""Addresses that others write (redirects, realms of tokens, proxies), read without a surprise."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from seawall.sources.web.errors import WebError


def split(url: str, what: str = "an address") -> SplitResult:
    """The parts of an address, its host and port among them.

    Raises:
        WebError: it is none (``http://[``, a port beyond 65535); ``what`` says whose it is.
    """
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError as error:
        raise WebError(f"{what} makes no sense: {error}") from error
    return parts


def join(base: str, reference: str) -> str:
    """Where a redirect or link leads.

    Raises:
        WebError: it is no address.
    """
    try:
        return urljoin(base, reference)
    except ValueError as error:
        raise WebError(f"what {base[:200]} leads to makes no sense: {error}") from error
