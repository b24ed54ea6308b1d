"""Lock files: what each form of them declares."""

from __future__ import annotations

import json

import pytest

from seawall.analysis.images import inventory_of
from tests.analysis.images.entries import Made

REQUIREMENTS = """# pinned
requests[security]==2.31.0 ; python_version >= "3.8" \\
    --hash=sha256:aa
Flask == 3.0.0  # web
django>=4.2
numpy==1.26.*
-r other.txt
celery===5.3.6
"""
POETRY = '[[package]]\nname = "rich"\nversion = "13.7.0"\ndescription = ""\n\n[metadata]\nlock-version = "2.0"\n'
UV = 'version = 1\n[[package]]\nname = "me"\nversion = "0.1"\nsource = { editable = "." }\n' \
    '[[package]]\nname = "idna"\nversion = "3.6"\nsource = { registry = "https://example.com/simple" }\n'  # fmt: skip
PIPFILE = json.dumps(
    {"default": {"idna": {"version": "==3.6"}, "x": {"git": "y"}}, "develop": {"pytest": {"version": "==8.0.0"}}}
)
LOCK_1 = json.dumps(
    {
        "lockfileVersion": 1,
        "dependencies": {
            "a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}},
            "alias": {"version": "npm:@s/real@3.1.0"},
            "git": {"version": "git+ssh://x#abc"},
        },
    }
)
LOCK_3 = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "me", "version": "1.0.0"},
            "packages/w": {"version": "1.0.0"},
            "node_modules/w": {"link": True, "resolved": "packages/w"},
            "node_modules/a": {"version": "1.0.0"},
            "node_modules/a/node_modules/@s/b": {"version": "2.0.0"},
            "node_modules/alias": {"version": "3.1.0", "name": "real"},
        },
    }
)
YARN_1 = """# yarn lockfile v1


"@babel/core@^7.0.0", "@babel/core@^7.1.0":
  version "7.23.0"
  resolved "https://example.com/core.tgz#aa"
  dependencies:
    version "^1.0.0"

lodash@^4.17.15:
  version "4.17.21"

"alias@npm:real@^1.0.0":
  version "1.2.3"
"""
YARN_BERRY = """__metadata:
  version: 6
  cacheKey: 8

"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1.0":
  version: 7.23.0
  resolution: "@babel/core@npm:7.23.0"

"alias@npm:real@^1.0.0":
  version: 1.2.3
  resolution: "real@npm:1.2.3"

"web@workspace:.":
  version: 0.0.0-use.local
  resolution: "web@workspace:."
"""
PNPM_5 = """lockfileVersion: 5.4

packages:

  /lodash/4.17.21:
    resolution: {integrity: x}
  /@s/b/1.0.0_react@17.0.0:
    dev: true
"""
PNPM_6 = """lockfileVersion: '6.0'
packages:
  /lodash@4.17.21:
    dev: false
  /@s/b@1.0.0(react@18.0.0):
    dev: true
"""
PNPM_9 = """lockfileVersion: '9.0'
importers:
  .: {}
packages:
  lodash@4.17.21:
    resolution: {}
  '@s/b@1.0.0':
    x: y
snapshots:
  lodash@4.17.21: {}
  '@s/b@1.0.0(react@18.0.0)':
    dependencies:
      react: 18.0.0
"""
GO_MOD = """module example.com/me

go 1.22
require github.com/pkg/errors v0.9.1 // a comment
require (
	golang.org/x/net v0.1.0
	example.com/local v1.0.0 // indirect
	github.com/Azure/go v1.2.3+incompatible
)
replace golang.org/x/net => golang.org/x/net v0.17.0
replace (
	example.com/local => ../local
)
exclude example.com/no v1.0.0
"""
GO_SUM = "golang.org/x/net v0.1.0/go.mod h1:a=\ngolang.org/x/net v0.1.0 h1:a=\ngolang.org/x/net v0.17.0 h1:b=\n"
CARGO = """version = 3
[[package]]
name = "ring"
version = "0.17.5"
source = "registry+https://example.com"
[[package]]
name = "me"
version = "0.1.0"
"""
POM = """<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>p</groupId>
<version>9.9</version></parent><properties><log4j.version>2.14.1</log4j.version><loop>${loop}</loop></properties>
<dependencyManagement><dependencies><dependency><groupId>m</groupId><artifactId>m</artifactId><version>1</version>
</dependency></dependencies></dependencyManagement><dependencies>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId>
<version>${log4j.version}</version></dependency>
<dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId>
<version>${project.version}</version></dependency>
<dependency><groupId>g</groupId><artifactId>none</artifactId></dependency>
<dependency><groupId>g</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
<dependency><groupId>g</groupId><artifactId>looped</artifactId><version>${loop}</version></dependency>
</dependencies></project>"""
GRADLE = "# a comment\norg.slf4j:slf4j-api:2.0.9=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n"
GEMFILE = """PATH
  remote: .
  specs:
    me (0.1.0)
      rack

GEM
  remote: https://rubygems.org/
  specs:
    nokogiri (1.15.4-x86_64-linux)
      racc (~> 1.4)
    rack (3.0.8)

PLATFORMS
  ruby

DEPENDENCIES
  rack (~> 3.0)
"""
COMPOSER = json.dumps(
    {"packages": [{"name": "a/b", "version": "v1.0.0"}], "packages-dev": [{"name": "c/d", "version": "2.0"}]}
)
NUGET = json.dumps(
    {
        "version": 1,
        "dependencies": {"net8.0": {"A": {"type": "Direct", "resolved": "1.0.0"}, "me": {"type": "Project"}}},
    }
)
CONAN_2 = json.dumps({"version": "0.5", "requires": ["zlib/1.2.13#97d5730b529b4224045fe7090592d4c1%1692672717.049"]})
CONAN_1 = json.dumps(
    {"graph_lock": {"nodes": {"0": {"ref": "me/1@"}, "1": {"ref": "openssl/3.0.0@a/stable#x"}}}, "version": "0.4"}
)
MIX = """%{
  "jason": {:hex, :jason, "1.4.1", "aa", [:mix], [], "hexpm", "bb"},
  "g": {:git, "https://x", "ab", []},
}
"""
PUB = """packages:
  http:
    dependency: "direct main"
    description:
      name: http
    source: hosted
    version: "1.1.0"
  flutter:
    source: sdk
    version: "0.0.0"
sdks:
  dart: ">=3.0.0"
"""

CASES = [
    ("requirements.txt", REQUIREMENTS, "pypi", {("requests", "2.31.0"), ("Flask", "3.0.0"), ("celery", "5.3.6")}),
    ("requirements/prod.txt", "idna==3.6", "pypi", {("idna", "3.6")}),
    ("poetry.lock", POETRY, "pypi", {("rich", "13.7.0")}),
    ("uv.lock", UV, "pypi", {("idna", "3.6")}),
    ("pdm.lock", POETRY, "pypi", {("rich", "13.7.0")}),
    ("pylock.toml", 'lock-version = "1.0"\n[[packages]]\nname = "a"\nversion = "1"\n', "pypi", {("a", "1")}),
    ("Pipfile.lock", PIPFILE, "pypi", {("idna", "3.6"), ("pytest", "8.0.0")}),
    ("package-lock.json", LOCK_1, "npm", {("a", "1.0.0"), ("b", "2.0.0"), ("@s/real", "3.1.0")}),
    ("package-lock.json", LOCK_3, "npm", {("a", "1.0.0"), ("@s/b", "2.0.0"), ("real", "3.1.0")}),
    ("yarn.lock", YARN_1, "npm", {("@babel/core", "7.23.0"), ("lodash", "4.17.21"), ("real", "1.2.3")}),
    ("yarn.lock", YARN_BERRY, "npm", {("@babel/core", "7.23.0"), ("real", "1.2.3")}),
    ("pnpm-lock.yaml", PNPM_5, "npm", {("lodash", "4.17.21"), ("@s/b", "1.0.0")}),
    ("pnpm-lock.yaml", PNPM_6, "npm", {("lodash", "4.17.21"), ("@s/b", "1.0.0")}),
    ("pnpm-lock.yaml", PNPM_9, "npm", {("lodash", "4.17.21"), ("@s/b", "1.0.0")}),
    (
        "go.mod",
        GO_MOD,
        "golang",
        {
            ("github.com/pkg/errors", "v0.9.1"),
            ("golang.org/x/net", "v0.17.0"),
            ("github.com/Azure/go", "v1.2.3+incompatible"),
        },
    ),
    ("go.sum", GO_SUM, "golang", {("golang.org/x/net", "v0.17.0")}),
    ("Cargo.lock", CARGO, "cargo", {("ring", "0.17.5")}),
    ("pom.xml", POM, "maven", {("org.apache.logging.log4j:log4j-core", "2.14.1"), ("p:own", "9.9")}),
    ("gradle.lockfile", GRADLE, "maven", {("org.slf4j:slf4j-api", "2.0.9")}),
    ("Gemfile.lock", GEMFILE, "gem", {("nokogiri", "1.15.4"), ("rack", "3.0.8")}),
    ("composer.lock", COMPOSER, "composer", {("a/b", "1.0.0"), ("c/d", "2.0")}),
    ("packages.lock.json", NUGET, "nuget", {("A", "1.0.0")}),
    ("conan.lock", CONAN_2, "conan", {("zlib", "1.2.13")}),
    ("conan.lock", CONAN_1, "conan", {("openssl", "3.0.0")}),
    ("mix.lock", MIX, "hex", {("jason", "1.4.1")}),
    ("pubspec.lock", PUB, "pub", {("http", "1.1.0")}),
]


@pytest.mark.parametrize(
    ("name", "text", "kind", "expected"), CASES, ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)]
)
def test_what_is_declared(name: str, text: str, kind: str, expected: set[tuple[str, str]]) -> None:
    found = inventory_of("x", [Made(f"app/{name}", text.encode())])
    assert not found.not_looked
    assert {(package.name, package.version) for package in found.packages} == expected
    assert {package.type for package in found.packages} == {kind}
    assert all(package.declared and package.locations == (f"app/{name}",) for package in found.packages)


@pytest.mark.parametrize(
    "name",
    [
        "poetry.lock",
        "Pipfile.lock",
        "package-lock.json",
        "Cargo.lock",
        "pom.xml",
        "composer.lock",
        "packages.lock.json",
        "conan.lock",
    ],
)
def test_nonsense_is_told(name: str) -> None:
    found = inventory_of("x", [Made(f"app/{name}", b"{nonsense")])
    assert [problem.where for problem in found.not_looked] == [f"app/{name}"]


def test_bombs_of_xml_and_depth_are_refused() -> None:
    laughs = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><project>&c;</project>'
    deep = b'{"dependencies":' + b'{"a":{"version":"1.0.0","dependencies":' * 400 + b"{}" + b"}}" * 400 + b"}"
    entries = [Made("a/pom.xml", laughs), Made("b/pom.xml", b"<a>" * 5000), Made("c/package-lock.json", deep)]
    assert {problem.where for problem in inventory_of("x", entries).not_looked} == {entry.path for entry in entries}


def test_lock_files_of_other_peoples_packages_do_not_count() -> None:
    entries = [
        Made("app/node_modules/a/yarn.lock", YARN_1.encode()),
        Made("usr/lib/python3/dist-packages/a/requirements.txt", REQUIREMENTS.encode()),
        Made("root/go/pkg/mod/a/go.mod", GO_MOD.encode()),
    ]
    assert not inventory_of("x", entries).packages


def test_go_sum_beside_go_mod_says_nothing_more() -> None:
    found = inventory_of("x", [Made("go.mod", GO_MOD.encode()), Made("go.sum", GO_SUM.encode())])
    assert {package.locations[0] for package in found.packages} == {"go.mod"}


def test_what_only_development_needs_is_marked() -> None:
    lock = {
        "packages": {
            "node_modules/a": {"version": "1.0.0", "dev": True},
            "node_modules/b": {"version": "1.0.0", "dev": True},
            "node_modules/c/node_modules/b": {"version": "1.0.0"},
        }
    }
    entries = [
        Made("a/package-lock.json", json.dumps(lock).encode()),
        Made("b/composer.lock", COMPOSER.encode()),
        Made("c/Pipfile.lock", PIPFILE.encode()),
        Made("d/pnpm-lock.yaml", PNPM_6.encode()),
        Made("e/pubspec.lock", PUB.replace("direct main", "direct dev").encode()),
    ]
    marked = {package.name for package in inventory_of("x", entries).packages if package.development}
    assert marked == {"a", "c/d", "pytest", "@s/b", "http"}
