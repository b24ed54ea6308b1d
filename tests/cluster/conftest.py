"""The recorded cluster, served anew for every test, and kubeconfigs that lead to it."""

from __future__ import annotations

import base64
import copy
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from seawall.sources.cluster import Patience
from tests.replay import Recording, Replay

#: Tests do not wait.
HASTE = Patience(connect=2.0, silence=0.3, total=0.7, tries=2, pause=0.01, longest_pause=0.05)


class Kubeconfig(Protocol):
    """Writes a kubeconfig for a server and returns its path."""

    def __call__(self, url: str, user: Any = None, **cluster: Any) -> str: ...


@pytest.fixture(scope="session")
def recorded(conformance: Path) -> Recording:
    return Recording.load(conformance)


@pytest.fixture
def recording(recorded: Recording) -> Recording:
    """A copy that the test may change."""
    mine = copy.copy(recorded)
    mine.documents, mine.heads, mine.items = copy.deepcopy(mine.documents), dict(mine.heads), dict(mine.items)
    return mine


@pytest.fixture
def server(recording: Recording) -> Iterator[Replay]:
    with Replay(recording) as replay:
        yield replay


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(recording: Recording, authority: trustme.CA) -> Iterator[Replay]:
    """With a certificate for 127.0.0.1 and api.example; asks for client certificates but needs none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "api.example").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    with Replay(recording, tls=context) as replay:
        yield replay


def pem(authority: trustme.CA) -> str:
    """The authority as a kubeconfig holds it."""
    return base64.b64encode(authority.cert_pem.bytes()).decode()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Kubeconfig:
    def write(url: str, user: dict[str, Any] | None = None, **cluster: Any) -> str:
        path = tmp_path / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "prod", "cluster": {"server": url, **cluster}}],
            "users": [{"name": "me", "user": user or {}}],
            "contexts": [{"name": "here", "context": {"cluster": "prod", "user": "me"}}],
        }
        path.write_text(json.dumps(config))
        return str(path)

    return write
