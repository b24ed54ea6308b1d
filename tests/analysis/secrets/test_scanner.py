"""The engine: what is found and what is let pass, in any form of file, in bounded time, by either prefilter."""

from __future__ import annotations

import base64
import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bench.secretcorpus import Maker, make
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.analysis.secrets.checks import base62_checksum
from seawall.analysis.secrets.making import make_scanner
from seawall.analysis.secrets.scanner import OVERLAP, WINDOW, Reading
from seawall.model.finding import Confidence, Severity
from seawall.model.secrets import SecretHit

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FAST, PLAIN = make_scanner(now=NOW), make_scanner(fast=False, now=NOW)
_BODY = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"
GITHUB = f"ghp_{_BODY}{base62_checksum(_BODY.encode()).decode()}"


def scan(text: str | bytes, place: str = "x.conf") -> list[SecretHit]:
    hits = FAST.scan(text, place)
    assert hits == PLAIN.scan(text, place)
    return hits


def found(text: str, place: str = "x.conf") -> list[str]:
    return [hit.detector for hit in scan(text, place)]


def test_a_hit_tells_where_and_what_without_the_value() -> None:
    (hit,) = scan(f"a: 1\nGITHUB_TOKEN={GITHUB}\n", "x.env")
    assert (hit.detector, hit.line, hit.column, hit.shown) == ("github-pat", 2, 14, "ghp_..., 40 characters")
    assert hit.severity is Severity.CRITICAL and hit.confidence is Confidence.HIGH and len(hit.digest) == 16
    assert _BODY not in repr(hit) and _BODY not in hit.told()


def test_equal_tokens_have_equal_digests_and_passwords_none() -> None:
    first, second, password = scan(f"a={GITHUB}\nb={GITHUB}\npassword: Zk39dk!kdPq\n")
    assert first.digest == second.digest != ""
    assert password.digest == ""


@pytest.mark.parametrize(
    ("text", "detector"),
    [
        ("DB_PASSWORD=Zk39dk!kdPq", "password-setting"),
        ("  password: 'Zk39dk!kdPq'  # of the shop", "password-setting"),
        ('"password": "Zk39dk!kdPq",', "password-setting"),
        ('{\\"password\\":\\"Zk39dkkdPq7\\"}', "password-setting"),
        ("<password>Zk39dkkdPq7</password>", "password-setting"),
        ('<add key="ApiSecret" value="Zk39dkkdPq7mQw82" />', "credential-setting"),
        ('- name: API_KEY\n  value: "9f8s7d6f5g4h3j2k1l0q"', "credential-setting"),
        ('variable "db_password" {\n  type = string\n  default = "Zk39dkkdPq7"\n}', "password-setting"),
        ("ENV ADMIN_PASSWORD Zk39dkkdPq7", "password-setting"),
        ("shop --admin-password Zk39dkkdPq7", "password-setting"),
        ('props.setProperty("db.password", "Zk39dkkdPq7");', "password-setting"),
        ("define('DB_PASSWORD', 'Zk39dkkdPq7');", "password-setting"),
        ("password: |\n  Zk39dkkdPq7\n", "password-setting"),
        ("postgres://shop:Zk39dkkdPq7@db:5432/shop", "database-url"),
        ("https://bob:Zk39dkkdPq7@git.example/x", "url-password"),
        ("mysql -u root -pZk39dkkdPq7 shop", "mysql-password"),
        ("curl -u bob:Zk39dkkdPq7 https://x", "curl-user"),
        ("sshpass -p Zk39dkkdPq7 ssh x", "sshpass-password"),
        ("machine git.example login bob password Zk39dkkdPq7", "netrc-password"),
        ("CREATE USER x IDENTIFIED BY 'Zk39dkkdPq7'", "sql-password"),
        ("Authorization: Basic " + base64.b64encode(b"bob:Zk39dkkdPq7").decode(), "authorization-basic"),
        ("aws_secret_access_key = kWcrlUX5JEDGM/LtmEENI/aVmYvHNif5zB+d9+ct", "aws-secret-access-key"),
    ],
)
def test_settings_of_all_kinds_of_files(text: str, detector: str) -> None:
    assert found(text) == [detector]


@pytest.mark.parametrize(
    "text",
    [
        "password: changeme",
        "password: ${DB_PASSWORD}",
        "password: $DB_PASSWORD",
        "password: '{{ .Values.password }}'",
        "password: <password>",
        "password: xxxxxxxxxxxx",
        "password=********",
        "token: /var/run/secrets/token",
        "secretName: shop-tls-2024",
        "tokenType: Bearer9000x",
        "passwordPolicy: strong-12-chars",
        "public_key: 3q2+7wAAk39dkkdPq7mQw82xZ",
        "csrf_token: 3q2u7wAAk39dkkdPq7mQw82xZ",
        "secret: arn:aws:secretsmanager:eu-central-1:1:secret:x",
        "password = get_password(user)",
        "token = tokens[index]",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "commit: 3f786850e387550fdab836ed7e6dc881de23001b",
        "checksum/secret: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id: 3f2b8a10-8d1c-4b8e-9f3a-2c1d0e9f8a7b",
        f"token: ghp_{_BODY}000000",
        "postgres://shop:$PASSWORD@db:5432/shop",
        "postgres://shop:<password>@db/shop",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(bytes(range(200))).decode() + "\n-----END PUBLIC KEY-----",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8k3Vd0s7h3v2b7mQw82xZk39dkkdPq7aBcDeFgHiJk bob@host",
    ],
)
def test_what_is_plainly_none_passes(text: str) -> None:
    assert found(text) == []


def test_a_comment_lets_a_line_pass() -> None:
    assert found("password: Zk39dk!kdPq  # gitleaks:allow") == []
    assert found("password: Zk39dk!kdPq  # seawall:allow") == []
    assert found("password: Zk39dk!kdPq\n# seawall:allow\n") == ["password-setting"]


def test_keys_tell_whether_they_are_encrypted() -> None:
    m = Maker(1)
    (plain,) = scan(m.pem("RSA PRIVATE KEY"), "id_rsa")
    assert plain.detector == "private-key" and plain.severity is Severity.HIGH
    (encrypted,) = scan(m.pem("ENCRYPTED PRIVATE KEY"), "id_rsa")
    assert encrypted.severity is Severity.MEDIUM and "encrypted with a passphrase" in encrypted.notes
    locked = b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt" + m.raw(300)
    (openssh,) = scan(m.pem("OPENSSH PRIVATE KEY", locked), "id_ed25519")
    assert openssh.severity is Severity.MEDIUM
    (escaped,) = scan(json.dumps({"key": m.pem("EC PRIVATE KEY")}), "x.json")
    assert escaped.detector == "private-key"


@pytest.mark.parametrize(
    ("claims", "severity", "note"),
    [
        ({"sub": "bob", "exp": 1600000000}, Severity.LOW, "expired on 2020-09-13"),
        ({"sub": "bob", "exp": 4102444800}, Severity.HIGH, "good until 2100-01-01"),
        ({"sub": "bob"}, Severity.HIGH, "never expires"),
        ({"sub": "system:serviceaccount:shop:ci"}, Severity.CRITICAL, "never expires"),
    ],
)
def test_tokens_are_judged_by_their_claims(claims: dict[str, object], severity: Severity, note: str) -> None:
    (hit,) = scan(Maker(2).jwt(claims))
    assert hit.detector == "jwt" and hit.severity is severity and note in hit.notes


def test_an_unsigned_token_says_so() -> None:
    parts = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (b'{"alg":"none"}', b'{"sub":"bob12"}')]
    (hit,) = scan(".".join([*parts, ""]))
    assert any("alg none" in note for note in hit.notes)


def test_aws_keys_tell_their_account() -> None:
    (hit,) = scan("id = AKIAY34FZKBOKMUTVV7A\n")
    assert hit.notes == ("long-lived, of the account 609629065308",)


def test_base64_and_gzip_are_looked_into_twice() -> None:
    inner = f"upstream:\n  key: {GITHUB}\n".encode()
    once = base64.b64encode(inner).decode()
    twice = base64.b64encode(base64.b64encode(gzip.compress(inner, mtime=0))).decode()
    (hit,) = scan(f"data:\n  config: {once}\n", "x.yaml")
    assert (hit.detector, hit.layers, hit.line) == ("github-pat", ("base64",), 2)
    (hit,) = scan(f"kind: Secret\ndata:\n  release: {twice}\n", "x.yaml")
    assert (hit.detector, hit.layers, hit.line) == ("github-pat", ("base64", "base64", "gzip"), 3)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(200 << 20), mtime=0)).decode()
    assert found(f"data: {bomb}\n", "x.yaml") == []


def test_values_of_secrets_are_judged_by_what_they_encode() -> None:
    def secret(value: str) -> str:
        return f"kind: Secret\ndata:\n  password: {base64.b64encode(value.encode()).decode()}\n"

    assert found(secret("Zk39dk!kdPq"), "x.yaml") == ["password-setting"]
    assert found(secret("changeme"), "x.yaml") == []


def test_other_encodings_and_binaries() -> None:
    assert [hit.detector for hit in scan(f"key={GITHUB}\r\n".encode("utf-16"), "x.txt")] == ["github-pat"]
    binary = b"\x7fELF\0\0" + b"password=Zk39dk!kdPq\0" + GITHUB.encode() + b"\0"
    assert [hit.detector for hit in scan(binary, "bin/app")] == ["github-pat"]


def test_lists_of_hashes_and_other_peoples_code_are_left_alone() -> None:
    text = f"token: 9f8s7d6f5g4h3j2k1l0q\nkey: {GITHUB}\n"
    assert found(text, "yarn.lock") == ["github-pat"]
    assert found(text, "app/node_modules/x/index.yaml") == ["github-pat"]
    assert found(text, "app/node_modules/x/test/index.yaml") == []
    assert {hit.severity for hit in scan(text, "tests/fixtures/x.yaml")} == {Severity.LOW}


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_pieces_make_no_difference(size: int) -> None:
    data = b"".join(b"line %d\n" % n for n in range(2000)) + f"key: {GITHUB}\npassword: Zk39dk!kdPq\n".encode()
    reading = Reading(FAST, "x.yaml")
    for start in range(0, len(data), size):
        reading.feed(data[start : start + size])
    assert reading.end() == FAST.scan(data, "x.yaml")


@pytest.mark.parametrize("shift", [-60, -20, -1, 0, 1, OVERLAP // 2, OVERLAP - 20, OVERLAP, OVERLAP + 20])
def test_what_lies_on_an_edge_of_windows_is_found_once(shift: int) -> None:
    before = (b"x y\n" * (WINDOW // 4 + OVERLAP))[: WINDOW + shift]
    data = before + b" " + GITHUB.encode() + b"\n" + b"z\n" * WINDOW
    (hit,) = FAST.scan(data, "x.txt")
    assert hit.line == before.count(b"\n") + 1


@pytest.mark.parametrize("unit", [b"password=Zk39dk!kdPq;", b"-----BEGIN ", b'"auth":"', b"secret value", b"curl "])
def test_floods_are_bounded_and_told(unit: bytes) -> None:
    problems: list[str] = []
    hits = FAST.scan(unit * ((6 << 20) // len(unit)), "x.txt", problems.append)
    assert len(hits) <= 1000
    assert problems


def test_both_prefilters_find_the_same_in_the_corpus(tmp_path: Path) -> None:
    planted = make(tmp_path, 99, rounds=2)
    told = set()
    for file in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        name = str(file.relative_to(tmp_path))
        told |= {(name, hit.line) for hit in scan(file.read_bytes(), name)}
    places = {(each.path, each.line) for each in planted}
    near = places | {(each.path, each.line + 1) for each in planted}
    assert len(told & near) >= 0.95 * len(places)
    assert len(told - near) <= 0.05 * len(told)


_PARTS = st.sampled_from(
    [GITHUB, "password", "token", "=", ": ", '"', "'", "\n", " ", "Zk39dk!kdPq", "https://", "@", "eyJ", "AKIA",
     "secret",
     "_key", "-----BEGIN", "\\n", "%3D", "value", "x", "9f8s7d6f5g4h3j2k1l0q", ",", "(", "{", "curl -u ", "\t"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PARTS | st.text(max_size=6), max_size=40))
def test_both_prefilters_agree_on_anything(parts: list[str]) -> None:
    text = "".join(parts)
    assert FAST.scan(text, "x.conf") == PLAIN.scan(text, "x.conf")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["x.yaml", "a.py", "b.bin", ""]))
def test_no_bytes_harm_it(data: bytes, place: str) -> None:
    assert FAST.scan(data, place) == PLAIN.scan(data, place)


def test_spans_are_those_of_the_values() -> None:
    text = f"a={GITHUB} b\npassword: Zk39dk!kdPq\n".encode()
    assert [text[start:end] for start, end in FAST.spans(text)] == [GITHUB.encode(), b"Zk39dk!kdPq"]


def test_noise_holds_nothing() -> None:
    rnd = random.Random(5)
    assert FAST.scan(rnd.randbytes(8 << 20), "noise.bin") == []
