"""The report as one self-contained HTML page: no outside assets, a strict Content-Security-Policy."""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

_ASSETS = Path(__file__).parent / "assets"
#: What could end the script element or be read as markup inside it.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render(report: bytes) -> str:
    """The page for a ``seawall.findings/v1`` document."""
    style = (_ASSETS / "report.css").read_text(encoding="utf-8")
    script = (_ASSETS / "report.js").read_text(encoding="utf-8")
    data = report.decode("utf-8").translate(_ESCAPES)
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:"
    page = (_ASSETS / "report.html").read_text(encoding="utf-8")
    # The data goes in last, so that nothing in it is taken for a place to fill.
    for name, text in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script), ("DATA", data)):
        page = page.replace(f"@@{name}@@", text, 1)
    return page


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()
