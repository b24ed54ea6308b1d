"""The catalogue of benchmarks: the YAML beside this module, read strictly and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from seawall.analysis.nodes.expressions import Test, compile_test
from seawall.analysis.nodes.settings import DATA, DataError, decode
from seawall.analysis.nodes.subjects import setting_name
from seawall.model.finding import Severity
from seawall.model.rule import Control, Scope, parse_controls
from seawall.model.version import KubernetesVersion, parse_version

#: Files beside the benchmarks that hold no checks.
_OTHER_FILES = frozenset(("settings.yaml", "benchmarks.yaml"))


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """What is told of a check that is a rule of its own; of others the rule of that name tells it."""

    title: str
    severity: Severity
    why: str
    remediation: str
    scope: Scope = Scope.NODE
    aliases: str = ""
    references: tuple[str, ...] = ()
    notes: str = ""


class LayoutFix(Struct, frozen=True, forbid_unknown_fields=True):
    """What a distribution offers instead: lines of a file of its own, and what makes them count."""

    file: str
    lines: tuple[str, ...]
    after: tuple[str, ...] = ()
    note: str = ""


class Fix(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change: settings to set, lists to add to or remove from, settings to take out.

    ``note`` is what a person has to know or decide first. Modes and owners of files follow from the test. ``layouts``
    has the ways of distributions that go before all this.
    """

    set: dict[str, Any] = {}
    add: dict[str, tuple[str, ...]] = {}
    remove: dict[str, tuple[str, ...]] = {}
    unset: tuple[str, ...] = ()
    note: str = ""
    layouts: dict[str, LayoutFix] = {}


class Examples(Struct, frozen=True, forbid_unknown_fields=True):
    """Changes (JSON merge patches) to the base facts: with each ``bad`` one the check fails, with ``good`` it passes.

    The base facts are a good example themselves.
    """

    bad: tuple[dict[str, Any], ...]
    good: tuple[dict[str, Any], ...] = ()


class CheckData(Struct, frozen=True, forbid_unknown_fields=True):
    """A check as it is written; ``rule`` is a rule of Seawall, or with ``words`` one of this catalogue.

    One with no ``controls`` belongs to no benchmark, and is judged on every node that any benchmark is about.
    """

    rule: str
    controls: str
    test: dict[str, Any]
    examples: Examples
    words: Words | None = None
    fix: Fix = Fix()


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of an evidence form: what to write down, and how it is to be found."""

    name: str
    what: str


class ManualData(Struct, frozen=True, forbid_unknown_fields=True):
    """A control that people answer, or rules over a cluster (``policy``): steps to take, and what to record."""

    controls: str
    title: str
    why: str
    steps: tuple[str, ...]
    record: tuple[Record, ...]
    policy: bool = False


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    base: str
    checks: tuple[CheckData, ...] = ()
    manual: tuple[ManualData, ...] = ()


class _BenchmarkData(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    kind: Literal["kubernetes", "docker"]
    sections: dict[str, str]
    versions: tuple[str, str] | None = None
    layouts: tuple[str, ...] = ()


class Benchmark(NamedTuple):
    """A benchmark: the Kubernetes versions that it is for (first and last), the layouts that it is for alone, and
    what its sections are called."""

    name: str
    title: str
    kind: str
    versions: tuple[KubernetesVersion, KubernetesVersion] | None
    layouts: tuple[str, ...]
    sections: Mapping[str, str]


class Check(NamedTuple):
    """A check that is ready to judge: ``written`` is its test as data, ``base`` names the facts that its examples
    change."""

    rule: str
    words: Words | None
    control_list: str
    controls: tuple[Control, ...]
    test: Test
    fix: Fix
    examples: Examples
    base: str
    written: dict[str, Any]

    def ids(self, benchmark: str) -> tuple[str, ...]:
        """The controls of a benchmark that it answers to."""
        return tuple(control.id for control in self.controls if control.framework == benchmark)


class Manual(NamedTuple):
    """A control that is not automated."""

    controls: tuple[Control, ...]
    data: ManualData


class Catalogue(NamedTuple):
    """All benchmarks, checks by rule, and controls that are not automated."""

    benchmarks: Mapping[str, Benchmark]
    checks: Mapping[str, Check]
    manual: tuple[Manual, ...]


@cache
def catalogue() -> Catalogue:
    """The catalogue, read once.

    Raises:
        DataError: a file is not as it must be.
    """
    benchmarks = read_benchmarks("benchmarks.yaml", (DATA / "benchmarks.yaml").read_bytes())
    checks: dict[str, Check] = {}
    manual: list[Manual] = []
    for path in sorted(DATA.glob("*.yaml")):
        if path.name in _OTHER_FILES:
            continue
        for each in read_file(path.name, path.read_bytes(), benchmarks):
            if isinstance(each, Manual):
                manual.append(each)
            elif each.rule in checks:
                raise DataError(f"{path.name}: there are two checks of {each.rule}")
            else:
                checks[each.rule] = each
    return Catalogue(benchmarks, checks, tuple(manual))


def read_benchmarks(name: str, data: bytes) -> dict[str, Benchmark]:
    """Benchmarks from YAML text.

    Raises:
        DataError: it is not as it must be.
    """
    table: dict[str, _BenchmarkData] = decode(name, data, dict[str, _BenchmarkData])
    found = {}
    for key, each in table.items():
        try:
            versions = (parse_version(each.versions[0]), parse_version(each.versions[1])) if each.versions else None
        except ValueError as error:
            raise DataError(f"{name}: {key}: {error}") from error
        found[key] = Benchmark(key, each.title, each.kind, versions, each.layouts, each.sections)
    return found


def read_file(name: str, data: bytes, benchmarks: Mapping[str, Benchmark]) -> list[Check | Manual]:
    """Checks and manual controls from YAML text, compiled.

    Raises:
        DataError: a key, operator, subject, fact, setting, place or type in it is not known.
    """
    file: _File = decode(name, data, _File)
    found: list[Check | Manual] = []
    for check in file.checks:
        where = f"{name}: {check.rule}"
        controls = _controls(where, check.controls, benchmarks)
        _check_fix(where, check.fix)
        test = compile_test(where, check.test)
        parts = (check.words, check.controls, controls, test, check.fix, check.examples, file.base, check.test)
        found.append(Check(check.rule, *parts))
    for manual in file.manual:
        where = f"{name}: {manual.controls}"
        found.append(Manual(_controls(where, manual.controls, benchmarks), manual))
    return found


def _controls(where: str, text: str, benchmarks: Mapping[str, Benchmark]) -> tuple[Control, ...]:
    try:
        controls = parse_controls(text)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error
    if text and not any(control.framework in benchmarks for control in controls):
        raise DataError(f"{where}: {text!r} is a control of no benchmark")
    return controls


def _check_fix(where: str, fix: Fix) -> None:
    for name in (*fix.set, *fix.add, *fix.remove, *fix.unset):
        setting_name(f"{where}: fix", name)


def in_order(control_id: str) -> tuple[int, ...]:
    """A key that puts ``1.2.9`` before ``1.2.10``."""
    return tuple(int(part) if part.isdecimal() else 0 for part in control_id.split("."))
