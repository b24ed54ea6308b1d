"""Secrets: one engine that finds them in anything made of bytes, and tells what and where without the value.

`make_scanner` makes a `Scanner`; `SecretLook` looks at the files of an image's layers. Names are imported when they are
asked for: a scan of manifests that holds nothing like a secret needs few.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.analysis.secrets.detector import Detector
    from seawall.analysis.secrets.detectors import all_detectors
    from seawall.analysis.secrets.foreign import ForeignRules, RulesProblem, read_rules
    from seawall.analysis.secrets.look import SecretLook, decode_secrets
    from seawall.analysis.secrets.making import make_scanner
    from seawall.analysis.secrets.scanner import Reading, Scanner

__all__ = [
    "Detector",
    "ForeignRules",
    "Reading",
    "RulesProblem",
    "Scanner",
    "SecretLook",
    "all_detectors",
    "decode_secrets",
    "make_scanner",
    "read_rules",
]

#: The modules under ``rules`` that define rules.
RULE_MODULES = ("objects", "found")
#: Those of them that judge what a scan reads; the others are about things that only their own commands bring.
SCAN_MODULES = ("objects",)

_MODULES = {
    "detector": ("Detector",),
    "detectors": ("all_detectors",),
    "foreign": ("ForeignRules", "RulesProblem", "read_rules"),
    "look": ("SecretLook", "decode_secrets"),
    "making": ("make_scanner",),
    "scanner": ("Reading", "Scanner"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
