"""JSON of what is listed rather than found: rules, mistakes in configuration, frameworks and their controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from seawall import __version__

if TYPE_CHECKING:
    from seawall.engine.configcheck import Problem
    from seawall.engine.frameworks import Control, Framework
    from seawall.engine.gap import Gap
    from seawall.model.rule import Rule
    from seawall.model.version import KubernetesVersion


def rules(listed: Iterable[Rule], version: KubernetesVersion) -> bytes:
    """Rules by their ids, as every report of findings tells them (``seawall.rules/v1``)."""
    from seawall.reports.json import rule_details

    return _document("seawall.rules/v1", {"rules": {rule.id: rule_details(rule, version) for rule in listed}})


def config_problems(files: Sequence[str], problems: Sequence[Problem]) -> bytes:
    """What is wrong in files of configuration (``seawall.config-check/v1``)."""
    return _document("seawall.config-check/v1", {"files": files, "problems": problems})


def frameworks(listed: Iterable[Framework], coverage: Mapping[str, Mapping[str, int]]) -> bytes:
    """Frameworks without their controls, with how many there are of each kind (``seawall.frameworks/v1``)."""
    rows = [{**_named(each), "controls": len(each.controls), "coverage": coverage[each.id]} for each in listed]
    return _document("seawall.frameworks/v1", {"frameworks": rows})


def controls(framework: Framework, listed: Iterable[Control]) -> bytes:
    """Controls of a framework, with what is behind each (``seawall.controls/v1``)."""
    rows = [
        {
            "id": each.data.id,
            "title": each.data.title,
            "section": each.data.section,
            "automation": each.data.automation,
            "why": each.data.why,
            "needed": each.needed,
            "further": each.further,
            "engines": each.data.engines,
            "attest": each.data.attest,
            "steps": each.data.steps,
        }
        for each in listed
    ]
    return _document("seawall.controls/v1", {"framework": _named(framework), "controls": rows})


def gaps(first: Framework, second: Framework, found: Sequence[Gap]) -> bytes:
    """What the second framework asks beyond the first (``seawall.gap/v1``)."""
    return _document("seawall.gap/v1", {"met": _named(first), "asked": _named(second), "gaps": found})


def _named(framework: Framework) -> dict[str, Any]:
    return {
        "id": framework.id,
        "title": framework.title,
        "version": framework.version,
        "mapping": framework.mapping,
    }


def _document(schema: str, body: Mapping[str, Any]) -> bytes:
    head = {"schema": schema, "tool": {"name": "seawall", "version": __version__}}
    return msgspec.json.encode({**head, **body}) + b"\n"
