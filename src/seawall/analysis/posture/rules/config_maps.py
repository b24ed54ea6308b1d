"""Values of ConfigMaps that are files, or that say something of people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from seawall.model.credential_names import is_placeholder, looks_like_credential
from seawall.model.finding import Confidence, Severity
from seawall.model.rule import Hit, Hits, Scope, rule

if TYPE_CHECKING:
    from seawall.model.kube.config import ConfigMap
    from seawall.model.rule import Context

_SECRETS = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"
_CONFIG_MAPS = "https://kubernetes.io/docs/concepts/configuration/configmap/"
#: More of a value is not looked at; the API server takes a mebibyte in all.
_MOST = 1 << 20
# The patterns are compiled when they are first used: most scans meet no ConfigMap.
#: A line that sets a name that only credentials have; the value ends with the line.
_SETTING = (
    r"(?im)"
    r"""^[ \t]*(?:export[ \t]+)?["']?((?:[\w-]{0,60}[._-])?(?:password|passwd|passphrase|secret[_-]?key|api[_-]?key"""
    r"""|access[_-]?key|client[_-]?secret|auth[_-]?token))["']?[ \t]*[:=][ \t]*["']?([^\s"',]{6,200})["']?,?[ \t]*$"""
)
_PERSONAL_LINE = r"""(?im)^[ \t]*["']?(?:user[_-]?name|e-?mail|phone|iban)["']?[ \t]*[:=][ \t]*["']?[^\s"',]{3,}"""
_PERSONAL_KEY = r"(?i)(?:\A|[._-])(?:user[_-]?name|e-?mail|phone|iban)(?:\Z|[._-])"


@rule(
    "config-map-file-credential",
    title="Credential in a file of a ConfigMap",
    severity=Severity.MEDIUM,
    scope=Scope.SECRET,
    on="ConfigMap",
    why="ConfigMaps are not encrypted at rest, and far more people and programs may read them than Secrets.",
    remediation="Put the file into a Secret, or let the program read the value from one, and replace the credential.",
    controls="mitre-attack:T1552.001 nsa-cisa:secrets",
    aliases="KSV-0109 C-0012",
    references=(_SECRETS,),
    notes="Told by lines such as password=...; values that are paths, addresses, switches, numbers or placeholders "
    "pass, as do keys that config-map-credential tells of.",
)
def config_map_file_credential(config: ConfigMap, ctx: Context) -> Hits:
    for key, value in config.data.items():
        if looks_like_credential(key, value):
            continue
        found = [match[1] for match in re.finditer(_SETTING, value[:_MOST]) if not is_placeholder(match[2])]
        if found:
            message = f"the file {key!r} sets {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
            yield Hit(message, ("data", key), confidence=Confidence.LOW, secret=True)


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
