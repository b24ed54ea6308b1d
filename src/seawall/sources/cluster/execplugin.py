"""Exec plugins: programs that print credentials. Source: KEP-541 and the client.authentication.k8s.io API reference."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from seawall.sources.cluster.credentials import bearer
from seawall.sources.cluster.errors import ClusterError
from seawall.sources.cluster.kubeconfig import Cluster, Exec
from seawall.sources.web.tls import Certificate

_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_SECONDS = 60.0
_MAX_OUTPUT = 1024 * 1024
#: Credentials are renewed this long before they run out.
_MARGIN = timedelta(seconds=10)


class _Status(Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _ExecCredential(Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


class ExecPlugin:
    """Runs the program when credentials are first needed, when they ran out, and when the server refused them."""

    def __init__(self, plugin: Exec, cluster: Cluster, fallback: Certificate | None, seconds: float = _SECONDS) -> None:
        if plugin.api_version not in _VERSIONS:
            raise ClusterError(
                f"the exec plugin {plugin.command} speaks {plugin.api_version or 'no version'}; "
                f"update it and the kubeconfig to {_VERSIONS[0]}"
            )
        if plugin.interactive_mode == "Always":
            raise ClusterError(f"the exec plugin {plugin.command} wants to ask questions; log in with it first")
        self._plugin = plugin
        self._cluster = cluster
        self._fallback = fallback
        self._seconds = seconds
        self._status: _Status | None = None

    def token(self) -> str:
        """The header for the plugin's token; nothing where it gives only a certificate."""
        status = self._fresh()
        return bearer(status.token, self._plugin.command) if status.token else ""

    def certificate(self) -> Certificate | None:
        """The plugin's certificate, or the kubeconfig's."""
        status = self._fresh()
        if status.client_certificate_data and status.client_key_data:
            return Certificate(status.client_certificate_data.encode(), status.client_key_data.encode())
        return self._fallback

    def renew(self) -> bool:
        """Run the plugin again."""
        self._status = None
        self._fresh()
        return True

    def _fresh(self) -> _Status:
        status = self._status
        if status is not None and status.expiration_timestamp is not None:
            until = status.expiration_timestamp
            until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
            if until - _MARGIN <= datetime.now(UTC):
                status = None
        if status is None:
            status = self._status = self._run()
        return status

    def _run(self) -> _Status:
        plugin = self._plugin
        program = shutil.which(plugin.command)
        if program is None:
            hint = f": {' '.join(plugin.install_hint.split())[:300]}" if plugin.install_hint else "; install it"
            raise ClusterError(f"the exec plugin {plugin.command} is not on this machine{hint}")
        variables = {**os.environ, **{item.name: item.value for item in plugin.env}}
        variables["KUBERNETES_EXEC_INFO"] = self._info()
        with _memory() as output:
            complaint = self._call([program, *plugin.args], variables, output)
            output.seek(0)
            text = output.read(_MAX_OUTPUT + 1)
        if complaint:
            raise ClusterError(f"the exec plugin {plugin.command} {complaint}")
        return self._parse(text)

    def _call(self, command: list[str], variables: dict[str, str], output: BinaryIO) -> str:
        """Run it in a session of its own, so that all it started can be ended; returns what went wrong."""
        with _memory() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603 - the kubeconfig's owner chose it, as for kubectl
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    env=variables,
                    start_new_session=True,
                )
            except OSError as error:
                return f"cannot be started: {error.strerror}"
            try:
                code = process.wait(self._seconds)
            except BaseException as error:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    return f"gave no answer in {self._seconds:.0f} s; does it wait for a login?"
                raise
            errors.seek(0, os.SEEK_END)
            errors.seek(max(errors.tell() - 2000, 0))
            last = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2][-300:]
        return f"failed with exit code {code}: {last}" if code else ""

    def _info(self) -> str:
        spec: dict[str, Any] = {"interactive": False}
        cluster = self._cluster
        if self._plugin.provide_cluster_info:
            told: dict[str, Any] = {
                "server": cluster.server,
                "tls-server-name": cluster.tls_server_name,
                "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
                "certificate-authority-data": cluster.certificate_authority_data,
                "proxy-url": cluster.proxy_url,
                "config": next((e.get("extension") for e in cluster.extensions if e.get("name") == _EXTENSION), None),
            }
            spec["cluster"] = {key: value for key, value in told.items() if value or key == "server"}
        body = {"kind": "ExecCredential", "apiVersion": self._plugin.api_version, "spec": spec}
        return msgspec.json.encode(body).decode()

    def _parse(self, text: bytes) -> _Status:
        command = self._plugin.command
        if len(text) > _MAX_OUTPUT:
            raise ClusterError(f"the exec plugin {command} printed more than {_MAX_OUTPUT >> 20} MiB")
        try:
            answer = msgspec.json.decode(text, type=_ExecCredential)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ClusterError(f"the exec plugin {command} did not print an ExecCredential") from error
        if answer.kind != "ExecCredential" or answer.api_version != self._plugin.api_version:
            raise ClusterError(
                f"the exec plugin {command} printed {answer.kind or 'nothing'} {answer.api_version}; "
                f"expected ExecCredential {self._plugin.api_version}"
            )
        status = answer.status
        has_pair = status is not None and status.client_certificate_data and status.client_key_data
        if status is None or not (status.token or has_pair):
            raise ClusterError(f"the exec plugin {command} gave neither a token nor a certificate with its key")
        return status


_EXTENSION = "client.authentication.k8s.io/exec"


def _memory() -> BinaryIO:
    """A file that is never on a disk: what plugins print are credentials."""
    return os.fdopen(os.memfd_create("seawall"), "w+b")
