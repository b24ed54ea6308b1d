"""Snapshots: the same findings as the cluster, no secret in the file, nothing believed that was damaged."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.snapshot import MAGIC, is_snapshot
from seawall.sources.snapshot.form import BLOCK, HEADER, TRAILER, chain
from seawall.sources.snapshot.reader import Snapshot, SnapshotError
from tests.cluster.conftest import Kubeconfig
from tests.conftest import Run
from tests.replay import Replay

FRAME = struct.Struct(">cII16s")


@pytest.fixture
def taken(run: Run, server: Replay, kubeconfig: Kubeconfig, tmp_path: Path) -> Path:
    """A snapshot of the recorded cluster."""
    path = tmp_path / "prod.snapshot"
    done = run("snapshot", "--kubeconfig", kubeconfig(server.url), "-o", str(path))
    assert done.returncode == 0, done.stderr
    return path


def unpack(path: Path) -> bytes:
    """Everything in a snapshot, unpacked, read independently of the reader."""
    data = path.read_bytes()
    position, out = len(MAGIC), [data[: len(MAGIC)]]
    while position < len(data):
        kind, packed, length, _ = FRAME.unpack_from(data, position)
        position += FRAME.size
        plain = zlib.decompress(data[position : position + packed])
        assert len(plain) == length
        out += [kind, plain]
        position += packed
    return b"\n".join(out)


def pack(frames: list[tuple[bytes, bytes]]) -> bytes:
    """A well-formed file of any frames."""
    out, digest = [MAGIC], b""
    for kind, data in frames:
        packed = zlib.compress(data)
        digest = chain(digest, kind, len(data), packed)
        out.append(FRAME.pack(kind, len(packed), len(data), digest) + packed)
    return b"".join(out)


HEAD = (HEADER, b'{"schema":"seawall.snapshot/v1","tool":"0","created":"","inputs":[]}')


def tail(objects: int) -> tuple[bytes, bytes]:
    return TRAILER, json.dumps({"objects": objects, "scrubbed": 0}).encode()


def findings(document: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(document["findings"], key=lambda finding: finding["fingerprint"])


@pytest.mark.parametrize("extra", [[], ["--profile", "all"]])
def test_findings_are_those_of_the_cluster(
    run: Run, scan_json: Any, server: Replay, kubeconfig: Kubeconfig, taken: Path, extra: list[str]
) -> None:
    code, live = scan_json("cluster", "--kubeconfig", kubeconfig(server.url), *extra)
    again, saved = scan_json(str(taken), *extra)
    assert len(findings(live)) > 100
    assert findings(saved) == findings(live)
    # What is told by values alone is skipped, as there are none any more.
    skipped = [each for each in saved["statuses"] if each["rule"] == "secret-in-object"]
    others = [each for each in saved["statuses"] if each not in skipped]
    assert [each["state"] for each in skipped] == ["skipped"] and "snapshot" in skipped[0]["reason"]
    assert others == [each for each in live["statuses"] if each["rule"] != "secret-in-object"]
    told = {name: rule for name, rule in live["rules"].items() if name != "secret-in-object"}
    assert (again, saved["rules"]) == (code, told)
    differing = {key for key in live["summary"] if live["summary"][key] != saved["summary"][key]}
    assert differing == set()
    assert saved["inputs"] == [{"path": str(taken), "kind": "snapshot"}]


def test_a_snapshot_is_private_and_small(taken: Path) -> None:
    assert taken.stat().st_mode & 0o777 == 0o600
    assert taken.stat().st_size < 600_000
    assert [path.name for path in taken.parent.iterdir() if path.name.startswith(".seawall")] == []
    assert is_snapshot(str(taken))


def test_what_could_not_be_read_is_in_the_snapshot(
    run: Run, scan_json: Any, server: Replay, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    server.allowed = lambda verb, group, resource: resource not in ("networkpolicies", "secrets")
    path = tmp_path / "partial.snapshot"
    done = run("snapshot", "--kubeconfig", kubeconfig(server.url), "-o", str(path))
    assert done.returncode == 2
    assert "incomplete" in done.stderr
    code, document = scan_json(str(path))
    assert code == 2
    assert document["errors"][0]["where"] == "networkpolicies.networking.k8s.io"
    states = {status["rule"]: status["state"] for status in document["statuses"]}
    assert states["pod-without-network-policy"] == "not-judged"
    assert states["service-account-token-secret"] == "skipped"
    kept = run("snapshot", "--kubeconfig", kubeconfig(server.url), "-o", str(path), "--keep-going")
    assert kept.returncode == 0


def test_a_snapshot_of_manifests(run: Run, scan_json: Any, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, name: web}\nspec: {hostPID: true, containers: [{name: c}]}\n"
    (tmp_path / "shop" / "pod.yaml").write_text("---\n" + text)
    (tmp_path / "shop" / "wrong.yaml").write_text(text.replace("true", "maybe").replace("web", "wrong"))
    out = tmp_path / "shop.snapshot"
    assert run("snapshot", str(tmp_path / "shop"), "-o", str(out)).returncode == 0
    code, files = scan_json(str(tmp_path / "shop"))
    again, saved = scan_json(str(out))
    assert again == code == 2, "the field of the wrong type is told of the snapshot too"
    assert [f["fingerprint"] for f in findings(saved)] == [f["fingerprint"] for f in findings(files)]
    assert "duplicate-key" in {f["rule"] for f in saved["findings"]}
    place = saved["findings"][0]["locations"][0]
    assert place["file"].startswith(f"{out}!")
    assert place["file"].endswith(".yaml")
    assert place["line"] in (1, 2)


def test_waivers_are_kept(run: Run, scan_json: Any, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\n"
        "metadata:\n  name: web\n  annotations: {ignore-check.kube-linter.io/env-var-secret: a test password}\n"
        "spec:\n  hostPID: true  # seawall: ignore[host-pid] an agent of ours\n"
        "  containers: [{name: c, image: 'c:1', env: [{name: PASSWORD, value: hunter2hunter2}]}]\n"
    )
    run("snapshot", str(tmp_path / "pod.yaml"), "-o", str(tmp_path / "pod.snapshot"))
    waivers = []
    for path in ("pod.yaml", "pod.snapshot"):
        _, document = scan_json(str(tmp_path / path))
        waivers.append({f["rule"]: f["waiver"]["reason"] for f in document["findings"] if f["waiver"]})
    assert waivers[0] == {"host-pid": "an agent of ours", "literal-secret-in-env": "a test password"}
    assert waivers[1] == waivers[0]


def test_nothing_to_save_is_an_error(run: Run, tmp_path: Path) -> None:
    done = run("snapshot", str(tmp_path), "-o", str(tmp_path / "x.snapshot"))
    assert done.returncode == 2
    assert "nothing to save" in done.stderr
    done = run("snapshot", str(tmp_path), "-o", str(tmp_path / "no" / "x.snapshot"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


#: Planted where secrets are found in clusters. Each has a part that may not be in the file in any form.
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAplantedkey0\n-----END RSA PRIVATE KEY-----\n"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmVkcGxhbnRlZA"
SECRETS = {
    "secret-data": "pl4nted-secret-data",
    "secret-string": "pl4nted-secret-string",
    "annotation": "pl4nted-applied-copy",
    "env": "pl4nted-env-value",
    "env-number": "482910557",
    "url": "pl4nted-url-password",
    "arg": "pl4nted-arg-value",
    "arg-next": "pl4nted-next-argument",
    "script": "pl4nted-in-a-script",
    "config": "pl4nted-config-value",
    "properties": "pl4nted-properties",
    "json": "pl4nted-json-config",
    "yaml": "pl4nted-yaml-config",
    "binary": "pl4nted-binary-data",
    "custom": "pl4nted-custom-field",
    "parameter": "pl4nted-helm-parameter",
    "nested": "pl4nted-nested-annotation",
    "short-name": "pl4nted-under-a-short-name",
    "connection": "pl4nted-connection-string",
    "within": "pl4nted-secret-within-an-object",
    "text": "pl4nted-secret-in-a-manifest-text",
    "user": "pl4nted-token-as-a-user",
    "pwd": "pl4nted-pwd-of-a-driver",
    "managed": "pl4nted-managed-field",
    "helm": "pl4nted-helm-release",
    "copied": "pl4nted-copied-from-a-secret",
    "token": "ghp_0123456789abcdefghij0123456789abcdef",
    "aws": "AKIAPLANTEDPLANTED00",
    "key": "MIIEpAIBAAKCAQEAplantedkey0",
    "jwt": "c2lnbmVkcGxhbnRlZA",
    "curl": "pl4nted-curl-user",
    "probe": "pl4nted-probe-header",
    "init": "pl4nted-init-env",
    "cron": "pl4nted-cron-env",
    "pull": "pl4nted-docker-auth",
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def planted() -> list[dict[str, Any]]:
    """Objects with a secret in every place."""
    s = SECRETS
    annotation = json.dumps({"kind": "Secret", "data": {"x": s["annotation"]}})
    meta = {
        "namespace": "shop",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": annotation},
        "managedFields": [{"manager": s["managed"]}],
    }
    container = {
        "name": "c",
        "image": "shop:1",
        "env": [
            {"name": "DB_PASSWORD", "value": s["env"]},
            {"name": "PIN_TOKEN", "value": s["env-number"]},
            {"name": "DATABASE_URL", "value": f"postgres://shop:{s['url']}@db/shop"},
            {"name": "INNOCENT", "value": s["copied"]},
            {"name": "SESSION", "value": JWT},
            {"name": "MODE", "value": "production"},
            {"name": "API_TOKEN", "value": "$(FROM_ELSEWHERE)"},
        ],
        "args": [f"--api-key={s['arg']}", "--password", s["arg-next"], "--verbose", f"curl -u jo:{s['curl']} http://x"],
        "command": ["sh", "-c", f"export PASSWORD='{s['script']}'; git clone https://{s['token']}@github.com/x"],
        "livenessProbe": {
            "httpGet": {
                "path": "/",
                "port": 1,
                "httpHeaders": [{"name": "Authorization", "value": f"Bearer {s['probe']}"}],
            }
        },
    }
    init = {"name": "i", "image": "x:1", "env": [{"name": "SECRET_KEY", "value": s["init"]}]}
    template = {
        "metadata": {"annotations": {"x.io/last-applied-y": s["nested"]}},
        "spec": {"containers": [container], "initContainers": [init]},
    }
    cron = {
        "name": "c",
        "image": "x:1",
        "env": [
            {"name": "AWS", "value": s["aws"]},
            {"name": "PASSWD", "value": s["cron"]},
            {"name": "DB_PASS", "value": s["short-name"]},
            {"name": "connectionString", "value": f"Server=x;Pwd={s['connection']}"},
        ],
    }
    docker = json.dumps({"auths": {"r.example": {"auth": encoded(f"jo:{s['pull']}")}}})
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db", **meta},
            "data": {
                "password": encoded(s["secret-data"]),
                "copied": encoded(s["copied"]),
                "short": encoded("x"),
                "empty": "",
                "same": encoded(s["env"]),
            },
            "stringData": {"other": s["secret-string"]},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pull", "namespace": "shop"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": encoded(docker)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", **meta},
            "spec": {"template": template},
        },
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "night", **meta},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [cron]}}}}},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "config", **meta},
            "data": {
                "admin_password": s["config"],
                "app.properties": f"mode=fast\ndb.password={s['properties']}\n",
                "app.json": json.dumps({"client_secret": s["json"], "mode": "fast"}),
                "app.yaml": f"mode: fast\nsmtp:\n  password: {s['yaml']}\n",
                "tls.key": PRIVATE_KEY,
                "plain": "the token is issued by the server",
                "docker": docker,
                "manifest": f"apiVersion: v1\nkind: Secret\nstringData:\n  color: {s['text']}\n",
                "remote": f"git clone https://{s['user']}@git.example/x",
                "driver": f"Server=db;User=jo;Pwd={s['pwd']};Encrypt=yes",
            },
            "binaryData": {"blob": encoded(f"password={s['binary']}\n"), "image": "iVBORw0KGgo="},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "release", "namespace": "shop", "labels": {"OWNER": "TILLER"}},
            "data": {"release": encoded(s["helm"])},
        },
        {
            "apiVersion": "db.example/v1",
            "kind": "Database",
            "metadata": {"name": "own", **meta},
            "spec": {
                "auth": {"password": s["custom"]},
                "parameters": [{"name": "api.token", "value": s["parameter"]}],
                "objects": [{"apiVersion": "v1", "kind": "Secret", "data": {"color": encoded(s["within"])}}],
            },
        },
    ]


@pytest.fixture
def scrubbed(run: Run, tmp_path: Path) -> Path:
    """A snapshot of manifests with planted secrets."""
    source = tmp_path / "planted.json"
    source.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": planted()}))
    done = run("snapshot", str(source), "-o", str(tmp_path / "planted.snapshot"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "planted.snapshot"


@pytest.mark.parametrize("name", SECRETS)
def test_no_planted_secret_is_in_the_file(scrubbed: Path, name: str) -> None:
    text = unpack(scrubbed).decode("latin-1")
    secret = SECRETS[name]
    for form in (secret, encoded(secret), encoded(secret)[:-4], secret[:12], secret[-12:]):
        assert form not in text, f"{name} is in the snapshot as {form}"
    decoded = " ".join(_decode(found) for found in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text))
    assert secret not in decoded


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("latin-1")
    except ValueError:
        return ""


def objects(path: Path) -> dict[str, Any]:
    return {r.ref.name: r.raw for r in Snapshot(str(path)).resources() if isinstance(r, Resource)}


def test_what_is_no_secret_stays(scrubbed: Path) -> None:
    found = objects(scrubbed)
    config = found["config"]["data"]
    assert config["plain"] == "the token is issued by the server"
    assert config["app.properties"].startswith("mode=fast\ndb.password=scrubbed:")
    assert json.loads(config["app.json"])["mode"] == "fast"
    container = found["web"]["spec"]["template"]["spec"]["containers"][0]
    assert [v["value"] for v in container["env"][5:]] == ["production", "$(FROM_ELSEWHERE)"]
    assert container["env"][2]["value"].startswith("postgres://shop:scrubbed:")
    assert container["env"][2]["value"].endswith("@db/shop")
    assert container["args"][3] == "--verbose"
    assert found["db"]["data"]["empty"] == ""
    assert found["config"]["binaryData"]["image"] == "iVBORw0KGgo="
    assert all("managedFields" not in value["metadata"] for value in found.values())


def test_equal_values_stay_equal_within_a_snapshot_and_nowhere_else(run: Run, scrubbed: Path, tmp_path: Path) -> None:
    found = objects(scrubbed)
    env = found["web"]["spec"]["template"]["spec"]["containers"][0]["env"]
    data = found["db"]["data"]
    assert data["same"] == env[0]["value"]
    assert data["copied"] == env[3]["value"]
    assert data["same"] != data["copied"]
    assert len({len(value) for value in data.values() if value}) == 1, "lengths are not told"
    run("snapshot", str(tmp_path / "planted.json"), "-o", str(tmp_path / "again.snapshot"))
    assert objects(tmp_path / "again.snapshot")["db"]["data"]["same"] != data["same"]


def test_rules_say_of_a_scrubbed_value_what_they_said_of_the_value(
    scan_json: Any, scrubbed: Path, tmp_path: Path
) -> None:
    _, files = scan_json(str(tmp_path / "planted.json"), "--profile", "all")
    _, saved = scan_json(str(scrubbed), "--profile", "all")
    assert {f["rule"] for f in files["findings"]} >= {
        "literal-secret-in-env",
        "config-map-credential",
        "secret-in-manifest",
    }
    # All but what is told by the look of a value: that is skipped, as there is none any more.
    named = [f["fingerprint"] for f in findings(files) if f["rule"] != "secret-in-object"]
    assert [f["fingerprint"] for f in findings(saved)] == named
    (status,) = [each for each in saved["statuses"] if each["rule"] == "secret-in-object"]
    assert status["state"] == "skipped" and "snapshot" in status["reason"]


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_noticed(
    taken_once: bytes, tmp_path_factory: pytest.TempPathFactory, at: int, by: int
) -> None:
    at %= len(taken_once)
    changed = bytearray(taken_once)
    changed[at] ^= by
    assert broken(tmp_path_factory.mktemp("changed"), bytes(changed))


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0))
def test_a_cut_file_is_noticed(taken_once: bytes, tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    assert broken(tmp_path_factory.mktemp("cut"), taken_once[: at % len(taken_once)])


def broken(folder: Path, data: bytes) -> bool:
    """Whether reading a file gives an error."""
    (folder / "x.snapshot").write_bytes(data)
    try:
        loaded = list(Snapshot(str(folder / "x.snapshot")).resources())
    except SnapshotError:
        return True
    return any(isinstance(item, SourceError) for item in loaded)


@pytest.fixture(scope="module")
def taken_once(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from seawall.engine.reading import ReadOptions
    from seawall.engine.snapshot import take_snapshot

    folder = tmp_path_factory.mktemp("once")
    (folder / "in.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": planted() * 30}))
    take_snapshot(ReadOptions((str(folder / "in.json"),)), str(folder / "out"))
    data = (folder / "out").read_bytes()
    assert not broken(folder, data)
    return data


RECORD = b'["f","",null,0,0,[],[],{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}]'


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [HEAD],
        [HEAD, (BLOCK, RECORD)],
        [HEAD, (BLOCK, RECORD), tail(2)],
        [HEAD, (BLOCK, RECORD), (HEADER, HEAD[1]), tail(1)],
        [HEAD, (BLOCK, RECORD), tail(1), tail(1)],
        [(HEADER, b"{}"), tail(0)],
        [(HEADER, b'{"schema":"other/v1","tool":"","created":"","inputs":[]}'), tail(0)],
        [(BLOCK, RECORD), tail(1)],
        [HEAD, (BLOCK, b"[]"), tail(1)],
        [HEAD, (BLOCK, b'["f","",null,0,0,[],[],"text"]'), (TRAILER, b"[]")],
        [HEAD, (BLOCK, b'["f","",null,0,0,[],[],' + b"[" * 100_000 + b"]" * 100_000 + b"]"), tail(1)],
        [HEAD, (b"X", b"{}"), tail(0)],
    ],
)
def test_well_formed_nonsense_is_refused(run: Run, tmp_path: Path, frames: list[tuple[bytes, bytes]]) -> None:
    (tmp_path / "x").write_bytes(pack(frames))
    done = run("scan", str(tmp_path / "x"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"seawall: {tmp_path / 'x'}: " in done.stderr


@pytest.mark.parametrize("cluster", [b"null", b'"prod"'])
def test_a_forged_snapshot_does_not_show_files_of_this_machine(run: Run, tmp_path: Path, cluster: bytes) -> None:
    (tmp_path / "diary").write_text("very private\n" * 9)
    pod = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"hostPID":true,"containers":[]}}'
    record = b'["' + str(tmp_path / "diary").encode() + b'","",' + cluster + b",1,1,[],[]," + pod + b"]"
    (tmp_path / "x").write_bytes(pack([HEAD, (BLOCK, record), tail(1)]))
    done = run("scan", str(tmp_path / "x"), cwd=tmp_path)
    assert "host-pid" in done.stdout
    assert "very private" not in done.stdout


def test_a_frame_that_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    packed = zlib.compress(b" " * 200_000_000)
    frame = FRAME.pack(BLOCK, len(packed), 100, chain(b"", BLOCK, 100, packed)) + packed
    assert broken(tmp_path, MAGIC + frame)
    huge = FRAME.pack(BLOCK, len(packed), 200_000_000, chain(b"", BLOCK, 200_000_000, packed)) + packed
    assert broken(tmp_path, MAGIC + huge)


def test_another_version_of_the_form_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(MAGIC[:-1] + b"\x09" + b"whatever")
    done = run("scan", str(tmp_path / "x"))
    assert done.returncode == 2
    assert "form 9" in done.stderr


def test_snapshots_of_different_versions_are_not_judged_together(
    run: Run, server: Replay, kubeconfig: Kubeconfig, taken: Path, tmp_path: Path
) -> None:
    server.recording.documents["/version"] = {"major": "1", "minor": "30"}
    other = tmp_path / "old.snapshot"
    assert run("snapshot", "--kubeconfig", kubeconfig(server.url), "-o", str(other)).returncode == 0
    done = run("scan", str(taken), str(other))
    assert done.returncode == 2
    assert "1.30 and 1.36" in done.stderr
    assert run("scan", str(taken), str(other), "--kubernetes-version", "1.33", "--limit", "1").returncode == 1
