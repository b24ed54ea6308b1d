"""Settings of the kubelet, whether they come as flags or in a KubeletConfiguration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from seawall.model.programs import Program

if TYPE_CHECKING:
    from seawall.model.kube.components import KubeletConfiguration
    from seawall.model.paths import Path

#: What rules about the kubelet are called with.
KUBELET = "kubelet KubeletConfiguration"
Kubelet = Any
FIELDS = "https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"


class Source(Struct, frozen=True):
    """A setting: its flag with the flag's default, and its field with what an absent one means.

    The defaults differ where flags keep what they meant before there was a file.
    """

    flag: str
    field: str
    read: Callable[[KubeletConfiguration], Any]
    flag_default: Any
    field_default: Any


class Setting(Struct, frozen=True):
    """What a setting is, and where that stands or would."""

    value: Any
    path: str | Path


def setting(subject: Program | KubeletConfiguration, source: Source) -> Setting | None:
    """The setting as it counts: a flag beats the file.

    None where it cannot be told: the flag is absent and a file is named, or its value is filled in at the start.
    """
    if not isinstance(subject, Program):
        value = source.read(subject)
        return Setting(source.field_default if value in (None, "", ()) else value, source.field)
    flag = subject.get(source.flag)
    if flag is None:
        return None if subject.has_config else Setting(source.flag_default, subject.start)
    value = _parsed(subject, source) if flag.known else None
    return None if value is None else Setting(value, flag.path)


def _parsed(kubelet: Program, source: Source) -> Any:
    kind = type(source.flag_default)
    if kind is bool:
        return kubelet.switch(source.flag, source.flag_default)
    if kind is int:
        return kubelet.number(source.flag, source.flag_default)
    return tuple(kubelet.items(source.flag)) if kind is tuple else kubelet.text(source.flag)
