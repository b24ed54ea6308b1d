"""Where images are found and how registries are spoken to, for every command that reads images."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from seawall.cli.main import CommandError
from seawall.model.finding import Severity

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Arguments

    from seawall.engine.images import ImageOptions
    from seawall.engine.imagesecrets import ImageSecretJudge
    from seawall.engine.malware import MalwareJudge, MalwareSearch
    from seawall.sources.registry.client import RegistryOptions


def add_place_arguments(parser: Arguments, *, offline: bool = True) -> None:
    """Define where images are found, whichever command reads them; ``offline`` where nothing else defines that."""
    parser.add_argument("--platform", metavar="OS/ARCH", help="of an index (default: linux on this architecture)")
    parser.add_argument("--store", default="", metavar="DIR", help="the folder of containerd's or CRI-O's store")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor keep what was found in layers")
    add_registry_arguments(parser, offline=offline)


def add_registry_arguments(parser: Arguments, *, offline: bool = True) -> None:
    """Define how registries are spoken to."""
    if offline:
        parser.add_argument("--offline", action="store_true", help="never open a socket")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP, and certificates nobody vouches for")
    parser.add_argument("--anonymous", action="store_true", help="use no stored login")
    parser.add_argument(
        "--mirror", action="append", default=[], metavar="HOST=URL", help="ask this first for a registry's images"
    )


def image_options(args: argparse.Namespace) -> ImageOptions:
    """What the arguments of :func:`add_place_arguments` ask for.

    Raises:
        CommandError: they make no sense.
    """
    from seawall.engine.images import ImageOptions
    from seawall.sources.images.cache import cache_folder
    from seawall.sources.images.errors import ImageError
    from seawall.sources.images.manifest import parse_platform
    from seawall.sources.images.places import PlaceOptions

    try:
        platform = parse_platform(args.platform) if args.platform else None
    except ImageError as error:
        raise CommandError(str(error)) from error
    place = PlaceOptions(platform, registry_options(args), args.store, args.offline)
    return ImageOptions(place, None if args.no_cache else cache_folder(os.environ))


def registry_options(args: argparse.Namespace) -> RegistryOptions:
    """What the arguments of :func:`add_registry_arguments` ask for.

    Raises:
        CommandError: a mirror makes no sense.
    """
    from seawall.sources.registry.client import RegistryOptions
    from seawall.sources.web.address import split
    from seawall.sources.web.errors import WebError

    mirrors = []
    for item in args.mirror:
        host, equals, url = item.partition("=")
        if not host or not equals or not url:
            raise CommandError(f"--mirror {item} says not what is mirrored where; write it as docker.io=https://HOST")
        if url.startswith("http://") and not args.insecure:
            raise CommandError(f"the mirror {url} speaks plain HTTP; use https://, or allow it with --insecure")
        try:
            split(url, f"the mirror {url}")
        except WebError as error:
            raise CommandError(f"{error}; write it as docker.io=https://HOST") from error
        mirrors.append((host, url))
    return RegistryOptions(args.insecure, tuple(mirrors), args.anonymous)


def add_set_arguments(parser: Arguments) -> None:
    """Define what malware is searched for by, for every command that searches."""
    parser.add_argument(
        "--yara", action="append", default=[], metavar="PATH", help="a file or folder of YARA rules; repeatable"
    )
    parser.add_argument(
        "--hashes", action="append", default=[], metavar="FILE", help="digests of known-bad files; repeatable"
    )


def add_secret_arguments(parser: Arguments) -> None:
    """Define how images are searched for secrets."""
    parser.add_argument("--secrets", action="store_true", help="search for secrets, in deleted files and history too")
    parser.add_argument(
        "--secret-rules", action="append", default=[], metavar="FILE", help="rules in gitleaks' form; repeatable"
    )


def secret_judge(args: argparse.Namespace) -> ImageSecretJudge:
    """What searches images for secrets, and judges by the waivers of the project.

    Raises:
        CommandError: rules cannot be used, or the configuration is wrong.
    """
    from seawall.engine.accepting import Accepting
    from seawall.engine.catalogue import load_rules
    from seawall.engine.config import ConfigError, load_project
    from seawall.engine.imagesecrets import ImageSecretJudge
    from seawall.engine.secrets import SecretOptions, SecretsProblem

    try:
        accepting = Accepting(load_rules(("secrets",)), load_project(args.config))
        return ImageSecretJudge(SecretOptions(tuple(args.secret_rules), Severity(args.severity)), accepting)
    except (ConfigError, SecretsProblem) as error:
        raise CommandError(str(error)) from error


def searches(args: argparse.Namespace) -> bool:
    """Whether malware is searched for."""
    return bool(args.malware or args.yara or args.hashes)


def search_of(args: argparse.Namespace) -> MalwareSearch:
    """The search that the arguments of :func:`add_set_arguments` ask for.

    Raises:
        CommandError: a set cannot be used.
    """
    from seawall.engine.malware import MalwareOptions, MalwareProblem, prepare

    try:
        return prepare(MalwareOptions(tuple(args.yara), tuple(args.hashes)))
    except MalwareProblem as error:
        raise CommandError(str(error)) from error


def malware_judge(args: argparse.Namespace) -> MalwareJudge:
    """What judges by that search, and by the waivers of the project.

    Raises:
        CommandError: a set cannot be used, or the configuration is wrong.
    """
    from seawall.engine.accepting import Accepting
    from seawall.engine.catalogue import load_rules
    from seawall.engine.config import ConfigError, load_project
    from seawall.engine.malware import MalwareJudge

    try:
        accepting = Accepting(load_rules(("malware",)), load_project(args.config))
    except ConfigError as error:
        raise CommandError(str(error)) from error
    return MalwareJudge(search_of(args), accepting)
