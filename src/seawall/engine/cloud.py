"""Judging managed clusters by what their providers tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import structs

from seawall.engine.reading import Supplied
from seawall.engine.result import ScanResult
from seawall.engine.scan import ScanOptions, scan
from seawall.sources.cloud import load_cloud


def judge_cloud(paths: Sequence[str], options: ScanOptions) -> ScanResult:
    """Judge the clusters and node pools of files with provider JSON; ``-`` is standard input.

    Raises:
        UnknownRule, ResultsError: as :func:`seawall.engine.scan.scan`.
    """
    files = tuple(dict.fromkeys(paths))
    supplied = {path: Supplied("cloud", partial(load_cloud, path), is_file=True) for path in files}
    read = structs.replace(options.read, paths=files, supplied=supplied)
    return scan(structs.replace(options, read=read))
