"""A timestamp authority: OpenSSL's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.analysis.trust.made import Authority, name, p256, pem

_CONFIG = """
[tsa]
default_tsa = here
[here]
serial = serial
digests = sha256, sha384
default_policy = 1.2.3.4
signer_digest = sha256
ess_cert_id_alg = sha256
"""


class Stamper:
    """An authority with its certificate; each call asks OpenSSL for a timestamp of now."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl; apt-get install openssl")
        self._folder = folder
        self.root = Authority("stamps")
        key = p256()
        self.certificate = self.root.issue(
            key, subject=name("tsa", O="Acme"), purposes=(ExtendedKeyUsageOID.TIME_STAMPING,)
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "tsa.cnf").write_text(_CONFIG)
        (folder / "tsa.key").write_bytes(private)
        (folder / "tsa.pem").write_text(pem(self.certificate))
        (folder / "chain.pem").write_text(pem(self.root.certificate))
        (folder / "serial").write_text("01\n")

    def response(self, message: bytes) -> bytes:
        """A response over a message, with the authority's certificates in it."""
        return self._made(message, "response.tsr")

    def token(self, message: bytes) -> bytes:
        """The token alone."""
        return self._made(message, "token.p7s", "-token_out")

    def _made(self, message: bytes, out: str, *more: str) -> bytes:
        (self._folder / "message").write_bytes(message)
        self._run("-query", "-data", "message", "-sha256", "-cert", "-out", "query.tsq")
        signer = ("-inkey", "tsa.key", "-signer", "tsa.pem", "-chain", "chain.pem")
        self._run("-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", *signer, "-out", out, *more)
        return (self._folder / out).read_bytes()

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", "ts", *arguments], cwd=self._folder, check=True, capture_output=True)
