"""Fingerprints of findings about secrets: nothing in them is made from a value."""

from __future__ import annotations

from seawall.engine import ReadOptions, ScanOptions, scan

POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n"
    "spec: {containers: [{name: c, image: x, args: ['--password=%s', '--verbose', 'curl -u me:%s https://x.example']}]}\n"
)


def told(value: str) -> list[tuple[str, str]]:
    read = ReadOptions(("-",), instead={"<stdin>": (POD % (value, value)).encode()})
    rules = ("credential-in-argument", "secret-in-object")
    return sorted((each.rule, each.fingerprint) for each in scan(ScanOptions(read)).findings if each.rule in rules)


def test_another_value_at_the_same_place_is_the_same_finding() -> None:
    found = told("Xk29fjQz81Lm")
    assert {rule for rule, _ in found} == {"credential-in-argument", "secret-in-object"}
    assert told("aNother77Value9") == found
