"""Images: from the entries of layers to an inventory of what is inside, and to what is known to be broken in it.

`collect` reads one layer in one pass; its result may be cached by the layer's digest (`encode_contents`,
`decode_contents`). `assemble` lays the layers of an image over each other. `inventory_of` does both for a plain root.
`Matcher` judges inventories by advisories. Names are imported when they are asked for: a scan of manifests needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.analysis.images.assembling import assemble, inventory_of, root_inventory
    from seawall.analysis.images.base import chain_ids
    from seawall.analysis.images.collecting import collect
    from seawall.analysis.images.config import ReadConfig, read_config
    from seawall.analysis.images.contents import VERSION, LayerContents, decode_contents, encode_contents
    from seawall.analysis.images.errors import Unreadable
    from seawall.analysis.images.matching import Matcher
    from seawall.analysis.images.options import CollectOptions

__all__ = [
    "VERSION",
    "CollectOptions",
    "LayerContents",
    "Matcher",
    "ReadConfig",
    "Unreadable",
    "assemble",
    "chain_ids",
    "collect",
    "decode_contents",
    "encode_contents",
    "inventory_of",
    "read_config",
    "root_inventory",
]

#: The modules under ``rules`` that define rules.
RULE_MODULES = ("vulnerabilities",)

_MODULES = {
    "assembling": ("assemble", "inventory_of", "root_inventory"),
    "base": ("chain_ids",),
    "collecting": ("collect",),
    "config": ("ReadConfig", "read_config"),
    "contents": ("VERSION", "LayerContents", "decode_contents", "encode_contents"),
    "errors": ("Unreadable",),
    "matching": ("Matcher",),
    "options": ("CollectOptions",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
