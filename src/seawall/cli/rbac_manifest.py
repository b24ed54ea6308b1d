"""Print the service account, role and binding with which a scan of a cluster is complete, for kubectl apply -f -."""

from __future__ import annotations

import argparse
import re
import sys

from seawall.cli.main import CommandError
from seawall.engine.rights import rights_manifest

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define the options of the command."""
    parser.add_argument("--name", default="seawall", help="of the account, the role and the binding (seawall)")
    parser.add_argument("--account-namespace", default="seawall", metavar="NAME", help="where the account is (seawall)")
    parser.add_argument("--with-secrets", action="store_true", help="also list Secrets, for the rules about them")


def run(args: argparse.Namespace) -> int:
    """Print the objects as YAML."""
    for option, value in (("--name", args.name), ("--account-namespace", args.account_namespace)):
        if not _NAME.match(value):
            raise CommandError(f"{option}: {value!r} is no name that Kubernetes takes: a-z, 0-9 and -, at most 63")
    import yaml

    class Plain(yaml.SafeDumper):
        """Without anchors: people read this."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    objects = rights_manifest(args.name, args.account_namespace, args.with_secrets)
    sys.stdout.write(yaml.dump_all(objects, Dumper=Plain, sort_keys=False, default_flow_style=False))
    return 0
