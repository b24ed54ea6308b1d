"""Images: from the entries of layers to an inventory of what is inside.

`collect` reads one layer in one pass; its result may be cached by the layer's digest (`encode_contents`,
`decode_contents`). `assemble` lays the layers of an image over each other. `inventory_of` does both for a plain root.
"""

from __future__ import annotations

from seawall.analysis.images.assemble import assemble, inventory_of
from seawall.analysis.images.base import chain_ids
from seawall.analysis.images.collect import collect
from seawall.analysis.images.config import ReadConfig, read_config
from seawall.analysis.images.contents import VERSION, LayerContents, decode_contents, encode_contents
from seawall.analysis.images.errors import Unreadable
from seawall.analysis.images.options import CollectOptions

__all__ = [
    "VERSION",
    "CollectOptions",
    "LayerContents",
    "ReadConfig",
    "Unreadable",
    "assemble",
    "chain_ids",
    "collect",
    "decode_contents",
    "encode_contents",
    "inventory_of",
    "read_config",
]
