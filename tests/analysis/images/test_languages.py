"""Packages of languages that are installed: by pip and npm themselves, the others as their tools write them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from seawall.analysis.images import inventory_of
from seawall.model.images import Package
from seawall.model.purl import make_purl
from tests.analysis.images.entries import Made, walk


def packages(*entries: Made) -> list[Package]:
    found = inventory_of("x", entries)
    assert not found.not_looked
    return list(found.packages)


def named(*entries: Made) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in packages(*entries)]


def _wheel(folder: Path) -> Path:
    path = folder / "Tide_Table-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        info = "Tide_Table-1.2.0.dist-info"
        wheel.writestr("tide_table.py", "x = 1\n")
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: Tide_Table\nVersion: 1.2.0\nLicense: MIT\n\nName: not-me\nVersion: 9\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\ntide=tide_table:x\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_what_pip_installs(tmp_path: Path) -> None:
    root = tmp_path / "root"
    target = root / "usr/local/lib/python3.11/site-packages"
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "--target", str(target), str(_wheel(tmp_path))], check=True, capture_output=True)
    found = inventory_of("x", walk(root))
    (package,) = found.packages
    assert (package.type, package.name, package.version) == ("pypi", "Tide_Table", "1.2.0")
    assert package.purl == "pkg:pypi/tide-table@1.2.0"
    assert package.licences == ("MIT",)
    base = "usr/local/lib/python3.11/site-packages"
    assert f"{base}/tide_table.py" in package.files
    assert package.locations == (f"{base}/Tide_Table-1.2.0.dist-info/METADATA",)


def test_as_pip_tells_of_this_environment() -> None:
    pip = [sys.executable, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    told = json.loads(subprocess.run(pip, check=True, capture_output=True, text=True).stdout)
    places = [Path(place) for place in sys.path if place.endswith("-packages") and Path(place).is_dir()]
    found = [package for place in places for package in inventory_of("x", walk(place)).packages]
    installed = {
        (package.purl, package.locations[0]) for package in found if package.type == "pypi" and not package.declared
    }
    assert {purl for purl, _ in installed} >= {make_purl("pypi", "", item["name"], item["version"]) for item in told}
    assert len(installed) <= len(told) + 5, "vendored copies that pip does not count, at the most"


def test_what_npm_installs(tmp_path: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    for name, manifest in {
        "gull": {"name": "@sea/gull", "version": "2.0.1", "license": "ISC"},
        "web": {"name": "web", "version": "1.0.0", "dependencies": {"@sea/gull": "file:../gull-2.0.1.tgz"}},
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "package.json").write_text(json.dumps(manifest))
    npm = ["npm", "--offline", "--no-audit", "--no-fund", "--cache", str(tmp_path / "cache")]
    subprocess.run([*npm, "pack", "--silent"], cwd=tmp_path / "gull", check=True, capture_output=True)
    (tmp_path / "gull" / "sea-gull-2.0.1.tgz").rename(tmp_path / "gull-2.0.1.tgz")
    subprocess.run([*npm, "install"], cwd=tmp_path / "web", check=True, capture_output=True)
    found = inventory_of("x", walk(tmp_path / "web"))
    proven = [package for package in found.packages if not package.declared]
    assert [(package.name, package.version, package.purl, package.licences) for package in proven] == [
        ("@sea/gull", "2.0.1", "pkg:npm/%40sea/gull@2.0.1", ("ISC",))
    ]
    locked = [package for package in found.packages if package.declared]
    assert [(package.name, package.version) for package in locked] == [("@sea/gull", "2.0.1")] * len(locked)
    assert locked


def test_node_manifests_that_are_no_packages() -> None:
    assert named(
        Made("app/package.json", b'{"name": "app", "version": "1.0.0"}'),
        Made("app/node_modules/a/package.json", b'{"name": "a", "version": "1.0.0"}'),
        Made("app/node_modules/a/esm/package.json", b'{"type": "module", "name": "no", "version": "1"}'),
        Made("app/node_modules/b/package.json", b'{"private": true}'),
        Made("app/node_modules/a/node_modules/@s/c/package.json", b'{"name": "@s/c", "version": "v3.0.0"}'),
    ) == [("@s/c", "3.0.0"), ("a", "1.0.0")]


def test_eggs() -> None:
    text = b"Name: six\nVersion: 1.16.0\nClassifier: License :: OSI Approved :: MIT License\n"
    found = packages(
        Made("usr/lib/python3/dist-packages/six-1.16.0.egg-info", text),
        Made("opt/x/site-packages/six-1.16.0.egg-info/PKG-INFO", text),
        Made("opt/x/site-packages/six-1.16.0.egg-info/installed-files.txt", b"../six.py\nPKG-INFO\n"),
        Made("opt/y/six-1.16.0-py3.9.egg/EGG-INFO/PKG-INFO", text),
        Made("opt/x/six/METADATA", b"nothing of that kind"),
    )
    assert [package.locations[0].split("/")[0:2] for package in found] == [["opt", "x"], ["opt", "y"], ["usr", "lib"]]
    assert found[0].files == (
        "opt/x/site-packages/six.py",
        "opt/x/site-packages/six-1.16.0.egg-info/PKG-INFO",
    )
    assert found[0].licences == ("MIT License",)


def test_a_language_package_of_a_distribution_package_is_marked() -> None:
    place = "usr/lib/python3/dist-packages/requests-2.28.1.egg-info"
    found = packages(
        Made(f"{place}/PKG-INFO", b"Name: requests\nVersion: 2.28.1\n"),
        Made("opt/requests-2.31.0.dist-info/METADATA", b"Name: requests\nVersion: 2.31.0\n"),
        Made("var/lib/dpkg/info/python3-requests.list", f"/.\n/usr\n/{place}\n/{place}/PKG-INFO\n".encode()),
        Made(
            "var/lib/dpkg/status",
            b"Package: python3-requests\nStatus: install ok installed\nVersion: 2.28.1+dfsg-1\nArchitecture: all\n",
        ),
    )
    owners = {(package.name, package.version): package.owner for package in found}
    assert owners["requests", "2.28.1"] == "python3-requests"
    assert owners["requests", "2.31.0"] == ""


def test_gems() -> None:
    stubbed = b"# -*- encoding: utf-8 -*-\n# stub: nokogiri 1.15.4 x86_64-linux lib\nGem::Specification.new do |s|\n" \
        b'  s.name = "nokogiri".freeze\n  s.licenses = ["MIT".freeze]\nend\n'  # fmt: skip
    plain = b"Gem::Specification.new do |s|\n  s.name = %q{rake}\n  s.version = \"13.0.6\"\n  s.license = 'MIT'\nend\n"
    found = packages(
        Made("usr/lib/ruby/gems/3.1.0/specifications/nokogiri-1.15.4-x86_64-linux.gemspec", stubbed),
        Made("usr/lib/ruby/gems/3.1.0/specifications/default/rake-13.0.6.gemspec", plain),
        Made("usr/lib/ruby/gems/3.1.0/gems/rake-13.0.6/rake.gemspec", b"raise 'never read'"),
    )
    assert [(package.name, package.version, package.purl, package.licences) for package in found] == [
        ("nokogiri", "1.15.4", "pkg:gem/nokogiri@1.15.4?platform=x86_64-linux", ("MIT",)),
        ("rake", "13.0.6", "pkg:gem/rake@13.0.6", ("MIT",)),
    ]


@pytest.mark.parametrize("wrap", [True, False])
def test_composer(wrap: bool) -> None:
    entries = [{"name": "symfony/http-kernel", "version": "v6.4.1", "license": ["MIT"]}, {"name": "x"}, 3]
    text = json.dumps({"packages": entries, "dev": False} if wrap else entries).encode()
    (found,) = packages(Made("app/vendor/composer/installed.json", text))
    assert (found.name, found.version) == ("symfony/http-kernel", "6.4.1")
    assert (found.purl, found.licences) == ("pkg:composer/symfony/http-kernel@6.4.1", ("MIT",))


def test_dotnet() -> None:
    text = json.dumps(
        {
            "libraries": {
                "App/1.0.0": {"type": "project"},
                "Newtonsoft.Json/13.0.1": {"type": "package"},
                "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"},
            }
        }
    ).encode()
    assert named(Made("app/App.deps.json", text)) == [
        ("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1"),
        ("Newtonsoft.Json", "13.0.1"),
    ]


def test_conda() -> None:
    values = {
        "name": "numpy",
        "version": "1.26.4",
        "build": "py311_0",
        "subdir": "linux-64",
        "channel": "https://conda.example.com/conda-forge/linux-64",
        "license": "BSD-3-Clause",
        "files": ["lib/python3.11/site-packages/numpy/__init__.py"],
    }
    (found,) = packages(Made("opt/conda/conda-meta/numpy-1.26.4-py311_0.json", json.dumps(values).encode()))
    assert found.purl == "pkg:conda/numpy@1.26.4?build=py311_0&channel=conda-forge&subdir=linux-64"
    assert found.files == ("opt/conda/lib/python3.11/site-packages/numpy/__init__.py",)


def test_bitnami() -> None:
    reference = {"referenceType": "purl", "referenceLocator": "pkg:bitnami/redis@7.2.4-3?arch=amd64&distro=debian-12"}
    values = {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {"name": "redis", "licenseConcluded": "BSD-3-Clause", "externalRefs": [reference]},
            {"name": "x", "externalRefs": [{"referenceLocator": "pkg:github/a/b@1"}, {"referenceLocator": "nonsense"}]},
        ],
    }
    (found,) = packages(Made("opt/bitnami/redis/.spdx-redis.spdx", json.dumps(values).encode()))
    assert (found.type, found.name, found.version, found.licences) == ("bitnami", "redis", "7.2.4-3", ("BSD-3-Clause",))
