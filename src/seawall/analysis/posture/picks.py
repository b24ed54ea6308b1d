"""What several rules look for in the same list, picked out once for all of them.

Rules run one after another on a container or a pod, and most find nothing there: one pass over a list in place of one
a rule keeps them cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from seawall.model.kube.base import numbered
from seawall.model.kube.pod import NO_SELINUX, NO_WINDOWS, Container

if TYPE_CHECKING:
    from seawall.model.kube.pod import PodSecurityContext, PodTemplate, SecurityContext, Volume, VolumeMount

T = TypeVar("T")


class Picker(Generic[T]):
    """Picks items out of a list, and keeps what it picked from the last list that it was given.

    Raises:
        InvalidField: when it is called with a list of which an item could not be read.
    """

    __slots__ = ("_last", "_wanted")

    def __init__(self, wanted: Callable[[T], object]) -> None:
        self._wanted = wanted
        self._last: tuple[tuple[T, ...], tuple[tuple[int, T], ...]] = ((), ())

    def __call__(self, items: tuple[T, ...]) -> tuple[tuple[int, T], ...]:
        """The wanted items with their indices in the source."""
        last, found = self._last
        if last is not items:
            wanted = self._wanted
            found = tuple((i, item) for i, item in numbered(items) if wanted(item))
            self._last = items, found
        return found


def _is_odd_volume(volume: Volume) -> bool:
    odd = volume.host_path or volume.projected or volume.git_repo or volume.flex_volume
    return odd is not None


def _is_odd_mount(mount: VolumeMount) -> object:
    odd = mount.sub_path or mount.sub_path_expr or mount.mount_propagation == "Bidirectional"
    return odd or mount.mount_path.startswith("/var/run/secrets/")


#: Volumes of the node or of its making, and projected ones.
odd_volumes: Picker[Volume] = Picker(_is_odd_volume)
#: Mounts that show a part of a volume, pass mounts on, or lie where tokens do.
odd_mounts: Picker[VolumeMount] = Picker(_is_odd_mount)


def has_odd_volumes(pod: PodTemplate) -> object:
    """A test for rules that look at :data:`odd_volumes` alone."""
    return odd_volumes(pod.spec.volumes)


def has_odd_mounts(c: Container) -> object:
    """A test for rules that look at :data:`odd_mounts` alone."""
    return odd_mounts(c.volume_mounts)


def asks_for_more(c: Container) -> object:
    """A test for rules about privileged containers, their capabilities (but ALL dropped) and their /proc."""
    context = c.security_context
    capabilities = context.capabilities
    return context.privileged or context.proc_mount or capabilities.add or capabilities.drop not in _USUAL_DROPS


_USUAL_DROPS = ((), ("ALL",))


def shares_namespaces(pod: PodTemplate) -> object:
    """A test for rules about namespaces of the node or among containers."""
    spec = pod.spec
    return spec.host_network or spec.host_pid or spec.host_ipc or spec.share_process_namespace


def has_sysctls(pod: PodTemplate) -> object:
    """A test for rules about kernel parameters."""
    return pod.spec.security_context.sysctls


def chooses_nodes(pod: PodTemplate) -> object:
    """A test for rules about tolerations and node selectors."""
    return pod.spec.tolerations or pod.spec.node_selector


def has_odd_confinement(pod: PodTemplate) -> object:
    """A test for rules that look at AppArmor, SELinux and Windows alone, of the pod and its containers."""
    spec = pod.spec
    if pod.metadata.annotations or _confined(spec.security_context):
        return True
    return any(_confined(c.security_context) for _, _, c in spec.all_containers())


def _confined(context: PodSecurityContext | SecurityContext) -> object:
    return (
        context.app_armor_profile is not None
        or context.se_linux_options is not NO_SELINUX
        or context.windows_options is not NO_WINDOWS
    )


def has_known_image(c: Container) -> object:
    """A test for rules about a few programs that are told by their images: Tiller, ingress-nginx, old registries."""
    image = c.image
    return "tiller" in image or "ingress-nginx" in image or "gcr.io" in image


def names_identity(view: PodTemplate | Container) -> object:
    """A test for rules about groups and Windows users, of containers; a pod is always looked at."""
    if not isinstance(view, Container):
        return True
    context = view.security_context
    return context.run_as_group is not None or context.windows_options is not NO_WINDOWS


def sees_others(pod: PodTemplate | None) -> bool:
    """Whether processes of a pod's containers see those of others: of the node, or of the pod's other containers."""
    return pod is not None and bool(pod.spec.host_pid or pod.spec.share_process_namespace)
