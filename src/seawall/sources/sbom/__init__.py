"""Bills of materials by anyone, read as inventories: CycloneDX 1.2 to 1.6 (JSON, XML), SPDX 2.2, 2.3 (JSON, tags)."""

from __future__ import annotations

from seawall.sources.sbom.component import SbomError
from seawall.sources.sbom.read import looks_like_sbom, read_sbom

__all__ = ["SbomError", "looks_like_sbom", "read_sbom"]
