"""``seawall scan --images`` and ``seawall image watch``: images of a real registry, told with their workloads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seawall.model.advisories import Known
from seawall.store.inventories import InventoryStore
from tests.analysis.images.made import database, osv
from tests.analysis.malware import samples
from tests.cli.test_registry import push
from tests.conftest import REPOSITORY, Run
from tests.registry import running_registry
from tests.sources.images.build import BASE, OS_RELEASE, Built, build, entry, tar, write_layout

SCHEMAS = REPOSITORY / "src/seawall/reports/schemas"
FIXED = [{"introduced": "0"}, {"fixed": "5.2.15-3"}]
SEVERITY = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
ONE = osv("CVE-2024-1", "Debian:12", "bash", FIXED, severity=SEVERITY)
TWO = osv("CVE-2024-2", "Debian:12", "bash", [{"introduced": "0"}], severity=SEVERITY)
NONE = osv("CVE-2024-9", "Debian:12", "other", FIXED)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "DOCKER_CONFIG", "XDG_STATE_HOME", "SEAWALL_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def advisories(tmp_path: Path, *documents: dict[str, Any], known: dict[str, Known] | None = None) -> str:
    path = tmp_path / "db"
    path.unlink(missing_ok=True)
    database(path, documents, known).close()
    return str(path)


def workload(kind: str, name: str, *images: str, **more: Any) -> dict[str, Any]:
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    spec = template["spec"] if kind == "Pod" else {"template": template, "selector": {"matchLabels": {"app": name}}}
    meta = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1" if kind == "Pod" else "apps/v1", "kind": kind, "metadata": meta, "spec": spec, **more}


def scan(run: Run, objects: list[dict[str, Any]], *args: str) -> tuple[int, dict[str, Any], str]:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).encode()
    done = run("scan", "-", "--images", "--format", "json", "--rule", "host-pid", *args, stdin=text)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "findings.v1.json").read_text()))
    return done.returncode, document, done.stderr


def runs(finding: dict[str, Any]) -> set[str]:
    return {each["resource"]["name"] for each in finding["evidence"] if each["type"] == "resource"}


def app(tag: str) -> Built:
    return build([BASE, tar(entry("app", tag.encode()))])


def test_one_finding_a_digest_with_its_workloads(run: Run, host: str, tmp_path: Path) -> None:
    image = app("shared")
    push(host, "one/app", "1", image)
    push(host, "two/app", "1", image)
    objects = [workload("Deployment", "web", f"{host}/one/app:1"), workload("DaemonSet", "log", f"{host}/two/app:1")]
    code, document, stderr = scan(run, objects, f"--db={advisories(tmp_path, ONE)}")
    assert (code, stderr) == (1, "")
    [found] = document["findings"]
    assert found["rule"] == "vulnerable-package"
    assert found["resource"]["name"].endswith(image.digest)
    assert runs(found) == {"web", "log"}
    assert "vulnerable-package" in document["rules"]


def test_the_digest_that_runs_counts_and_not_what_the_tag_means_now(run: Run, host: str, tmp_path: Path) -> None:
    old, new = app("old"), build([tar(entry("etc/os-release", OS_RELEASE))])
    push(host, "moved", "1", old)
    push(host, "moved", "1", new)
    name = f"{host}/moved:1"
    status = {"containerStatuses": [{"name": "c0", "imageID": f"docker-pullable://{host}/moved@{old.digest}"}]}
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}]
    pod = workload("Pod", "web-1", name, status=status)
    pod["metadata"]["ownerReferences"] = owner
    code, document, _ = scan(run, [workload("ReplicaSet", "web", name), pod], f"--db={advisories(tmp_path, ONE)}")
    assert code == 1
    [found] = document["findings"]
    assert found["resource"]["name"].endswith(old.digest)
    assert runs(found) == {"web"}


def test_what_cannot_be_had_is_not_judged(run: Run, host: str, tmp_path: Path) -> None:
    push(host, "there", "1", app("there"))
    objects = [workload("Deployment", "web", f"{host}/there:1", f"{host}/absent:1")]
    db = advisories(tmp_path, ONE)
    code, document, stderr = scan(run, objects, f"--db={db}")
    assert code == 2
    assert document["summary"]["complete"] is False
    assert [each["source"] for each in document["errors"]] == [f"{host}/absent:1"]
    assert len(document["findings"]) == 1
    assert "absent" in stderr
    assert scan(run, objects, f"--db={db}", "--keep-going")[0] == 1
    assert scan(run, objects, f"--db={db}", "--offline")[0] == 2


def test_without_a_database(run: Run, tmp_path: Path) -> None:
    text = json.dumps(workload("Deployment", "web", "nginx")).encode()
    done = run("scan", "-", "--images", f"--db={tmp_path / 'none'}", "--offline", stdin=text)
    assert done.returncode == 2
    assert "seawall db" in done.stderr


def watch(run: Run, db: str, *args: str) -> tuple[int, dict[str, Any]]:
    done = run("image", "watch", f"--db={db}", "--format", "json", *args)
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads((SCHEMAS / "imagewatch.v1.json").read_text()))
    return done.returncode, document


def test_watch_tells_what_became_known_without_pulling(run: Run, tmp_path: Path) -> None:
    with running_registry(tmp_path) as host:
        image = app("watched")
        push(host, "app", "1", image)
        db = advisories(tmp_path, NONE)
        assert scan(run, [workload("Deployment", "web", f"{host}/app:1")], f"--db={db}", "--remember")[0] == 0
    code, document = watch(run, db)
    assert (code, document["images"], document["first"], document["changes"]) == (0, 1, 1, [])
    code, document = watch(run, advisories(tmp_path, ONE, TWO))
    assert code == 1
    assert [(each["what"], each["vulnerability"]) for each in document["changes"]] == [
        ("new", "CVE-2024-1"),
        ("new", "CVE-2024-2"),
    ]
    assert document["changes"][0]["workloads"][0]["name"] == "web"
    assert document["changes"][0]["digest"] == image.digest
    assert watch(run, advisories(tmp_path, ONE, TWO))[1]["changes"] == []
    explained = run("image", "explain", "CVE-2024-1", f"--db={tmp_path / 'db'}", "--format", "json")
    assert explained.returncode == 0
    told = json.loads(explained.stdout)
    jsonschema.validate(told, json.loads((SCHEMAS / "imageexplain.v1.json").read_text()))
    assert [each["name"] for each in told["workloads"]] == ["web"]
    assert told["places"][0]["fixed"] == ["5.2.15-3"]
    assert "run by Deployment shop/web" in run("image", "explain", "CVE-2024-1", f"--db={tmp_path / 'db'}").stdout
    exploited = {"CVE-2024-1": Known(kev_added="2026-11-01")}
    mended = osv("CVE-2024-2", "Debian:12", "bash", FIXED, severity=SEVERITY)
    code, document = watch(run, advisories(tmp_path, ONE, mended, known=exploited))
    assert code == 1
    assert {(each["what"], each["vulnerability"]) for each in document["changes"]} == {
        ("exploited", "CVE-2024-1"),
        ("fixed", "CVE-2024-2"),
    }
    code, document = watch(run, advisories(tmp_path, mended))
    assert (code, document["gone"], document["changes"]) == (0, 1, [])


def test_no_credential_is_remembered(run: Run, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "app", (app("secretive"), "v1"))
    assert run("image", str(layout), f"--remember-in={tmp_path / 'store'}").returncode == 0
    with InventoryStore(str(tmp_path / "store")) as store:
        [kept] = list(store.all())
    assert kept.inventory.config is not None
    assert kept.inventory.config.env == ("PATH=/bin", "DB_PASSWORD=[redacted]")
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o600


def test_nothing_remembered(run: Run, tmp_path: Path) -> None:
    done = run("image", "watch", f"--db={advisories(tmp_path, ONE)}")
    assert done.returncode == 2
    assert "--remember" in done.stderr


def test_a_damaged_store_is_told(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.write_bytes(b"no database" * 999)
    done = run("image", "watch", f"--db={advisories(tmp_path, ONE)}", f"--remember-in={store}")
    assert done.returncode == 2
    assert str(store) in done.stderr and "Traceback" not in done.stderr


def test_malware_in_the_images_of_workloads(run: Run, host: str, tmp_path: Path) -> None:
    pytest.importorskip("yara_x")
    pool = tar(entry("etc/pool.conf", samples.whole("server=gulf.monero^^ocean.stream:10128")))
    push(host, "mine/app", "1", build([BASE, pool]))
    objects = [workload("Deployment", "web", f"{host}/mine/app:1"), workload("Pod", "one", f"{host}/mine/app:1")]
    code, document, stderr = scan(run, objects, f"--db={advisories(tmp_path, NONE)}", "--malware")
    (finding,) = [each for each in document["findings"] if each["rule"] == "image-crypto-miner"]
    assert code == 1 and runs(finding) == {"web", "one"} and "rules of seawall" in stderr
    assert "etc/pool.conf" in finding["message"] and "Deployment shop/web and 1 more run it" in finding["message"]
    assert finding["evidence"][0]["type"] == "file" and document["sets"][0]["name"] == "seawall"
