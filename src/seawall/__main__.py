"""``python -m seawall``."""

from seawall.cli.main import entry

entry()
