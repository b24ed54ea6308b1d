"""Auditing kubeconfigs: their contents by the rules that a scan has, and how they lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from msgspec import structs

from seawall.engine.reading import Supplied
from seawall.engine.result import ScanResult
from seawall.engine.scan import ScanOptions, scan
from seawall.model.finding import SourceError
from seawall.model.resource import Resource
from seawall.sources.kubeconfigs import audit_files, audited_paths, foreign_files
from seawall.sources.manifests import InputFile, Skipped, load_file

#: The path that stands for how the files lie on the machine.
MACHINE = "this machine"
_KUBECONFIG = ("v1", "Config")


def audit_kubeconfigs(named: Sequence[str], options: ScanOptions, others: bool = True) -> ScanResult:
    """Audit the files named, or those that kubectl would read; with ``others`` also look whose else can be read.

    What ``options`` says to read is not used. A file that is no kubeconfig is an error of the result.

    Raises:
        UnknownRule, ResultsError: as :func:`seawall.engine.scan.scan`.
    """
    paths = audited_paths(named, os.environ)
    supplied = {path: Supplied("kubeconfig", partial(_contents, path), is_file=True) for path in paths}

    def machine() -> Iterator[Resource | SourceError]:
        yield from audit_files(paths)
        if others:
            yield from foreign_files(paths, os.getuid())

    supplied[MACHINE] = Supplied("machine", machine)
    read = structs.replace(options.read, paths=(*paths, MACHINE), supplied=supplied)
    return scan(structs.replace(options, read=read))


def _contents(path: str) -> Iterator[Resource | SourceError | Skipped]:
    """The kubeconfig in a file."""
    found = False
    for loaded in load_file(InputFile(path, "", named=True)):
        broken = isinstance(loaded, SourceError)
        if broken or (isinstance(loaded, Resource) and (loaded.ref.api_version, loaded.ref.kind) == _KUBECONFIG):
            found = True
            yield loaded
    if not found:
        message = "is no kubeconfig: it needs apiVersion: v1 and kind: Config"
        yield SourceError(path, "", message, unreadable=True)
