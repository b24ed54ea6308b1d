"""The command lines that put values into a store, reading each from the manifest where it still stands."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from seawall.engine.externalize_objects import Key, Moved


def commands(moved: Moved, provider: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Commands for a shell, with yq 4 and the provider's own tool. No value stands in them."""
    if provider in ("vault", "aws"):
        name = shlex.quote(moved.keys[0].remote)
        read = f"yq ea -o=json {shlex.quote(_object(moved.keys))} {_files(moved.keys)}"
        if provider == "vault":
            yield f"{read} | vault kv put -mount=secret {name} -"
        else:
            yield f"{read} | aws secretsmanager create-secret --name {name} --secret-string file:///dev/stdin"
        return
    vault = shlex.quote(parameters.get("keyvaultName", "")) if "keyvaultName" in parameters else '"$KEYVAULT"'
    for key in moved.keys:
        name = shlex.quote(key.remote)
        if provider == "gcp":
            yield f"{_value(key)} | gcloud secrets create {name} --data-file=-"
        else:
            yield (
                f"{_value(key)} | az keyvault secret set --vault-name {vault} --name {name} --file /dev/stdin "
                "--encoding utf-8 --output none"
            )


def _object(keys: tuple[Key, ...]) -> str:
    """An expression of yq that gives the values as one JSON object; what is no text stays base64."""
    parts = (f"{json.dumps(key.property)}: ({_select(key)} | {key.source.path}{_decode(key)})" for key in keys)
    return f"{{{', '.join(parts)}}}"


def _decode(key: Key) -> str:
    return " | @base64d" if key.source.encoded and not key.binary else ""


def _select(key: Key) -> str:
    return f"select({key.source.select})"


def _files(keys: tuple[Key, ...]) -> str:
    return " ".join(_file(name) for name in dict.fromkeys(key.source.file for key in keys))


def _file(name: str) -> str:
    return "-" if name == "<stdin>" else shlex.quote(name)


def _value(key: Key) -> str:
    read = f"yq -r {shlex.quote(f'{_select(key)} | {key.source.path}')} {_file(key.source.file)}"
    return f"{read} | base64 -d" if key.source.encoded else f'printf %s "$({read})"'
