"""Charts, rendered by both engines: what is found, where it is said to come from, and what is refused."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.model.finding import RenderedEvidence, SourceError
from seawall.model.paths import Path as FieldPath
from seawall.model.rendered import RenderedOrigin
from seawall.model.resource import Resource
from seawall.sources import scratch
from seawall.sources.child import Bounds
from seawall.sources.helm import Engine, Release, find_engine, load_chart, stage_folder
from seawall.sources.helm.engine import find_library
from seawall.sources.manifests import Skipped
from tests.conftest import Run
from tests.kube import CHARTS, program

SHOP = CHARTS / "shop"


@pytest.fixture(params=["library", "program"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    yield from _engine(request.param, tmp_path, Bounds(seconds=60))


def _engine(kind: str, home: Path, bounds: Bounds) -> Iterator[Engine]:
    if kind == "library" and find_library() is None:
        pytest.skip("helm-python-sdk is not there for this machine")
    found = find_engine(program("helm") if kind == "program" else None, bounds, str(home))
    assert found is not None
    yield found
    found.close()
    scratch.clean()


def load(chart: Path, engine: Engine, release: Release | None = None) -> list[Any]:
    staged = stage_folder(str(chart), str(chart), str(chart), scratch.scratch_folder())
    return list(load_chart(staged, "", str(chart), release or Release(), engine))


def make(folder: Path, template: str, head: str = "", values: str = "") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: app\nversion: 0.1.0\n{head}")
    (folder / "values.yaml").write_text(values)
    (folder / "templates" / "a.yaml").write_text(template)
    return folder


def only_error(items: list[Any]) -> SourceError:
    (error,) = items
    assert isinstance(error, SourceError)
    return error


def trace(items: list[Any], kind: str, *path: str | int) -> tuple[list[str], RenderedEvidence]:
    resource = next(item for item in items if isinstance(item, Resource) and item.ref.kind == kind)
    assert isinstance(resource.origin, RenderedOrigin)
    found = resource.origin.traces([path])[0]
    return [f"{Path(place.file).name}:{place.line}" for place in found.locations], found.evidence


def line_of(file: str, text: str) -> int:
    lines = (SHOP / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


CONTAINERS: FieldPath = ("spec", "template", "spec", "containers")


def test_a_chart_with_its_parts(engine: Engine) -> None:
    items = load(SHOP, engine)
    assert not [item for item in items if not isinstance(item, Resource)]
    names = sorted(str(item.ref) for item in items)
    assert names == [
        "ConfigMap default/release-name-shop-config",
        "CustomResourceDefinition coupons.shop.example.com",
        "Deployment default/release-name-shop",
        "Pod default/release-name-sessions",
        "Pod release-name-shop-smoke",
    ]


def test_where_fields_come_from(engine: Engine) -> None:
    items = load(SHOP, engine)
    literal = trace(items, "Deployment", "spec", "template", "spec", "hostNetwork")
    network = line_of("templates/deployment.yaml", "hostNetwork:")
    assert literal[0] == [f"deployment.yaml:{network}", f"values.yaml:{line_of('values.yaml', 'hostNetwork:')}"]
    assert literal[1] == RenderedEvidence("helm", str(SHOP), False, ("hostNetwork",), None)

    laid = trace(items, "Deployment", *CONTAINERS, 0, "securityContext", "privileged")
    block = line_of("templates/deployment.yaml", "toYaml .Values.securityContext")
    assert laid[0] == [f"deployment.yaml:{block}", f"values.yaml:{line_of('values.yaml', 'privileged: true')}"]
    assert laid[1].values == ("securityContext.privileged",) and not laid[1].likely

    absent = trace(items, "Deployment", *CONTAINERS, 0, "securityContext", "runAsNonRoot")
    assert absent[1].values == ("securityContext.runAsNonRoot",)
    assert absent[0] == [f"deployment.yaml:{block - 1}", f"values.yaml:{line_of('values.yaml', 'securityContext:')}"]

    within = trace(items, "Deployment", "spec", "template", "spec", "volumes", 0, "hostPath", "path")
    assert within[1].values == ("volumes[0].hostPath.path",)

    image = trace(items, "Deployment", *CONTAINERS, 0, "image")
    assert image[1].values == ("image.repository", "image.tag")

    helper = trace(items, "Deployment", *CONTAINERS, 1, "securityContext", "privileged")
    assert helper[0] == [f"_helpers.tpl:{line_of('templates/_helpers.tpl', 'privileged')}"]

    # The name of a container's place is certain, and says nothing of values that could not help.
    name = trace(items, "Deployment", *CONTAINERS, 0, "resources")
    assert name[1].values == () and not name[1].likely

    # The hash of a template that was marked differs, so that line alone is only likely.
    hashed = trace(items, "Deployment", "spec", "template", "metadata", "annotations", "checksum/config")
    assert hashed[0] == [f"deployment.yaml:{line_of('templates/deployment.yaml', 'checksum/config')}"]
    assert hashed[1].likely


def test_named_templates_that_are_computed_with_are_left_alone(engine: Engine, tmp_path: Path) -> None:
    """As library charts do: text to values, merged, and to text again; marks in it would change the order of keys."""
    helpers = """\
{{- define "base" -}}
apiVersion: v1
kind: Pod
metadata:
  name: z
spec:
  zeta: 1
  hostPID: true
  alpha: 2
{{- end -}}
{{- define "is-on" -}}
{{- if .Values.on }}
yes: please
{{- end }}
{{- end -}}
"""
    template = """\
{{- $pod := include "base" . | fromYaml }}
{{- if include "is-on" . }}
first: line
{{- end }}
{{ mergeOverwrite $pod (dict "metadata" (dict "name" "a")) | toYaml }}
"""
    chart = make(tmp_path / "app", template)
    (chart / "templates" / "_helpers.tpl").write_text(helpers)
    places, evidence = trace(load(chart, engine), "Pod", "spec", "hostPID")
    assert places == ["a.yaml:5"] and not evidence.likely


def test_subcharts_have_their_own_values(engine: Engine) -> None:
    items = load(SHOP, engine)
    pods = [item for item in items if item.ref.name == "release-name-sessions"]
    places, evidence = trace(pods, "Pod", "spec", "containers", 0, "securityContext", "privileged")
    assert evidence.values == ("sessions.privileged",)
    assert places == ["pod.yaml:11", f"values.yaml:{line_of('values.yaml', 'sessions:') + 1}"]
    places, evidence = trace(pods, "Pod", "spec", "hostPID")
    assert evidence.values == ("sessions.hostPID",)
    resource = pods[0].origin.traces([("spec", "hostPID")])[0]
    assert resource.locations[1].file.endswith("charts/cache/values.yaml")


def test_hooks_are_labelled(engine: Engine) -> None:
    items = [item for item in load(SHOP, engine) if item.ref.name.endswith("-smoke")]
    assert trace(items, "Pod", "spec", "hostPID")[1].hook == "test"


def test_values_files_and_sets_are_laid_over(engine: Engine) -> None:
    files = (("one.yaml", "hostNetwork: false\nimage: {tag: '1'}\n"), ("two.yaml", "\nimage: {tag: '2'}\n"))
    release = Release("demo", "prod", "v1.30.0", files, ("securityContext.privileged=false", "image.repository=r"))
    items = load(SHOP, engine, release)
    deployment = next(item for item in items if item.ref.kind == "Deployment")
    assert deployment.ref.name == "demo-shop" and deployment.ref.namespace == "prod"
    web = deployment.raw["spec"]["template"]["spec"]["containers"][0]
    assert web["image"] == "r:2" and web["securityContext"]["privileged"] is False
    config = next(item for item in items if item.ref.kind == "ConfigMap").raw["data"]
    assert config["kubernetes"] == "v1.30.0"
    assert trace(items, "Deployment", "spec", "template", "spec", "hostNetwork")[0][1] == "one.yaml:1"
    assert trace(items, "Deployment", *CONTAINERS, 0, "image")[0][-1] == "two.yaml:2"


def test_nothing_is_looked_up(engine: Engine) -> None:
    config = next(item for item in load(SHOP, engine) if item.ref.kind == "ConfigMap").raw["data"]
    assert config["looked-up"] == "{}" and config["resolved"] == ""
    assert config["page.tmpl"] == "{{ not an action }}\nprivileged: true\n"


@pytest.mark.parametrize(
    ("template", "where", "message"),
    [
        ('a: b\nx: {{ fail "no way" }}\n', "2:6", "no way"),
        ("x: {{ .Values.a.b.c }}\n", "1:", "nil pointer"),
        ('a: b\n\nx: {{ include "nope" . }}\n', "3:6", 'no template "nope"'),
        ("x: {{ if }}\n", "1", "missing value for if"),
        ('x: {{ required "need foo" .Values.foo }}\n', "1:6", "need foo"),
    ],
)
def test_a_template_that_fails_is_named(
    engine: Engine, tmp_path: Path, template: str, where: str, message: str
) -> None:
    error = only_error(load(make(tmp_path / "app", template), engine))
    assert error.source == str(tmp_path / "app" / "templates" / "a.yaml")
    assert error.where.startswith(where)
    assert "chart app cannot be rendered" in error.message and message in error.message and "\n" not in error.message


def test_rendered_text_that_is_no_yaml_is_told_at_its_template_line(engine: Engine, tmp_path: Path) -> None:
    template = "{{ range until 3 }}{{ end }}\napiVersion: v1\nkind: ConfigMap\n{{- /* c */}}\ndata: {a: [}\n"
    error = only_error(load(make(tmp_path / "app", template), engine))
    assert (error.source, error.where) == (str(tmp_path / "app" / "templates" / "a.yaml"), "5")


def test_missing_dependencies_are_an_error(engine: Engine, tmp_path: Path, conformance: Path) -> None:
    error = only_error(load(conformance / "charts" / "falco", engine))
    assert "falcosidekick, k8s-metacollector, falco-talon" in error.message
    assert "helm dependency build" in error.message


def test_a_chart_for_other_versions_is_refused(engine: Engine, tmp_path: Path) -> None:
    chart = make(tmp_path / "app", "a: b\n", 'kubeVersion: ">=1.20.0-0 <1.30.0-0"\n')
    error = only_error(load(chart, engine, Release(kubernetes="v1.33.0")))
    assert "1.30" in error.message and "--kubernetes-version" in error.message
    assert not [item for item in load(chart, engine, Release(kubernetes="v1.29.0")) if isinstance(item, SourceError)]


def test_a_schema_is_kept_to(engine: Engine, tmp_path: Path) -> None:
    chart = make(tmp_path / "app", "a: b\n", values="replicas: many\n")
    (chart / "values.schema.json").write_text('{"properties": {"replicas": {"type": "integer"}}}')
    assert "got string, want integer" in only_error(load(chart, engine)).message


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/x", "file:///etc/passwd", "HTTPS:\\/\\/example.com"])
def test_a_schema_from_elsewhere_is_refused(engine: Engine, tmp_path: Path, target: str) -> None:
    chart = make(tmp_path / "app", "a: b\n")
    (chart / "values.schema.json").write_text(f'{{\n  "$ref": "{target}"}}')
    error = only_error(load(chart, engine))
    assert error.source.endswith("values.schema.json") and error.where == "2"


def test_a_library_chart_is_judged_where_it_is_used(engine: Engine, tmp_path: Path) -> None:
    (skipped,) = load(make(tmp_path / "app", "a: b\n", "type: library\n"), engine)
    assert isinstance(skipped, Skipped) and "library" in skipped.reason


@pytest.mark.parametrize("kind", ["library", "program"])
@pytest.mark.parametrize(
    "template",
    [
        'x: {{ repeat 2000000000 "x" | len }}',
        "{{ range until 2000000000 }}{{ end }}",
        '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}',
    ],
)
def test_a_chart_that_eats_everything_is_stopped(kind: str, template: str, tmp_path: Path) -> None:
    bounds = Bounds(cpu=4, seconds=10, memory=2 << 30)
    (tmp_path / "home").mkdir()
    for engine in _engine(kind, tmp_path / "home", bounds):
        error = only_error(load(make(tmp_path / "app", template), engine))
        assert "cannot be rendered" in error.message and len(error.message) < 600
        # And the next chart is judged as if nothing had been.
        good = make(tmp_path / "good", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
        assert [str(item.ref) for item in load(good, engine)] == ["ConfigMap a"]


def test_every_certain_line_of_public_charts_holds_its_field(engine: Engine, conformance: Path) -> None:
    """The last key of each field stands on the line that is said to be certain, or an action there wrote it."""
    certain = guessed = 0
    for name in ("kwok", "online-boutique", "kubescape-example"):
        for item in load(conformance / "charts" / name, engine):
            assert isinstance(item, Resource) and isinstance(item.origin, RenderedOrigin)
            for path in fields(item.raw):
                found = item.origin.traces([path], item.raw)[0]
                place = found.locations[0]
                line = Path(place.file).read_text().splitlines()[place.line - 1]
                key = next(step for step in reversed(path) if isinstance(step, str))
                if found.evidence.likely:
                    guessed += 1
                    continue
                certain += 1
                assert key in line or "{{" in line or isinstance(path[-1], int), (path, line)
    assert certain > 1400
    assert guessed == 0


def fields(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield (*path, key)
        yield from fields(below, (*path, key))


def test_the_command_line(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    shutil.copytree(SHOP, folder / "shop")
    done = run("scan", str(folder), "--set", "hostNetwork=false", "--release", "x", "--skip-rule", "image-latest-tag")
    assert done.returncode == 1, done.stderr
    assert "values: set by securityContext.privileged" in done.stdout
    assert "host-network" not in done.stdout
    assert done.stdout.count("Pod default/x-sessions (") >= 1


def test_charts_within_charts(scan_json: Any, tmp_path: Path) -> None:
    """Subcharts are rendered with their chart, once; a chart in another folder of it is one of its own."""
    shutil.copytree(SHOP, tmp_path / "shop")
    inner = make(tmp_path / "shop" / "examples" / "app", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inner}\n")
    (inner.parent / "loose.yaml").write_text("a: {{ not yaml }}\n")
    code, document = scan_json(str(tmp_path), "--fail-on", "none")
    assert code == 0
    assert document["summary"]["resources"] == 6
    assert document["summary"]["skipped"]["a file in a Helm chart"] == 1


def test_a_packaged_chart_shows_its_lines(run: Run, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "shop-1.2.0.tgz", "w:gz") as archive:
        archive.add(SHOP, "shop")
    done = run("scan", "shop-1.2.0.tgz", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    number = line_of("templates/deployment.yaml", "hostNetwork:")
    assert f"shop-1.2.0.tgz/shop/templates/deployment.yaml:{number}:7" in done.stdout
    assert f"{number} |       hostNetwork: {{{{ .Values.hostNetwork }}}}" in done.stdout


def test_without_helm_a_chart_is_not_judged(run: Run, tmp_path: Path) -> None:
    done = run("scan", str(SHOP), "--helm", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "no program that can be run" in done.stderr


def test_scratch_folders_are_gone(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run("scan", str(SHOP))
    assert not list(tmp_path.glob("seawall-*"))


def test_waivers_in_templates_hold(run: Run, tmp_path: Path) -> None:
    head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n"
    text = head + "  hostPID: {{ .Values.pid }}  # seawall: ignore[host-pid] a debugging tool\n"
    text += "  {{- range until 3 }}\n  {{- end }}\n  hostIPC: true  # seawall: ignore[nonsense] x\n"
    chart = make(tmp_path / "app", text, values="pid: true\n")
    done = run("scan", str(chart), "--rule", "host-pid")
    assert done.returncode == 0, done.stdout
    assert "waived: a debugging tool" in done.stdout
    assert "a.yaml:8 waives 'nonsense'" in done.stderr


def test_secrets_in_values_are_never_shown(run: Run, tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: {{ .Values.password }}\n"
    chart = make(tmp_path / "app", text, values="password: correct-horse-battery\n")
    for name in ("terminal", "json", "html", "sarif", "markdown"):
        done = run("scan", str(chart), "--format", name)
        assert "secret-in-manifest" in done.stdout and "correct-horse" not in done.stdout
