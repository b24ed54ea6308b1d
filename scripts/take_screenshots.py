"""The README's pictures: the HTML report and the terminal report, taken with headless Chromium."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_STYLES = {
    "0": None,
    "1": "font-weight:bold",
    "2": "opacity:.6",
    "32": "color:#7ee787",
    "1;97;41": "font-weight:bold;color:#fff;background:#b62324",
    "1;31": "font-weight:bold;color:#ff7b72",
    "1;33": "font-weight:bold;color:#e3b341",
    "1;34": "font-weight:bold;color:#79c0ff",
    "1;36": "font-weight:bold;color:#56d4dd",
}


def shoot(page: Path, image: Path, width: int, height: int) -> None:
    """Take a picture of a page."""
    with tempfile.TemporaryDirectory() as profile:
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
        command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        command += [f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={image}"]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True, timeout=120)


def terminal_page(text: str) -> str:
    """Coloured terminal output as a page."""
    out = ["<!doctype html><meta charset=utf-8><body style='margin:0;background:#0d1117;color:#e6edf3'>"]
    out.append("<pre style='font:14px/1.45 monospace;padding:18px;margin:0;white-space:pre-wrap'>")
    position = 0
    for match in _SGR.finditer(text):
        out.append(html.escape(text[position : match.start()]))
        style = _STYLES.get(match[1])
        out.append(f"<span style='{style}'>" if style else "</span>")
        position = match.end()
    return "".join([*out, html.escape(text[position:]), "</pre>"])


def main() -> int:
    """Take both pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    shoot(ROOT / "out" / "report.html", IMAGES / "report.png", 1280, 900)
    code = (
        "from seawall.cli import output; output.wants_colour = lambda: True; from seawall.cli.main import main; "
        "main(['scan', 'examples/shop', '--limit', '4', '--fail-on', 'none'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False) as page:
        page.write(terminal_page(done.stdout))
    shoot(Path(page.name), IMAGES / "terminal.png", 1100, 720)
    Path(page.name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
