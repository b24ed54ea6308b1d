"""Values of ConfigMaps that say something of people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.credential_names import is_placeholder
from seawall.model.finding import Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import ConfigMap
    from seawall.model.rule import Context

_CONFIG_MAPS = "https://kubernetes.io/docs/concepts/configuration/configmap/"
#: More of a value is not looked at; the API server takes a mebibyte in all.
_MOST = 1 << 20
# The patterns are compiled when they are first used: most scans meet no ConfigMap.
_PERSONAL_LINE = r"""(?im)^[ \t]*["']?(?:user[_-]?name|e-?mail|phone|iban)["']?[ \t]*[:=][ \t]*["']?[^\s"',]{3,}"""
_PERSONAL_KEY = r"(?i)(?:\A|[._-])(?:user[_-]?name|e-?mail|phone|iban)(?:\Z|[._-])"


@rule(
    "config-map-personal-data",
    title="Names or addresses of people in a ConfigMap",
    severity=Severity.INFO,
    scope=Scope.SECRET,
    on="ConfigMap",
    why="Account names and mail addresses are what an attacker tries passwords and sends lures with.",
    remediation="Move the value into a Secret if it belongs to a person.",
    aliases="KSV-01010",
    references=(_CONFIG_MAPS,),
    default=False,
    notes="Told by keys, and by lines of files, such as username, email, phone and iban.",
)
def config_map_personal_data(config: ConfigMap, ctx: Context) -> Hits:
    for key, value in config.data.items():
        if re.search(_PERSONAL_KEY, key) and value.strip() and not is_placeholder(value):
            yield Hit(f"the key {key!r} says something of a person", ("data", key), secret=True)
        elif re.search(_PERSONAL_LINE, value[:_MOST]):
            yield Hit(f"the file {key!r} says something of a person", ("data", key), secret=True)
