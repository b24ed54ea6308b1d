"""What a container holds: its token, Secrets, identities of the cloud; and what those lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.analysis.paths.building import Draft, pointer
from seawall.analysis.paths.kinds import STEP_KINDS
from seawall.analysis.paths.settings import Settings, Way
from seawall.analysis.paths.storage import identity
from seawall.analysis.paths.units import Box, Unit
from seawall.model.access import Subject
from seawall.model.attack import PatchOperation, Place, PlaceKind, Trace
from seawall.model.kube.base import InvalidField, numbered
from seawall.model.resource import Inventory, Resource, namespace_of

_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name
_BOOTSTRAP_TYPE = "bootstrap.kubernetes.io/token"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
#: Audiences that an API server takes where nothing else is set; others are for other receivers.
_API_AUDIENCES = frozenset(("", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local",
                            "kubernetes.default.svc", "api"))  # fmt: skip
#: What maps an account to an identity of a cloud: annotation, and the cloud.
_CLOUD = (
    ("eks.amazonaws.com/role-arn", "aws"),
    ("iam.gke.io/gcp-service-account", "google"),
    ("azure.workload.identity/client-id", "azure"),
)


def secret_place(namespace: str, name: str) -> Place:
    """The place of a Secret."""
    return Place(PlaceKind.SECRET, name, namespace)


def accounts_of(inventory: Inventory) -> dict[Subject, Resource]:
    """The ServiceAccount objects by subject."""
    found = inventory.of_kind("ServiceAccount") if "ServiceAccount" not in inventory.unread else []
    return {Subject("ServiceAccount", each.ref.name, namespace_of(each)): each for each in found}


def token_ways(settings: Settings, accounts: dict[Subject, Resource]) -> Iterator[Way]:
    """Every way in which a container has a token of its account for the API server."""
    unit = settings.unit
    path = (*unit.base, "spec", "automountServiceAccountToken")
    if _automounts(unit, accounts):
        what = "the token that is mounted by itself"
        patch = PatchOperation("add", pointer(path), False)
        number = settings.draft.removable(unit.ref, path, what, "automount-token", (patch,))
        yield Way((number,), (Trace(unit.ref, path, f"runs as {unit.account}, whose token is mounted by itself"),))
    for _, mount, index, volume in settings.mounts():
        for at, source in enumerate(_sources(volume)):
            token = source.get("serviceAccountToken")
            if isinstance(token, dict) and token.get("audience", "") in _API_AUDIENCES:
                where = (*unit.base, "spec", "volumes", index, "projected", "sources", at)
                yield settings.way(where, f"projected token in volume {mount.name}", "automount-token")


def _automounts(unit: Unit, accounts: dict[Subject, Resource]) -> bool:
    own = unit.spec.automount_service_account_token
    if own is not None:
        return own
    account: Any = accounts[unit.account].view if unit.account in accounts else None
    try:
        return account is None or account.automount_service_account_token is not False
    except InvalidField:
        return True


def _sources(volume: Any) -> list[dict[str, Any]]:
    listed = volume.projected.get("sources") if volume.projected else None
    return [each if isinstance(each, dict) else {} for each in listed] if isinstance(listed, list) else []


def add_credentials(draft: Draft, box: Box, accounts: dict[Subject, Resource]) -> None:
    """The steps to its identity and its Secrets: from a container, and from its workload, which stands for what root
    of a node finds in the pods of it that run there."""
    settings = Settings(draft, box)
    kind = STEP_KINDS["token-mounted"]
    account = identity(box.unit.account)
    for source in (box.place, box.unit.place):
        for way in token_ways(settings, accounts):
            draft.step(source, account, kind.id, kind.title, removables=way.removables, traces=way.traces)
        for name, kind_id, how, way in _secrets(settings):
            target = secret_place(box.unit.namespace, name)
            draft.step(source, target, kind_id, how, removables=way.removables, traces=way.traces)


def _secrets(settings: Settings) -> Iterator[tuple[str, str, str, Way]]:
    container, path = settings.box.container, settings.box.path
    for number, mount, _, volume in settings.mounts():
        names = [volume.secret.secret_name] if volume.secret is not None else []
        for source in _sources(volume):
            secret = source.get("secret")
            names += [secret["name"]] if isinstance(secret, dict) and isinstance(secret.get("name"), str) else []
        for name in filter(None, names):
            way = settings.way((*path, "volumeMounts", number), f"mount {mount.mount_path} of {container.name}", "")
            yield name, "secret-mounted", f"reads {mount.mount_path}", way
    for number, variable in numbered(container.env):
        key = variable.value_from.secret_key_ref if variable.value_from is not None else None
        if key is not None and key.name:
            way = settings.way((*path, "env", number), f"variable {variable.name} of {container.name}", "secret-in-env")
            yield key.name, "secret-in-env", f"reads the variable {variable.name}", way
    for number, whole in numbered(container.env_from):
        if whole.secret_ref is not None and whole.secret_ref.name:
            what = f"variables from Secret {whole.secret_ref.name} of {container.name}"
            way = settings.way((*path, "envFrom", number), what, "secret-in-env")
            yield whole.secret_ref.name, "secret-in-env", "reads its variables", way


def secret_ways(settings: Settings) -> Iterator[tuple[Place, Way]]:
    """The Secrets that a container is given, each with the way of it."""
    for name, _, _, way in _secrets(settings):
        yield secret_place(settings.unit.namespace, name), way


def add_secrets(draft: Draft, inventory: Inventory) -> None:
    """The Secrets that were read: those that are tokens lead to their account."""
    for secret in inventory.of_kind("Secret") if "Secret" not in inventory.unread else ():
        home = namespace_of(secret)
        place = secret_place(home, secret.ref.name)
        draft.place(place)
        view: Any = secret.view
        try:
            kind = view.type
            name = view.metadata.annotations.get(_ACCOUNT_NAME, "") if kind == _TOKEN_TYPE else ""
        except InvalidField:
            continue
        if kind == _BOOTSTRAP_TYPE and home == "kube-system":
            what = f"the bootstrap token in Secret {secret.ref.name}"
            number = draft.removable(secret.ref, (), what, "bootstrap-token-secret")
            draft.step(
                place,
                identity(Subject("Group", "system:bootstrappers")),
                "secret-bootstrap",
                "logs in with the bootstrap token",
                removables=(number,),
                traces=(Trace(secret.ref, ("type",)),),
            )
        if name:
            what = f"the long-lived token in Secret {secret.ref.name}"
            number = draft.removable(secret.ref, (), what, "service-account-token-secret")
            account = Subject("ServiceAccount", name, home)
            draft.step(
                place,
                identity(account),
                "secret-token",
                f"uses the token of {account}",
                removables=(number,),
                traces=(Trace(secret.ref, ("type",)),),
            )


def add_cloud_identities(draft: Draft, accounts: dict[Subject, Resource], inventory: Inventory) -> None:
    """What accounts stand for in a cloud."""
    for subject, resource in accounts.items():
        try:
            annotations = resource.metadata.annotations
        except InvalidField:
            continue
        for key, cloud in _CLOUD:
            if annotations.get(key):
                path = ("metadata", "annotations", key)
                patch = PatchOperation("remove", pointer(path))
                number = draft.removable(resource.ref, path, f"annotation {key}", "", (patch,))
                draft.step(
                    identity(subject),
                    Place(PlaceKind.CLOUD, f"{cloud}: {annotations[key]}"),
                    "cloud-role",
                    f"takes on {annotations[key]}",
                    removables=(number,),
                    traces=(Trace(resource.ref, path),),
                )
    _add_associations(draft, inventory)


def _add_associations(draft: Draft, inventory: Inventory) -> None:
    """EKS Pod Identity, as AWS' controllers for Kubernetes keep its associations."""
    for resource in inventory.resources:
        if resource.ref.kind != "PodIdentityAssociation":
            continue
        spec = resource.raw.get("spec")
        if not isinstance(spec, dict):
            continue
        home, name, role = (spec.get(key) for key in ("namespace", "serviceAccount", "roleARN"))
        if isinstance(home, str) and isinstance(name, str) and isinstance(role, str):
            number = draft.removable(resource.ref, (), f"the association of {home}/{name} with {role}")
            draft.step(
                identity(Subject("ServiceAccount", name, home)),
                Place(PlaceKind.CLOUD, f"aws: {role}"),
                "cloud-role",
                f"takes on {role}",
                removables=(number,),
                traces=(Trace(resource.ref, ("spec",)),),
            )
