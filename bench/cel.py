"""Evaluations of CEL a second of CPU, with each object converted once, against the stated bound."""

from __future__ import annotations

import time

from seawall.analysis.policies.admission import (
    Action,
    BindingSpec,
    MatchResources,
    Operation,
    PolicySpec,
    ResourceRule,
    Validation,
)
from seawall.analysis.policies.admitting import Admission
from seawall.analysis.policies.form import OwnPolicy
from seawall.analysis.policies.judging import prepare
from seawall.analysis.policies.running import Judged
from seawall.analysis.policies.subject import Subject
from seawall.model.resource import Resource
from seawall.sources.manifests import load_stdin

_BOUND, _OBJECTS = 100_000, 500
_POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: p{0}, namespace: shop, labels: {{team: a, app: b}}}}
spec:
  containers:
    - {{name: a, image: "registry.example.com/a:1", securityContext: {{privileged: false}}}}
    - {{name: b, image: "registry.example.com/b:1", resources: {{limits: {{memory: 1Gi}}}}}}
"""
_EXPRESSIONS = (
    "has(object.metadata.labels.team)",
    "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))",
    "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
    "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
    "object.metadata.name.matches('^[a-z0-9-]+$')",
    "object.spec.restartPolicy in ['Always', 'OnFailure']",
    "size(object.spec.containers) < 10",
    "object.metadata.namespace != 'default'",
    "object.spec.terminationGracePeriodSeconds <= 60",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
)


def _admission() -> list[Judged]:
    """The same expressions as ValidatingAdmissionPolicies, five validations each."""
    rule = ResourceRule(("",), ("v1",), (Operation.CREATE,), ("pods",))
    made: list[Judged] = []
    for start in (0, 5, 0, 5):
        checks = tuple(Validation(each) for each in _EXPRESSIONS[start : start + 5])
        spec = PolicySpec(MatchResources(resource_rules=(rule,)), validations=checks)
        made.append(Admission(spec, [BindingSpec("p", (Action.DENY,))]))
    return made


def _measure(resources: list[Resource], policies: list[Judged], expressions: int) -> float:
    """Evaluations a second, the conversion of the objects included; the best of five."""
    best = 0.0
    for _ in range(5):
        start = time.process_time()
        for resource in resources:
            subject = Subject(resource)
            for policy in policies:
                if policy.wants(subject) and list(policy.judge(subject)):
                    raise SystemExit("a good object breaks a policy")
        best = max(best, len(resources) * expressions / (time.process_time() - start))
    return best


def main() -> None:
    """Measure both forms of policies and print."""
    text = "---\n".join(_POD.format(index) for index in range(_OBJECTS))
    resources = [each for each in load_stdin(text.encode()) if isinstance(each, Resource)]
    raws = [each.raw for each in resources]
    for resource, raw in zip(resources, raws, strict=True):
        resource.hold(raw)
    short: list[Judged] = [prepare(OwnPolicy(f"p{index}", text)) for index, text in enumerate(_EXPRESSIONS * 2)]
    for what, policies in (("short form", short), ("ValidatingAdmissionPolicy", _admission())):
        best = _measure(resources, policies, 20)
        verdict = "ok" if best >= _BOUND else "UNDER"
        print(f"CEL, {what}, 20 expressions an object: {best:,.0f}/s of {_BOUND:,}/s ({best / _BOUND:.2f})  {verdict}")


if __name__ == "__main__":
    main()
