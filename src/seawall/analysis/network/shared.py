"""What the network rules of one run share; imported late, so that loading the rules stays cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.model.kube.base import InvalidField

if TYPE_CHECKING:
    from seawall.analysis.network.reach import Reach
    from seawall.model.resource import Inventory


#: What rules ask for: DNS, the metadata service, the kubelet.
_PORTS = (("UDP", 53, 53), ("TCP", 53, 53), ("TCP", 80, 80), ("TCP", 10250, 10250))


def network(inventory: Inventory) -> Reach:
    """The reach of an inventory, for ``ctx.once``."""
    from seawall.analysis.network.index import Options
    from seawall.analysis.network.reach import Reach

    return Reach(inventory, Options(ports=_PORTS))


def settle(reach: Reach) -> None:
    """To be called at the end of a rule: it is not judged everywhere where a pod or namespace could not be read.

    Raises:
        InvalidField: something could not be read.
    """
    for _, path in reach.world.unread:
        raise InvalidField(path or ("spec",))
