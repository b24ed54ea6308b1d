"""Trust: whether an image is from where it should be, by its name, its base, its age, and who signed and attested it.

`prepare` makes a policy ready, `judge_trust` judges an image by it. Verification is by the cryptography library, which
is imported when a policy names a signer; nothing here opens a file or a socket.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.analysis.trust.errors import BadPolicy
    from seawall.analysis.trust.form import Condition, TrustPolicy
    from seawall.analysis.trust.names import refused_name
    from seawall.analysis.trust.prepared import Prepared, prepare
    from seawall.analysis.trust.verdict import judge_trust

__all__ = ["BadPolicy", "Condition", "Prepared", "TrustPolicy", "judge_trust", "prepare", "refused_name"]

#: The modules under ``rules`` that define rules.
RULE_MODULES = ("names", "signatures")

_MODULES = {
    "errors": ("BadPolicy",),
    "form": ("Condition", "TrustPolicy"),
    "names": ("refused_name",),
    "prepared": ("Prepared", "prepare"),
    "verdict": ("judge_trust",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
