"""Servers of the tests: OpenSSL's, hand-made ones, real programs; and certificates for them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


def needed(name: str) -> str:
    """The path of a program; skips the test where it is not there."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no program {name}; apt-get install it")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def await_port(port: int) -> None:
    """Wait until something listens there."""
    for _ in range(400):
        try:
            socket.create_connection((HOST, port), 0.2).close()
            return
        except OSError:
            time.sleep(0.025)
    raise AssertionError(f"nothing listens at {port}")


@contextmanager
def running(*command: str) -> Iterator[None]:
    """A program while the test lasts."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def write_certificate(folder: Path, name: str, *, bits: int = 2048, days: int = 90, start: int = 0) -> tuple[str, str]:
    """A self-signed server certificate for 127.0.0.1 and ``name``, and its key; begins ``start`` days from now."""
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.now(UTC) + timedelta(days=start)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=days))
    names: list[Any] = [x509.DNSName(name), x509.IPAddress(ip_address(HOST))]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate, private = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return str(certificate), str(private)


@contextmanager
def openssl(certificate: tuple[str, str], *options: str) -> Iterator[int]:
    """``openssl s_server`` with these options; gives its port. It answers GETs with a page of its own."""
    port = free_port()
    program = needed("openssl")
    crt, key = certificate
    with running(program, "s_server", "-accept", f"{HOST}:{port}", "-cert", crt, "-key", key, "-www", *options):
        await_port(port)
        yield port


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats each connection by ``answer``; gives its port."""
    with socket.create_server((HOST, 0)) as server:
        stopping = threading.Event()

        def treat(connection: socket.socket) -> None:
            with connection:
                try:
                    answer(connection)
                except OSError:
                    return

        def accept() -> None:
            while not stopping.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=treat, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopping.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(2)


def http(body: bytes, status: str = "200 OK") -> Callable[[socket.socket], None]:
    """Answers every request with this body."""

    def answer(connection: socket.socket) -> None:
        if connection.recv(65536)[:1] != b"G":
            connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            return
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return answer


def replies(data: bytes) -> Callable[[socket.socket], None]:
    """Answers whatever comes first with these bytes, and hangs up."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return answer
