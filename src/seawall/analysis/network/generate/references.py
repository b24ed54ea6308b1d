"""Which hosts and ports a workload's configuration names: environment, arguments, commands, ConfigMaps.

Values are looked at, never told: a reason names the variable or key, and the Service.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from seawall.analysis.network.world import Pod
from seawall.model.kube.base import InvalidField
from seawall.model.resource import Inventory

#: Text looked at of one value, in characters: as much as a whole ConfigMap may hold.
MAX_TEXT = 1 << 20
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL}){{0,8}}"
#: ``scheme://[user[:password]@]host[:port]``, with further hosts after commas as lists of brokers have them.
_URL = re.compile(
    rf"(?<![A-Za-z0-9])([a-z][a-z0-9+.-]{{1,30}})://(?:[^\s/@\"']{{0,256}}@)?({_HOST})(?::(\d{{1,5}}))?(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_WITH_PORT = re.compile(rf"(?<![A-Za-z0-9_.@/:-])({_HOST}):(\d{{1,5}})(?![\d.A-Za-z:])")
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_.@:-])({_LABEL}(?:\.{_LABEL}){{1,8}})\.?(?![A-Za-z0-9_.:-])")
_BARE = re.compile(rf"{_HOST}\.?\Z")
#: ``key: value`` and ``key=value`` at the end of a line of a configuration file or an argument.
_PAIR = re.compile(
    rf"(?:^|[\s,{{\"'-])([A-Za-z][A-Za-z0-9_.-]{{0,63}})[\"']?\s{{0,8}}[:=]\s{{0,8}}[\"']?({_HOST})[\"']?\s{{0,8}}(?=[,}}]|$)",
    re.M,
)
_SERVICE_VARIABLE = re.compile(r"\$[({]?([A-Z][A-Z0-9_]{0,80})_SERVICE_HOST\b")
_EXPANSION = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]{0,100})\)")
#: Names of variables and keys whose value is a host.
_HOSTLY = re.compile(
    r"HOST|ADDR|URL|URI|SERVER|SERVICE|SVC|ENDPOINT|UPSTREAM|BACKEND|BROKER|PEER|TARGET|DSN|CONN|PROXY|DATABASE|CACHE"
    r"|QUEUE|MASTER|PRIMARY|LEADER|REPLICA|SEED|BOOTSTRAP|DOMAIN|REMOTE|GATEWAY|(?:^|[_.-])DB(?:[_.-]|$)",
    re.IGNORECASE,
)
_PORTLY = re.compile(r"(?:[_.-]|^)(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER|SERVICE_HOST|NAME)\Z", re.IGNORECASE)
DEFAULT_PORTS = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "ftp": 21,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "redis": 6379,
    "rediss": 6379,
    "mongodb": 27017,
    "amqp": 5672,
    "amqps": 5671,
    "nats": 4222,
    "kafka": 9092,
    "ldap": 389,
    "ldaps": 636,
    "smtp": 25,
    "smtps": 465,
    "mqtt": 1883,
    "mqtts": 8883,
    "memcached": 11211,
}


class Mention(NamedTuple):
    """A host that a value names. ``port`` is None where none is told; ``default`` is that of the URL's scheme.

    ``sure`` is False for a bare word in a place that is not known to be for hosts.
    """

    host: str
    port: int | None
    where: str
    sure: bool = True
    default: int | None = None


def mentions(pod: Pod, inventory: Inventory) -> Iterator[Mention]:
    """Every host that the containers of a pod name, each place once.

    Raises:
        InvalidField: part of the template could not be read.
    """
    files = list(_files(pod, inventory))
    for _, _, container in pod.template.spec.all_containers():
        values = dict(_environment(pod, container, inventory))
        texts = {name: expand(text, values) for name, (text, _) in values.items()}
        for name, (_, where) in values.items():
            yield from in_value(name, texts[name], f"{where} of container {container.name}", texts)
        for field, items in (("command", container.command), ("args", container.args)):
            for item in items:
                yield from in_argument(expand(item, values), f"{field} of container {container.name}", texts)
    for text, where in files:
        yield from in_text(text, where)


def expand(text: str, values: dict[str, tuple[str, str]]) -> str:
    """Put variables in, as Kubernetes does for ``$(NAME)``; once, and bounded."""
    if "$(" not in text:
        return text[:MAX_TEXT]
    return _EXPANSION.sub(lambda m: values[m[1]][0][:1024] if m[1] in values else m[0], text[:4096])[:MAX_TEXT]


def _environment(pod: Pod, container: Any, inventory: Inventory) -> Iterator[tuple[str, tuple[str, str]]]:
    """Variables with their value and where it stands; later ones win."""
    for source in container.env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is not None:
                for key, text in _data(inventory, kind, pod.namespace, ref.name).items():
                    yield key, (text, f"{kind} {ref.name} key {key}")
    for each in container.env:
        if each.value:
            yield each.name, (each.value, f"env {each.name}")
        elif each.value_from is not None:
            refs = (("ConfigMap", each.value_from.config_map_key_ref), ("Secret", each.value_from.secret_key_ref))
            for kind, ref in refs:
                found = _data(inventory, kind, pod.namespace, ref.name).get(ref.key) if ref is not None else None
                if found and ref is not None:
                    yield each.name, (found, f"env {each.name}, from {kind} {ref.name}")


def _data(inventory: Inventory, kind: str, namespace: str, name: str) -> dict[str, str]:
    resource = inventory.get(kind, namespace, name)
    if resource is None and namespace == "default":
        resource = inventory.get(kind, None, name)
    if resource is None or resource.view is None:
        return {}
    view: Any = resource.view
    if kind == "ConfigMap":
        return {key: text[:MAX_TEXT] for key, text in view.data.items()}
    found = {key: text[:MAX_TEXT] for key, text in view.string_data.items() if isinstance(text, str)}
    for key, text in view.data.items():
        if isinstance(text, str) and len(text) <= MAX_TEXT:
            try:
                found.setdefault(key, base64.b64decode(text, validate=True).decode())
            except (binascii.Error, ValueError):
                continue
    return found


def _files(pod: Pod, inventory: Inventory) -> Iterator[tuple[str, str]]:
    """The files of mounted ConfigMaps."""
    names: dict[str, None] = {}
    for volume in pod.template.spec.volumes:
        if volume.config_map is not None and volume.config_map.name:
            names[volume.config_map.name] = None
        sources = volume.projected.get("sources") if volume.projected is not None else None
        for source in sources if isinstance(sources, list) else ():
            ref = source.get("configMap") if isinstance(source, dict) else None
            if isinstance(ref, dict) and isinstance(ref.get("name"), str):
                names[ref["name"]] = None
    for name in names:
        for key, text in _data(inventory, "ConfigMap", pod.namespace, name).items():
            yield text, f"ConfigMap {name} key {key}"


def in_value(name: str, text: str, where: str, values: dict[str, str]) -> Iterator[Mention]:
    """What a variable or a key with a whole value names; ``values`` holds the other variables, for their ports."""
    text = text.strip()
    if not text:
        return
    if _BARE.match(text):
        host = text.rstrip(".").lower()
        like = host.partition(".")[0].replace("-", "_") in name.lower().replace("-", "_").replace(".", "_")
        sure = "." in host or bool(_HOSTLY.search(name)) or like
        yield Mention(host, _port_beside(name, values), where, sure)
        return
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 1 and len(parts) < 65 and _HOSTLY.search(name) and all(_BARE.match(part) for part in parts):
        for part in parts:
            yield Mention(part.rstrip(".").lower(), _port_beside(name, values), where)
        return
    yield from in_text(text, where)


def _port_beside(name: str, values: dict[str, str]) -> int | None:
    """The port in the variable that goes with a host's: REDIS_HOST and REDIS_PORT, PGHOST and PGPORT."""
    stem = _PORTLY.sub("", name)
    names = [f"{stem}_PORT", f"{stem}_SERVICE_PORT", f"{stem}PORT", f"{name}_PORT"]
    if name.upper().endswith("HOST"):
        names.append(f"{name[:-4]}PORT")
    for each in names:
        text = values.get(each, "").strip()
        if text.isdecimal() and text.isascii() and 0 < int(text[:6]) < 65536:
            return int(text)
    return None


def in_argument(text: str, where: str, values: dict[str, str]) -> Iterator[Mention]:
    """What an argument names: ``--redis=cache:6379``, ``--host cache``, a URL, a whole script."""
    name, equals, value = text.partition("=")
    if equals and re.fullmatch(r"-{0,2}[A-Za-z][A-Za-z0-9_.-]{0,63}", name):
        yield from in_value(name.lstrip("-"), value, where, {})
    elif _BARE.match(text.strip()):
        yield Mention(text.strip().rstrip(".").lower(), None, where, "." in text.strip())
    else:
        yield from in_text(text, where)


def in_text(text: str, where: str) -> Iterator[Mention]:
    """What a text names: URLs, ``host:port``, names with dots, and values of keys that are for hosts."""
    yield from _scan(text[:MAX_TEXT], where)


@lru_cache(maxsize=256)
def _scan(text: str, where: str) -> tuple[Mention, ...]:
    """Remembered, for many workloads mount the same ConfigMap."""
    found: dict[Mention, None] = {}
    for match in _URL.finditer(text):
        scheme = match[1].lower().rpartition("+")[2]
        found[Mention(match[2].lower(), _number(match[3]), where, True, DEFAULT_PORTS.get(scheme))] = None
    for match in _WITH_PORT.finditer(text):
        found[Mention(match[1].lower(), _number(match[2]), where)] = None
    for match in _DOTTED.finditer(text):
        found[Mention(match[1].lower(), None, where)] = None
    for match in _PAIR.finditer(text):
        if _HOSTLY.search(match[1]):
            found[Mention(match[2].lower(), None, where)] = None
    for match in _SERVICE_VARIABLE.finditer(text):
        found[Mention(match[1].lower().replace("_", "-"), None, where)] = None
    return tuple(found)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and 0 < int(text) < 65536 else None


__all__ = ["InvalidField", "Mention", "mentions"]
