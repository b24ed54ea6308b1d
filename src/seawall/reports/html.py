"""The report as one self-contained HTML page: no outside assets, a strict Content-Security-Policy."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.reports import json

if TYPE_CHECKING:
    from seawall.engine import ScanResult
    from seawall.reports.view import View

_ASSETS = Path(__file__).parent / "assets"
#: What could end the script element or be read as markup inside it; JSON has these only inside strings.
_UNSAFE = "<>&\u2028\u2029"


def render(result: ScanResult, view: View) -> list[bytes]:
    """The page of a result."""
    return [page(b"".join(json.render(result, view))).encode()]


def page(report: bytes) -> str:
    """The page for a ``seawall.findings/v1`` document."""
    return fill("report", report)


def fill(name: str, document: bytes, base: str = "") -> str:
    """A page of the assets of a name (CSS, JavaScript, HTML), with a JSON document as its data.

    ``base`` names another page whose style comes first.
    """
    style, script, text = ((_ASSETS / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js", "html"))
    if base:
        style = (_ASSETS / f"{base}.css").read_text(encoding="utf-8") + style
    data = document.decode("utf-8")
    for char in _UNSAFE:
        data = data.replace(char, f"\\u{ord(char):04x}")
    # The data goes in last, so that nothing in it is taken for a place to fill.
    for place, part in (("POLICY", _policy(style, script)), ("STYLE", style), ("SCRIPT", script), ("DATA", data)):
        text = text.replace(f"@@{place}@@", part, 1)
    return text


def _policy(style: str, script: str) -> str:
    """Only this style and this script; no markup from strings, no form, no other base, no picture but the icon."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()
