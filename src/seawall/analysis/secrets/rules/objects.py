"""Secrets in objects of Kubernetes: commands, variables, annotations, files in ConfigMaps, values of custom kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from seawall.model.command_credentials import credentials_in
from seawall.model.credential_names import is_placeholder, looks_like_credential
from seawall.model.finding import Confidence, SecretEvidence, Severity
from seawall.model.kube.kinds import own_names
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.analysis.secrets.scanner import Scanner
    from seawall.model.kube.config import ConfigMap
    from seawall.model.kube.pod import Container
    from seawall.model.paths import Path
    from seawall.model.resource import Resource
    from seawall.model.rule import Context
    from seawall.model.secrets import SecretHit

_SECRETS = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"
#: More of a value is not looked at; the API server takes a mebibyte in all.
_MOST = 1 << 20
_MOST_VALUES = 20_000
_DEPTH = 40
#: What stands before secrets that people think up. With it, a private key, a login in an address, or a run of letters
#: and digits (digests of images apart), a text is worth a search; without, the detectors need not be loaded.
_WORDS = (
    r"\b(?:sshpass|curl|mysql|mariadb|login|identified|machine|redis-cli|[Bb]asic|[Bb]earer|[Pp]assword=|openssl|keytool"
    r"|chpasswd|mongo|rabbitmqctl|sqlcmd|smbclient|mc alias)|@tcp\("
    r"|(?i:passw|pwd|secret|token|credential|api_?-?key|access_?-?key|_pass)[\w.-]{0,40}['\"]?\s?[:= ]\s?\S"
)
#: One of these is in all of those words: looking for them costs a tenth.
_STEMS = (
    *("pass", "pwd", "secret", "token", "credential", "key", "curl", "mysql", "mariadb", "login", "identified"),
    *("machine", "redis-cli", "basic", "bearer", "openssl", "mongo", "rabbitmqctl", "sqlcmd", "smbclient", "mc alias"),
    "@tcp(",
)
_RUN, _LOGIN = r"[\w+/=-]{16,}", r"://[^\s/]{0,200}:[^\s/]{1,200}@"
#: So much of a run is looked at for a letter and a digit.
_RUN_LENGTH = 81
#: Names of variables whose values are looked at whatever they are.
_NAMES = r"(?i)passw|pwd|secret|token|credential|key|pass|auth"
#: After so many texts hyperscan is worth being made ready.
_MANY = 100
#: Copies of objects that tools keep in annotations: what is in them is told where it stands.
_COPIES = frozenset(("kubectl.kubernetes.io/last-applied-configuration",))
#: Kinds that other rules look into, value by value.
_OTHERS = frozenset(
    (
        *("Secret", "ConfigMap", "Kubeconfig", "EncryptionConfiguration", "SecretStore", "ClusterSecretStore"),
        *("ExternalSecret", "ClusterExternalSecret", "PushSecret", "SealedSecret", "SecretProviderClass"),
    )
)
#: ... and annotations.
_OTHERS_ANNOTATIONS = ("vault.hashicorp.com/", "vault.security.banzaicloud.io/")
#: Kinds with values that may be anything, looked into in clusters too.
_FREE = frozenset(("Application", "ApplicationSet", "HelmRelease", "Kustomization"))
_URLS = frozenset(("database-url", "message-broker-url", "url-password", "url-token", "jdbc-oracle-password"))
#: A line that sets a name that only credentials have; the value ends with the line.
_SETTING = (
    r"(?im)"
    r"""^[ \t]*(?:export[ \t]+)?["']?((?:[\w-]{0,60}[._-])?(?:password|passwd|passphrase|secret[_-]?key|api[_-]?key"""
    r"""|access[_-]?key|client[_-]?secret|auth[_-]?token))["']?[ \t]*[:=][ \t]*["']?([^\s"',]{6,200})["']?,?[ \t]*$"""
)
_GENERIC = frozenset(("password-setting", "credential-setting"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _may_hold(text: str) -> bool:
    """The quick look: whether a text can hold a secret at all."""
    if "-----BEGIN" in text or ("://" in text and _compiled(_LOGIN).search(text) is not None):
        return True
    if len(text) >= 16:
        for run in _compiled(_RUN).finditer(text):
            start = run.start()
            begin = text[start : min(run.end(), start + _RUN_LENGTH)]
            mixed = not begin.isalpha() and any(map(str.isdigit, begin)) and any(map(str.isalpha, begin))
            if mixed and not text.endswith("sha256:", 0, start):
                return True
    low = text.lower()
    return any(stem in low for stem in _STEMS) and _compiled(_WORDS).search(text) is not None


@lru_cache(maxsize=4096)
def _is_telling(name: str) -> bool:
    """Whether a variable's name is one of those."""
    return re.search(_NAMES, name) is not None


@cache
def _made(fast: bool) -> Scanner:
    from seawall.analysis.secrets.making import make_scanner

    return make_scanner(fast=fast)


class _Counted:
    """A scanner that is cheap to begin with, and fast once there is much to look at."""

    def __init__(self) -> None:
        self._texts = 0

    def get(self) -> Scanner:
        self._texts += 1
        return _made(self._texts > _MANY)


_SCANNER = _Counted()


class Found(NamedTuple):
    """A secret in a text, with where it stands in its bytes."""

    hit: SecretHit
    start: int
    end: int


def _seen(text: str, place: str = "x.conf", sure: bool = False) -> list[Found]:
    """The secrets of a text with their spans, in bytes of it; ``sure`` leaves the quick look out."""
    text = text[:_MOST]
    if len(text) < 8 or not (sure or _may_hold(text)):
        return []
    data = text.encode("utf-8", "surrogatepass")
    scanner = _SCANNER.get()
    hits = scanner.scan(data, place)
    if not hits:
        return []
    spans = scanner.spans(data, place)
    # What was encoded in the text has no span in it.
    found = [Found(hit, *span) for hit, span in zip([each for each in hits if not each.layers], spans, strict=True)]
    return found + [Found(hit, len(data), len(data)) for hit in hits if hit.layers]


def _seen_surely(text: str, place: str) -> list[Found]:
    return _seen(text, place, sure=True)


def _evidence(hit: SecretHit) -> tuple[SecretEvidence, ...]:
    return (SecretEvidence(hit.detector, hit.title, hit.shown, hit.name, hit.digest, hit.layers, hit.notes),)


def _hit(hit: SecretHit, where: str, path: Path) -> Hit:
    message = f"{where}: {hit.told()}" if where else hit.told()
    return Hit(
        message,
        path,
        severity=hit.severity,
        confidence=hit.confidence,
        secret=True,
        evidence=_evidence(hit),
    )


@rule(
    "secret-in-object",
    title="Secret in an object",
    severity=Severity.HIGH,
    scope=Scope.SECRET,
    on="container object ConfigMap Dockerfile",
    why="Everyone who can read the object, the manifest or its history has the secret, and those are many more than "
    "may read Secrets.",
    remediation="Revoke the secret and issue a new one, keep that in a Secret or an external store, and refer to it.",
    controls="cis:5.4.1 mitre-attack:T1552.001 nsa-cisa:secrets",
    references=(_SECRETS,),
    notes="Told by the value: tokens of known forms, private keys, passwords in commands. Looked at are commands, "
    "arguments and variables of containers, annotations, files in ConfigMaps (base64 and gzip in them too), and all "
    "values of kinds that are not modelled; in build files variables, commands and here-documents. Variables and keys "
    "named like a credential, and passwords in addresses, "
    "have rules of their own. Snapshots were rid of secrets, so there is nothing to tell in them.",
    by_value=True,
)
def secret_in_object(subject: Any, ctx: Context) -> Hits:
    if subject is ctx.resource:
        yield from _in_object(subject)
    elif ctx.field:
        yield from _in_container(subject)
    elif ctx.resource.ref.kind == "Dockerfile":
        from seawall.analysis.secrets.rules.builds import in_build_file

        yield from in_build_file(subject, _seen_surely, _hit)
    else:
        yield from _in_config_map(subject)


def _in_container(c: Container) -> Hits:
    for index, variable in enumerate(c.env):
        value = variable.value
        if len(value) < 6 or value.isdigit() or not (_is_telling(variable.name) or _may_hold(value)):
            continue
        if looks_like_credential(variable.name, value):
            continue
        for seen in _seen(f"{variable.name}={value}", "x.env", sure=True):
            if seen.hit.detector not in _URLS and seen.hit.detector != "jdbc-password":
                yield _hit(seen.hit, f"container {c.name!r}", ("env", index, "value"))
    for field, words in (("command", c.command), ("args", c.args)):
        yield from _in_words(c, field, words)


def _in_words(c: Container, field: str, words: tuple[str, ...]) -> Hits:
    """A command line, its words together, as an option and its value may be two of them."""
    if not words:
        return
    text = " ".join(words)
    found = _seen(text, "x.sh")
    named = {index for index, _ in credentials_in(words)} if found else set()
    for seen in found:
        start, index = len(text.encode("utf-8", "surrogatepass")[: seen.start].decode("utf-8", "replace")), 0
        for word in words[:-1]:
            if start <= len(word):
                break
            start -= len(word) + 1
            index += 1
        # What its name alone tells is for `credential-in-argument`, which points at the option.
        if seen.hit.detector in _GENERIC | _URLS and not named.isdisjoint((index, index - 1)):
            continue
        yield _hit(seen.hit, f"container {c.name!r}", (field, index))


def _in_config_map(config: ConfigMap) -> Hits:
    for key, value in config.data.items():
        if looks_like_credential(key, value):
            continue
        for seen in _strong(key, value):
            line = f", line {seen.hit.line}" if "\n" in value else ""
            yield _hit(seen.hit, f"the key {key!r}{line}", ("data", key))
    for key, value in config.binary_data.items():
        if isinstance(value, str) and len(value) >= 24:
            for seen in _seen(f"{key}: {value}", "x.yaml", sure=True):
                yield _hit(seen.hit, f"the key {key!r}", ("binaryData", key))


def _strong(key: str, value: str) -> Iterator[Found]:
    """What more than a name tells; the rest is for `config_map_file_credential`."""
    for seen in _seen(value, key):
        if seen.hit.detector not in _GENERIC or seen.hit.layers:
            yield seen


def _in_object(resource: Resource) -> Hits:
    kind = resource.kind
    if kind is not None and (kind.name in _OTHERS or kind.name in own_names()):
        return
    # Of what a cluster has by the ten thousand the whole is not decoded again for this.
    if kind is None or (kind.template is None and (not resource.live or kind.name in _FREE)):
        for path, name, value in _strings(resource.raw, (), "", [0]):
            if len(value) >= 8 and path[0] not in ("apiVersion", "kind", "status"):
                text = f"{name}: {value}" if name and "\n" not in value else value
                for seen in _seen(text, "x.yaml"):
                    yield _hit(seen.hit, "", path)
        return
    annotations = getattr(getattr(resource.view, "metadata", None), "annotations", None)
    if isinstance(annotations, dict):
        for name, value in annotations.items():
            if name not in _COPIES and not name.startswith(_OTHERS_ANNOTATIONS) and len(value) >= 8:
                for seen in _seen(value, "x.yaml"):
                    yield _hit(seen.hit, f"the annotation {name}", ("metadata", "annotations", name))


def _strings(value: Any, path: Path, name: str, count: list[int]) -> Iterator[tuple[Path, str, str]]:
    """All texts in an object, with their paths and the keys that they are values of."""
    count[0] += 1
    if count[0] > _MOST_VALUES or len(path) > _DEPTH:
        return
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _COPIES:
                yield from _strings(item, (*path, str(key)), str(key), count)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index), name, count)


@rule(
    "config-map-file-credential",
    title="Credential in a file of a ConfigMap",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="ConfigMap",
    why="ConfigMaps are not encrypted at rest, and far more people and programs may read them than Secrets.",
    remediation="Put the file into a Secret, or let the program read the value from one, and replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    aliases="KSV-0109 C-0012",
    references=(_SECRETS,),
    notes="Told by lines such as password=...; values that are paths, addresses, switches, numbers or placeholders "
    "pass, as do keys that config-map-credential tells of, and what secret-in-object knows by its form.",
)
def config_map_file_credential(config: ConfigMap, ctx: Context) -> Hits:
    for key, value in config.data.items():
        if looks_like_credential(key, value):
            continue
        text = value[:_MOST]
        matches = [match for match in re.finditer(_SETTING, text) if not is_placeholder(match[2])]
        if not matches:
            continue
        known = [(seen.start, seen.end) for seen in _strong(key, text)]
        found = [match[1] for match in matches if not _is_known(text, match.start(2), known)]
        if found:
            message = f"the file {key!r} sets {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
            yield Hit(message, ("data", key), confidence=Confidence.LOW, secret=True)


def _is_known(text: str, at: int, spans: list[tuple[int, int]]) -> bool:
    if not spans:
        return False
    start = len(text[:at].encode("utf-8", "surrogatepass"))
    return any(begin <= start < end for begin, end in spans)
