"""The command lines that put values into a store, reading each from the manifest where it still stands.

Expressions are such that both programs called yq (mikefarah's 4, and the one around jq) read them alike.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from seawall.engine.externalize.objects import Key, Moved


def commands(moved: Moved, provider: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Commands for a shell, with yq and the provider's own tool. No value stands in them."""
    if provider in ("vault", "aws"):
        name = shlex.quote(moved.keys[0].remote)
        read = f"yq -r {shlex.quote(_object(moved.keys))} {_file(moved.keys[0])}"
        if provider == "vault":
            yield f"{read} | vault kv put -mount=secret {name} -"
        else:
            yield f"{read} | aws secretsmanager create-secret --name {name} --secret-string file:///dev/stdin"
        return
    vault = shlex.quote(parameters["keyvaultName"]) if "keyvaultName" in parameters else '"$KEYVAULT"'
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
    """An expression that gives the values as one JSON object; what is no text stays base64."""
    parts = (f"{json.dumps(key.property)}: ({key.source.path}{_decode(key)})" for key in keys)
    return f"{keys[0].source.select} | {{{', '.join(parts)}}} | @json"


def _decode(key: Key) -> str:
    return " | @base64d" if key.source.encoded and not key.binary else ""


def _file(key: Key) -> str:
    return "-" if key.source.file == "<stdin>" else shlex.quote(key.source.file)


def _value(key: Key) -> str:
    # As base64 to the end: a shell, and yq itself, would take newlines at a value's end away or add one.
    encode = "" if key.source.encoded else " | @base64"
    decode = "" if key.binary else " | base64 -d"
    return f"yq -r {shlex.quote(f'{key.source.select} | {key.source.path}{encode}')} {_file(key)}{decode}"
