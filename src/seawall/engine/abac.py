"""Legacy ABAC policy files to RBAC objects."""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from seawall.analysis.access.abac import Converted, Refused, convert
from seawall.analysis.access.minimize import MinimalRole
from seawall.engine.minimize import Described, role_name, role_objects
from seawall.model.access import Subject

MAX_BYTES = 64 * 1024 * 1024


class Carried(Struct, frozen=True):
    """What a file became: policies that RBAC can say, and lines that it cannot."""

    policies: tuple[Converted, ...]
    refused: tuple[Refused, ...]


def convert_file(path: str) -> Carried:
    """Read a policy file.

    Raises:
        OSError: it cannot be read, or is larger than 64 MiB.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(27, f"larger than {MAX_BYTES >> 20} MiB", path)
    found = list(convert(data))
    return Carried(
        tuple(each for each in found if isinstance(each, Converted)),
        tuple(each for each in found if isinstance(each, Refused)),
    )


def objects_of(carried: Carried) -> list[Described]:
    """A role and a binding for each subject and place, with the lines that they come from."""
    places: dict[tuple[Subject, str], list[Converted]] = {}
    for policy in carried.policies:
        places.setdefault((policy.subject, policy.namespace), []).append(policy)
    objects: list[Described] = []
    for (subject, namespace), policies in places.items():
        rules = tuple(dict.fromkeys(rule for policy in policies for rule in policy.rules))
        lines = ", ".join(str(policy.line) for policy in policies)
        kind = sha256(str(subject).encode()).hexdigest()[:4]
        name = f"abac-{role_name(subject).removesuffix('-used')}-{kind}"
        made = role_objects(subject, name, [MinimalRole(namespace, rules)], lambda _: [])
        made[0][1].append(f"From line {lines} of the policy file.")
        objects += made
    return objects
