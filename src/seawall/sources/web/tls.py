"""TLS to a server: its authority, our certificate."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from seawall.sources.web.errors import WebError


class Certificate(NamedTuple):
    """A client certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


def tls_context(authority: bytes | None, verify: bool, certificate: Certificate | None) -> ssl.SSLContext:
    """A context that trusts ``authority`` (PEM), or what the system trusts where there is none.

    Raises:
        WebError: certificates that cannot be read.
    """
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    except (ssl.SSLError, ValueError) as error:
        raise WebError(f"the certificate authority is no PEM certificate: {error}") from error
    # Python 3.13's strict mode refuses authorities that Kubernetes' own tools make and Go accepts.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        _load(context, certificate)
    return context


def _load(context: ssl.SSLContext, certificate: Certificate) -> None:
    """Hand over the pair, which OpenSSL's binding takes only from files: from memory that has a name in /proc."""
    with _memory_file(certificate.certificate) as chain, _memory_file(certificate.key) as key:
        try:
            context.load_cert_chain(chain, key, password=_refuse_password)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise WebError(f"the client certificate or its key cannot be used: {error}") from error


def _refuse_password() -> str:
    raise ValueError("the key is encrypted; give one without a passphrase")


@contextmanager
def _memory_file(data: bytes) -> Iterator[str]:
    handle = os.memfd_create("seawall")
    try:
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(data)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
