"""Answers of any sort, from servers that mean harm."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.sources.probe.http import Got, get
from seawall.sources.probe.wire import Broken, Deadline


def answered(data: bytes, seconds: float = 2.0) -> Got:
    """What is made of an answer; the server hangs up after it."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs:
            try:
                theirs.recv(4096)
                theirs.sendall(data)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with ours:
            return get(ours, "example.com", "/", Deadline(seconds))
    finally:
        thread.join(2)


@pytest.mark.parametrize(
    ("body", "sort", "version"),
    [
        (b'{"kind":"PodList","apiVersion":"v1"}', "PodList", ""),
        (b'24\r\n{"kind": "SecretList", "items": []}\r\n0\r\n\r\n', "SecretList", ""),
        (b'{\n "major": "1",\n "gitVersion": "v1.33.1"}', "version", "v1.33.1"),
        (b'{"etcdserver":"3.6.1","etcdcluster":"3.6.0"}', "etcd-version", "3.6.1"),
        (b'{"Version":"28.5.1","ApiVersion":"1.51"}', "docker-version", "28.5.1"),
        (b"# HELP go_goroutines Number of goroutines.\n", "metrics", ""),
        (b"<html><title>Kubernetes Dashboard</title>", "dashboard", ""),
        (b'{"message":"not a {"kind":"PodList"} really"}', "", ""),
        (b"", "", ""),
    ],
)
def test_answers_are_told_by_what_they_hold(body: bytes, sort: str, version: str) -> None:
    found = answered(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + body)
    assert (found.status, found.sort, found.version) == (200, sort, version)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/2 200\r\n\r\n"]
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(Broken):
        answered(data)


def test_a_head_without_an_end_is_cut() -> None:
    with pytest.raises(Broken, match="longer than 64 KiB"):
        answered(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=150)
def test_no_bytes_break_it(data: bytes, begun: bool) -> None:
    try:
        assert isinstance(answered((b"HTTP/1.1 200 OK\r\n" if begun else b"") + data), Got)
    except Broken:
        return
