"""Attaching signatures to images in registries, and asking the command line what it thinks of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from seawall.model.trust import Attached
from tests.analysis.trust.made import IDENTITY, ISSUER, Sigstore, p256, public_pem
from tests.cli.test_registry import push
from tests.conftest import REPOSITORY, Run
from tests.registry import digest, push_blob, push_manifest
from tests.sources.images.build import BASE, Built, build, entry, tar

SCHEMAS = REPOSITORY / "src/seawall/reports/schemas"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = b"{}"
KEY = p256()

SIGSTORE = Sigstore()

FILES: dict[str, bytes | str] = {"release.pub": public_pem(KEY), "root.json": SIGSTORE.trust_root()}

KEYED: dict[str, Any] = {
    "signers": [{"name": "release", "keys": ["release.pub"]}],
    "requirements": [{"images": ["**"], "signedBy": ["release"]}],
}

KEYLESS: dict[str, Any] = {
    "trustRoot": "root.json",
    "signers": [{"name": "ci", "keyless": {"identity": IDENTITY, "issuer": ISSUER}}],
    "requirements": [{"images": ["**"], "signedBy": ["ci"]}],
}


def artifact(kind: str, layers: list[dict[str, Any]], subject: dict[str, Any] | None) -> bytes:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(EMPTY), "size": len(EMPTY)},
        "layers": layers,
    }
    if subject is not None:
        document["subject"] = subject
    return json.dumps(document).encode()


def attach(host: str, name: str, image: str, *found: Attached) -> list[str]:
    """Attach bundles and Notation's signatures as referrers, under the tag that stands in for the API; their names."""
    subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
    push_blob(host, name, EMPTY)
    listed: list[dict[str, Any]] = []
    for each in found:
        kind = "application/vnd.cncf.notary.signature" if each.form == "notation" else each.media_type
        blob = push_blob(host, name, each.data)
        layer = {"mediaType": each.media_type, "digest": blob, "size": len(each.data)}
        body = artifact(kind, [layer], subject)
        made = push_manifest(host, name, digest(body), body, MANIFEST)
        listed.append({"mediaType": MANIFEST, "digest": made, "size": len(body), "artifactType": kind})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
    push_manifest(host, name, image.replace(":", "-"), index, INDEX)
    return [each["digest"] for each in listed]


def attach_legacy(host: str, name: str, image: str, *found: Attached, suffix: str = "sig") -> None:
    """Attach what cosign does in its older form."""
    push_blob(host, name, EMPTY)
    layers = []
    for each in found:
        blob = push_blob(host, name, each.data)
        described = {"mediaType": each.media_type, "digest": blob, "size": len(each.data)}
        layers.append(described | {"annotations": each.annotations})
    body = artifact("", layers, None)
    push_manifest(host, name, f"{image.replace(':', '-')}.{suffix}", body, MANIFEST)


def write_policy(folder: Path, policy: dict[str, Any], files: dict[str, bytes | str] | None = None) -> str:
    """Write a policy with its files; JSON is YAML."""
    for name, data in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    file = folder / "seawall-trust.yaml"
    file.write_text(json.dumps(policy))
    return str(file)


def verify(run: Run, policy: str, *images: str) -> tuple[int, dict[str, Any], str]:
    done = run("image", "verify", *images, f"--trust={policy}", "--format", "json")
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "verify.v1.json").read_text()))
    return done.returncode, document, done.stderr


def findings(run: Run, policy: str, *images: str) -> tuple[int, dict[str, Any], str]:
    done = run("image", *images, f"--trust={policy}", "--format", "json")
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "findings.v1.json").read_text()))
    return done.returncode, document, done.stderr


def rules(document: dict[str, Any]) -> set[str]:
    return {each["rule"] for each in document["findings"]}


def image(tag: str, **config: Any) -> Built:
    return build([BASE, tar(entry("app", tag.encode()))], config=config)


def pushed(host: str, tag: str, **config: Any) -> tuple[str, str]:
    """Push an image of its own; its name and digest."""
    built = image(tag, **config)
    push(host, f"shop/{tag}", "1", built)
    return f"{host}/shop/{tag}:1", built.digest
